"""What is asked: one question with everything that goes with it, the same object from every door to the agent.

A name of a video, an agent or a searcher is kept as it was typed: whoever knows what there is checks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from lvqa.errors import UsageError
from lvqa.types.times import Span
from lvqa.types.videos import SOURCES, Source

if TYPE_CHECKING:
    from lvqa.settings import Settings


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that one question may take: frames shown to a model, VLM calls, tokens in and out, wall seconds, money.

    No call is begun beyond it; one already begun is not waited for beyond the seconds, and its reply may run over the
    tokens and the money.
    `money` is in the currency of the prices, and 0 is no limit.
    """

    frames: int = 32
    vlm_calls: int = 24
    tokens: int = 200_000
    seconds: float = 120.0
    money: float = 0.0

    def __post_init__(self) -> None:
        if not min(self.frames, self.vlm_calls, self.tokens, self.money) >= 0 or not self.seconds > 0:
            raise UsageError(f"a budget cannot be negative, and its seconds must be above zero; got {self}")

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        frames: int | None = None,
        seconds: float | None = None,
        money: float | None = None,
    ) -> Budget:
        """The budget of the settings, with what is given in its place."""
        budget = cls(
            settings.budget_frames,
            settings.budget_vlm_calls,
            settings.budget_tokens,
            settings.budget_seconds,
            settings.budget_money,
        )
        given: dict[str, Any] = {"frames": frames, "seconds": seconds, "money": money}
        return replace(budget, **{name: value for name, value in given.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of an archive that a question or a search is about; what is left out is not restricted.

    `videos` are names as `Archive.show` and `Archive.search` take them: a path, a file name, an id, or a pattern.
    `between` is a stretch of each video, in seconds. `sources` are the only kinds of notes that may be used. Raises
    UsageError for an unknown source.
    """

    videos: tuple[str, ...] = ()
    between: Span | None = None
    sources: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        for source in self.sources:
            if source not in SOURCES:
                raise UsageError(f"there is no source {source!r}; there are: {', '.join(SOURCES)}")

    @classmethod
    def of(
        cls,
        videos: Sequence[str] | None = None,
        between: Span | tuple[float, float] | None = None,
        sources: Sequence[str] | None = None,
    ) -> Scope:
        """A scope as a person types it: None and nothing are no restriction, and two times make a span.

        Raises UsageError for times that are no stretch, and for an unknown source.
        """
        if between is not None and not isinstance(between, Span):
            try:
                between = Span(*between)
            except (TypeError, ValueError) as error:
                raise UsageError(f"bad time range {between!r}: {error}") from error
        return cls(tuple(videos or ()), between, cast("tuple[Source, ...]", tuple(sources or ())))


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and how it is to be answered: what every door hands on, and what the agent works from.

    `text` and `options` are kept without the white space around them; without options the question is open. `budget`,
    `agent` and `searcher` are those of the settings where they are None. `seed` decides all that is drawn: the same
    question, seed and models give the same answer. Raises UsageError for an empty text or option, and for one option.
    """

    text: str
    options: tuple[str, ...] = ()
    scope: Scope = Scope()
    budget: Budget | None = None
    seed: int = 0
    agent: str | None = None
    searcher: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", self.text.strip())
        object.__setattr__(self, "options", tuple(option.strip() for option in self.options))
        if not self.text:
            raise UsageError("the question is empty; write one")
        if len(self.options) == 1:
            raise UsageError("a multiple-choice question needs at least two options")
        if not all(self.options):
            raise UsageError("the option is empty; write one")

    def budget_in(self, settings: Settings) -> Budget:
        """The question's budget, or that of the settings where it names none."""
        return self.budget if self.budget is not None else Budget.of(settings)

    @classmethod
    def of(
        cls,
        question: str | Question,
        options: Sequence[str] | None = None,
        *,
        videos: Sequence[str] | None = None,
        between: Span | tuple[float, float] | None = None,
        sources: Sequence[str] | None = None,
        budget: Budget | None = None,
        seed: int = 0,
        agent: str | None = None,
    ) -> Question:
        """A question as a person types it, with its keywords; one that is ready made stays as it is, and goes alone.

        Raises UsageError as a Question and a Scope do, for options that are none, and for keywords beside a Question.
        """
        scope = Scope.of(videos, between, sources)
        if isinstance(question, Question):
            if (options, scope, budget, seed, agent) != (None, Scope(), None, 0, None):
                raise UsageError("a Question that is ready made holds its own options and limits; give it alone")
            return question
        if options is not None and not options:
            # An empty list is more likely a mistake than an open question.
            raise UsageError("a multiple-choice question needs at least two options")
        return cls(question, tuple(options or ()), scope, budget, seed, agent)
