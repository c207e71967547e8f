"""What a question is answered with: the answer, its evidence and statements, its cost, and the steps towards it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from operator import add, attrgetter, sub
from typing import Any, ClassVar, Literal, get_args

from lvqa.types.times import Span
from lvqa.types.videos import Source

AnswerStatus = Literal["answered", "absent", "unseen", "stopped"]
ANSWER_STATUSES: tuple[str, ...] = get_args(AnswerStatus)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What supports a claim: a stretch of a video (by path), the text that says so, where it came from, its score."""

    video: str
    span: Span
    text: str
    source: Source
    score: float

    def to_dict(self) -> dict[str, Any]:
        """The fields that `lvqa ask --json` prints."""
        return {
            "video": self.video,
            "start_s": round(self.span.start_s, 3),
            "end_s": round(self.span.end_s, 3),
            "text": self.text,
            "source": self.source,
            "score": round(self.score, 4),
        }


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of an answer, the places in `Answer.evidence` of what it cites, and its support, in [0, 1]."""

    text: str
    evidence: tuple[int, ...]
    support: float

    def to_dict(self) -> dict[str, Any]:
        """The fields that `lvqa ask --json` prints below `statements`."""
        return {"text": self.text, "evidence": list(self.evidence), "support": round(self.support, 4)}


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event as an operator over time takes it: what, in which video (by path), when, by which notes, how sure.

    `sure` lies in [0, 1]; `notes` are ids.
    """

    event: str
    video: str
    span: Span
    sure: float = 1.0
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The fields that `lvqa ask --json` prints below `computed`."""
        return {
            "event": self.event,
            "video": self.video,
            "start_s": round(self.span.start_s, 3),
            "end_s": round(self.span.end_s, 3),
            "sure": round(self.sure, 4),
        }


@dataclass(frozen=True, slots=True)
class Computation:
    """What an operator over time computed (`count`, `order`, ...), in words, and the rows that it worked on."""

    operator: str
    text: str
    rows: Sequence[EventRow] = ()

    def to_dict(self) -> dict[str, Any]:
        """The fields that `lvqa ask --json` prints below `computed`."""
        return {"operator": self.operator, "text": self.text, "rows": [row.to_dict() for row in self.rows]}


@dataclass(frozen=True, slots=True)
class Cost:
    """What an answer took: frames looked at by a model, calls, tokens, wall seconds, money at the prices that were set.

    Adds up with `+`; `-` is what was added.
    """

    frames: int = 0
    vlm_calls: int = 0
    llm_calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    money: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(*map(add, _amounts(self), _amounts(other)))

    def __sub__(self, other: Cost) -> Cost:
        return Cost(*map(sub, _amounts(self), _amounts(other)))

    def to_dict(self) -> dict[str, Any]:
        """The fields that `lvqa ask --json` prints below `cost`."""
        return {**asdict(self), "seconds": round(self.seconds, 3), "money": round(self.money, 6)}


# `dataclasses.astuple` copies deeply, a hundred times a question.
_amounts = attrgetter(*(one.name for one in fields(Cost)))


@dataclass(frozen=True, slots=True)
class Step(ABC):
    """One event of the agent at work, which renders itself: the base of what `lvqa.agents.steps` holds.

    `node` is the name of the graph's node that tells of it. `unparsed` says that a model's reply could not be read.
    """

    node: ClassVar[str]

    unparsed: bool = field(default=False, kw_only=True)

    @property
    @abstractmethod
    def summary(self) -> str:
        """A line for people."""

    @property
    @abstractmethod
    def data(self) -> dict[str, Any]:
        """The details as plain JSON, for programs."""

    def to_dict(self) -> dict[str, Any]:
        """The fields that `lvqa ask --steps --json` prints."""
        return {"node": self.node, "summary": self.summary, "data": self.data}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with what supports it. `choice` is the option's index from 0, or None for an open question.

    `status` says what came of the question: `answered`; `absent`, nothing in the videos supports an answer; `stopped`,
    the run was ended before anything was found that supports one. `unseen` is kept for what these videos were not
    looked through for, and not given yet. Unless it is answered, `text` says why not, and `evidence` holds the closest
    that was found. `statements` are what the answer says, each with the evidence it cites. `computed` is what
    was counted, ordered or measured on the way, with the rows it was computed from.
    """

    text: str
    choice: int | None
    confidence: float
    status: AnswerStatus = "answered"
    evidence: Sequence[Evidence] = ()
    cost: Cost = Cost()
    steps: Sequence[Step] = ()
    question: str = ""
    options: Sequence[str] = ()
    computed: Sequence[Computation] = ()
    statements: Sequence[Statement] = ()

    def __post_init__(self) -> None:
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"confidence must lie in [0, 1], got {self.confidence!r}")
        if self.status not in ANSWER_STATUSES:
            raise ValueError(f"status must be one of {', '.join(ANSWER_STATUSES)}, got {self.status!r}")

    @property
    def abstained(self) -> bool:
        """Whether there is no answer, for whatever reason `status` names."""
        return self.status != "answered"

    def to_dict(self) -> dict[str, Any]:
        """The fields that `lvqa ask --json` prints."""
        return {
            "answer": self.text,
            "choice": self.choice,
            "confidence": round(self.confidence, 4),
            "abstained": self.abstained,
            "status": self.status,
            "evidence": [e.to_dict() for e in self.evidence],
            "statements": [s.to_dict() for s in self.statements],
            "computed": [c.to_dict() for c in self.computed],
            "cost": self.cost.to_dict(),
        }
