"""Everything that can be asked about a video: what is right, four or more things that are wrong, gold windows.

Wrong answers are exchangeable with the right one, so that nothing but the video tells them apart. Knows no wording, and
chooses nothing: `questions` does.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lvqa.eval.lab.world.questions.facts import OBJECTS, Facts, Moment
from lvqa.eval.lab.world.questions.wrong import filled, lengths, named, other_texts, other_windows, seconds, stretch
from lvqa.eval.lab.world.scenes.draw import Thing
from lvqa.eval.lab.world.scenes.speech import with_article
from lvqa.eval.lab.world.scenes.truth import FPS, Event
from lvqa.eval.lab.world.words import COLOURS, PLACES, SHAPES
from lvqa.eval.tasks.base import Window
from lvqa.types import format_time


@dataclass(frozen=True, slots=True)
class QuestionDraft:
    """Something to ask: which template, what fills it, what is right and four or more things that are wrong.

    `answer` answers the open question, `right` is the right one of the options; `balance` names what has to come up
    equally often. `about` keeps two questions of a type from asking about the same thing.
    """

    type: str
    kind: str
    holes: Mapping[str, str]
    answer: str
    right: str
    wrong: tuple[str, ...]
    windows: tuple[Window, ...]
    targets: tuple[str, ...]
    event: bool
    balance: str = ""
    cues: tuple[str, ...] = ()
    about: str = ""
    option_holes: Mapping[str, str] = field(default_factory=dict)


Maker = Callable[[Facts], Iterator[QuestionDraft]]


def existence(facts: Facts) -> Iterator[QuestionDraft]:
    """Is it ever seen: guests for the most part, some of the casts, and what is never seen."""
    guests = list(facts.guests)
    casts = [name for name in facts.seen if name not in facts.guests]
    for target in guests + facts.rng.sample(casts, min(len(casts), len(guests) // 2)):
        event, wrong = target in facts.guests, named(facts.never)
        yield _about(facts, "existence", "seen", target, "yes", with_article(target), wrong, event=event, balance="yes")
    wrong = named(facts.seen)
    for target in facts.never:
        yield _about(facts, "existence", "unseen", target, "no", with_article(target), wrong, event=False, balance="no")


def attribute(facts: Facts) -> Iterator[QuestionDraft]:
    """Colour turned into; colour and shape at a time."""
    for event in facts.once("recolour"):
        wrong = tuple(colour for colour in COLOURS if colour not in (event.colour, event.to_colour))
        yield _of(facts, "attribute", "recolour", event, event.to_colour, wrong, balance=event.to_colour)
    for moment in facts.moments:
        shapes = Counter(thing.shape for thing in moment.things)
        colours = Counter(thing.colour for thing in moment.things)
        for thing in moment.things:
            if shapes[thing.shape] == 1:
                wrong = tuple(colour for colour in COLOURS if colour != thing.colour)
                yield _at(facts, "attribute", "colour_at", moment, thing, thing.colour, wrong)
            if colours[thing.colour] == 1:
                wrong = tuple(shape for shape in SHAPES if shape != thing.shape)
                yield _at(facts, "attribute", "shape_at", moment, thing, thing.shape, wrong)


def place(facts: Facts) -> Iterator[QuestionDraft]:
    """Where it appears, where it moves to, where it is at a time."""
    for kind in ("appear", "move"):
        for event in facts.once(kind):
            right = event.to_place or event.place
            wrong = tuple(other for other in PLACES if other not in (event.place, event.to_place))
            yield _of(facts, "place", kind, event, right, wrong, balance=right)
    for moment in facts.moments:
        for thing in moment.things:
            wrong = tuple(other for other in PLACES if other != thing.place)
            yield _at(facts, "place", "at", moment, thing, thing.place, wrong)


def count_objects(facts: Facts) -> Iterator[QuestionDraft]:
    """How many objects there are at a time: two to six."""
    for moment in facts.moments:
        right, values = str(len(moment.things)), [str(n) for n in range(2, 7)]
        if right in values:
            wrong = tuple(value for value in values if value != right)
            yield _at(facts, "count_objects", "at", moment, None, right, wrong)


def count_events(facts: Facts) -> Iterator[QuestionDraft]:
    """How often something appears: one to five times."""
    for target, events in facts.guests.items():
        if len(events) <= 5:
            right = str(len(events))
            wrong = tuple(str(n) for n in range(1, 6) if str(n) != right)
            cues = _cues(events)
            yield _about(facts, "count_events", "appear", target, right, right, wrong, balance=right, cues=cues)


def when(facts: Facts) -> Iterator[QuestionDraft]:
    """When something happens that happens once."""
    for kind in ("appear", "vanish", "recolour", "move"):
        for event in facts.once(kind):
            wrong = tuple(other_windows(facts, [event.start_s]))
            holes = {"other": event.to_colour}
            yield _of(facts, "when", kind, event, stretch(event), wrong, holes=holes, balance=kind)


def before_after(facts: Facts) -> Iterator[QuestionDraft]:
    """Which of two things that appear once comes before the other."""
    for one, other in itertools.permutations(facts.once("appear"), 2):
        kind = "before" if one.end_s <= other.start_s else "after"
        wrong = [
            e.target
            for e in facts.once("appear")
            if e.id != other.id and (e.start_s > other.start_s) == (kind == "before")
        ]
        yield _several(facts, "before_after", kind, (one, other), kind, one.target, filled(facts, wrong), balance=kind)


def first_last(facts: Facts) -> Iterator[QuestionDraft]:
    """Which of two things that appear once comes first, or last."""
    once = facts.once("appear")
    for one, other in itertools.permutations(once, 2):
        for kind, winner in (("first", min), ("last", max)):
            best = winner(one, other, key=lambda event: event.start_s)
            wrong = [e.target for e in once if e.id != best.id and winner(e, best, key=lambda x: x.start_s) is best]
            balance = f"{kind} {'one' if best is one else 'other'}"
            answer = with_article(best.target)
            options = filled(facts, wrong)
            yield _several(facts, "first_last", kind, (one, other), answer, best.target, options, balance=balance)


def order(facts: Facts) -> Iterator[QuestionDraft]:
    """In which order three things appear that appear once."""
    once = facts.once("appear")
    if len(once) < 3:
        return
    for _ in range(60):
        asked = facts.rng.sample(once, 3)
        orders = [", ".join(with_article(event.target) for event in row) for row in itertools.permutations(asked)]
        right = ", ".join(with_article(event.target) for event in sorted(asked, key=lambda event: event.start_s))
        wrong = tuple(row for row in orders if row != right)
        yield _several(facts, "order", "appear", asked, right, right, wrong, balance=str(orders.index(right)))


def duration(facts: Facts) -> Iterator[QuestionDraft]:
    """How long something is there, or gone."""
    for kind in ("appear", "vanish"):
        for event in facts.once(kind):
            row = lengths(event.duration_s)
            right = seconds(event.duration_s)
            wrong = tuple(seconds(length_s) for length_s in row if length_s != event.duration_s)
            rank = str(row.index(event.duration_s))
            yield _of(facts, "duration", kind, event, right, wrong, balance=rank)


def sign(facts: Facts) -> Iterator[QuestionDraft]:
    """What a sign says, while something is there or at a time."""
    texts = {sign.scene: sign.text for sign in facts.video.signs}
    for event in facts.once("appear"):
        if event.scene in texts:
            wrong = other_texts(facts, texts[event.scene])
            yield _of(facts, "sign", "while", event, texts[event.scene], wrong, balance="while")
    for moment in facts.moments:
        scene = facts.video.scene_at(moment.time_s).number
        if scene in texts and moment.event is None:
            wrong = other_texts(facts, texts[scene])
            yield _at(facts, "sign", "at", moment, None, texts[scene], wrong, balance="at")


def unanswerable(facts: Facts) -> Iterator[QuestionDraft]:
    """The same questions about what is never seen; all options are wrong."""
    rng = facts.rng
    for target in facts.never:
        row = lengths(rng.randint(2, 16) / FPS)
        colours = [colour for colour in COLOURS if colour != target.split()[0]]
        texts = [sign.text for sign in facts.video.signs]
        options: dict[str, Sequence[str]] = {
            "when": other_windows(facts, []),
            "place": PLACES,
            "duration": [seconds(length_s) for length_s in row],
            "sign": (texts[0], *other_texts(facts, texts[0])) if texts else (),
            "colour": colours,
        }
        for kind, wrong in options.items():
            if wrong:
                yield _about(facts, "unanswerable", kind, target, "", "", tuple(wrong), balance=kind)


def across(one: Facts, other: Facts) -> Iterator[QuestionDraft]:
    """Which of two videos shows something, or whether both do."""
    both = [name for name in one.seen if name in other.seen]
    not_both = [name for name in OBJECTS if name not in both]
    names = {"video": one.name, "video2": other.name}
    swapped = {"video": other.name, "video2": one.name}
    for target in both:
        wrong = named(not_both)
        yield _across(one, other, "both", target, "yes", wrong, names, names)
    for here, there, forth in ((one, other, names), (other, one, swapped)):
        for target in here.seen:
            if target not in there.seen:
                yield _across(one, other, "not_both", target, "no", named(both), names, names)
                wrong = named([name for name in OBJECTS if name in there.seen or name not in here.seen])
                yield _across(one, other, "only", target, here.name, wrong, names, forth)


MAKERS: Mapping[str, Maker] = {
    maker.__name__: maker
    for maker in (
        existence,
        attribute,
        place,
        count_objects,
        count_events,
        when,
        before_after,
        first_last,
        order,
        duration,
        sign,
        unanswerable,
    )
}


def _across(
    one: Facts,
    other: Facts,
    kind: str,
    target: str,
    answer: str,
    wrong: tuple[str, ...],
    names: Mapping[str, str],
    option_names: Mapping[str, str],
) -> QuestionDraft:
    holes = {"a": with_article(target)}
    balance = kind if kind != "only" else f"only {'one' if answer == one.name else 'other'}"
    return QuestionDraft(
        "across",
        kind,
        {**holes, **names},
        answer,
        with_article(target),
        wrong,
        one.spans(target) + other.spans(target),
        (target,),
        target in one.guests or target in other.guests,
        balance,
        about=target,
        option_holes={**holes, **option_names},
    )


def _about(
    facts: Facts,
    type_: str,
    kind: str,
    target: str,
    answer: str,
    right: str,
    wrong: tuple[str, ...],
    *,
    event: bool = True,
    balance: str = "",
    cues: tuple[str, ...] = (),
) -> QuestionDraft:
    holes = {"video": facts.name, "a": with_article(target), "the": f"the {target}"}
    spans = facts.spans(target)
    return QuestionDraft(
        type_, kind, holes, answer, right, wrong, spans, (target,), event and bool(spans), balance, cues, target
    )


def _of(
    facts: Facts,
    type_: str,
    kind: str,
    event: Event,
    right: str,
    wrong: tuple[str, ...],
    *,
    balance: str = "",
    holes: Mapping[str, str] | None = None,
) -> QuestionDraft:
    target = event.target
    filled = {"video": facts.name, "a": with_article(target), "the": f"the {target}", **(holes or {})}
    windows = (facts.window(event),)
    return QuestionDraft(
        type_, kind, filled, right, right, wrong, windows, (target,), True, balance, _cues([event]), event.id
    )


def _at(
    facts: Facts,
    type_: str,
    kind: str,
    moment: Moment,
    thing: Thing | None,
    right: str,
    wrong: tuple[str, ...],
    *,
    balance: str = "",
) -> QuestionDraft:
    time_s = moment.time_s
    holes = {"video": facts.name, "time": format_time(time_s)}
    targets: tuple[str, ...] = ()
    # Without a thing in question, the answer is a count.
    event = moment.event is not None and moment.event.kind != "recolour"
    if thing is not None:
        event = moment.hangs(thing)
        targets = (f"{thing.colour} {thing.shape}",)
        holes |= {"shape": thing.shape, "colour": thing.colour, "the": f"the {targets[0]}"}
    windows = (Window(facts.name, float(time_s), float(time_s + 1)),)
    return QuestionDraft(
        type_, kind, holes, right, right, wrong, windows, targets, event, balance or right, (), str(time_s)
    )


def _several(
    facts: Facts,
    type_: str,
    kind: str,
    events: Sequence[Event],
    answer: str,
    right: str,
    wrong: tuple[str, ...],
    *,
    balance: str,
) -> QuestionDraft:
    holes = {"video": facts.name, **{hole: with_article(e.target) for hole, e in zip("abc", events, strict=False)}}
    ordered = tuple(facts.window(event) for event in sorted(events, key=lambda event: event.start_s))
    targets = tuple(event.target for event in events)
    named = right if type_ == "order" else with_article(right)
    about = " ".join(sorted(event.id for event in events))
    return QuestionDraft(
        type_, kind, holes, answer, named, wrong, ordered, targets, True, balance, _cues(events), about
    )


def _cues(events: Sequence[Event]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{event.cue} flag" for event in events if event.cue))
