"""What was found, told: spans in words, the intervals that show it, the chance that a thing is there after a search."""

from __future__ import annotations

from collections.abc import Sequence

from lvqa.language.words import with_article as a
from lvqa.temporal.inquiry import Inquiry
from lvqa.temporal.localize import Interval, Localized
from lvqa.temporal.result import absence
from lvqa.temporal.rules import RULES
from lvqa.types import Span, format_time


def stretch(span: Span) -> str:
    """A span in words, to the millisecond where it is short."""
    short = span.duration_s < 10
    return f"{format_time(span.start_s, milliseconds=short)}-{format_time(span.end_s, milliseconds=short)}"


def when(inquiry: Inquiry, interval: Interval) -> str:
    """An interval in words, with its video."""
    return f"{stretch(interval.span)} of {inquiry.path(interval.video_id)}"


def chance(inquiry: Inquiry, found: Localized, videos: Sequence[str] | None = None) -> float:
    """The chance that a thing is there, after a search."""
    if found.intervals:
        return max(i.support for i in found.intervals)
    coverages = [inquiry.presence.coverage(video) for video in (inquiry.videos if videos is None else videos)]
    return RULES.after_all * (1 - absence(found, coverages))


def shown_by(founds: Sequence[Localized], names: Sequence[str]) -> tuple[tuple[Interval, str], ...]:
    """All intervals found, each with the words that it shows."""
    return tuple(
        (interval, f"{a(name)} is there")
        for found, name in zip(founds, names, strict=True)
        for interval in found.intervals
    )
