"""An event as a caption puts it, read: which thing, and what becomes of it. By rule, in English.

"A red star appears" is a thing that comes; "the light turns green" and "the cup is gone" are changes of a thing that
stays. Any other event is looked for as it is written. This module knows no question, no notes and no frames.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lvqa.language.noun_phrases import whole_phrase
from lvqa.temporal.query import Change

_COMES = re.compile(
    r"\s+(?:(?:is|are|was|were|can\s+be)\s+(?:there|seen|shown|visible|present)|appear(?:s|ed)?|shows?\s+up|comes?(?:\s+up)?)$"
)
_COLOURS = (
    "red|green|blue|yellow|orange|purple|violet|pink|brown|black|white|gr[ae]y|gold(?:en)?|silver|turquoise|beige"
)
_FOR_A_MOMENT = r"(?:\s+(?:for\s+a\s+(?:moment|while)|briefly))?$"
_CHANGES: tuple[tuple[Change, re.Pattern[str]], ...] = (
    (
        "vanish",
        re.compile(rf"\s+(?:(?:is|are|was|were)\s+gone|vanish(?:es|ed)?|disappear(?:s|ed)?){_FOR_A_MOMENT}"),
    ),
    (
        "recolour",
        re.compile(
            r"\s+(?:(?:turn|chang|becom)\w*\s+(?:its|their|the)?\s*colou?r|(?:turns?|turned|becomes?|became)\s+(?P<to>"
            + _COLOURS
            + "))"
            + _FOR_A_MOMENT
        ),
    ),
    (
        "move",
        re.compile(
            r"\s+(?:mov|slid)(?:es?|ed|ing)\s+to\s+another\s+place$|\s+chang(?:es?|ed|ing)\s+(?:its|their)\s+place$"
        ),
    ),
)
_ARTICLE = re.compile(r"^(?:an?|the|any|some)\s+")


@dataclass(frozen=True, slots=True)
class CaptionEvent:
    """A thing, without article, and what becomes of it; `to` is the colour that it takes, empty where none is named.

    Where an event is no thing that comes or changes, `thing` is the event as it is written.
    """

    thing: str
    change: Change = "appear"
    to: str = ""


def read_event(text: str) -> CaptionEvent:
    """The event that a phrase written like a caption tells of."""
    plain = " ".join(text.strip(" .?!").split())
    lower = plain.lower()
    for change, pattern in _CHANGES:
        if (match := pattern.search(lower)) and is_thing(lower[: match.start()]):
            return CaptionEvent(_ARTICLE.sub("", lower[: match.start()]), change, match.groupdict().get("to") or "")
    if (match := _COMES.search(lower)) and is_thing(lower[: match.start()]):
        return CaptionEvent(_ARTICLE.sub("", lower[: match.start()]))
    return CaptionEvent(_ARTICLE.sub("", lower) if is_thing(lower) else plain)


def is_thing(text: str) -> bool:
    """Whether a text is a thing alone ("a milk carton"), and no happening ("she opens the fridge")."""
    return whole_phrase(text) is not None
