"""When something happens, where the options are stretches of time: each stretch is looked into, and nothing else.

Knows of changes what `changes` says of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lvqa.language.words import with_article as a
from lvqa.temporal.changes import WORDS, Change, is_misread, meant
from lvqa.temporal.frame_questions import NOTHING
from lvqa.temporal.inquiry import Inquiry
from lvqa.temporal.localize import Interval, boundaries
from lvqa.temporal.looks import Course, LookRequest, alongside
from lvqa.temporal.result import Result, exactly_one, nothing, product
from lvqa.temporal.rules import RULES
from lvqa.types import Span


def when_offered(inquiry: Inquiry, target: str, spans: Sequence[Span]) -> Course[Result]:
    """Which of the offered stretches shows a thing, or a change of it."""
    video, change = inquiry.videos[0], inquiry.query.change
    if change in _OFFERED:
        changes: list[Change | None] = yield from alongside(
            [_OFFERED[change](inquiry, target, video, s) for s in spans]
        )
        found = [None if one is None else one.interval for one in changes]
    else:
        found = yield from alongside([shown_in(inquiry, target, video, span) for span in spans])
    there = [(n, one) for n, one in enumerate(found) if one is not None]
    return best_offered(inquiry, target, there, WORDS.get(change, "is there"))


def best_offered(inquiry: Inquiry, target: str, found: Sequence[tuple[int, Interval]], word: str) -> Result:
    """The option whose stretch shows what was looked for best."""
    if not found:
        return nothing(f"none of the times offered shows that {a(target)} {word}")
    best, sure = exactly_one([interval.support for _, interval in found])
    n, interval = found[best]
    rest = tuple((other, f"{a(target)} {word}") for k, other in found if k != n)
    trust = min(sure, interval.support) if len(found) > 1 else interval.support
    return Result(inquiry.options[n], product([trust]), interval.span, ((interval, f"{a(target)} {word}"), *rest), n)


def shown_in(inquiry: Inquiry, target: str, video: str, span: Span) -> Course[Interval | None]:
    """The interval of a thing inside a stretch; None where it is not seen there."""
    times, cosines = inquiry.presence.series(video, target)
    inside = [(float(c), float(t)) for t, c in zip(times, cosines, strict=True) if span.contains(t)]
    grid = _grid(span)
    best_first = [t for _, t in sorted(inside, key=lambda row: (-row[0], row[1]))[:2]]
    for time_s in [*best_first, *(t for t in grid if all(abs(t - b) > 0.2 for b in best_first))]:
        (seen,) = yield [LookRequest(video, time_s, target)]
        if seen is None:
            return None
        if seen.yes >= RULES.yes:
            frame_s = inquiry.frame_s(video)
            bounds = inquiry.bounds(video)
            interval = yield from boundaries(LookRequest(video, seen.pts_s, target), seen, bounds, frame_s=frame_s)
            if not is_misread(interval):
                return interval
    return None


def _gap_offered(inquiry: Inquiry, target: str, video: str, span: Span) -> Course[Change | None]:
    bounds = inquiry.bounds(video)
    beside = Span(
        max(bounds.start_s, span.start_s - RULES.beside_s), min(bounds.end_s - 0.05, span.end_s + RULES.beside_s)
    )
    ends = yield [LookRequest(video, t, target) for t in (beside.start_s, beside.end_s)]
    if sum(one is not None and one.yes >= RULES.gone for one in ends) == 1:
        # One of the two may be misread: a little further away it is seen again.
        further = [
            max(bounds.start_s, beside.start_s - RULES.grid_s),
            min(bounds.end_s - 0.05, beside.end_s + RULES.grid_s),
        ]
        again = yield [
            LookRequest(video, t, target)
            for t, one in zip(further, ends, strict=True)
            if one is None or one.yes < RULES.gone
        ]
        ends = [*(one for one in ends if one is not None and one.yes >= RULES.gone), *again]
    if any(one is None or one.yes < RULES.gone for one in ends):
        return None
    sides = (min(one.pts_s for one in ends if one is not None), max(one.pts_s for one in ends if one is not None))
    times, cosines = inquiry.presence.series(video, target)
    inside = sorted((float(c), float(t)) for t, c in zip(times, cosines, strict=True) if span.contains(t))
    worst_first = [t for _, t in inside[:2]]
    for time_s in [*worst_first, *(t for t in _grid(span) if all(abs(t - w) > 0.2 for w in worst_first))]:
        (seen,) = yield [LookRequest(video, time_s, target)]
        if seen is None:
            return None
        if seen.yes < RULES.gone:
            interval = yield from boundaries(
                LookRequest(video, seen.pts_s, target),
                seen,
                bounds,
                known=sides,
                frame_s=inquiry.frame_s(video),
                holds=lambda one: one.yes < RULES.gone,
                sureness=lambda one: 1 - one.yes,
            )
            if is_misread(interval):
                continue
            change = yield from meant(inquiry, target, interval)
            recolour = inquiry.query.change == "recolour"
            return change if change is not None and bool(change.to) == recolour else None
    return None


def _move_offered(inquiry: Inquiry, target: str, video: str, span: Span) -> Course[Change | None]:
    bounds = inquiry.bounds(video)
    times = (max(bounds.start_s, span.start_s - RULES.beside_s), min(bounds.end_s - 0.05, span.end_s + RULES.beside_s))
    seen = yield [LookRequest(video, t, f"where is the {target}?", says=True) for t in times]
    places = [one.text if one is not None else "" for one in seen]
    if set(places) & NOTHING or places[0] == places[1]:
        return None
    return Change(Interval(video, span, RULES.moved_offered, 2), places[1], RULES.gone_sure)


def _grid(span: Span) -> list[float]:
    n = max(1, round(span.duration_s / RULES.grid_s))
    return [span.start_s + (k + 0.5) * span.duration_s / n for k in range(n)]


_OFFERED: dict[str, Callable[[Inquiry, str, str, Span], Course[Change | None]]] = {
    "vanish": _gap_offered,
    "recolour": _gap_offered,
    "move": _move_offered,
}
