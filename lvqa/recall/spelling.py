"""The word that was meant where one was mistyped: a word of the archive within one edit. Knows no meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lvqa.language.words import keywords
from lvqa.store import Filter, Store, TextQuery

# Shorter words are within one edit of too much.
_SHORTEST = 4
_LONGEST = 32
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# So many notes are read for how a word is written in them, and to see how common it is.
_NOTES = 20
_WORD = re.compile(r"[^\W_]+(?:[_'’-][^\W_]+)*")


def did_you_mean(store: Store, query: str, filter: Filter | None = None) -> str:
    """A query of words to look up, those that stand nowhere as they were meant; empty where there is nothing to say.

    A word is meant that the archive has and that is one edit away (a letter left out, put in, changed, or two next to
    each other changed round: Damerau 1964), the commonest of several, then the first by the alphabet.
    """
    words = keywords(query)
    meant = {word: _meant(store, word, filter) for word in words if not _stands(store, word, filter)}
    if not any(meant.values()):
        return ""
    return " ".join(meant.get(word) or word for word in words)


def _stands(store: Store, word: str, filter: Filter | None) -> bool:
    return bool(store.notes.search(TextQuery((word,)), 1, filter))


def _meant(store: Store, word: str, filter: Filter | None) -> str:
    if not _SHORTEST <= len(word) <= _LONGEST:
        return ""
    plain = word.casefold()
    near = set(edits(plain))
    found: dict[str, int] = {}
    for variant in sorted(near):
        held = store.notes.search(TextQuery((variant,)), _NOTES, filter)
        if not held:
            continue
        for note in store.notes.get_many([note_id for note_id, _ in held]):
            for written in {one.casefold() for one in _WORD.findall(note.text)} & near:
                found[written] = max(found.get(written, 0), len(held))
    return min(found, key=lambda one: (-found[one], one), default="")


def edits(word: str) -> Iterator[str]:
    """Every text that is one edit away from a word, of its own letters and those of the Latin alphabet."""
    letters = sorted({*_LETTERS, *word})
    for at in range(len(word) + 1):
        before, after = word[:at], word[at:]
        if after:
            yield before + after[1:]
            yield from (before + letter + after[1:] for letter in letters if letter != after[0])
        if len(after) > 1 and after[0] != after[1]:
            yield before + after[1] + after[0] + after[2:]
        yield from (before + letter + after for letter in letters)
