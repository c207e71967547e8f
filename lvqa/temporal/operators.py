"""Operators over time: what is counted, ordered, compared and measured is computed on rows, not left to a model.

A `EventRow` is an event with its video and its stretch of time. Rows of different videos have no common clock: what
compares times says nothing about them. Each operator returns a `Computation`, the answer in words beside the rows that
it worked on, or None where the rows do not tell. This module knows no note, no model and no question.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from lvqa.temporal.rules import RULES
from lvqa.types import Computation, EventRow, Span, format_time

Operator = Literal["count", "first", "last", "before_after", "order", "duration", "overlap"]
Alike = Callable[[EventRow, EventRow], bool]


@dataclass(frozen=True, slots=True)
class EventOrder:
    """The relation of two events in one video: `before`, `after` or `together`, and the rows that show it."""

    relation: Literal["before", "after", "together"]
    rows: tuple[EventRow, EventRow]


def distinct(rows: Sequence[EventRow], *, gap_s: float = RULES.gap_s, alike: Alike | None = None) -> list[EventRow]:
    """Separate happenings, in order of video and time: rows of one video that nearly touch are one.

    Args:
        rows: of one event or several; rows of different events are one happening only where `alike` says so.
        gap_s: seconds between two rows up to which they may be one.
        alike: whether two rows tell of the same; by the event's name when not given.
    """
    same = alike if alike is not None else lambda a, b: a.event.casefold() == b.event.casefold()
    made: list[EventRow] = []
    for row in sorted(rows, key=lambda r: (r.video, r.span, r.event)):
        at = next(
            (
                n
                for n in range(len(made) - 1, -1, -1)
                if made[n].video == row.video and made[n].span.gap_s(row.span) <= gap_s and same(made[n], row)
            ),
            None,
        )
        if at is None:
            made.append(row)
        else:
            made[at] = _joined(made[at], row)
    return sorted(made, key=lambda r: (r.video, r.span, r.event))


def count(rows: Sequence[EventRow], *, gap_s: float = RULES.gap_s, alike: Alike | None = None) -> Computation:
    """How many separate happenings the rows tell of; 0 for no rows."""
    found = distinct(rows, gap_s=gap_s, alike=alike)
    times = "once" if len(found) == 1 else f"{len(found)} times"
    return Computation("count", times if found else "not once", tuple(found))


def extreme(rows: Sequence[EventRow], which: Literal["first", "last"]) -> Computation | None:
    """The row that begins first or last; None for no rows, and for rows of several videos."""
    if not rows or len({row.video for row in rows}) > 1:
        return None
    ranked = sorted(rows, key=lambda r: (r.span, r.event), reverse=which == "last")
    best = ranked[0]
    text = f"{which}: {best.event} at {format_time(best.span.start_s)} of {best.video}"
    return Computation(which, text, tuple(ranked))


def relation(one: Sequence[EventRow], other: Sequence[EventRow]) -> EventOrder | None:
    """Whether the first happening of one event comes before or after that of another, in the video that holds both.

    None where no video does. Where several do, the one whose rows are surest together.
    """
    pairs = [
        (_first(one, video), _first(other, video))
        for video in sorted({r.video for r in one} & {r.video for r in other})
    ]
    if not pairs:
        return None
    a, b = max(pairs, key=lambda pair: pair[0].sure * pair[1].sure)
    gap = a.span.start_s - b.span.start_s
    return EventOrder("together" if abs(gap) < RULES.same_start_s else "before" if gap < 0 else "after", (a, b))


def before_after(one: Sequence[EventRow], other: Sequence[EventRow]) -> Computation | None:
    """`relation` in words; None where it is not known."""
    found = relation(one, other)
    if found is None:
        return None
    a, b = found.rows
    words = {"before": "before", "after": "after", "together": "at the same time as"}[found.relation]
    at = f"{format_time(a.span.start_s)} and {format_time(b.span.start_s)} of {a.video}"
    return Computation("before_after", f"{a.event} {words} {b.event} ({at})", (a, b))


def order(events: Sequence[Sequence[EventRow]]) -> Computation | None:
    """Events in the order in which they first happen, in the video that holds most of them.

    Rows of one event stand together in `events`. None where no video holds two of them.
    """
    names = {row.video for rows in events for row in rows}
    if not names:
        return None

    def held(video: str) -> list[EventRow]:
        return [_first(rows, video) for rows in events if any(row.video == video for row in rows)]

    video = max(sorted(names), key=lambda v: (len(held(v)), sum(row.sure for row in held(v))))
    found = sorted(held(video), key=lambda r: (r.span, r.event))
    if len(found) < 2:
        return None
    text = ", then ".join(f"{row.event} ({format_time(row.span.start_s)})" for row in found)
    return Computation("order", f"{text}, in {video}", tuple(found))


def duration(rows: Sequence[EventRow], *, gap_s: float = RULES.gap_s) -> Computation | None:
    """How long an event lasts: the length of its surest happening; None for no rows."""
    found = distinct(rows, gap_s=gap_s)
    if not found:
        return None
    best = max(found, key=lambda r: (r.sure, r.span.duration_s))
    text = f"{round(best.span.duration_s, 2):g} seconds ({_stretch(best.span)} of {best.video})"
    return Computation("duration", text, (best,))


def overlap(one: Sequence[EventRow], other: Sequence[EventRow]) -> Computation | None:
    """Whether two events are there at the same time, and when; None where no video holds both."""
    if not {r.video for r in one} & {r.video for r in other}:
        return None
    both = [(span, a, b) for a in one for b in other if a.video == b.video and (span := a.span.intersection(b.span))]
    if not both:
        a, b = min(
            ((a, b) for a in one for b in other if a.video == b.video),
            key=lambda pair: pair[0].span.gap_s(pair[1].span),
        )
        apart = f"never together; {a.span.gap_s(b.span):.1f} seconds apart in {a.video}"
        return Computation("overlap", apart, (a, b))
    span, a, b = max(both, key=lambda row: (row[0].duration_s, -row[0].start_s))
    return Computation("overlap", f"together in {_stretch(span)} of {a.video}", (a, b))


def compute(operator: Operator, events: Sequence[Sequence[EventRow]]) -> Computation | None:
    """Run an operator by name on the rows of each event; None where the rows do not tell.

    `before_after` and `overlap` take the first two events, `count` and `duration` the first, the others all.
    """
    if not events:
        return None
    flat = [row for rows in events for row in rows]
    if operator == "count":
        return count(events[0]) if events[0] else None
    if operator == "duration":
        return duration(events[0])
    if operator in ("first", "last"):
        return extreme(flat, operator)
    if operator == "order":
        return order(events)
    if len(events) < 2:
        return None
    return (before_after if operator == "before_after" else overlap)(events[0], events[1])


def _first(rows: Sequence[EventRow], video: str) -> EventRow:
    return min((row for row in rows if row.video == video), key=lambda r: (r.span, -r.sure))


def _joined(a: EventRow, b: EventRow) -> EventRow:
    return replace(
        a,
        span=a.span.hull(b.span),
        sure=1 - (1 - a.sure) * (1 - b.sure),
        notes=tuple(dict.fromkeys([*a.notes, *b.notes])),
    )


def _stretch(span: Span) -> str:
    return f"{format_time(span.start_s)}-{format_time(span.end_s)}"
