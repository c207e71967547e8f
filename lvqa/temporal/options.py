"""Which option says the same as a result: yes or no, a stretch of time, a number, a name, an order.

Each match comes with a factor in [0, 1] for the confidence: how well the option fits. This module looks at nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lvqa.language.stems import stem, words_of
from lvqa.language.times import clock_s
from lvqa.temporal.rules import RULES
from lvqa.types import Span

Value = bool | float | Span | str | tuple[str, ...]
Match = tuple[int | None, float]

_CLOCK = r"(?:\d{1,2}:)?\d{1,2}:\d{2}(?:[.,]\d+)?"
_WINDOW = re.compile(rf"({_CLOCK})(?:\s*(?:-|–|to|until|and)\s*({_CLOCK}))?")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?")
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBERS = {word: float(n) for n, word in enumerate(_WORDS)} | {"never": 0.0, "none": 0.0, "once": 1.0, "twice": 2.0}
_NONE: Match = (None, 0.0)
_ARTICLES = frozenset(("a", "an", "the", "any", "some"))


def match(value: Value, options: Sequence[str]) -> Match:
    """The option nearest to a value and how well it fits; (None, 0) where none is compatible."""
    if isinstance(value, bool):
        wanted = "yes" if value else "no"
        return next(((n, 1.0) for n, option in enumerate(options) if words_of(option)[:1] == [wanted]), _NONE)
    if isinstance(value, Span):
        return _by_time(value, options)
    if isinstance(value, float | int):
        return _by_number(float(value), options)
    if isinstance(value, tuple):
        orders = [order_of(option, value) for option in options]
        return (orders.index(value), 1.0) if value in orders else _NONE
    return _by_name(value, options)


def bare_phrase(option: str) -> str:
    """An option that names a thing, lower case, without its article."""
    given = option.lower().strip(" .").split()
    return " ".join(given[1:] if given and given[0] in _ARTICLES else given)


def window(option: str) -> Span | None:
    """The stretch of time that an option names; a lone time is a second long."""
    found = _WINDOW.search(option)
    if found is None:
        return None
    start_s = clock_s(found[1])
    if start_s is None:
        return None
    end_s = clock_s(found[2] or "")
    return Span(start_s, end_s) if end_s is not None and end_s > start_s else Span(start_s, start_s + 1.0)


def number(option: str) -> float | None:
    """The one number that an option names, as digits or a word."""
    found = [float(text) for text in _NUMBER.findall(option)]
    found += [_NUMBERS[word] for word in words_of(option) if word in _NUMBERS]
    return found[0] if len(found) == 1 else None


def order_of(option: str, phrases: Sequence[str]) -> tuple[str, ...]:
    """The phrases that an option names, in its order."""
    text = option.lower()
    at = {phrase: place.start() for phrase in phrases if (place := re.search(rf"\b{re.escape(phrase)}\b", text))}
    return tuple(sorted(at, key=lambda phrase: at[phrase]))


def _by_time(value: Span, options: Sequence[str]) -> Match:
    spans = [window(option) for option in options]
    known = [(n, span) for n, span in enumerate(spans) if span is not None]
    if not known:
        return _NONE
    n, best = max(known, key=lambda row: (row[1].iou(value), -row[1].gap_s(value)))
    if best.overlaps(value):
        return n, 1.0
    return (n, RULES.near_stretch) if best.gap_s(value) <= RULES.near_option_s else _NONE


def _by_number(value: float, options: Sequence[str]) -> Match:
    known = [(n, found) for n, option in enumerate(options) if (found := number(option)) is not None]
    if not known:
        return _NONE
    n, nearest = min(known, key=lambda row: abs(row[1] - value))
    off = abs(nearest - value)
    if off <= RULES.same_number:
        return n, 1.0
    fit = RULES.near_number_fit if off < RULES.near_number else RULES.far_number_fit
    return (n, fit) if off <= RULES.far_number else _NONE


def _by_name(value: str, options: Sequence[str]) -> Match:
    wanted = _key(value)
    keys = [_key(option) for option in options]
    if wanted in keys:
        return keys.index(wanted), 1.0
    holding = [n for n, key in enumerate(keys) if wanted and set(wanted) <= set(key)]
    if len(holding) == 1:
        return holding[0], RULES.holding
    near = [n for n, option in enumerate(options) if _one_off(value.lower().strip(), option.lower().strip())]
    return (near[0], RULES.one_off) if len(near) == 1 else _NONE


def _key(text: str) -> tuple[str, ...]:
    return tuple(stem(word) for word in words_of(text) if word not in ("a", "an", "the", "at", "in", "on"))


def _one_off(a: str, b: str) -> bool:
    """Whether two short readings differ in one character: `k7` and `k1`."""
    return len(a) == len(b) and len(a) > 1 and " " not in a and sum(x != y for x, y in zip(a, b, strict=True)) == 1
