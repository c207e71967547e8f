"""Free text as an FTS5 query that cannot go wrong. Knows the tokenizer's rules, not the table.

Words are alternatives, ranked by bm25. A punctuated run such as `01:00:21` is a phrase: its tokens in that order, next
to each other. A run of words, such as `brown-haired`, is a phrase and also its words. Limits, from `unicode61` and
`porter`: only English is stemmed, and text without spaces (Chinese, Japanese, Thai) is one token a run, found by the
whole run only.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from lvqa.language.stems import STOP_WORDS

# More alternatives would only slow the search down.
MAX_TERMS = 256

_APOSTROPHES = "'’ʼ＇"
_CLOSING = ".,;:!?)]}»”" + _APOSTROPHES
_ENCLITIC = re.compile(rf"[{_APOSTROPHES}](?:s|d|m|re|ve|ll)$", re.IGNORECASE)
_NEGATION = re.compile(rf"^[^\W\d_]+n[{_APOSTROPHES}]t$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TextQuery:
    """What to look for in notes: any of `terms`, each a word or, with several tokens, a phrase."""

    terms: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> TextQuery:
        """Read free text in any characters; stop words are dropped unless nothing else is left."""
        kept: dict[str, str] = {}
        dropped: dict[str, str] = {}
        for run in text.replace('"', " ").split():
            for term, weak in _terms(run):
                (dropped if weak else kept).setdefault(term.lower(), term)
        return cls(tuple((kept or dropped).values())[:MAX_TERMS])

    def to_fts(self) -> str:
        """The query in FTS5's syntax, every term quoted; empty where there is nothing to look for."""
        return " OR ".join(f'"{phrase}"' for phrase in self.phrases())

    def phrases(self) -> list[str]:
        """The terms that hold any word, as words with spaces between."""
        return [" ".join(words) for term in self.terms if (words := tokens(term))]


def tokens(text: str) -> list[str]:
    """Split as `unicode61` does: runs of letters, numbers, private-use characters and the marks on them."""
    chars = [
        char if (kind := unicodedata.category(char))[0] in "LN" or kind == "Co" or kind in ("Mn", "Mc") else " "
        for char in text
    ]
    # A mark on its own is no token.
    return [word for word in "".join(chars).split() if any(unicodedata.category(c)[0] != "M" for c in word)]


def _terms(run: str) -> list[tuple[str, bool]]:
    """The terms of a run without spaces, each with whether it is a stop word."""
    run = run.rstrip(_CLOSING)
    words = tokens(_ENCLITIC.sub("", run)) or tokens(run)
    if len(words) <= 1:
        return [(word, word.lower() in STOP_WORDS) for word in words]
    phrase = " ".join(words)
    if _NEGATION.match(run):
        return [(phrase, True)]
    if any(char.isdigit() for char in run):
        return [(phrase, False)]
    return [(phrase, False), *((word, False) for word in words if len(word) > 1 and word.lower() not in STOP_WORDS)]
