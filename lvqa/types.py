"""The values that travel between the rooms: frozen, checked when made, units in the names.

Time is float seconds from the start of the video. This module knows nothing of files, models or the store.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Literal, get_args

Level = Literal["clip", "segment", "video"]
Source = Literal["caption", "speech", "screen", "summary", "imported", "seen"]
LEVELS: tuple[str, ...] = get_args(Level)
SOURCES: tuple[str, ...] = get_args(Source)

_TIME = re.compile(r"^(?:(?:(\d+):)?(\d{1,2}):)?(\d+(?:[.,]\d+)?)$")


def format_time(seconds: float, *, milliseconds: bool = False) -> str:
    """Write seconds as `HH:MM:SS`, or `HH:MM:SS.mmm`; the first is rounded down, as a player shows it."""
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"not a time: {seconds!r}")
    total_ms = round(seconds * 1000)
    whole, ms = divmod(total_ms, 1000)
    minutes, s = divmod(whole, 60)
    h, m = divmod(minutes, 60)
    return f"{h:02d}:{m:02d}:{s:02d}" + (f".{ms:03d}" if milliseconds else "")


def parse_time(text: str) -> float:
    """Read `75`, `75.5`, `1:15`, `0:01:15.5` or `0:01:15,500` as seconds; raises ValueError for anything else."""
    match = _TIME.match(text.strip())
    if match is None:
        raise ValueError(f"not a time: {text!r}; write seconds, MM:SS or HH:MM:SS")
    hours, minutes, seconds = match.groups()
    s = float(seconds.replace(",", "."))
    if minutes is not None and (s >= 60 or (hours is not None and int(minutes) >= 60)):
        raise ValueError(f"not a time: {text!r}; minutes and seconds go from 0 to 59")
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + s


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open stretch of time `[start_s, end_s)` in seconds, with `0 <= start_s < end_s`."""

    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s)):
            raise ValueError(f"a span needs finite times, got {self.start_s!r} and {self.end_s!r}")
        if not 0 <= self.start_s < self.end_s:
            raise ValueError(f"a span needs 0 <= start < end, got {self.start_s!r} and {self.end_s!r}")

    @property
    def duration_s(self) -> float:
        """Length in seconds, above zero."""
        return self.end_s - self.start_s

    @property
    def middle_s(self) -> float:
        """The time half way through, in seconds."""
        return (self.start_s + self.end_s) / 2

    def contains(self, time_s: float) -> bool:
        """Whether a time in seconds lies inside; the end does not."""
        return self.start_s <= time_s < self.end_s

    def overlaps(self, other: Span) -> bool:
        """Whether the two share more than a boundary."""
        return self.start_s < other.end_s and other.start_s < self.end_s

    def intersection(self, other: Span) -> Span | None:
        """The time in both, or None where they share none."""
        if not self.overlaps(other):
            return None
        return Span(max(self.start_s, other.start_s), min(self.end_s, other.end_s))

    def hull(self, other: Span) -> Span:
        """The shortest span that covers both, the gap between them included."""
        return Span(min(self.start_s, other.start_s), max(self.end_s, other.end_s))

    def iou(self, other: Span) -> float:
        """Intersection over union, in [0, 1]."""
        shared = self.intersection(other)
        if shared is None:
            return 0.0
        return shared.duration_s / (self.duration_s + other.duration_s - shared.duration_s)

    def gap_s(self, other: Span) -> float:
        """Seconds between the two; zero where they overlap or touch."""
        return max(0.0, other.start_s - self.end_s, self.start_s - other.end_s)

    def clamp(self, duration_s: float) -> Span | None:
        """The part inside a video of that length, or None where nothing of it is."""
        return Span(self.start_s, min(self.end_s, duration_s)) if self.start_s < duration_s else None

    def __str__(self) -> str:
        return f"{format_time(self.start_s)}-{format_time(self.end_s)}"


@dataclass(frozen=True, slots=True)
class Video:
    """One video of an archive, identified by its content, wherever its file lies.

    `path` is relative to the archive's folder, with forward slashes; for imported captions whose file does not exist
    it is the name they gave, and `width`, `height` and `fps` are 0. `fps` is the mean rate; nothing may compute a
    time from it.
    """

    id: str
    path: str
    content_hash: str
    duration_s: float
    width: int = 0
    height: int = 0
    fps: float = 0.0
    codec: str = ""
    has_audio: bool = False

    def __post_init__(self) -> None:
        if not self.id or not self.path:
            raise ValueError("a video needs an id and a path")
        if not (math.isfinite(self.duration_s) and self.duration_s > 0):
            raise ValueError(f"a video needs a duration above zero, got {self.duration_s!r}")


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of one video that was captioned, or summarised, as one."""

    id: str
    video_id: str
    span: Span
    level: Level = "clip"

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise ValueError(f"level must be one of {', '.join(LEVELS)}, got {self.level!r}")

    @classmethod
    def of(cls, video_id: str, span: Span, level: Level = "clip") -> Clip:
        """Make a clip whose id follows from its video, level and span (to the millisecond)."""
        return cls(f"{video_id}:{level}:{round(span.start_s * 1000)}-{round(span.end_s * 1000)}", video_id, span, level)


@dataclass(frozen=True, slots=True)
class Note:
    """A text about a stretch of a video, with what wrote it: model and prompt hash are empty where neither had a part.

    `clip_id` is None for notes that are not of one clip (speech runs across clips).
    """

    id: str
    video_id: str
    clip_id: str | None
    span: Span
    text: str
    source: Source
    model: str = ""
    prompt_hash: str = ""

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise ValueError(f"source must be one of {', '.join(SOURCES)}, got {self.source!r}")
        if not self.text.strip():
            raise ValueError("a note needs a text")


@dataclass(frozen=True, slots=True)
class Keyframe:
    """A time in a video worth looking at, with the score that chose it (higher is better)."""

    video_id: str
    time_s: float
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Hit:
    """A search result: the note, its video's path, the fused score, that of each channel that took part, its window.

    `score` is the probability that this hit, and none before it, holds what was searched for; hits of one search add
    up to 1 at most. `window` is the stretch around the note where that most likely happens, start to end.
    """

    video: str
    note: Note
    score: float
    channels: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    window: Span | None = None

    @property
    def span(self) -> Span:
        """The time the note stands for."""
        return self.note.span

    @property
    def moment(self) -> Span:
        """The hit's window, or the note's own time where none was sought."""
        return self.window or self.note.span

    def to_dict(self) -> dict[str, Any]:
        """The fields that `lvqa search --json` prints."""
        return {
            "video": self.video,
            "start_s": round(self.span.start_s, 3),
            "end_s": round(self.span.end_s, 3),
            "text": self.note.text,
            "source": self.note.source,
            "score": round(self.score, 4),
            "window_start_s": round(self.moment.start_s, 3),
            "window_end_s": round(self.moment.end_s, 3),
        }


@dataclass(frozen=True, slots=True)
class Sight:
    """A time of a video, by path; `seen` says that a model looked there and found it, else it is only likely."""

    video: str
    time_s: float
    score: float
    seen: bool

    def to_dict(self) -> dict[str, Any]:
        """The fields that `lvqa find --json` prints."""
        return {
            "video": self.video,
            "time_s": round(self.time_s, 3),
            "score": round(self.score, 4),
            "seen": self.seen,
        }


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
class Row:
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
    rows: Sequence[Row] = ()

    def to_dict(self) -> dict[str, Any]:
        """The fields that `lvqa ask --json` prints below `computed`."""
        return {"operator": self.operator, "text": self.text, "rows": [row.to_dict() for row in self.rows]}


@dataclass(frozen=True, slots=True)
class Cost:
    """What an answer took: frames looked at by a model, calls, tokens, wall seconds, money at the prices that were set.

    Adds up with `+`.
    """

    frames: int = 0
    vlm_calls: int = 0
    llm_calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    money: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.frames + other.frames,
            self.vlm_calls + other.vlm_calls,
            self.llm_calls + other.llm_calls,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.seconds + other.seconds,
            self.money + other.money,
        )

    def to_dict(self) -> dict[str, Any]:
        """The fields that `lvqa ask --json` prints below `cost`."""
        return {
            "frames": self.frames,
            "vlm_calls": self.vlm_calls,
            "llm_calls": self.llm_calls,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "seconds": round(self.seconds, 3),
            "money": round(self.money, 6),
        }


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

    `abstained` means that nothing in the videos supports an answer; `text` then says so, and `evidence` holds the
    closest that was found. `statements` are what the answer says, each with the evidence it cites. `computed` is what
    was counted, ordered or measured on the way, with the rows it was computed from.
    """

    text: str
    choice: int | None
    confidence: float
    abstained: bool
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

    def to_dict(self) -> dict[str, Any]:
        """The fields that `lvqa ask --json` prints."""
        return {
            "answer": self.text,
            "choice": self.choice,
            "confidence": round(self.confidence, 4),
            "abstained": self.abstained,
            "evidence": [e.to_dict() for e in self.evidence],
            "statements": [s.to_dict() for s in self.statements],
            "computed": [c.to_dict() for c in self.computed],
            "cost": self.cost.to_dict(),
        }
