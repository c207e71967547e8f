"""Whether an answer about the world is right: options by their index, open answers by strict rules on their text.

An open answer is right only where the rule for its gold answer holds. With abstaining it is right only where nothing is
to be found. The rules, by what the gold answer is:

* `yes` or `no`: the answer begins with that word.
* a time (type `when`): the first interval of the answer overlaps a gold window with an IoU of at least 0.5, or has both
  of its ends within 2 s of one's; a lone time lies in a gold window, or within 2 s of it. No other video is named.
* a duration: the one number of seconds named is within 0.5 s of the gold one (two frames of the grid).
* a number: the numbers named, times and file names apart, are the gold one alone (`three` is 3, `twice` is 2).
* what a sign says: the one code of a letter and a digit named is the gold one.
* `before` or `after`: the first of the two words is the gold one.
* an order: the objects named are the gold ones, in their order.
* names (objects, videos, places, colours, shapes): where the question itself offers the gold one, it is the first
  named; else those named that the question does not name are the gold one alone (`from the left` is not counted).

Anything else must be the gold answer word for word. Knows no video and no model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from lvqa.eval.lab.world.questions.make import WorldQuestion
from lvqa.eval.lab.world.words import COLOURS, PLACES, PLURALS, SHAPES
from lvqa.eval.metrics import Window, iou
from lvqa.eval.runner.rows import is_right
from lvqa.types import Answer, parse_time

LEAST_IOU = 0.5
NEAR_S = 2.0
DURATION_S = 0.5

_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBERS = {word: n for n, word in enumerate(_WORDS)} | {"none": 0, "never": 0, "once": 1, "twice": 2}
_TIME = r"(?:\d{1,2}:)?\d{1,2}:\d{2}(?:[.,]\d+)?"
_INTERVAL = re.compile(rf"({_TIME})(?:\s*(?:-|–|to|until)\s*({_TIME}))?")
_FILE = re.compile(r"[\w.-]+\.(?:mp4|mkv|mov|webm)\b")
_CODE = re.compile(r"\b[a-z]\d\b")
_SEQUENCE = re.compile(r"\bbefore\b|\bafter\b")


def _any_of(words: Sequence[str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_SHAPE = _any_of([*SHAPES, *(PLURALS[shape] for shape in SHAPES)])
_SINGULAR = {PLURALS[shape]: shape for shape in SHAPES}
_OBJECT = re.compile(rf"\b({_any_of(list(COLOURS))}) ({_SHAPE})\b")
_PLACE = re.compile(rf"\b(?:{_any_of(PLACES)})\b")
_FROM = re.compile(rf"\bfrom the (?:{_any_of(PLACES)})\b")
_COLOUR = re.compile(rf"\b(?:{_any_of(list(COLOURS))})\b")
_SHAPES = re.compile(rf"\b(?:{_SHAPE})\b")


def right_choice(question: WorldQuestion, answer: Answer) -> bool:
    """Whether the right option was chosen, or rightly none."""
    return is_right(question.choice, answer.choice, answer.abstained)


def right_open(question: WorldQuestion, answer: Answer) -> bool:
    """Whether an open answer is right by the rules above."""
    if question.unanswerable or answer.abstained:
        return question.unanswerable and answer.abstained
    said, gold = _plain(answer.text), _plain(question.answer)
    if _first_word(gold) in ("yes", "no"):
        return _first_word(said) == _first_word(gold)
    if question.type == "when":
        return _right_time(question, said)
    if question.type == "duration":
        numbers, wanted = _numbers(said), _numbers(gold)
        return len(numbers) == 1 and len(wanted) == 1 and abs(min(numbers) - min(wanted)) <= DURATION_S
    if question.type.startswith("count"):
        return _numbers(said) == _numbers(gold)
    if question.type == "sign":
        return set(_CODE.findall(said)) == set(_CODE.findall(gold))
    if question.type == "before_after":
        return _first(_SEQUENCE.findall(said)) == _first(_SEQUENCE.findall(gold))
    if question.type == "order":
        return objects(said) == objects(gold)
    for terms in (_files, objects, _places, _colours, _shapes):
        if wanted_terms := terms(gold):
            return _named(terms, said, wanted_terms, terms(_plain(question.question)))
    return said.strip(" .") == gold.strip(" .")


def objects(text: str) -> list[str]:
    """The objects that a text names, such as `red star`, each once, in the order of their first mention."""
    return list(dict.fromkeys(f"{c} {_SINGULAR.get(s, s)}" for c, s in _OBJECT.findall(_plain(text))))


def interval(text: str) -> Window | None:
    """The first interval of times that a text names, in seconds; a lone time has no length. None for no time."""
    found = _INTERVAL.search(text)
    if found is None:
        return None
    try:
        start = parse_time(found[1])
        end = parse_time(found[2]) if found[2] else start
    except ValueError:  # such as 99:99
        return None
    return start, max(start, end)


def _right_time(question: WorldQuestion, said: str) -> bool:
    if set(_files(said)) - {window.video.casefold() for window in question.windows}:
        return False
    found = interval(_FILE.sub(" ", said))
    if found is None:
        return False
    for window in question.windows:
        gold = (window.start_s, window.end_s)
        if found[0] == found[1]:
            near = gold[0] - NEAR_S <= found[0] <= gold[1] + NEAR_S
        else:
            near = abs(found[0] - gold[0]) <= NEAR_S and abs(found[1] - gold[1]) <= NEAR_S
        if near or iou(found, [gold]) >= LEAST_IOU:
            return True
    return False


def _named(terms: Callable[[str], list[str]], said: str, wanted: Sequence[str], offered: Sequence[str]) -> bool:
    found = terms(said)
    if set(wanted) <= set(offered):
        return found[: len(wanted)] == list(wanted)
    return [term for term in found if term not in offered] == list(wanted)


def _files(text: str) -> list[str]:
    return list(dict.fromkeys(_FILE.findall(text)))


def _places(text: str) -> list[str]:
    return list(dict.fromkeys(_PLACE.findall(_FROM.sub(" ", text))))


def _colours(text: str) -> list[str]:
    return list(dict.fromkeys(_COLOUR.findall(text)))


def _shapes(text: str) -> list[str]:
    return list(dict.fromkeys(_SINGULAR.get(shape, shape) for shape in _SHAPES.findall(text)))


def _numbers(text: str) -> set[float]:
    bare = re.sub(_TIME, " ", _FILE.sub(" ", text))
    found = {float(number) for number in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?=s\b|(?!\w))", bare)}
    return found | {float(_NUMBERS[word]) for word in re.findall(r"[a-z]+", bare) if word in _NUMBERS}


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("’", "'").split())


def _first_word(text: str) -> str:
    found = re.search(r"[a-z]+", text)
    return found[0] if found else ""


def _first(found: Sequence[str]) -> str | None:
    return found[0] if found else None
