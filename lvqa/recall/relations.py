"""What a question says about when: at the beginning, the last time, after the dog barks.

A relation becomes a prior over the seconds of a video, never a wall: captions are seldom sharp enough to forbid what
lies on the wrong side. Only a stretch of time that the question names outright ("between 10:00 and 12:00") is a
filter, and that is `lvqa.language.words.times`. English only, by rule. This module knows times, no notes and no store.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from lvqa.language.words import content

Values = npt.NDArray[np.float64]
Position = Literal["start", "middle", "end"]
Ordinal = Literal["first", "last"]
Order = Literal["after", "before", "while"]

# How far into the video, as a share of its length, "at the beginning" and the like reach: the e-folding length of the
# ends, the standard deviation of the middle. Gold windows of such questions: 80 % in the first, last fifth.
REACH = 0.15
# What stays possible everywhere, whatever the words: annotators and askers are loose with them.
_FLOOR = 0.1
_ANCHOR_FLOOR = 0.5
# Seconds from an anchor to what is asked about it: e-folding lengths on its right and its wrong side.
_RIGHT_S = 10.0
_WRONG_S = 2.5
# How strongly "the first time" prefers what nothing like it comes before.
_ORDINAL = 4.0

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


def position_prior(position: Position | None, share: Values) -> Values:
    """The prior of each place in a video, `share` (n,) of its length in [0, 1], relative to no knowledge: mean 1."""
    if position is None:
        return np.ones_like(share)
    if position == "middle":
        shaped = np.exp(-0.5 * ((share - 0.5) / REACH) ** 2) / (REACH * np.sqrt(2 * np.pi))
    else:
        away = share if position == "start" else 1.0 - share
        shaped = np.exp(-away / REACH) / (REACH * (1 - np.exp(-1 / REACH)))
    prior: Values = _FLOOR + (1 - _FLOOR) * shaped
    return prior


def position_window(position: Position, duration_s: float) -> tuple[float, float]:
    """The stretch of a video, in seconds, that holds most of a position's prior."""
    reach_s = 2 * REACH * duration_s
    if position == "start":
        return 0.0, reach_s
    if position == "end":
        return duration_s - reach_s, duration_s
    return duration_s / 2 - reach_s, duration_s / 2 + reach_s


def anchor_window(order: Order, time_s: float) -> tuple[float, float]:
    """The stretch around an anchor at `time_s`, in seconds, that holds most of what is asked about it."""
    right_s, wrong_s = 2 * _RIGHT_S, 2 * _WRONG_S
    if order == "after":
        return time_s - wrong_s, time_s + right_s
    if order == "before":
        return time_s - right_s, time_s + wrong_s
    return time_s - _RIGHT_S, time_s + _RIGHT_S


def anchor_prior(order: Order, times_s: Values, anchors_s: Values, weights: Values) -> Values:
    """How likely each time (n,) is, given where the anchor may be: times (m,) in seconds with weights (m,) of sum 1.

    Relative to no knowledge, with a mean of 1 over the times; half of it is kept everywhere.
    """
    gap = times_s[:, None] - anchors_s[None, :]
    forward, backward = {
        "after": (_RIGHT_S, _WRONG_S),
        "before": (_WRONG_S, _RIGHT_S),
        "while": (_RIGHT_S, _RIGHT_S),
    }[order]
    density = np.exp(-np.where(gap >= 0, gap / forward, -gap / backward)) @ weights
    mean = float(density.mean())
    if mean <= 0:
        return np.ones_like(times_s)
    return _ANCHOR_FLOOR + (1 - _ANCHOR_FLOOR) * density / mean


def ordinal_prior(ordinal: Ordinal, times_s: Values, shares: Values) -> Values:
    """How likely each time (n,) is to be the first, or the last, of several: the less, the more lies before it.

    `shares` (n,) are the probabilities of the times so far, of sum 1.
    """
    order = np.argsort(times_s, kind="stable")
    before = np.empty_like(shares)
    before[order] = np.cumsum(shares[order]) - shares[order]
    earlier = before if ordinal == "first" else 1.0 - before - shares
    prior: Values = np.exp(-_ORDINAL * np.clip(earlier, 0.0, 1.0))
    return prior
