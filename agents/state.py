"""What travels through the graph, and what rides beside it.

Nodes return only what they change. The state holds plain values, so that a checkpointer can keep it; the store, the
models and the ledger live in `Context`, LangGraph's `context_schema`, never in the state.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from lvqa.agents.baselines.presets import DEFAULT_AGENT
from lvqa.recall import merge
from lvqa.temporal.operators import Operator
from lvqa.tools.workbench import Workbench
from lvqa.types import Answer, Computation, Cost, Evidence, Hit, Keyframe, Note, Question, Span, Step
from lvqa.zoom import DEFAULT, Searcher

Kind = Literal[
    "existence",
    "attribute",
    "action",
    "place",
    "count",
    "when",
    "before_after",
    "order",
    "duration",
    "cause",
    "summary",
    "comparison",
    "text",
    "title",
    "speech",
    "how",
    "other",
]
KINDS: tuple[str, ...] = get_args(Kind)
Across = Literal["", "which", "first_only", "all", "not_all"]
"""Of several videos: in which something is, whether only in the first, in all, or not in all of them."""
OPTION = "{option}"
"""Stands for the options among a plan's events."""
# Where a sub-question takes in the answer to an earlier one, by its place from 0; and the answer that there is not yet.
HOLE, NO_ANSWER = re.compile(r"\{(\d{1,2})\}"), Answer("", None, 0.0, "absent")


def _forward(value: tuple[float, float]) -> tuple[float, float]:
    Span(*value)
    return value


Stretch = Annotated[tuple[float, float], AfterValidator(_forward)]
"""Start and end in seconds as a model writes them; validation fails where they are no `Span`."""


class SubQuestion(BaseModel):
    """A simpler question, and the earlier ones, by place from 0, whose answers it needs.

    A hole such as `{0}` in its text stands for the answer to the one at that place.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    needs: tuple[int, ...] = ()


class Plan(BaseModel):
    """What to look for: the kind of question, simpler questions, what answers it, what tends to be near, and phrases.

    `between` is a stretch of the video's time, in seconds, that the question itself names. `events` are what an
    operator over time (`compute`, see `lvqa.temporal.operators`) is to work on, or what the question asks about, each
    written like a caption; `{option}` stands for the options where those are what is looked for. `attribute` is what a
    question of that kind asks of its event, in a word; `negated` says that it asks for what is not there; `across` what
    is asked of several videos. `named` says that a model named targets and cues, as things that can be seen; rules only
    take words from the question.
    """

    model_config = ConfigDict(frozen=True)

    kind: Kind = "other"
    sub_questions: tuple[SubQuestion, ...] = Field(default=(), max_length=8)
    targets: tuple[str, ...] = Field(default=(), max_length=16)
    cues: tuple[str, ...] = Field(default=(), max_length=16)
    phrases: tuple[str, ...] = Field(default=(), max_length=16)
    between: Stretch | None = None
    events: tuple[str, ...] = Field(default=(), max_length=8)
    compute: Operator | None = None
    attribute: str = ""
    negated: bool = False
    across: Across = ""
    named: bool = False

    @field_validator("sub_questions", mode="before")
    @classmethod
    def _questions(cls, values: Any) -> Any:
        if not isinstance(values, list | tuple):
            return values
        made = [{"text": value} if isinstance(value, str) else value for value in values]
        return [value for value in made if not isinstance(value, dict) or str(value.get("text", "")).strip()]

    @field_validator("sub_questions")
    @classmethod
    def _on_earlier(cls, values: tuple[SubQuestion, ...]) -> tuple[SubQuestion, ...]:
        """Without needs of what comes later: nothing waits for itself."""
        wanted = [(*value.needs, *map(int, HOLE.findall(value.text))) for value in values]
        return tuple(
            value.model_copy(update={"needs": tuple(k for k in dict.fromkeys(wanted[n]) if 0 <= k < n)})
            for n, value in enumerate(values)
        )

    @field_validator("targets", "cues", "phrases", "events")
    @classmethod
    def _no_blanks(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value.strip() for value in values if value.strip()))


@dataclass(frozen=True, slots=True)
class Item:
    """A note, the path of its video, its recall score, its closeness to the question, and to each option's phrase."""

    note: Note
    video: str
    score: float
    closeness: float
    options: tuple[float, ...] = ()

    def evidence(self, score: float | None = None) -> Evidence:
        """The item as evidence, scored with its closeness unless told otherwise."""
        value = self.closeness if score is None else score
        return Evidence(self.video, self.note.span, self.note.text, self.note.source, value)


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement the answer rests on, the ids of the notes that it cites, and how well they support it, in [0, 1].

    `checked_by` says by what that was found out; empty where it is still to be.
    """

    text: str
    note_ids: tuple[str, ...]
    support: float = 0.0
    checked_by: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer before it is verified.

    `own` is the confidence that the model states, or None; `measured` that of who has looked for itself (a program over
    time), which needs no other; `closeness` is how near the best note comes to the question, in [0, 1]; `agreement` is
    the share of independent ways to the answer that agree, in [0, 1]; `missing` is what would have to be found.
    """

    text: str
    choice: int | None
    claims: tuple[Claim, ...]
    own: float | None = None
    measured: float | None = None
    closeness: float = 0.0
    agreement: float = 0.0
    missing: tuple[str, ...] = ()
    by: Literal["chat", "rules", "program"] = "rules"


NO_DRAFT = Draft("", None, ())


@dataclass(frozen=True, slots=True)
class SubAnswer:
    """What became of a sub-question.

    `text` is it as planned, at `place` from 0, `asked` with earlier answers put in; empty where it could not be asked,
    and `reason` says why. `items` are what supports the answer.
    """

    place: int
    text: str
    asked: str = ""
    answer: Answer = NO_ANSWER
    items: tuple[Item, ...] = ()
    reason: str = ""


def merge_hits(old: Sequence[Hit], new: Sequence[Hit]) -> list[Hit]:
    """Reducer: one ranking, a note once, with its best score."""
    return merge([old, new])


def union(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """Reducer: what is new behind what was there, nothing twice."""
    return list(dict.fromkeys([*old, *new]))


class State(TypedDict):
    """The graph's state. `round` counts the times that recall has run; `missing` is what the next one looks for.

    `surveys` says that the agent is a baseline that retrieves notes in its own way, by `survey`. `subs` is what became
    of sub-questions; `narrowed` is what is left to ask by their answers, and where; None for all that was asked. `cost`
    is what nodes that ended were charged, and `spent` what of the budget ran out: a run that is resumed has no other
    ledger of them.
    """

    plan: Plan
    subs: Annotated[list[SubAnswer], lambda old, new: sorted([*old, *new], key=lambda sub: sub.place)]
    narrowed: Question | None
    surveys: bool
    round: int
    tried: Annotated[list[str], union]
    missing: list[str]
    hits: Annotated[list[Hit], merge_hits]
    keyframes: Annotated[list[Keyframe], operator.add]
    looked: Annotated[list[Keyframe], operator.add]
    seen: Annotated[list[Note], operator.add]
    items: list[Item]
    computed: list[Computation]
    draft: Draft
    answer: Answer | None
    steps: Annotated[list[Step], operator.add]
    cost: Annotated[Cost, operator.add]
    spent: Annotated[list[str], union]


def initial() -> State:
    """The state that every question starts from: nothing planned, found, drafted or answered yet."""
    return State(
        plan=Plan(),
        subs=[],
        narrowed=None,
        surveys=False,
        round=0,
        tried=[],
        missing=[],
        hits=[],
        keyframes=[],
        looked=[],
        seen=[],
        items=[],
        computed=[],
        draft=NO_DRAFT,
        answer=None,
        steps=[],
        cost=Cost(),
        spent=[],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Context(Workbench):
    """What the nodes work with: the workbench of the tools, and the question, the same through all rounds.

    What the question leaves open is settled here: `agent` is a name of `lvqa.agents.baselines.presets.AGENTS`,
    `searcher` chooses keyframes (a name of `lvqa.zoom.SEARCHERS`, or one ready-made), `filter` is the question's scope
    in this index, `seed` the question's. `wording` is the question's text without the files that it names, where it
    names some: those say where to look, and stand on no frame. `part` says that the question is a sub-question, which
    is taken apart no more.
    """

    question: Question
    agent: str = DEFAULT_AGENT
    searcher: str | Searcher = DEFAULT
    wording: str = ""
    part: bool = False

    @property
    def options(self) -> tuple[str, ...]:
        """The answers to choose from; empty for an open question."""
        return self.question.options

    @property
    def words(self) -> str:
        """The question in its own words: of a sub-question without what is told to it as known."""
        return self.wording if self.part else self.question.text

    @property
    def asked(self) -> str:
        """What is searched for: the wording, else the question as it is."""
        return self.wording or self.question.text
