"""The programs of questions about things that come and go: what is asked, computed from intervals.

Each is a `Course` that comes to a `Result`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lvqa.language.words import with_article as a
from lvqa.temporal import changes, compare
from lvqa.temporal.count import appearances
from lvqa.temporal.frame_questions import at_place, read, tell, times_in
from lvqa.temporal.inquiry import Inquiry
from lvqa.temporal.localize import Interval, Localized, Measured, measure
from lvqa.temporal.looks import Course
from lvqa.temporal.offered import when_offered
from lvqa.temporal.operators import Operator
from lvqa.temporal.options import number, window
from lvqa.temporal.query import Operation
from lvqa.temporal.result import Result, absence, nothing, product
from lvqa.temporal.rules import RULES
from lvqa.temporal.wording import shown_by, stretch, when
from lvqa.types import Span, format_time

COMPUTED: Mapping[Operator, Operation] = {
    "count": "count_events",
    "first": "first_last",
    "last": "first_last",
    "before_after": "before_after",
    "order": "order",
    "duration": "duration",
    "overlap": "overlap",
}
"""The program that does by looking what an operator does on rows."""

# Operations that may be about a change of a thing that stays.
_OF_CHANGES = ("when", "duration", "attribute", "place")

# A span of a video, how far to trust that the thing is there, and what shows it where it was looked for.
_Whereabouts = tuple[Span, str, float, tuple[tuple[Interval, str], ...]]


def solve(inquiry: Inquiry) -> Course[Result]:
    """The course that answers the inquiry's question.

    A question "when" whose options are all stretches of time looks into those; one about a change of a thing that names
    no time looks for the change.
    """
    query = inquiry.query
    if not inquiry.videos:
        return _nowhere()
    offered = [span for option in inquiry.options if (span := window(option)) is not None]
    if query.op == "when" and offered and len(offered) == len(inquiry.options):
        return when_offered(inquiry, query.targets[0], offered)
    if query.change in changes.PROGRAMS and query.op in _OF_CHANGES and query.at is None:
        return changes.solve(inquiry)
    return _PROGRAMS[query.op](inquiry)


def _nowhere() -> Course[Result]:
    yield from ()
    return nothing("there is no video to look at")


def existence(inquiry: Inquiry) -> Course[Result]:
    """Whether a thing is ever there; which of the options is, or is not."""
    if inquiry.query.among:
        return (yield from compare.which(inquiry, lambda there: there))
    target = inquiry.query.targets[0]
    found: Localized = yield from inquiry.find(target)
    if found.intervals:
        best = found.intervals[0]
        text = f"Yes, {a(target)} is seen in {when(inquiry, best)}."
        return Result(text, product([best.support]), True, ((best, f"{a(target)} is there"),))
    text = f"No, {a(target)} was not found in {inquiry.where}."
    sure = product([absence(found, inquiry.coverages())])
    return Result(text, sure, False, refused=_refused(found, target))


def count_events(inquiry: Inquiry) -> Course[Result]:
    """How often a thing comes: its separate intervals."""
    target = inquiry.query.targets[0]
    found: Localized = yield from appearances(inquiry, target, RULES.most_events)
    if not found.intervals:
        return _not_found(inquiry, target)
    n = len(found.intervals)
    times = ", ".join(format_time(i.span.start_s) for i in found.intervals)
    sure = product([sum(i.support for i in found.intervals) / n, absence(found, inquiry.coverages())])
    return Result(f"{n} ({times})", sure, float(n), shown_by([found], [target]))


def count_objects(inquiry: Inquiry) -> Course[Result]:
    """How many things there are at a time."""
    things, at = inquiry.query.targets[0], inquiry.query.at
    if at is None:
        found: Localized = yield from inquiry.find(things)
        if not found.intervals:
            return nothing(f"no {things} were found")
        video, at = found.intervals[0].video_id, found.intervals[0].span
    else:
        video = inquiry.videos[0]
    said = yield from tell(video, times_in(at), f"how many {things} are there?")
    value = number(said.text)
    if value is None:
        return nothing("the frames tell no number")
    interval = Interval(video, at, said.confidence, len(said.times_s))
    return Result(f"{value:g}", product([said.confidence]), value, ((interval, f"{value:g} {things}"),))


def when_(inquiry: Inquiry) -> Course[Result]:
    """When a thing is there."""
    target = inquiry.query.targets[0]
    found: Localized = yield from inquiry.find(target, most=RULES.whens, fine=True)
    if not found.intervals:
        return _not_found(inquiry, target)
    best = max(found.intervals, key=lambda i: i.support)
    also = "".join(f"; also {stretch(i.span)}" for i in found.intervals if i is not best)
    sure = product([best.support, 1 / len(found.intervals)])
    shown = shown_by([Localized([best, *(i for i in found.intervals if i is not best)])], [target])
    return Result(f"{when(inquiry, best)}{also}", sure, best.span, shown)


def duration(inquiry: Inquiry) -> Course[Result]:
    """How long a thing is there."""
    target = inquiry.query.targets[0]
    found: Localized = yield from inquiry.find(target, fine=True)
    if not found.intervals:
        return _not_found(inquiry, target)
    best = found.intervals[0]
    sure = RULES.sharp if best.sharp else RULES.blunt
    if best.span.duration_s <= RULES.measured_s:
        measured: Measured = yield from measure(
            target, best, inquiry.bounds(best.video_id), inquiry.frame_s(best.video_id)
        )
        best, sure = measured.interval, measured.sure
    length_s = round(best.span.duration_s, 2)
    shown = ((best, f"{a(target)} is there"),)
    return Result(f"{length_s:g} second{'s' * (length_s != 1)}", product([best.support, sure]), length_s, shown)


def _at_time_or_found(inquiry: Inquiry, target: str) -> Course[_Whereabouts | None]:
    """The short stretch that the question names, of its first video; else where a thing is found, None for nowhere."""
    at = inquiry.query.at
    if at is not None and at.duration_s <= RULES.named_s:
        return at, inquiry.videos[0], 1.0, ()
    found: Localized = yield from inquiry.find(target)
    if not found.intervals:
        return None
    best = found.intervals[0]
    return best.span, best.video_id, best.support, ((best, f"{a(target)} is there"),)


def _not_found(inquiry: Inquiry, target: str) -> Result:
    return nothing(f"{a(target)} was not found in {inquiry.where}")


def place(inquiry: Inquiry) -> Course[Result]:
    """Where a thing is."""
    target = inquiry.query.targets[0]
    found = yield from _at_time_or_found(inquiry, target)
    if found is None:
        return _not_found(inquiry, target)
    span, video, support, _ = found
    said = yield from tell(video, times_in(span), inquiry.query.asks or f"where is the {target}?")
    if not said.text:
        return nothing(f"{a(target)} is not to be seen in {stretch(span)} of {inquiry.path(video)}")
    shown = ((Interval(video, span, said.confidence, len(said.times_s)), f"{a(target)} {at_place(said.text)}"),)
    text = f"{at_place(said.text).capitalize()}" + ("" if inquiry.query.at is not None else f", {stretch(span)}")
    return Result(text, product([said.confidence, support]), said.text, shown)


def attribute(inquiry: Inquiry) -> Course[Result]:
    """What colour, shape or size a thing has, at a time or where it is found."""
    target, aspect = inquiry.query.targets[0], inquiry.query.aspect or "colour"
    found = yield from _at_time_or_found(inquiry, target)
    if found is None:
        return _not_found(inquiry, target)
    span, video, support, _ = found
    said = yield from tell(video, times_in(span), inquiry.query.asks or f"what {aspect} is the {target}?")
    if not said.text:
        return nothing(f"{a(target)} is not to be seen in {stretch(span)} of {inquiry.path(video)}")
    shown = ((Interval(video, span, said.confidence, len(said.times_s)), f"the {target}: {said.text}"),)
    return Result(said.text, product([said.confidence, support]), said.text, shown)


def sign(inquiry: Inquiry) -> Course[Result]:
    """What stands on a sign, at a time, while something else is there, or wherever it is found."""
    surface, *others = inquiry.query.targets
    target = others[0] if others else surface
    found = yield from _at_time_or_found(inquiry, target)
    if found is None:
        return _not_found(inquiry, target)
    span, video, support, shown = found
    said = yield from read(video, times_in(span, RULES.sign_votes), surface)
    if not said.text:
        return nothing(f"no {surface} can be read in {stretch(span)} of {inquiry.path(video)}")
    seen = Interval(video, span, said.confidence, len(said.times_s))
    return Result(
        said.text, product([said.confidence, support]), said.text, ((seen, f"the {surface} says {said.text}"), *shown)
    )


_PROGRAMS: dict[str, Callable[[Inquiry], Course[Result]]] = {
    "existence": existence,
    "across": compare.across,
    "count_events": count_events,
    "count_objects": count_objects,
    "when": when_,
    "before_after": compare.before_after,
    "first_last": compare.first_last,
    "order": compare.order,
    "duration": duration,
    "overlap": compare.overlap,
    "place": place,
    "attribute": attribute,
    "sign": sign,
}


def _refused(found: Localized, name: str) -> tuple[tuple[Interval, str], ...]:
    return tuple(
        (Interval(c.video_id, Span(c.time_s, c.time_s + 0.25), 1 - found.doubt, 1), f"no {name} to be seen")
        for c in found.refused[:3]
    )
