"""Every wording of every question about the world, as data. Knows no video and no answer.

Holes: `{video}` and `{video2}` are file names; `{a}`, `{b}` and `{c}` are objects with an article ("a red star", "an
orange ring"), `{the}` is `{a}` with "the"; `{time}` is `HH:MM:SS`; `{shape}`, `{colour}` and `{other}` (the colour it
turns into) are single words.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Template:
    """The wordings of one thing to ask: `open` without options, `options` with five of them."""

    type: str
    kind: str
    open: tuple[str, ...]
    options: tuple[str, ...]


TYPES = (
    "existence",
    "attribute",
    "place",
    "count_objects",
    "count_events",
    "when",
    "before_after",
    "first_last",
    "order",
    "duration",
    "sign",
    "across",
    "unanswerable",
)

_SEEN = ("Is {a} ever seen in {video}?", "Does {a} ever appear in {video}?", "Is there {a} at any time in {video}?")
_COLOUR = (
    "What colour does {the} turn into in {video}?",
    "Which colour does {the} take for a moment in {video}?",
    "In {video}, {the} changes its colour for a moment. What colour does it turn into?",
)
_COLOUR_AT = (
    "What colour is the {shape} in {video} at {time}?",
    "At {time} in {video}, which colour does the {shape} have?",
    "Which colour is the {shape} that is seen in {video} at {time}?",
)
_SHAPE_AT = (
    "What shape is the {colour} object in {video} at {time}?",
    "At {time} in {video}, which shape does the {colour} object have?",
    "Which shape is the {colour} object that is seen in {video} at {time}?",
)
_PLACE = (
    "Where is {the} when it appears in {video}?",
    "In which part of the frame does {a} appear in {video}?",
    "Where in the frame does {a} show up in {video}?",
)
_PLACE_MOVE = (
    "Where does {the} move to in {video}?",
    "To which place does {the} slide in {video}?",
    "In {video}, {the} moves to another place. Where does it end up?",
)
_PLACE_AT = (
    "Where is {the} in {video} at {time}?",
    "At {time} in {video}, where in the frame is {the}?",
    "In which part of the frame is {the} at {time} in {video}?",
)
_COUNT_OBJECTS = (
    "How many objects are there in {video} at {time}, flags and signs aside?",
    "How many objects can be seen in {video} at {time}, not counting flags and signs?",
    "At {time} in {video}, how many objects are in the frame, flags and signs aside?",
)
_COUNT_EVENTS = (
    "How many times does {a} appear in {video}?",
    "How often does {a} appear in {video}?",
    "How often does {a} show up in {video}?",
    "How many times can {a} be seen to come and go in {video}?",
)
_WHEN_APPEAR = (
    "When does {a} appear in {video}?",
    "At what time does {a} show up in {video}?",
    "When can {a} be seen in {video}?",
    "When is {a} there in {video}?",
)
_WHEN_VANISH = (
    "When is {the} gone for a moment in {video}?",
    "When does {the} vanish for a moment in {video}?",
    "At what time does {the} disappear for a moment in {video}?",
)
_WHEN_RECOLOUR = (
    "When does {the} change its colour in {video}?",
    "When does {the} turn {other} in {video}?",
    "At what time does {the} become {other} for a moment in {video}?",
)
_WHEN_MOVE = (
    "When does {the} move to another place in {video}?",
    "At what time does {the} slide to another place in {video}?",
    "When does {the} change its place in {video}?",
)
_BEFORE = (
    "Does {a} appear before or after {b} in {video}?",
    "In {video}, does {a} show up before or after {b}?",
    "Is {a} seen before or after {b} in {video}?",
)
_ORDER = (
    "In which order do these appear in {video}: {a}, {b}, {c}?",
    "Put these in the order in which they appear in {video}: {a}, {b}, {c}.",
    "In {video}, {a}, {b} and {c} appear. In which order?",
)
_DURATION = (
    "How long is {the} visible in {video}?",
    "For how many seconds is {a} seen in {video}?",
    "How long does {a} stay when it appears in {video}?",
)
_DURATION_VANISH = (
    "How long is {the} gone in {video}?",
    "For how many seconds is {the} gone in {video}?",
    "How long does {the} stay away when it vanishes for a moment in {video}?",
)
_SIGN_WHILE = (
    "What does the sign say while {a} is there in {video}?",
    "What is written on the sign when {a} appears in {video}?",
    "What can be read on the sign while {a} is seen in {video}?",
)
_SIGN_AT = (
    "What does the sign say in {video} at {time}?",
    "What is written on the sign at {time} in {video}?",
    "At {time} in {video}, what can be read on the sign?",
)
_IN_WHICH = (
    "In which of the videos does {a} appear, {video} or {video2}?",
    "Which video shows {a}, {video} or {video2}?",
    "Which of {video} and {video2} shows {a}?",
)
_IN_BOTH = (
    "Is {a} seen in both {video} and {video2}?",
    "Does {a} appear in {video} as well as in {video2}?",
    "Do both {video} and {video2} show {a}?",
)

TEMPLATES: tuple[Template, ...] = (
    Template(
        "existence", "seen", _SEEN, ("Which of these is seen in {video}?", "Which of these ever appears in {video}?")
    ),
    Template(
        "existence",
        "unseen",
        _SEEN,
        ("Which of these is never seen in {video}?", "Which of these never appears in {video}?"),
    ),
    Template("attribute", "recolour", _COLOUR, _COLOUR),
    Template("attribute", "colour_at", _COLOUR_AT, _COLOUR_AT),
    Template("attribute", "shape_at", _SHAPE_AT, _SHAPE_AT),
    Template("place", "appear", _PLACE, _PLACE),
    Template("place", "move", _PLACE_MOVE, _PLACE_MOVE),
    Template("place", "at", _PLACE_AT, _PLACE_AT),
    Template("count_objects", "at", _COUNT_OBJECTS, _COUNT_OBJECTS),
    Template("count_events", "appear", _COUNT_EVENTS, _COUNT_EVENTS),
    Template("when", "appear", _WHEN_APPEAR, _WHEN_APPEAR),
    Template("when", "vanish", _WHEN_VANISH, _WHEN_VANISH),
    Template("when", "recolour", _WHEN_RECOLOUR, _WHEN_RECOLOUR),
    Template("when", "move", _WHEN_MOVE, _WHEN_MOVE),
    Template(
        "before_after",
        "before",
        _BEFORE,
        ("Which of these appears before {b} in {video}?", "Which of these is seen before {b} in {video}?"),
    ),
    Template(
        "before_after",
        "after",
        _BEFORE,
        ("Which of these appears after {b} in {video}?", "Which of these is seen after {b} in {video}?"),
    ),
    Template(
        "first_last",
        "first",
        (
            "What appears first in {video}, {a} or {b}?",
            "Which of the two is seen first in {video}: {a} or {b}?",
            "In {video}, which appears first, {a} or {b}?",
        ),
        ("Which of these appears first in {video}?", "Which of these is the first to be seen in {video}?"),
    ),
    Template(
        "first_last",
        "last",
        (
            "What appears last in {video}, {a} or {b}?",
            "Which of the two is seen last in {video}: {a} or {b}?",
            "In {video}, which appears last, {a} or {b}?",
        ),
        ("Which of these appears last in {video}?", "Which of these is the last to be seen in {video}?"),
    ),
    Template("order", "appear", _ORDER, _ORDER),
    Template("duration", "appear", _DURATION, _DURATION),
    Template("duration", "vanish", _DURATION_VANISH, _DURATION_VANISH),
    Template("sign", "while", _SIGN_WHILE, _SIGN_WHILE),
    Template("sign", "at", _SIGN_AT, _SIGN_AT),
    Template(
        "across",
        "only",
        _IN_WHICH,
        (
            "Which of these appears in {video} but never in {video2}?",
            "Which of these is seen in {video} but not in {video2}?",
        ),
    ),
    Template(
        "across",
        "both",
        _IN_BOTH,
        (
            "Which of these is seen in both {video} and {video2}?",
            "Which of these appears in {video} as well as in {video2}?",
        ),
    ),
    Template(
        "across",
        "not_both",
        _IN_BOTH,
        (
            "Which of these is not seen in both {video} and {video2}?",
            "Which of these is missing from {video} or from {video2}?",
        ),
    ),
    Template("unanswerable", "when", _WHEN_APPEAR, _WHEN_APPEAR),
    Template("unanswerable", "place", _PLACE, _PLACE),
    Template("unanswerable", "duration", _DURATION, _DURATION),
    Template("unanswerable", "sign", _SIGN_WHILE, _SIGN_WHILE),
    Template("unanswerable", "colour", _COLOUR, _COLOUR),
)
