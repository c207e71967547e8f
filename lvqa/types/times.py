"""Times of a video, in float seconds from its start: how they are written and read, and stretches of them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

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
