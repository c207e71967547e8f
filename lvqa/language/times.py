"""Where a question's time words are read: a stretch that it names, or what it says about when.

A stretch named outright ("between 10:00 and 12:00", `times`) is a place to look in. "At the beginning", "the last
time", "after the dog barks" (`relation_of`) are a `Relation`: recall makes priors over the seconds of a video of it
(`lvqa.recall.time_priors`), never a wall. English only, by rule. This module knows words and seconds, no notes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from lvqa.language.stems import content
from lvqa.types import Span, parse_time

Position = Literal["start", "middle", "end"]
Ordinal = Literal["first", "last"]
Order = Literal["after", "before", "while"]

_CLOCK = r"\d{1,2}(?::\d{2}){1,2}(?:\.\d+)?"
_BETWEEN = re.compile(rf"\b(?:between|from)\s+({_CLOCK})\s+(?:and|to|until|till)\s+({_CLOCK})(?![\w:])", re.IGNORECASE)
_AT = re.compile(rf"\b(?:at|around|about)\s+({_CLOCK})(?![\w:])", re.IGNORECASE)
_FIRST = re.compile(r"\b(?:in|during|within)\s+the\s+first\s+(\d+)\s*(s|sec|seconds?|min|minutes?)\b", re.IGNORECASE)
_NUMBER = r"(?:\d+(?:\.\d+)?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|half an?)"
_UNIT = r"(?:seconds?|secs?|sek\w*|seg\w*|s|minut\w*|mins?|m|hours?|hrs?|h|stunden?|heures?|horas?)"
_ORDINAL = r"(?:\d+(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)"
_NAMES = re.compile(
    rf"\b{_CLOCK}(?![\w:])|\b(?<!for ){_NUMBER}\s*{_UNIT}\b|\b{_UNIT}\s+{_NUMBER}\b|\b{_ORDINAL}\s+{_UNIT}\b",
    re.IGNORECASE,
)
_READS = re.compile(
    rf"\b(?:reads?|says?|shows?|displays?)(?:\s+(?:a\s+time\s+of|exactly))*\s+{_CLOCK}"
    rf"|\b(?:code|clock|counter|timer)\b(?:\s+(?:is|was|stands|at|around|about))*\s+{_CLOCK}|{_CLOCK}\s+(?:on|by)\s+(?:\w+\s+){{1,2}}(?:code|clock|counter|timer|display)\b",
    re.IGNORECASE,
)

_OPENING = r"(?:(?:right|near|nearly|towards?|at|in|by|from|till|until|during)\s+)*(?:the\s+)?(?:very\s+)?"
_OF_IT = (
    r"(?:\s+(?:part|half|section))?(?:\s+(?:of|in)\s+(?:(?:the|this)\s+)?(?:video|clip|film|movie|footage|recording))?"
)
_POSITIONS: tuple[tuple[Position, re.Pattern[str]], ...] = (
    (
        "start",
        re.compile(rf"\b(?:{_OPENING}(?:beginning|start|opening){_OF_IT}|at\s+first|initially)(?=\W*$|\W)", re.I),
    ),
    (
        "end",
        re.compile(rf"\b(?:{_OPENING}(?:end|ending|close){_OF_IT}|finally|eventually|in\s+the\s+end)(?=\W*$|\W)", re.I),
    ),
    ("middle", re.compile(rf"\b(?:half\s*way\s+through|{_OPENING}middle{_OF_IT})(?=\W*$|\W)", re.I)),
)
# "the end of the rope", "the middle of the room", "start walking", "in the middle carrying a bag" are not about time.
_OF_THINGS = re.compile(
    r"^\s+(?:of\s+(?!(?:(?:the|this)\s+)?(?:video|clip|film|movie|footage|recording)\b)\w|\w+ing\b|to\s+\w)"
)
_NEEDS_FRAME = re.compile(
    r"\b(?:the|very|at|in|near|towards?|from)\s+(?:\w+\s+)?(?:beginning|start|opening|end|ending|close|middle)\b", re.I
)
_ORDINAL_WORDS = re.compile(
    r"\bthe\s+(first|last|final)\s+(?:time|occasion|appearance|attempt|scene|shot|event)\b"
    r"|\b(first|last)\b(?=\s*(?:$|[?!.]|(?:appear|happen|occur|show|see|seen|enter|come|go|do|open|speak)s?\b))",
    re.I,
)
_AWHILE = re.compile(r"\b(?:after|for)\s+a\s*while\b", re.I)
_ORDER_WORDS: dict[str, Order] = {
    "after": "after",
    "once": "after",
    "before": "before",
    "until": "before",
    "while": "while",
    "when": "while",
    "as": "while",
    "during": "while",
}
_ANCHOR = re.compile(
    r"^(?P<main>.+?\S)\s*,?\s+(?:(?:right|just|shortly|soon|immediately)\s+)?"
    r"\b(?P<word>after|once|before|until|while|when|as|during)\b\s+(?P<anchor>.+)$",
    re.I,
)
_LEAST_ANCHOR_WORDS = 1


def times(question: str) -> Span | None:
    """The stretch of the video's own time that a question names, if it does: between, from-to, at, in the first.

    A time that something "reads", "says" or "shows" is a text to find, not a place to look in.
    """
    if match := _BETWEEN.search(question):
        start_s, end_s = clock_s(match[1]), clock_s(match[2])
        return Span(start_s, end_s) if start_s is not None and end_s is not None and start_s < end_s else None
    if (match := _FIRST.search(question)) and len(match[1]) < 10:
        seconds = int(match[1]) * (60 if match[2].lower().startswith("min") else 1)
        return Span(0, seconds) if seconds else None
    if (match := _AT.search(question)) and not _READS.search(question):
        at_s = clock_s(match[1])
        return Span(max(0.0, at_s - 2), at_s + 3) if at_s is not None else None
    return None


def names_time(question: str) -> bool:
    """Whether a question names a time of the video in some way, which `times` may read or not: "the third minute"."""
    return times(question) is not None or bool(_NAMES.search(question) and not _READS.search(question))


def clock_s(text: str) -> float | None:
    """The seconds of a clock, None for one that there is not: 99:99."""
    try:
        return parse_time(text)
    except ValueError:
        return None


def without_times(question: str) -> str:
    """A question without the stretch of time that it names: that says where to look, not what for."""
    if times(question) is None:
        return question
    return " ".join(_FIRST.sub(" ", _AT.sub(" ", _BETWEEN.sub(" ", question))).replace(" ?", "?").split())


@dataclass(frozen=True, slots=True)
class Relation:
    """What a question says about when: where in the video, which of several times, on which side of which event.

    `anchor` is the event's description, empty where there is none.
    """

    position: Position | None = None
    ordinal: Ordinal | None = None
    order: Order | None = None
    anchor: str = ""

    @property
    def says_when(self) -> bool:
        """Whether there is anything in it."""
        return self.position is not None or self.ordinal is not None or self.order is not None


def relation_of(question: str) -> tuple[str, Relation]:
    """The question without the words that only say where in the video, and what it says about when.

    The words of an anchor stay: they describe what is near.
    """
    text, position = question, None
    for name, pattern in _POSITIONS:
        match = next((m for m in pattern.finditer(text) if _is_of_time(text, m)), None)
        if match is not None:
            text, position = _without(text, match), name
            break
    ordinal: Ordinal | None = None
    if match := _ORDINAL_WORDS.search(text):
        ordinal = "first" if (match[1] or match[2]).lower() == "first" else "last"
    text = _AWHILE.sub(" ", text)
    text = " ".join(text.split()).replace(" ?", "?")
    order: Order | None = None
    anchor = ""
    if match := _ANCHOR.match(text.rstrip("?!. ")):
        described = match["anchor"].strip(" ,")
        if len(content(described)) >= _LEAST_ANCHOR_WORDS and content(match["main"]):
            order, anchor = _ORDER_WORDS[match["word"].lower()], described
    if not content(text):
        return question, Relation(position, ordinal, order, anchor)
    return text, Relation(position, ordinal, order, anchor)


def _is_of_time(text: str, match: re.Match[str]) -> bool:
    if _OF_THINGS.match(text[match.end() :]):
        return False
    word = match.group().lower()
    if any(w in word for w in ("first", "initially", "finally", "eventually", "through")):
        return True
    return bool(_NEEDS_FRAME.search(match.group()))  # a bare "start" or "end" is a verb


def _without(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()].rstrip(' ,')} {text[match.end() :].lstrip(' ,')}"
