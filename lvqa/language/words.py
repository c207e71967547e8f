"""What the words of a question tell by themselves: content words, quoted parts, time codes, times, a plain rewriting.

English only, by rule, for the agent that reasons without a model and for exact matches. This module knows no notes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePosixPath

from lvqa.language.stems import STOP_WORDS
from lvqa.language.stems import stem as stem
from lvqa.language.stems import words as words
from lvqa.types import Span, parse_time

_QUOTED = re.compile(r'"([^"]{2,})"|“([^”]{2,})”|«([^»]{2,})»|‘([^’]{2,})’')
# Runs such as 01:00:21, 3.14, AB-12/7: with punctuation inside and a digit, they mean themselves and nothing like them.
_RUN = re.compile(r"(?<![\w])(?=[\w:.;/\-]*\d)(?=[\w:.;/\-]*[:./;\-])\w+(?:[:.;/\-]\w+)+(?![\w])")
_CLOCK = r"\d{1,2}(?::\d{2}){1,2}(?:\.\d+)?"
_BETWEEN = re.compile(rf"\b(?:between|from)\s+({_CLOCK})\s+(?:and|to|until|till)\s+({_CLOCK})(?![\w:])", re.IGNORECASE)
# Files that a question names stand in it as numbers between zeros while it is read.
_MARK = re.compile(r"\0(\d+)\0")
_WITHIN_FILES = re.compile(
    r"\b(?:in|of|from|within|during|throughout|by)\s+(?:both\s+|either\s+)?(?:the\s+)?(?:videos?\s+)?\0\d+\0"
    r"(?:\s*(?:,|and\b|or\b|,\s*and\b|,\s*or\b)\s*(?:(?:in|of|from)\s+)?\0\d+\0)*",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"\b(?:other|another|others|except|besides|apart from|than|similar|same|like|unlike)\b", re.IGNORECASE
)
_AT = re.compile(rf"\b(?:at|around|about)\s+({_CLOCK})(?![\w:])", re.IGNORECASE)
_FIRST = re.compile(r"\b(?:in|during|within)\s+the\s+first\s+(\d+)\s*(s|sec|seconds?|min|minutes?)\b", re.IGNORECASE)
_READS = re.compile(r"\b(?:reads?|says?|shows?|displays?|code|clock|counter|timer)\b", re.IGNORECASE)

_ARTICLES = frozenset(("a", "an", "the"))
# Words of the question's form, not of its matter: they say nothing about which note answers it.
_FORM = frozenset(
    ("video", "videos", "film", "movie", "clip", "footage", "scene", "shown", "show", "shows", "seen", "see")
) | frozenset(("happen", "happens", "there", "kind", "sort", "type"))

_AUXILIARY = r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|'s|’s)"
_THERE = re.compile(rf"\s+{_AUXILIARY}\s+there$", re.IGNORECASE)
_PHRASES = re.compile(r"[,;.:]|\band\b")
_ARTICLE = re.compile(r"^(?:an?|the|some|one|two|three|\d+)\s", re.IGNORECASE)
_OPENINGS = (
    re.compile(rf"^(?:what|which)\s+(?:kind|sort|type|colou?r)\s+(?:of\s+)?(.+?)\s+{_AUXILIARY}\b\s*", re.IGNORECASE),
    re.compile(r"^(?:how\s+(?:many|much|often|long)(?:\s+times)?)\s+(.*)$", re.IGNORECASE),
    re.compile(
        rf"^(?:at\s+what\s+(?:time|point|moment)|what\s+time|when|where|why|how|who|whom|what|which)\b\s*"
        rf"(?:{_AUXILIARY}\b)?\s*",
        re.IGNORECASE,
    ),
    re.compile(rf"^{_AUXILIARY}\s+(?:there\b\s*)?", re.IGNORECASE),
)


@lru_cache(maxsize=1 << 10)
def content(text: str) -> tuple[str, ...]:
    """Stems of the words that carry matter, without repeats, in order; of all words when none do."""
    kept = [stem(word) for word in words(text) if word not in STOP_WORDS and word not in _FORM]
    return tuple(dict.fromkeys(kept or [stem(word) for word in words(text)]))


@lru_cache(maxsize=1 << 12)
def stems(text: str) -> frozenset[str]:
    """The stems of all words of a text."""
    return frozenset(map(stem, words(text)))


def coverage(asked: Iterable[str], text: str) -> float:
    """The share of these stems that a text has, in [0, 1]; 0 for no stems."""
    wanted = set(asked)
    return len(wanted & stems(text)) / len(wanted) if wanted else 0.0


def exact_parts(query: str) -> list[str]:
    """The parts of a query that only a literal match satisfies: quoted texts, and punctuated runs with a digit.

    A time that says where to look (see `times`) is not one of them.
    """
    quoted = [next(filter(None, match)) for match in _QUOTED.findall(query)]
    rest = _QUOTED.sub(" ", query)
    rest = without_times(rest)
    return list(dict.fromkeys([*quoted, *(match.group() for match in _RUN.finditer(rest))]))


def has_exactly(text: str, part: str) -> float:
    """How literally a text has a part: 1 where it begins a run of the text, 0.5 inside one, 0 where it is not.

    Case and spacing do not count. "01:00:21" begins the run 01:00:21:05 and stands inside 22:01:00:21.
    """
    plain, wanted = _plain(text), _plain(part)
    at = plain.find(wanted)
    best = 0.0
    while at >= 0:
        before, after = plain[at - 1 : at], plain[at + len(wanted) : at + len(wanted) + 1]
        whole = not (after.isalnum() and wanted[-1:].isalnum())
        if whole and not (before.isalnum() or (before in tuple(":.;/-") and wanted[:1].isdigit())):
            return 1.0
        best = 0.5 if whole else max(best, 0.25)
        at = plain.find(wanted, at + 1)
    return best


@lru_cache(maxsize=1 << 12)
def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


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


def clock_s(text: str) -> float | None:
    """The seconds of a clock, None for one that there is not: 99:99."""
    try:
        return parse_time(text)
    except ValueError:
        return None


def named_videos(question: str, paths: Iterable[str]) -> tuple[str, frozenset[str]]:
    """A question without the video files in which it says to look ("in a.mp4 and b.mp4"), and the paths of those files.

    Files are named by path, by name, or without ending where that is no plain word. One that is mentioned in another
    way ("another video like a.mp4") says nothing about where to look. Where nothing would be left of the question, it
    stays as it is.
    """
    if _ELSEWHERE.search(question):
        return question, frozenset()
    by_form: dict[str, set[str]] = {}
    for path in paths:
        for form in file_forms(path):
            by_form.setdefault(form.casefold(), set()).add(path)
    marked, marks = question.replace("\0", " "), [("", frozenset[str]())]
    for form in sorted(by_form, key=len, reverse=True):
        pattern = re.compile(rf"(?<![\w./-]){re.escape(form)}(?![\w-]|\.\w)", re.IGNORECASE)
        while match := pattern.search(marked):
            marked = f"{marked[: match.start()]}\0{len(marks)}\0{marked[match.end() :]}"
            marks.append((match.group(), frozenset(by_form[form])))
    named: set[str] = set()
    for group in _WITHIN_FILES.finditer(marked):
        named.update(*(marks[int(number)][1] for number in _MARK.findall(group.group())))
    rest = _MARK.sub(lambda m: marks[int(m[1])][0], _WITHIN_FILES.sub(" ", marked))
    rest = " ".join(rest.split()).replace(" ?", "?")
    return (rest if words(rest) else question), frozenset(named)


def file_forms(path: str) -> list[str]:
    """How a question may write a video: its path, its name; its name without ending where that is no plain word."""
    pure = PurePosixPath(path)
    own = re.search(r"[\d_]", pure.stem) and re.search(r"[^\W\d_]", pure.stem)
    return list(dict.fromkeys([path, pure.name, *([pure.stem] if own else [])]))


def without_times(question: str) -> str:
    """A question without the stretch of time that it names: that says where to look, not what for."""
    if times(question) is None:
        return question
    return " ".join(_FIRST.sub(" ", _AT.sub(" ", _BETWEEN.sub(" ", question))).replace(" ?", "?").split())


def declarative(question: str) -> str:
    """A question rewritten as the phrase that a caption would use: "Where is the cat?" becomes "the cat".

    "Describe, don't ask": a caption-like query finds a caption better than a question does.
    """
    text = question.strip().rstrip("?!. ").strip()
    for opening in _OPENINGS:
        match = opening.match(text)
        if match is None:
            continue
        named = " ".join(group for group in match.groups() if group)
        rest = _THERE.sub("", f"{named} {text[match.end() :]}".strip())
        if rest:
            return rest
    return text


def with_article(phrase: str) -> str:
    """`a red star`, `an orange ring`; what begins with an article or a number, and sentences, stay as they are."""
    phrase = " ".join(phrase.split())
    if _ARTICLE.match(phrase) or len(phrase.split()) > 6 or phrase[:1].isupper():
        return phrase
    return f"{'an' if phrase[:1] in 'aeiou' else 'a'} {phrase}"


def parts(text: str) -> list[str]:
    """The comma-separated phrases of a caption, lower case."""
    return [part for piece in _PHRASES.split(text.lower()) if (part := " ".join(piece.split()))]


def says(part: str, phrase: str) -> bool:
    """Whether all words of a thing stand in one phrase; articles do not count."""
    wanted = {stem(word) for word in words(phrase)}
    return (wanted - _ARTICLES or wanted) <= stems(part)


@lru_cache(maxsize=1 << 10)
def roots(phrase: str) -> tuple[str, ...]:
    """What a lower-case text has to hold for `names` to be true of it: quick to look for, and no proof."""
    wanted = {stem(word) for word in words(phrase)}
    return tuple(word[:-1] if word.endswith("y") else word for word in wanted - _ARTICLES or wanted)


def names(text: str, phrase: str, *, whole: bool = False) -> bool:
    """Whether a text tells of a thing: all its words in one phrase, or anywhere with `whole`."""
    return says(text, phrase) if whole else any(says(part, phrase) for part in parts(text))
