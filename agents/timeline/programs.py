"""The programs of questions about things that come and go: what is asked, computed from settled intervals.

Each is a `Course` that comes to a `Result`. What changes about a thing that stays is in `changes`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lvqa.agents.timeline import changes
from lvqa.agents.timeline.looks import Course, alongside
from lvqa.agents.timeline.looks import with_article as a
from lvqa.agents.timeline.match import number, order_of, window
from lvqa.agents.timeline.parse import bare_phrase
from lvqa.agents.timeline.reading import at_place, moments, read, tell
from lvqa.agents.timeline.result import Result, absence, exactly_one, nothing, product
from lvqa.agents.timeline.scene import Scene
from lvqa.agents.timeline.settle import Found, Interval
from lvqa.types import Span, format_time

_MOST_EVENTS = 12


def solve(scene: Scene) -> Course[Result]:
    """The course that answers the scene's question."""
    query = scene.query
    if query.change in changes.PROGRAMS and query.op in ("when", "duration", "attribute", "place") and query.at is None:
        return changes.solve(scene)
    return _PROGRAMS[query.op](scene)


def existence(scene: Scene) -> Course[Result]:
    """Whether a thing is ever there; which of the options is, or is not."""
    if scene.query.among:
        return (yield from _which(scene, lambda there: there))
    target = scene.query.targets[0]
    found: Found = yield from scene.find(target)
    if found.intervals:
        best = found.intervals[0]
        text = f"Yes, {a(target)} is seen in {when(scene, best)}."
        return Result(text, product([best.support]), True, ((best, f"{a(target)} is there"),))
    text = f"No, {a(target)} was not found in {scene.where}."
    sure = product([absence(found, scene.coverages())])
    return Result(text, sure, False, refused=_refused(found, target))


def across(scene: Scene) -> Course[Result]:
    """In which of the videos a thing is, or whether in all; which of the options is in the first alone, or in all."""
    query, videos = scene.query, scene.videos
    if query.among:
        tests: dict[str, Callable[[Sequence[float]], float]] = {
            "only": lambda p: p[0] * (1 - max(p[1:], default=0.0)),
            "both": lambda p: min(p),
            "not both": lambda p: 1 - min(p),
        }
        return (yield from _which(scene, tests[query.both], apart=True))
    target = query.targets[0]
    n = len(videos)
    founds: list[Found] = yield from alongside([scene.find(target, videos=[v], searches=n) for v in videos])
    chances = [_chance(scene, found, [v]) for found, v in zip(founds, videos, strict=True)]
    shown = _shown(founds, [target] * n)
    if query.both == "which":
        best, sure = exactly_one(chances)
        if chances[best] < 0.5:
            return nothing(f"{a(target)} was found in none of the videos")
        name = scene.path(videos[best])
        text = f"{name}, in {when(scene, founds[best].intervals[0])}."
        return Result(text, min(sure, product([founds[best].intervals[0].support])), name, shown)
    if all(found.intervals for found in founds):
        return Result(f"Yes, {a(target)} is seen in {scene.where}.", product(chances), True, shown)
    lacking = " and ".join(scene.path(v) for v, found in zip(videos, founds, strict=True) if not found.intervals)
    sure = 1 - min(chances)
    return Result(f"No, {a(target)} was not found in {lacking}.", product([sure]), False, shown)


def count_events(scene: Scene) -> Course[Result]:
    """How often a thing comes: its separate intervals."""
    target = scene.query.targets[0]
    found: Found = yield from scene.find(target, most=_MOST_EVENTS)
    if not found.intervals:
        return nothing(f"{a(target)} was not found in {scene.where}")
    n = len(found.intervals)
    times = ", ".join(format_time(i.span.start_s) for i in found.intervals)
    sure = product([sum(i.support for i in found.intervals) / n, absence(found, scene.coverages())])
    return Result(f"{n} ({times})", sure, float(n), _shown([found], [target]))


def count_objects(scene: Scene) -> Course[Result]:
    """How many things there are at a time."""
    things, at = scene.query.targets[0], scene.query.at
    if at is None:
        found: Found = yield from scene.find(things)
        if not found.intervals:
            return nothing(f"no {things} were found")
        video, at = found.intervals[0].video_id, found.intervals[0].span
    else:
        video = scene.videos[0]
    said = yield from tell(video, moments(at), f"how many {things} are there?")
    value = number(said.text)
    if value is None:
        return nothing("the frames tell no number")
    interval = Interval(video, at, said.confidence, len(said.times_s))
    return Result(f"{value:g}", product([said.confidence]), value, ((interval, f"{value:g} {things}"),))


def when_(scene: Scene) -> Course[Result]:
    """When a thing is there; with stretches of time as options, looked for in those first."""
    target = scene.query.targets[0]
    spans = [window(option) for option in scene.options]
    if spans and all(spans):
        return (yield from _when_offered(scene, target, [span for span in spans if span is not None]))
    found: Found = yield from scene.find(target, most=2, fine=True)
    if not found.intervals:
        return nothing(f"{a(target)} was not found in {scene.where}")
    best = max(found.intervals, key=lambda i: i.support)
    also = "".join(f"; also {stretch(i.span)}" for i in found.intervals if i is not best)
    sure = product([best.support, 1 / len(found.intervals)])
    shown = _shown([Found([best, *(i for i in found.intervals if i is not best)])], [target])
    return Result(f"{when(scene, best)}{also}", sure, best.span, shown)


def before_after(scene: Scene) -> Course[Result]:
    """Whether one thing comes before another; which of the options does."""
    side = scene.query.side
    if scene.query.among:
        pivot = scene.query.targets[0]
        names = [bare_phrase(option) for option in scene.options]
        founds = yield from _find_all(scene, [pivot, *names])
        if not founds[0].intervals:
            return nothing(f"{a(pivot)} was not found in {scene.where}")
        onset = founds[0].intervals[0].span.start_s
        right = [
            (found.intervals[0].span.start_s < onset) == (side == "before") if found.intervals else None
            for found in founds[1:]
        ]
        chances = [
            found.intervals[0].support if fits else 0.05 if fits is False else _chance(scene, found) / 2
            for fits, found in zip(right, founds[1:], strict=True)
        ]
        return _chosen(scene, founds[1:], names, chances, founds[0].intervals[0].support, pivot_of=(founds[0], pivot))
    one, other = scene.query.targets
    founds = yield from _find_all(scene, [one, other])
    if not all(found.intervals for found in founds):
        return _not_all(founds, [one, other])
    first, second = (found.intervals[0] for found in founds)
    word = "before" if first.span.start_s < second.span.start_s else "after"
    text = f"{word.capitalize()}: {a(one)} at {format_time(first.span.start_s)}, {a(other)} at "
    text += f"{format_time(second.span.start_s)}."
    return Result(text, _ordered(scene, founds), word, _shown(founds, [one, other]))


def first_last(scene: Scene) -> Course[Result]:
    """Which of several things comes first, or last."""
    last = scene.query.side == "last"
    names = [bare_phrase(option) for option in scene.options] if scene.query.among else list(scene.query.targets)
    founds = yield from _find_all(scene, names)
    there = [n for n, found in enumerate(founds) if found.intervals]
    if not there or (len(there) < len(names) and not scene.query.among):
        return _not_all(founds, names)
    onsets = {n: founds[n].intervals[0].span.start_s for n in there}
    best = (max if last else min)(there, key=lambda n: onsets[n])
    sure = [_ordered(scene, [founds[n] for n in there])]
    # What was not found may yet have come before.
    sure += [1 - _chance(scene, found) / 2 for found in founds if not found.intervals]
    listed = ", ".join(f"{a(names[n])} at {format_time(onsets[n])}" for n in sorted(there, key=lambda n: onsets[n]))
    order = [founds[best], *(founds[n] for n in there if n != best)]
    shown = _shown(order, [names[best], *(names[n] for n in there if n != best)])
    choice = best if scene.query.among else None
    return Result(f"{a(names[best])} ({listed})".capitalize(), product(sure), names[best], shown, choice)


def order(scene: Scene) -> Course[Result]:
    """In which order things come."""
    names = list(scene.query.targets)
    founds = yield from _find_all(scene, names)
    there = [n for n, found in enumerate(founds) if found.intervals]
    if len(there) < len(names) - 1 or (len(there) < len(names) and not scene.options):
        return _not_all(founds, names)
    ranked = sorted(there, key=lambda n: founds[n].intervals[0].span.start_s)
    value = tuple(names[n] for n in ranked)
    shown = _shown([founds[n] for n in ranked], value)
    text = ", ".join(a(name) for name in value)
    sure = _ordered(scene, [founds[n] for n in there])
    if len(there) == len(names):
        return Result(text, sure, value, shown)
    # One is missing: among the options that keep the order of the others, any may be right.
    fitting = [
        n
        for n, option in enumerate(scene.options)
        if tuple(name for name in order_of(option, names) if name in value) == value
    ]
    if not fitting:
        return _not_all(founds, names)
    return Result(text, product([sure, 0.9 / len(fitting)]), None, shown, fitting[0])


def duration(scene: Scene) -> Course[Result]:
    """How long a thing is there."""
    target = scene.query.targets[0]
    found: Found = yield from scene.find(target, fine=True)
    if not found.intervals:
        return nothing(f"{a(target)} was not found in {scene.where}")
    best = found.intervals[0]
    length_s = round(best.span.duration_s, 2)
    sure = product([best.support, 1.0 if best.sharp else 0.4])
    text = f"{length_s:g} seconds, {when(scene, best)}" if not scene.options else f"{length_s:g} seconds"
    return Result(f"{length_s:g} second{'s' * (length_s != 1)}", sure, length_s, _shown([found], [target]), why=text)


def place(scene: Scene) -> Course[Result]:
    """Where a thing is."""
    target, at = scene.query.targets[0], scene.query.at
    if at is not None and at.duration_s <= 10:
        span, video, support = at, scene.videos[0], 1.0
    else:
        found: Found = yield from scene.find(target)
        if not found.intervals:
            return nothing(f"{a(target)} was not found in {scene.where}")
        best = found.intervals[0]
        span, video, support = best.span, best.video_id, best.support
    said = yield from tell(video, moments(span), f"where is the {target}?")
    if not said.text:
        return nothing(f"{a(target)} is not to be seen in {stretch(span)} of {scene.path(video)}")
    shown = ((Interval(video, span, said.confidence, len(said.times_s)), f"{a(target)} {at_place(said.text)}"),)
    text = f"{at_place(said.text).capitalize()}" + ("" if at is not None else f", {stretch(span)}")
    return Result(text, product([said.confidence, support]), said.text, shown)


def attribute(scene: Scene) -> Course[Result]:
    """What colour, shape or size a thing has, at a time or where it is found."""
    target, at, aspect = scene.query.targets[0], scene.query.at, scene.query.aspect or "colour"
    if at is not None and at.duration_s <= 10:
        span, video, support = at, scene.videos[0], 1.0
    else:
        found: Found = yield from scene.find(target)
        if not found.intervals:
            return nothing(f"{a(target)} was not found in {scene.where}")
        best = found.intervals[0]
        span, video, support = best.span, best.video_id, best.support
    said = yield from tell(video, moments(span), f"what {aspect} is the {target}?")
    if not said.text:
        return nothing(f"{a(target)} is not to be seen in {stretch(span)} of {scene.path(video)}")
    shown = ((Interval(video, span, said.confidence, len(said.times_s)), f"the {target}: {said.text}"),)
    return Result(said.text, product([said.confidence, support]), said.text, shown)


def sign(scene: Scene) -> Course[Result]:
    """What stands on a sign, at a time, while something else is there, or wherever it is found."""
    surface, *others = scene.query.targets
    at = scene.query.at
    support, shown = 1.0, ()  # type: float, tuple[tuple[Interval, str], ...]
    if at is not None and at.duration_s <= 10:
        span, video = at, scene.videos[0]
    else:
        target = others[0] if others else surface
        found: Found = yield from scene.find(target)
        if not found.intervals:
            return nothing(f"{a(target)} was not found in {scene.where}")
        best = found.intervals[0]
        span, video, support = best.span, best.video_id, best.support
        shown = ((best, f"{a(target)} is there"),)
    said = yield from read(video, moments(span, 2), surface)
    if not said.text:
        return nothing(f"no {surface} can be read in {stretch(span)} of {scene.path(video)}")
    seen = Interval(video, span, said.confidence, len(said.times_s))
    return Result(
        said.text, product([said.confidence, support]), said.text, ((seen, f"the {surface} says {said.text}"), *shown)
    )


_PROGRAMS: dict[str, Callable[[Scene], Course[Result]]] = {
    "existence": existence,
    "across": across,
    "count_events": count_events,
    "count_objects": count_objects,
    "when": when_,
    "before_after": before_after,
    "first_last": first_last,
    "order": order,
    "duration": duration,
    "place": place,
    "attribute": attribute,
    "sign": sign,
}


def stretch(span: Span) -> str:
    """A span in words, to the millisecond where it is short."""
    short = span.duration_s < 10
    return f"{format_time(span.start_s, milliseconds=short)}-{format_time(span.end_s, milliseconds=short)}"


def when(scene: Scene, interval: Interval) -> str:
    """An interval in words, with its video."""
    return f"{stretch(interval.span)} of {scene.path(interval.video_id)}"


def _find_all(scene: Scene, names: Sequence[str]) -> Course[list[Found]]:
    return alongside([scene.find(name, searches=len(names)) for name in names])


def _which(scene: Scene, test: Callable[..., float], *, apart: bool = False) -> Course[Result]:
    """Which of the options passes a test of the chance that it is there, in any video or in each `apart`."""
    names = [bare_phrase(option) for option in scene.options]
    groups = [[video] for video in scene.videos] if apart else [list(scene.videos)]
    searches = len(names) * len(groups)
    founds: list[Found] = yield from alongside(
        [scene.find(name, videos=group, searches=searches) for name in names for group in groups]
    )
    rows = [founds[n * len(groups) : (n + 1) * len(groups)] for n in range(len(names))]
    there = [[_chance(scene, found, group) for found, group in zip(row, groups, strict=True)] for row in rows]
    chances = [test(p) if apart else test(p[0]) for p in there]
    if not apart and scene.query.negated:
        chances = [1 - chance for chance in chances]
    merged = [Found([i for found in row for i in found.intervals]) for row in rows]
    return _chosen(scene, merged, names, chances)


def _chosen(
    scene: Scene,
    founds: Sequence[Found],
    names: Sequence[str],
    chances: Sequence[float],
    support: float = 1.0,
    pivot_of: tuple[Found, str] | None = None,
) -> Result:
    best, sure = exactly_one(chances)
    if chances[best] < 0.3:
        return nothing("none of the options was found")
    pivot = _shown([pivot_of[0]], [pivot_of[1]]) if pivot_of is not None else ()
    others = [n for n in range(len(names)) if n != best]
    shown = _shown([founds[best]], [names[best]]) + pivot
    if not founds[best].intervals:
        # What is not there is shown by nothing; what the others show is all that there is.
        shown += _shown([founds[n] for n in others], [names[n] for n in others])
    return Result(scene.options[best], min(sure, product([support])), names[best], shown, best)


def _chance(scene: Scene, found: Found, videos: Sequence[str] | None = None) -> float:
    """The chance that a thing is there, after a search."""
    if found.intervals:
        return max(i.support for i in found.intervals)
    coverages = [scene.presence.coverage(video) for video in (scene.videos if videos is None else videos)]
    return 0.6 * (1 - absence(found, coverages))


def _ordered(scene: Scene, founds: Sequence[Found]) -> float:
    """How surely onsets are in the order in which they were found: all are there, and none was there before."""
    earlier = 1 - 0.3 * (1 - min((absence(found, scene.coverages()) for found in founds), default=0.0))
    return product([*(found.intervals[0].support for found in founds), earlier])


def _not_all(founds: Sequence[Found], names: Sequence[str]) -> Result:
    lacking = " and ".join(a(name) for name, found in zip(names, founds, strict=True) if not found.intervals)
    return nothing(f"{lacking} was not found")


def _when_offered(scene: Scene, target: str, spans: Sequence[Span]) -> Course[Result]:
    """Which of the offered stretches shows a thing; looked at where the visual channel sees it best."""
    video = scene.videos[0]
    found: list[Interval | None] = yield from alongside(
        [changes.shown_in(scene, target, video, span) for span in spans]
    )
    return changes.best_offered(scene, target, [(n, i) for n, i in enumerate(found) if i is not None], "is there")


def _shown(founds: Sequence[Found], names: Sequence[str]) -> tuple[tuple[Interval, str], ...]:
    return tuple(
        (interval, f"{a(name)} is there")
        for found, name in zip(founds, names, strict=True)
        for interval in found.intervals
    )


def _refused(found: Found, name: str) -> tuple[tuple[Interval, str], ...]:
    return tuple(
        (Interval(c.video_id, Span(c.time_s, c.time_s + 0.25), 1 - found.doubt, 1), f"no {name} to be seen")
        for c in found.refused[:3]
    )
