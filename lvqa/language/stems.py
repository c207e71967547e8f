"""The words of a text, their stems, which of them carry matter, for whoever compares texts without asking the index.

English only, by rule, and cruder than the full-text index's Porter stemmer. Knows no table and no query.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

# Words that questions are made of and that say nothing about what is seen or said.
_STOPS = """
    a about after again all also am an and any anyone anything are as at be because been before being between both but
    by can cannot could did do does doing done during each else ever every for from had has have having he her here hers
    herself him himself his how i if in into is it its itself just many may me might mine more most much must my myself
    no nor not of off on once one or other our ours out over own please shall she should so some someone something such
    tell than that the their theirs them themselves then there these they this those through to too until up us very was
    we were what whatever when whenever where wherever which while who whoever whom whose why will with would you your
    yours yourself arent cant couldnt didnt doesnt dont hadnt hasnt havent isnt shouldnt wasnt werent wont wouldnt
"""
STOP_WORDS: frozenset[str] = frozenset(_STOPS.split())

# Words of the question's form, not of its matter: they say nothing about which note answers it.
_FORM = frozenset(
    ("video", "videos", "film", "movie", "clip", "footage", "scene", "shown", "show", "shows", "seen", "see")
) | frozenset(("happen", "happens", "there", "kind", "sort", "type"))

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_ENDINGS = (("ingly", 4), ("edly", 4), ("ing", 3), ("ies", 3), ("ied", 3), ("es", 3), ("ed", 3), ("s", 3))


def words_of(text: str) -> list[str]:
    """Every word, lower case, in order."""
    return [word.lower() for word in _WORD.findall(text)]


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """A word without its commonest English endings; crude, and the same for the same word."""
    word = word.replace("’", "'").removesuffix("'s")
    for ending, least in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= least and not word.endswith("ss"):
            word = word[: -len(ending)] + ("y" if ending in ("ies", "ied") else "")
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word


@lru_cache(maxsize=1 << 10)
def content(text: str) -> tuple[str, ...]:
    """Stems of the words that carry matter, without repeats, in order; of all words when none do."""
    kept = [stem(word) for word in words_of(text) if word not in STOP_WORDS and word not in _FORM]
    return tuple(dict.fromkeys(kept or [stem(word) for word in words_of(text)]))


@lru_cache(maxsize=1 << 12)
def stems(text: str) -> frozenset[str]:
    """The stems of all words of a text."""
    return frozenset(map(stem, words_of(text)))


def coverage(asked: Iterable[str], text: str) -> float:
    """The share of these stems that a text has, in [0, 1]; 0 for no stems."""
    wanted = set(asked)
    return len(wanted & stems(text)) / len(wanted) if wanted else 0.0
