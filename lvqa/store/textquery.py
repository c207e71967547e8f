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

# Words that questions are made of and that say nothing about what is seen or said.
_STOPS = """
    a about after again all also am an and any anyone anything are as at be because been before being between both but
    by can could did do does doing done during each else ever every for from had has have having he her here hers
    herself him himself his how i if in into is it its itself just many may me might mine more most much must my myself
    no nor not of off on once one or other our ours out over own please shall she should so some someone something such
    tell than that the their theirs them themselves then there these they this those through to too until up us very was
    we were what whatever when whenever where wherever which while who whoever whom whose why will with would you your
    yours yourself aren can't cannot couldn didn doesn don hadn hasn haven isn mustn shouldn wasn weren won wouldn ain
"""
STOP_WORDS: frozenset[str] = frozenset(_STOPS.split())

# Tokens of one query; more would only slow the search down.
MAX_TERMS = 256

_APOSTROPHES = "'’ʼ＇"
_ENCLITIC = re.compile(rf"[{_APOSTROPHES}](?:s|t|d|m|re|ve|ll)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TextQuery:
    """What to look for in notes: any of `terms`, each a word or, with several tokens, a phrase."""

    terms: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> TextQuery:
        """Read free text in any characters; stop words are dropped unless nothing else is left."""
        kept: dict[str, None] = {}
        dropped: dict[str, None] = {}
        for run in text.replace('"', " ").split():
            for term, weak in _terms(run):
                (dropped if weak else kept)[term] = None
        return cls(tuple(kept or dropped)[:MAX_TERMS])

    def to_fts(self) -> str:
        """The query in FTS5's syntax, every term quoted; empty where there is nothing to look for."""
        quoted = []
        for term in self.terms:
            words = tokens(term)
            if words:
                quoted.append('"' + " ".join(words) + '"')
        return " OR ".join(quoted)


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
    words = tokens(run)
    if not words:
        return []
    stem = _ENCLITIC.sub("", run.rstrip(".,;:!?)]}»”" + _APOSTROPHES))
    if len(words) > 1 and (bare := tokens(stem)):
        words = bare
    if len(words) == 1:
        word = words[0].casefold()
        return [(word, word in STOP_WORDS)]
    phrase = (" ".join(words).casefold(), False)
    if any(char.isdigit() for char in run):
        return [phrase]
    folded = [word.casefold() for word in words]
    return [phrase, *((word, False) for word in folded if len(word) > 1 and word not in STOP_WORDS)]
