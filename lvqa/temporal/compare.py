"""The programs that compare several things, or several videos: before or after, at once, first or last, which of these.

Each is a `Course` that comes to a `Result`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from lvqa.language.words import with_article as a
from lvqa.temporal.frame_questions import times_in
from lvqa.temporal.inquiry import Inquiry
from lvqa.temporal.localize import Interval, Localized, joined
from lvqa.temporal.looks import Course, alongside
from lvqa.temporal.options import bare_phrase, order_of
from lvqa.temporal.presence import Candidate, apart_first
from lvqa.temporal.result import Result, absence, exactly_one, nothing, product
from lvqa.temporal.rules import RULES
from lvqa.temporal.wording import chance, shown_by, when
from lvqa.types import Span, format_time


def across(inquiry: Inquiry) -> Course[Result]:
    """In which of the videos a thing is, or whether in all; which of the options is in the first alone, or in all."""
    query, videos = inquiry.query, inquiry.videos
    if query.among:
        tests: dict[str, Callable[[Sequence[float]], float]] = {
            "only": lambda p: p[0] * (1 - max(p[1:], default=0.0)),
            "both": lambda p: min(p),
            "not both": lambda p: 1 - min(p),
        }
        return (yield from which(inquiry, tests[query.both], apart=True))
    target = query.targets[0]
    n = len(videos)
    founds: list[Localized] = yield from alongside([inquiry.find(target, videos=[v], searches=n) for v in videos])
    chances = [chance(inquiry, found, [v]) for found, v in zip(founds, videos, strict=True)]
    shown = shown_by(founds, [target] * n)
    if query.both == "which":
        best, sure = exactly_one(chances)
        if not founds[best].intervals or chances[best] < RULES.least_chance:
            return nothing(f"{a(target)} was found in none of the videos")
        name = inquiry.path(videos[best])
        text = f"{name}, in {when(inquiry, founds[best].intervals[0])}."
        return Result(text, min(sure, product([founds[best].intervals[0].support])), name, shown)
    if all(found.intervals for found in founds):
        return Result(f"Yes, {a(target)} is seen in {inquiry.where}.", product(chances), True, shown)
    lacking = " and ".join(inquiry.path(v) for v, found in zip(videos, founds, strict=True) if not found.intervals)
    sure = 1 - min(chances)
    return Result(f"No, {a(target)} was not found in {lacking}.", product([sure]), False, shown)


def before_after(inquiry: Inquiry) -> Course[Result]:
    """Whether one thing comes before another; which of the options does."""
    side = inquiry.query.side
    if inquiry.query.among:
        return (yield from _beside(inquiry, inquiry.query.targets[0], before=side == "before"))
    one, other = inquiry.query.targets
    founds = yield from _find_all(inquiry, [one, other])
    if not all(found.intervals for found in founds):
        return _not_all(founds, [one, other])
    first, second = (found.intervals[0] for found in founds)
    word = "before" if first.span.start_s < second.span.start_s else "after"
    text = f"{word.capitalize()}: {a(one)} at {format_time(first.span.start_s)}, {a(other)} at "
    text += f"{format_time(second.span.start_s)}."
    sure = _ordered(inquiry, founds)
    founds = yield from _ended(inquiry, founds, [one, other])
    return Result(text, sure, word, shown_by(founds, [one, other]))


def _beside(inquiry: Inquiry, pivot: str, *, before: bool) -> Course[Result]:
    """Which of the options is there on one side of a thing: that first, then only that side of it is looked through."""
    names = [bare_phrase(option) for option in inquiry.options]
    around: Localized = yield from inquiry.find(pivot, ends=False)
    if not around.intervals:
        return nothing(f"{a(pivot)} was not found in {inquiry.where}")
    edge = around.intervals[0]
    bounds = inquiry.bounds(edge.video_id)
    start, end = (bounds.start_s, edge.span.start_s) if before else (edge.span.end_s, bounds.end_s)
    if end - start < RULES.together_s:
        return nothing(f"{a(pivot)} is there from the beginning" if before else f"{a(pivot)} is there to the end")
    side = Span(start, end)

    def look(name: str) -> Course[Localized]:
        candidates = inquiry.presence.candidates(edge.video_id, name, side)
        return inquiry.look_through(name, apart_first(candidates), searches=len(names), ends=False)

    founds: list[Localized] = yield from alongside([look(name) for name in names])
    if not any(found.intervals for found in founds):
        founds = yield from _again(inquiry, names, founds, side, [edge.video_id])
    chances = [chance(inquiry, found, [edge.video_id]) for found in founds]
    best, _ = exactly_one(chances)
    if founds[best].intervals:
        founds[best] = Localized((yield from _whole(inquiry, names[best], founds[best].intervals)))
        around = Localized((yield from _whole(inquiry, pivot, [edge])))
    return _chosen(inquiry, founds, names, chances, edge.support, pivot_of=(around, pivot))


def overlap(inquiry: Inquiry) -> Course[Result]:
    """Whether two things are there at the same time: each is looked for while the other is there."""
    names = list(inquiry.query.targets)
    founds: list[Localized] = yield from alongside([inquiry.find(name, most=RULES.stays, searches=2) for name in names])
    for n, (name, other) in enumerate((names, names[::-1])):
        for one in founds[n].intervals:
            beside = inquiry.presence.candidates(one.video_id, other, one.span)
            beside += [Candidate(one.video_id, t, 0.0, "spread") for t in times_in(one.span)]
            more: Localized = yield from inquiry.look_through(other, beside, searches=2, ends=False)
            if more.intervals:
                text = f"Yes, {a(name)} and {a(other)} are seen in {when(inquiry, one)}."
                shown = shown_by([Localized([one]), Localized(more.intervals[:1])], [name, other])
                return Result(text, product([one.support, more.intervals[0].support]), True, shown)
            # What was not looked at, and what was doubtful, speaks against a no as much here as in the search before.
            founds[1 - n].starved |= more.starved
            founds[1 - n].doubt = max(founds[1 - n].doubt, more.doubt)
    if not any(found.intervals for found in founds):
        return _not_all(founds, names)
    sure = product([absence(found, inquiry.coverages()) for found in founds])
    text = f"No, {a(names[0])} and {a(names[1])} were not found at the same time in {inquiry.where}."
    return Result(text, sure, False, shown_by(founds, names))


def first_last(inquiry: Inquiry) -> Course[Result]:
    """Which of several things comes first, or last; of one thing alone, when it comes first, or last."""
    last = inquiry.query.side == "last"
    names = [bare_phrase(option) for option in inquiry.options] if inquiry.query.among else list(inquiry.query.targets)
    founds = yield from _find_all(inquiry, names)
    there = [n for n, found in enumerate(founds) if found.intervals]
    if not there or (len(there) < len(names) and not inquiry.query.among):
        return _not_all(founds, names)
    onsets = {n: founds[n].intervals[0].span.start_s for n in there}
    best = (max if last else min)(there, key=lambda n: onsets[n])
    # Whatever else was found came later (or before what comes last), whether it was seen rightly or not.
    sure = [_ordered(inquiry, [founds[best]])]
    # What was not found may yet have come before.
    sure += [1 - RULES.missed_first * chance(inquiry, found) for found in founds if not found.intervals]
    if len(names) == 1 and not inquiry.query.among:
        whole: list[Localized] = yield from _ended(inquiry, founds, names)
        only = whole[0].intervals[0]
        return Result(when(inquiry, only), product(sure), only.span, shown_by(whole, names))
    listed = ", ".join(f"{a(names[n])} at {format_time(onsets[n])}" for n in sorted(there, key=lambda n: onsets[n]))
    ranked = [best, *(n for n in there if n != best)]
    ended = yield from _ended(inquiry, [founds[n] for n in ranked], [names[n] for n in ranked])
    shown = shown_by(ended, [names[n] for n in ranked])
    choice = best if inquiry.query.among else None
    return Result(f"{a(names[best])} ({listed})".capitalize(), product(sure), names[best], shown, choice)


def order(inquiry: Inquiry) -> Course[Result]:
    """In which order things come."""
    names = list(inquiry.query.targets)
    founds = yield from _find_all(inquiry, names)
    there = [n for n, found in enumerate(founds) if found.intervals]
    if len(there) < len(names) - 1 or (len(there) < len(names) and not inquiry.options):
        return _not_all(founds, names)
    ranked = sorted(there, key=lambda n: founds[n].intervals[0].span.start_s)
    value = tuple(names[n] for n in ranked)
    sure = _ordered(inquiry, [founds[n] for n in there])
    shown = shown_by((yield from _ended(inquiry, [founds[n] for n in ranked], value)), value)
    text = ", ".join(a(name) for name in value)
    if len(there) == len(names):
        return Result(text, sure, value, shown)
    # One is missing: among the options that keep the order of the others, any may be right.
    fitting = [
        n
        for n, option in enumerate(inquiry.options)
        if tuple(name for name in order_of(option, names) if name in value) == value
    ]
    if not fitting:
        return _not_all(founds, names)
    return Result(text, product([sure, RULES.one_missing / len(fitting)]), None, shown, fitting[0])


def which(inquiry: Inquiry, test: Callable[..., float], *, apart: bool = False) -> Course[Result]:
    """Which of the options passes a test of the chance that it is there, in any video or in each `apart`."""
    names = [bare_phrase(option) for option in inquiry.options]
    groups = [[video] for video in inquiry.videos] if apart else [list(inquiry.videos)]
    searches = len(names) * len(groups)
    # Many searches share the budget, and where a thing begins and ends does not matter for whether it is there.
    founds: list[Localized] = yield from alongside(
        [inquiry.find(name, videos=group, searches=searches, ends=False) for name in names for group in groups]
    )
    rows = [founds[n * len(groups) : (n + 1) * len(groups)] for n in range(len(names))]
    there = [[chance(inquiry, found, group) for found, group in zip(row, groups, strict=True)] for row in rows]
    chances = [test(p) if apart else test(p[0]) for p in there]
    if not apart and inquiry.query.negated:
        chances = [1 - p for p in chances]
    merged = [Localized([i for found in row for i in found.intervals]) for row in rows]
    best, _ = exactly_one(chances)
    # What answers is shown from its beginning to its end.
    merged[best] = Localized((yield from _whole(inquiry, names[best], merged[best].intervals)))
    return _chosen(inquiry, merged, names, chances)


def _whole(inquiry: Inquiry, name: str, intervals: Sequence[Interval]) -> Course[list[Interval]]:
    """Intervals of which a frame is known, with their ends, as far as the budget goes."""
    made: list[Interval] = []
    for one in intervals:
        middle = Candidate(one.video_id, one.span.start_s, 0.0, "seen")
        found: Localized = yield from inquiry.look_through(name, [middle], searches=len(intervals))
        made += found.intervals or [one]
    return joined(made)


def _ended(inquiry: Inquiry, founds: Sequence[Localized], names: Sequence[str]) -> Course[list[Localized]]:
    """The first interval of each with its ends, for as many as the budget reaches."""
    n = min(len(founds), inquiry.eyes.left // RULES.ends)
    rows = [(found.intervals[:1], name) for found, name in zip(founds, names, strict=True)]
    whole: list[list[Interval]] = yield from alongside([_whole(inquiry, name, first) for first, name in rows[:n]])
    return [*(Localized(intervals) for intervals in whole), *(Localized(list(first)) for first, _ in rows[n:])]


def _find_all(inquiry: Inquiry, names: Sequence[str]) -> Course[list[Localized]]:
    founds: list[Localized] = yield from alongside([_find(inquiry, name, len(names)) for name in names])
    return _one_clock((yield from _again(inquiry, names, founds)))


def _one_clock(founds: Sequence[Localized]) -> list[Localized]:
    """What was found in the video that holds most of it: times of different videos say nothing of an order."""
    videos = sorted({one.video_id for found in founds for one in found.intervals})
    if len(videos) < 2:
        return list(founds)
    held = {v: sum(any(one.video_id == v for one in found.intervals) for found in founds) for v in videos}
    best = max(videos, key=lambda video: held[video])
    return [replace(found, intervals=[one for one in found.intervals if one.video_id == best]) for found in founds]


def _again(
    inquiry: Inquiry,
    names: Sequence[str],
    founds: Sequence[Localized],
    within: Span | None = None,
    videos: Sequence[str] | None = None,
) -> Course[list[Localized]]:
    """What was not found is looked for in what was not tried, with what the others left of the budget."""
    made = list(founds)
    for _ in range(RULES.passes):
        missing = [n for n, found in enumerate(made) if not found.intervals]
        if not missing or inquiry.eyes.left < len(missing):
            break

        def look(n: int, searches: int = len(missing)) -> Course[Localized]:
            tried = {(c.video_id, c.time_s) for c in made[n].refused}
            candidates = [
                c
                for video in (inquiry.videos if videos is None else videos)
                for c in inquiry.presence.candidates(video, names[n], within or inquiry.query.at)
                if (c.video_id, c.time_s) not in tried
            ]
            return inquiry.look_through(names[n], apart_first(candidates), searches=searches, ends=False)

        more: list[Localized] = yield from alongside([look(n) for n in missing])
        for n, found in zip(missing, more, strict=True):
            doubt = max(found.doubt, made[n].doubt)
            refused = [*made[n].refused, *found.refused]
            made[n] = Localized(found.intervals, refused, doubt, found.left, found.starved)
        if all(not found.refused and not found.intervals for found in more):
            break
    return made


def _find(inquiry: Inquiry, name: str, searches: int) -> Course[Localized]:
    """Find a thing where it is likeliest, then where it may have come before that (or after, for what comes last)."""
    last = inquiry.query.side == "last"
    found: Localized = yield from inquiry.find(name, searches=searches, ends=False)
    for _ in range(RULES.further if found.intervals else 0):
        edge = found.intervals[-1 if last else 0]
        rivals = inquiry.presence.candidates(edge.video_id, name, inquiry.query.at)
        least = RULES.as_likely * max((c.score for c in rivals if edge.span.contains(c.time_s)), default=0.0)
        tried = {c.time_s for c in found.refused}
        further = [
            c
            for c in rivals
            if c.score >= least and c.time_s not in tried and (c.time_s - edge.span.start_s > 0) == last
        ]
        further = [c for c in further if edge.span.gap_s(Span(c.time_s, c.time_s + 1e-3)) > RULES.together_s]
        few = RULES.further_patience
        more: Localized = yield from inquiry.look_through(name, further, searches=searches, patience=few, ends=False)
        if not more.intervals:
            break
        found.intervals = joined([*found.intervals, *more.intervals])
    if last:
        found.intervals.reverse()
    return found


def _chosen(
    inquiry: Inquiry,
    founds: Sequence[Localized],
    names: Sequence[str],
    chances: Sequence[float],
    support: float = 1.0,
    pivot_of: tuple[Localized, str] | None = None,
) -> Result:
    best, sure = exactly_one(chances)
    if chances[best] < RULES.least_option:
        return nothing("none of the options was found")
    pivot = shown_by([pivot_of[0]], [pivot_of[1]]) if pivot_of is not None else ()
    others = [n for n in range(len(names)) if n != best]
    shown = shown_by([founds[best]], [names[best]]) + pivot
    if not founds[best].intervals:
        # What is not there is shown by nothing; what the others show is all that there is.
        shown += shown_by([founds[n] for n in others], [names[n] for n in others])
    return Result(inquiry.options[best], min(sure, product([support])), names[best], shown, best)


def _ordered(inquiry: Inquiry, founds: Sequence[Localized]) -> float:
    """How surely onsets are in the order in which they were found: all are there, and none was there before."""
    earlier = 1 - RULES.earlier * (1 - min((absence(found, inquiry.coverages()) for found in founds), default=0.0))
    return product([*(found.intervals[0].support for found in founds), earlier])


def _not_all(founds: Sequence[Localized], names: Sequence[str]) -> Result:
    lacking = " and ".join(a(name) for name, found in zip(names, founds, strict=True) if not found.intervals)
    return nothing(f"{lacking} was not found")
