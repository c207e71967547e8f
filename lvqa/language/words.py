"""What the words of a question or a caption tell by themselves: literal parts, a plain rewriting, the things named.

English only, by rule, for the agent that reasons without a model and for exact matches. This module knows no notes.
"""

from __future__ import annotations

import re
from functools import lru_cache

from lvqa.language.stems import STOP_WORDS, stem, stems, words_of
from lvqa.language.times import without_times

_QUOTED = re.compile(r'"([^"]{2,})"|“([^”]{2,})”|«([^»]{2,})»|‘([^’]{2,})’')
# Runs such as 01:00:21, 3.14, AB-12/7: with punctuation inside and a digit, they mean themselves and nothing like them.
_RUN = re.compile(r"(?<![\w])(?=[\w:.;/\-]*\d)(?=[\w:.;/\-]*[:./;\-])\w+(?:[:.;/\-]\w+)+(?![\w])")
# More words than these are a description.
MOST_KEYWORDS = 4
# Scripts that write without spaces: Chinese, Japanese, Thai, Lao, Khmer, Burmese.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_PLAIN_WORD = re.compile(r"[^\s,;]+")
_ARTICLES = frozenset(("a", "an", "the"))
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


def exact_parts(query: str) -> list[str]:
    """The parts of a query that only a literal match satisfies: quoted texts, and punctuated runs with a digit.

    A time that says where to look (see `lvqa.language.times`) is not one of them.
    """
    return list(_exact_parts(query))


@lru_cache(maxsize=1 << 8)
def _exact_parts(query: str) -> tuple[str, ...]:
    quoted = [next(filter(None, match)) for match in _QUOTED.findall(query)]
    rest = _QUOTED.sub(" ", query)
    rest = without_times(rest)
    return tuple(dict.fromkeys([*quoted, *(match.group() for match in _RUN.finditer(rest))]))


def keywords(query: str) -> tuple[str, ...]:
    """The words of a query that is no sentence, such as a name, a part number or some words to look up; else none.

    A query of a few words of which none only holds a sentence together ("Elena Marsh", "test_thrust", "Rechnung 4711",
    "光合作用"): what is looked for are these very words, as in a search for text.
    """
    words = _PLAIN_WORD.findall(query.strip().rstrip("?!. "))
    stops = sum(word.lower() in STOP_WORDS for word in words)
    # Where there are no others, those that hold sentences together are what is looked for.
    told = query.rstrip().endswith("?") or 0 < stops < len(words)
    return tuple(words) if 1 <= len(words) <= MOST_KEYWORDS and not told else ()


def has_exactly(text: str, part: str) -> float:
    """How literally a text has a part: 1 where it begins a run of the text, 0.5 inside one, 0 where it is not.

    Case and spacing do not count. "01:00:21" begins the run 01:00:21:05 and stands inside 22:01:00:21.
    """
    plain, wanted = _plain(text), _plain(part)
    at = plain.find(wanted)
    best = 0.0
    while at >= 0:
        before, after = plain[at - 1 : at], plain[at + len(wanted) : at + len(wanted) + 1]
        whole = not (_joins(after) and _joins(wanted[-1:]))
        if whole and not (
            (_joins(before) and _joins(wanted[:1])) or (before in tuple(":.;/-") and wanted[:1].isdigit())
        ):
            return 1.0
        best = 0.5 if whole else max(best, 0.25)
        at = plain.find(wanted, at + 1)
    return best


def _joins(character: str) -> bool:
    """Whether a character goes on with a word; where words have no spaces between, none does."""
    return character.isalnum() and not _UNSPACED.match(character)


@lru_cache(maxsize=1 << 12)
def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


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
    wanted = {stem(word) for word in words_of(phrase)}
    return (wanted - _ARTICLES or wanted) <= stems(part)


@lru_cache(maxsize=1 << 10)
def roots(phrase: str) -> tuple[str, ...]:
    """What a lower-case text has to hold for `names` to be true of it: quick to look for, and no proof."""
    wanted = {stem(word) for word in words_of(phrase)}
    return tuple(word[:-1] if word.endswith("y") else word for word in wanted - _ARTICLES or wanted)


def names(text: str, phrase: str, *, whole: bool = False) -> bool:
    """Whether a text tells of a thing: all its words in one phrase, or anywhere with `whole`."""
    return says(text, phrase) if whole else any(says(part, phrase) for part in parts(text))
