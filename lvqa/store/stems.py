"""The words of a text and their stems, for whoever compares texts by their words without asking the index.

English only, by rule, and cruder than the full-text index's Porter stemmer. Knows no table and no query.
"""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_ENDINGS = (("ingly", 4), ("edly", 4), ("ing", 3), ("ies", 3), ("ied", 3), ("es", 3), ("ed", 3), ("s", 3))


def words(text: str) -> list[str]:
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
