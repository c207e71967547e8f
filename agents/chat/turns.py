"""What a conversation is made of: turns that were answered, and what a follow-up was understood as.

Values alone, each with a form of plain JSON. Knows no words, no model and no database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from lvqa.types import Answer, Evidence, Span, Step, format_time

By = Literal["as asked", "rules", "chat"]


@dataclass(frozen=True, slots=True)
class Understood:
    """A question that stands by itself, and where to look: `videos` by path (none: all), `between` in each of them.

    `why` says in a line what a reference was bound to; `by` what did it, `failure` why the chat model did not.
    `empty` says that there is nowhere to look: nothing comes before the beginning of a video, or after its end.
    """

    question: str
    videos: tuple[str, ...] = ()
    between: Span | None = None
    why: str = "as it was asked"
    by: By = "as asked"
    prompt_hash: str = ""
    failure: str = ""
    empty: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The fields that `lvqa chat --json` prints below `understood`; `of` reads them again."""
        return {
            "question": self.question,
            "videos": list(self.videos),
            "between": span_list(self.between),
            "why": self.why,
            "by": self.by,
            "prompt": self.prompt_hash,
            "trouble": self.failure,
            "empty": self.empty,
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Understood:
        """From what `to_dict` made. Raises KeyError, TypeError or ValueError for anything else."""
        between = data["between"]
        return cls(
            str(data["question"]),
            tuple(map(str, data["videos"])),
            Span(*between) if between is not None else None,
            str(data["why"]),
            data["by"],
            str(data["prompt"]),
            str(data["trouble"]),
            bool(data["empty"]),
        )

    def step(self) -> UnderstandStep:
        """What is told of it while the agent is at work."""
        return UnderstandStep(self)


@dataclass(frozen=True, slots=True)
class UnderstandStep(Step):
    """A follow-up was `understood` as a question that stands by itself."""

    node: ClassVar[str] = "understand"

    understood: Understood

    @property
    def summary(self) -> str:
        """The question with where to look, and what its references were bound to."""
        it = self.understood
        line = it.why
        if it.by != "as asked":
            where = f" in {', '.join(it.videos)}" if it.videos else ""
            when = f" at {clock(it.between)}" if it.between is not None else ""
            line = f'"{it.question}"{where}{when}, by {it.by}: {it.why}'
        return line + (f"; {it.failure}" if it.failure else "")

    @property
    def data(self) -> dict[str, Any]:
        """All fields of what was understood."""
        return self.understood.to_dict()


@dataclass(frozen=True, slots=True)
class Turn:
    """A question that was answered: as asked, as understood, and the answer with its evidence.

    `videos` (paths; none: all) and `between` are what it was narrowed to.
    """

    question: str
    understood: str
    options: tuple[str, ...] = ()
    answer: str = ""
    confidence: float = 0.0
    abstained: bool = False
    evidence: tuple[Evidence, ...] = ()
    videos: tuple[str, ...] = ()
    between: Span | None = None

    @classmethod
    def answered(
        cls, answer: Answer, understood: str, videos: tuple[str, ...] = (), between: Span | None = None
    ) -> Turn:
        """The turn of a chat that an answer ends, with what the question was understood as and narrowed to."""
        return cls(
            answer.question,
            understood,
            tuple(answer.options),
            answer.text,
            answer.confidence,
            answer.abstained,
            tuple(answer.evidence),
            videos,
            between,
        )

    def to_dict(self) -> dict[str, Any]:
        """The fields of a turn as chats.db holds them, times to the millisecond; `of` reads them again."""
        return {
            "question": self.question,
            "understood": self.understood,
            "options": list(self.options),
            "answer": self.answer,
            "confidence": float(self.confidence),
            "abstained": bool(self.abstained),
            "evidence": [{**e.to_dict(), "score": float(e.score)} for e in self.evidence],
            "videos": list(self.videos),
            "between": span_list(self.between),
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Turn:
        """From what `to_dict` made. Raises KeyError, TypeError or ValueError for anything else."""
        between = data["between"]
        return cls(
            str(data["question"]),
            str(data["understood"]),
            tuple(map(str, data["options"])),
            str(data["answer"]),
            float(data["confidence"]),
            bool(data["abstained"]),
            tuple(
                Evidence(str(e["video"]), Span(e["start_s"], e["end_s"]), str(e["text"]), e["source"], e["score"])
                for e in data["evidence"]
            ),
            tuple(map(str, data["videos"])),
            Span(*between) if between is not None else None,
        )


def span_list(span: Span | None) -> list[float] | None:
    """Start and end in seconds, to the millisecond."""
    return [round(span.start_s, 3), round(span.end_s, 3)] if span is not None else None


def clock(span: Span) -> str:
    """`00:00:02-00:00:04`, with milliseconds where the ends are no whole seconds."""
    return f"{time_text(span.start_s)}-{time_text(span.end_s)}"


def time_text(seconds: float) -> str:
    """`00:00:12`, or `00:00:12.500` where it is no whole second."""
    return format_time(seconds, milliseconds=abs(seconds - round(seconds)) >= 0.0005)
