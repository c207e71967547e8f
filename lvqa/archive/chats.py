"""A chat with an archive: questions that may refer to the answers before them, and are remembered.

Knows what it asks only as `Asked`; how a follow-up is understood, and how turns are kept, is the agents'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lvqa import phrasing, render
from lvqa.archive.results import link_base, thumbnailer
from lvqa.errors import UsageError
from lvqa.types import Answer, Span, Step, Video

if TYPE_CHECKING:
    from lvqa.agents.chat.memory import Memory
    from lvqa.agents.chat.turns import Turn, Understood
    from lvqa.models.profiles import Models
    from lvqa.settings import Settings
    from lvqa.tools.ledger import Ledger
    from lvqa.types import Budget


class Asked(Protocol):
    """What a chat asks: an archive."""

    folder: Path
    settings: Settings

    @property
    def models(self) -> Models:
        """The models of all roles."""
        ...

    def videos(self) -> list[Video]:
        """Every video of the index."""
        ...

    def stream(
        self,
        question: str,
        options: Sequence[str] | None = None,
        *,
        videos: Sequence[str] | None = None,
        between: Span | tuple[float, float] | None = None,
        budget: Budget | None = None,
        seed: int = 0,
        agent: str | None = None,
    ) -> Iterator[Step | Answer]:
        """Every step, and the answer last."""
        ...


class Chat:
    """One conversation, made by `Archive.chat`. `id` resumes it later; `turns` are its questions and answers so far.

    `notice` says why it is kept in memory alone, where the index folder cannot be written; it is empty otherwise.
    """

    def __init__(self, archive: Asked, memory: Callable[[], Memory], id: str) -> None:
        self.id = id
        self.notice = memory().notice
        self._archive = archive
        self._memory = memory

    @property
    def turns(self) -> list[Turn]:
        """The questions that were answered, oldest first. Raises StoreError."""
        return self._memory().turns(self.id)

    def ask(
        self,
        question: str,
        options: Sequence[str] | None = None,
        *,
        on_step: Callable[[Step], None] | None = None,
        **given: Any,
    ) -> Answer:
        """Answer a question that may refer to the turns before it; keywords and errors as those of `Archive.ask`.

        The answer's `question` is what was asked; its first step tells what that was understood as. `videos` and
        `between` win over what the question refers to.
        """
        answer: Answer | None = None
        for event in self.stream(question, options, **given):
            if isinstance(event, Answer):
                answer = event
            elif on_step is not None:
                on_step(event)
        assert answer is not None, "the agent ended without an answer"
        return answer

    def stream(
        self,
        question: str,
        options: Sequence[str] | None = None,
        *,
        videos: Sequence[str] | None = None,
        between: Span | tuple[float, float] | None = None,
        budget: Budget | None = None,
        **given: Any,
    ) -> Iterator[Step | Answer]:
        """Like `ask`, as it happens: every Step, and the Answer last, by then kept as a turn.

        What understanding the question took counts in the answer's cost and budget.
        """
        from lvqa.agents.chat.memory import Asking
        from lvqa.agents.chat.turns import Turn
        from lvqa.tools.ledger import Ledger
        from lvqa.types import Budget
        from lvqa.tools.prices import Prices

        if not question.strip():
            raise UsageError("the question is empty; write one")
        durations = {video.path: video.duration_s for video in self._archive.videos()}
        chat = self._archive.models.chat  # loaded before the clock starts
        settings = self._archive.settings
        ledger = Ledger(budget if budget is not None else Budget.of(settings), prices=Prices.of(settings))
        found = self._memory().understand(self.id, question.strip(), Asking(durations, chat, ledger))
        step, cost = found.step(), ledger.cost
        where = tuple(videos) if videos else found.videos
        when = _span(between) if between is not None else found.between
        answering = self._answers(found, options, where, when, _left(ledger), bool(videos or between), given)

        def events() -> Iterator[Step | Answer]:
            yield step
            for event in answering:
                if not isinstance(event, Answer):
                    yield event
                    continue
                answer = replace(event, question=question.strip(), steps=(step, *event.steps), cost=event.cost + cost)
                self._memory().keep(self.id, Turn.answered(answer, found.question, where, when))
                yield answer

        return events()

    def _answers(
        self,
        found: Understood,
        options: Sequence[str] | None,
        videos: tuple[str, ...],
        between: Span | None,
        budget: Budget,
        narrowed: bool,
        given: dict[str, Any],
    ) -> Iterator[Step | Answer]:
        if found.empty and not narrowed:
            return iter([Answer(_sentence(found.why), None, 0.0, "absent", options=tuple(options or ()))])
        return self._archive.stream(
            found.question, options, videos=videos or None, between=between, budget=budget, **given
        )

    def __repr__(self) -> str:
        return f"Chat({self.id!r}, {phrasing.count(len(self.turns), 'turn')})"

    def _repr_html_(self) -> str:
        durations = {video.path: video.duration_s for video in self._archive.videos()}
        turns = [
            render.Said(t.question, t.understood, t.answer, t.confidence, t.abstained, t.evidence) for t in self.turns
        ]
        pictures, base = thumbnailer(self._archive.folder), link_base(self._archive.folder)
        return render.chat_html(self.id, turns, pictures, durations, base, note=self.notice)


def _left(ledger: Ledger) -> Budget:
    """What a ledger has left, as a budget of its own."""
    budget, cost = ledger.budget, ledger.cost
    return replace(
        budget,
        tokens=max(0, budget.tokens - cost.tokens_in - cost.tokens_out),
        seconds=max(0.001, budget.seconds - cost.seconds),
        # 0 would be no limit.
        money=max(1e-9, budget.money - cost.money) if budget.money > 0 else 0.0,
    )


def _span(between: Span | tuple[float, float]) -> Span:
    try:
        return between if isinstance(between, Span) else Span(*between)
    except (TypeError, ValueError) as error:
        raise UsageError(f"bad time range {between!r}: {error}") from error


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
