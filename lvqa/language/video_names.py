"""Which video files a question names as where to look: "in a.mp4 and b.mp4". By rule, in English."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePosixPath

from lvqa.characters import composed
from lvqa.language.stems import words_of

# Files that a question names stand in it as numbers between zeros while it is read.
_MARK = re.compile(r"\0(\d+)\0")
_WITHIN_FILES = re.compile(
    r"\b(?:in|of|from|within|during|throughout|by)\s+(?:both\s+|either\s+)?(?:the\s+)?(?:videos?\s+)?\0\d+\0"
    r"(?:\s*(?:,|and\b|or\b|,\s*and\b|,\s*or\b)\s*(?:(?:in|of|from)\s+)?\0\d+\0)*",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"\b(?:other|another|others|except|besides|apart from|than|similar|same(?!\s+(?:time|moment|instant)\b)"
    r"|like|unlike)\b",
    re.IGNORECASE,
)


def named_videos(question: str, paths: Iterable[str]) -> tuple[str, frozenset[str]]:
    """A question without the video files in which it says to look ("in a.mp4 and b.mp4"), and the paths of those files.

    Files are named by path, by name, or without ending where that is no plain word. One that is mentioned in another
    way ("another video like a.mp4") says nothing about where to look. Where nothing would be left of the question, it
    stays as it is.
    """
    if _ELSEWHERE.search(question):
        return question, frozenset()
    marked, marks = _marked(question, paths)
    named: set[str] = set()
    for group in _WITHIN_FILES.finditer(marked):
        named.update(*(marks[int(number)][1] for number in _MARK.findall(group.group())))
    rest = _MARK.sub(lambda m: marks[int(m[1])][0], _WITHIN_FILES.sub(" ", marked))
    rest = " ".join(rest.split()).replace(" ?", "?")
    return (rest if words_of(rest) else question), frozenset(named)


def mentioned_videos(question: str, paths: Iterable[str]) -> tuple[str, ...]:
    """The paths of the video files that a question mentions, however it does, in the order of their mention."""
    marked, marks = _marked(question, paths)
    found = [path for number in _MARK.findall(marked) for path in sorted(marks[int(number)][1])]
    return tuple(dict.fromkeys(found))


def _marked(question: str, paths: Iterable[str]) -> tuple[str, list[tuple[str, frozenset[str]]]]:
    """A question with a mark for each file that it mentions, and by number how it writes it and which files that is."""
    by_form: dict[str, set[str]] = {}
    for path in paths:
        for form in _forms(path):
            by_form.setdefault(form, set()).add(path)
    marked, marks = composed(question).replace("\0", " "), [("", frozenset[str]())]
    asked = marked.casefold()
    for form in sorted((form for form in by_form if form in asked), key=len, reverse=True):
        pattern = re.compile(rf"(?<![\w./-]){re.escape(form)}(?![\w-]|\.\w)", re.IGNORECASE)
        while match := pattern.search(marked):
            marked = f"{marked[: match.start()]}\0{len(marks)}\0{marked[match.end() :]}"
            marks.append((match.group(), frozenset(by_form[form])))
    return marked, marks


@lru_cache(maxsize=1 << 16)
def _forms(path: str) -> tuple[str, ...]:
    return tuple(form.casefold() for form in file_forms(path))


def file_forms(path: str) -> list[str]:
    """How a question may write a video: its path, its name; its name without ending where that is no plain word.

    In the composed form of Unicode, whatever the file's name is in.
    """
    path = composed(path)
    pure = PurePosixPath(path)
    own = re.search(r"[\d_]", pure.stem) and re.search(r"[^\W\d_]", pure.stem)
    return list(dict.fromkeys([path, pure.name, *([pure.stem] if own else [])]))
