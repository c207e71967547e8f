"""How long a text is, by its sentences and words, and the same text cut to a length. Knows no language."""

from __future__ import annotations

import re

_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?=[^a-z])")
# Text without spaces is one "word" a run: so many characters count as one.
_CHARACTERS = 8


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order."""
    return [part for part in _SENTENCE_END.split(" ".join(text.split())) if part]


def word_count(text: str) -> int:
    """Words of a text; one without spaces counts by its characters."""
    return max(len(text.split()), len(text) // _CHARACTERS)


def cut_words(text: str, words: int) -> str:
    """A text of at most so many words, cut at the end of a sentence where half of them are left, else with an ellipsis.

    A text that is short enough comes back as it is, spaces collapsed.
    """
    text = " ".join(text.split())
    if word_count(text) <= words:
        return text
    kept: list[str] = []
    for sentence in sentences(text):
        if word_count(" ".join([*kept, sentence])) > words:
            break
        kept.append(sentence)
    if kept and 2 * word_count(" ".join(kept)) >= words:
        return " ".join(kept)
    short = " ".join(text.split()[:words])
    return short[: (words + 1) * _CHARACTERS - 2].rstrip(" ,;:") + "…"
