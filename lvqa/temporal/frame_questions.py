"""Questions put to the VLM about one thing on one frame, and what stands on a sign: places, crops, votes.

A vote's confidence is the share of the frames that agree times what so many are trusted. This module searches nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lvqa.temporal.looks import Course, LookReply, LookRequest
from lvqa.temporal.rules import RULES, agreed
from lvqa.types import Span
from lvqa.zoom.arrays import Crop

# Replies that say that there is nothing to be said.
NOTHING = frozenset(
    ("", "none", "nowhere", "nothing", "unknown", "no", "not visible", "too small", "n/a", "unreadable")
)


@dataclass(frozen=True, slots=True)
class Vote:
    """What most frames say, how far to trust it, and at which times it was said; no text where they say nothing."""

    text: str
    confidence: float
    times_s: tuple[float, ...]


def vote(seen: Sequence[LookReply | None], *, nothing: frozenset[str] = NOTHING) -> Vote:
    """Count the replies."""
    said = [one for one in seen if one is not None]
    counted = Counter(one.text for one in said)
    if not counted:
        return Vote("", 0.0, ())
    # Something that is seen outweighs nothing seen.
    text = max(counted, key=lambda t: (counted[t] * (RULES.nothing if t in nothing else 1.0), t))
    n = counted[text]
    if text in nothing:
        return Vote("", 0.0, ())
    sure = n / len(said) * agreed(n)
    return Vote(text, sure, tuple(one.pts_s for one in said if one.text == text))


def times_in(span: Span, n: int = RULES.votes) -> list[float]:
    """n times of a span, away from its ends."""
    return [span.start_s + (k + 0.5) / n * span.duration_s for k in range(n)]


def tell(video_id: str, times_s: Sequence[float], question: str) -> Course[Vote]:
    """LookRequest the same of several frames."""
    seen = yield [LookRequest(video_id, time_s, question, says=True) for time_s in times_s]
    return vote(seen)


def at_place(place: str) -> str:
    """A place with its preposition: `at the top left`, `in the middle`."""
    if place.split()[:1] and place.split()[0] in ("at", "in", "on", "near", "by", "behind", "under"):
        return place
    return f"{'in' if place in ('middle', 'centre', 'center', 'background', 'foreground') else 'at'} the {place}"


def middle_of(place: str) -> tuple[float, float]:
    """Where a place, one of nine, has its middle, as shares of width and height."""
    words = place.replace("-", " ").split()
    x = 1 / 6 if "left" in words else 5 / 6 if "right" in words else 0.5
    y = 1 / 6 if {"top", "upper"} & set(words) else 5 / 6 if {"bottom", "lower"} & set(words) else 0.5
    return x, y


def crop_at(x: float, y: float) -> Crop:
    """The part of a frame around a point that shows a sign large."""
    left, top = min(max(0.0, x - RULES.shown / 2), 1 - RULES.shown), min(max(0.0, y - RULES.shown / 2), 1 - RULES.shown)
    return (left, top, left + RULES.shown, top + RULES.shown)


def read(video_id: str, times_s: Sequence[float], surface: str) -> Course[Vote]:
    """What stands on a sign: find it, cut it out of the whole frame, read it; shifted where that says nothing."""
    placed = yield [LookRequest(video_id, time_s, f"where is the {surface}?", says=True) for time_s in times_s]
    where = vote(placed)
    if not where.text:
        return Vote("", 0.0, ())
    x, y = middle_of(where.text)
    asked = f"what does the {surface} say?"
    readings: list[LookReply | None] = yield [
        LookRequest(video_id, t, asked, True, crop_at(x, y)) for t in where.times_s
    ]
    for dx, dy in ((RULES.shift, 0), (-RULES.shift, 0), (0, RULES.shift), (0, -RULES.shift)):
        found = vote(readings)
        if found.text:
            return found
        more = yield [LookRequest(video_id, where.times_s[0], asked, True, crop_at(x + dx, y + dy))]
        readings = [*(one for one in readings if one is not None and one.text not in NOTHING), *more]
    return vote(readings)
