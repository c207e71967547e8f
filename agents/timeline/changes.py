"""The programs of questions about what changes on a thing that stays: it is gone for a moment, it has another colour
for a moment, it moves to another place.

Gone is a short gap in its presence; another colour is a gap in which something of its kind stands where it was; moved
is being elsewhere afterwards. Each is a `Course` that comes to a `Result`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lvqa.agents.timeline.looks import Ask, Course, alongside
from lvqa.agents.timeline.looks import with_article as a
from lvqa.agents.timeline.match import window
from lvqa.agents.timeline.presence import Candidate
from lvqa.agents.timeline.reading import NOTHING, at_place, moments, vote
from lvqa.agents.timeline.result import Result, exactly_one, nothing, product
from lvqa.agents.timeline.scene import Scene
from lvqa.agents.timeline.settle import YES, Interval, edges, gap
from lvqa.types import Span, format_time

# Before and after an offered stretch things are as usual this far away, in seconds.
_BESIDE_S = 0.6
_GRID_S = 0.5
# A place that has changed between two frames: what is shown as the moment of the move, on both sides, in seconds.
_MOVE_S = 1.0
_AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class Change:
    """A change that was found: when, what it turns into (a colour, a place; empty for gone), how far to trust that."""

    interval: Interval
    to: str
    sure: float


def solve(scene: Scene) -> Course[Result]:
    """When the change happens, how long it lasts, or what the thing turns into."""
    target, change = scene.query.targets[0], scene.query.change
    spans = [window(option) for option in scene.options]
    if scene.query.op == "when" and spans and all(spans):
        video = scene.videos[0]
        offered = [_OFFERED[change](scene, target, video, span) for span in spans if span is not None]
        found: list[Change | None] = yield from alongside(offered)
        there = [(n, one.interval) for n, one in enumerate(found) if one is not None]
        return best_offered(scene, target, there, _WORDS[change])
    best: Change | None = yield from PROGRAMS[change](scene, target)
    if best is None:
        return nothing(f"{a(target)} was not found to change in this way in {scene.where}")
    span, video = best.interval.span, best.interval.video_id
    shown = ((best.interval, f"{a(target)} {_WORDS[change]}" + (f": {best.to}" if best.to else "")),)
    times = f"{format_time(span.start_s, milliseconds=True)}-{format_time(span.end_s, milliseconds=True)}"
    where = f"{times} of {scene.path(video)}"
    sure = product([best.interval.support, best.sure])
    if scene.query.op == "when":
        return Result(where, sure, span, shown)
    if scene.query.op == "duration":
        length_s = round(span.duration_s, 2)
        return Result(f"{length_s:g} second{'s' * (length_s != 1)}", sure, length_s, shown)
    if not best.to:
        return nothing(f"what {a(target)} turns into was not seen")
    return Result(f"{best.to} ({where})" if not scene.options else best.to, sure, best.to, shown)


def shown_in(scene: Scene, target: str, video: str, span: Span) -> Course[Interval | None]:
    """The interval of a thing inside a stretch; None where it is not seen there."""
    times, cosines = scene.presence.series(video, target)
    inside = [(float(c), float(t)) for t, c in zip(times, cosines, strict=True) if span.contains(t)]
    grid = _grid(span)
    best_first = [t for _, t in sorted(inside, key=lambda row: (-row[0], row[1]))[:2]]
    for time_s in [*best_first, *(t for t in grid if all(abs(t - b) > 0.2 for b in best_first))]:
        (seen,) = yield [Ask(video, time_s, target)]
        if seen is None:
            return None
        if seen.yes >= YES:
            frame_s = scene.frame_s(video)
            return (yield from edges(Ask(video, seen.pts_s, target), seen, scene.bounds(video), frame_s=frame_s))
    return None


def best_offered(scene: Scene, target: str, found: Sequence[tuple[int, Interval]], word: str) -> Result:
    """The option whose stretch shows what was looked for best."""
    if not found:
        return nothing(f"none of the times offered shows that {a(target)} {word}")
    best, sure = exactly_one([interval.support for _, interval in found])
    n, interval = found[best]
    rest = tuple((other, f"{a(target)} {word}") for k, other in found if k != n)
    trust = min(sure, interval.support) if len(found) > 1 else interval.support
    return Result(scene.options[n], product([trust]), interval.span, ((interval, f"{a(target)} {word}"), *rest), n)


def vanished(scene: Scene, target: str) -> Course[Change | None]:
    """A gap of a thing in which nothing stands where it was."""
    return (yield from _gaps(scene, target, lambda colour: not colour))


def recoloured(scene: Scene, target: str) -> Course[Change | None]:
    """A gap of a thing in which something of its kind, of another colour, stands where it was."""
    to = scene.query.to
    return (yield from _gaps(scene, target, lambda colour: bool(colour) and to in ("", colour)))


def moved(scene: Scene, target: str) -> Course[Change | None]:
    """A change of a thing's place while the rest stays."""
    question = f"where is the {target}?"
    tried = 0
    for video in scene.videos:
        shifts = scene.presence.shifts(video, target)
        frame_s = scene.frame_s(video)
        for n, (before_s, after_s, alike) in enumerate(shifts):
            if tried >= scene.patience(1) or scene.eyes.left < 2:
                return None
            tried += 1
            seen = yield [Ask(video, before_s, question, says=True), Ask(video, after_s, question, says=True)]
            places = [one.text if one is not None else "" for one in seen]
            if set(places) & NOTHING or places[0] == places[1]:
                continue
            low, high, last = before_s, after_s, places[1]
            while high - low > max(0.25, frame_s):
                (one,) = yield [Ask(video, (low + high) / 2, question, says=True)]
                if one is None:
                    break
                if one.text == places[0]:
                    low = (low + high) / 2
                else:
                    high, last = (low + high) / 2, one.text if one.text not in NOTHING else last
            if scene.eyes.is_cut(video, low, high + 0.25):
                continue
            # At the end of its way it stands where it stays.
            rest = yield [Ask(video, high + k, question, says=True) for k in (1.5, 3.0)]
            end = vote([*rest, seen[1]])
            sure = (0.7 + 0.25 * alike) if end.text and end.text != places[0] else 0.3
            middle = (low + high) / 2
            bounds = scene.bounds(video)
            span = Span(max(bounds.start_s, middle - _MOVE_S), min(bounds.end_s, middle + _MOVE_S))
            return Change(Interval(video, span, 0.97, 3), end.text or last, sure * (0.97**n))
    return None


def _gaps(scene: Scene, target: str, fits: Callable[[str], bool]) -> Course[Change | None]:
    head = target.split()[-1]
    other = f"{scene.query.to} {head}" if scene.query.to else ""
    dips: list[Candidate] = []
    for video in scene.videos:
        dips += scene.presence.dips(video, target, other)
    dips.sort(key=lambda c: (-c.score, c.video_id, c.time_s))
    queue, tries = dips, scene.patience(1)
    while queue and tries > 0 and scene.eyes.left > 0:
        batch, queue = queue[:_AT_ONCE], queue[_AT_ONCE:]
        tries -= len(batch)
        found: list[Change | None] = yield from alongside([_gap(scene, target, dip) for dip in batch])
        for one in found:
            if one is not None and fits(one.to):
                return one
    return None


def _gap(scene: Scene, target: str, dip: Candidate) -> Course[Change | None]:
    video = dip.video_id
    frame_s = scene.frame_s(video)
    interval = yield from gap(target, dip, scene.bounds(video), frame_s=frame_s)
    if interval is None:
        return None
    return (yield from _meant(scene, target, interval))


def _meant(scene: Scene, target: str, interval: Interval) -> Course[Change | None]:
    """What a gap of a thing means: None for a cut of the picture, else what stands where it was."""
    video, span = interval.video_id, interval.span
    cuts = [scene.eyes.is_cut(video, t - 0.3, t + 0.3) for t in (span.start_s, span.end_s)]
    if any(cuts):
        return None
    before_s = max(0.0, span.start_s - 0.3)
    (where,) = yield [Ask(video, before_s, f"where is the {target}?", says=True)]
    place = f" {at_place(where.text)}" if where is not None and where.text not in NOTHING else ""
    kind = target.split()[-1]
    asked = f"what colour is the {kind}{place}?"
    seen = yield [Ask(video, t, asked, says=True) for t in moments(span, 2)]
    said = vote(seen)
    if all(one is None for one in seen):
        return Change(interval, "", 0.4)
    if not said.text:
        return Change(interval, "", 0.9)
    return Change(interval, said.text, said.confidence) if said.text not in target.split() else None


def _gap_offered(scene: Scene, target: str, video: str, span: Span) -> Course[Change | None]:
    bounds = scene.bounds(video)
    beside = Span(max(bounds.start_s, span.start_s - _BESIDE_S), min(bounds.end_s - 0.05, span.end_s + _BESIDE_S))
    ends = yield [Ask(video, t, target) for t in (beside.start_s, beside.end_s)]
    if any(one is None or one.yes < YES for one in ends):
        return None
    times, cosines = scene.presence.series(video, target)
    inside = sorted((float(c), float(t)) for t, c in zip(times, cosines, strict=True) if span.contains(t))
    worst_first = [t for _, t in inside[:2]]
    for time_s in [*worst_first, *(t for t in _grid(span) if all(abs(t - w) > 0.2 for w in worst_first))]:
        (seen,) = yield [Ask(video, time_s, target)]
        if seen is None:
            return None
        if seen.yes < YES:
            interval = yield from edges(
                Ask(video, seen.pts_s, target),
                seen,
                beside,
                frame_s=scene.frame_s(video),
                holds=lambda one: one.yes < YES,
                sureness=lambda one: 1 - one.yes,
            )
            change = yield from _meant(scene, target, interval)
            recolour = scene.query.change == "recolour"
            return change if change is not None and bool(change.to) == recolour else None
    return None


def _move_offered(scene: Scene, target: str, video: str, span: Span) -> Course[Change | None]:
    bounds = scene.bounds(video)
    times = (max(bounds.start_s, span.start_s - _BESIDE_S), min(bounds.end_s - 0.05, span.end_s + _BESIDE_S))
    seen = yield [Ask(video, t, f"where is the {target}?", says=True) for t in times]
    places = [one.text if one is not None else "" for one in seen]
    if set(places) & NOTHING or places[0] == places[1]:
        return None
    return Change(Interval(video, span, 0.95, 2), places[1], 0.9)


def _grid(span: Span) -> list[float]:
    n = max(1, round(span.duration_s / _GRID_S))
    return [span.start_s + (k + 0.5) * span.duration_s / n for k in range(n)]


_WORDS = {"vanish": "is gone", "recolour": "has another colour", "move": "moves"}
PROGRAMS: dict[str, Callable[[Scene, str], Course[Change | None]]] = {
    "vanish": vanished,
    "recolour": recoloured,
    "move": moved,
}
_OFFERED: dict[str, Callable[[Scene, str, str, Span], Course[Change | None]]] = {
    "vanish": _gap_offered,
    "recolour": _gap_offered,
    "move": _move_offered,
}
