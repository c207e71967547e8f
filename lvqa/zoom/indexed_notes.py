"""What is written and said of one video, in the index: read when it is needed, and no more of it than is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import overload

from lvqa.store import Filter, Store
from lvqa.types import Note


class IndexedNotes(Sequence[Note]):
    """The notes of one video, in order of time. What was read is kept, so one is of use for one question."""

    def __init__(self, store: Store, wanted: Filter) -> None:
        self._store = store
        self._wanted = wanted
        self._holding: dict[tuple[str, ...], list[Note]] = {}

    @cached_property
    def _all(self) -> list[Note]:
        return _in_order(self._store.notes.select(self._wanted))

    def __len__(self) -> int:
        return len(self._all)

    @overload
    def __getitem__(self, index: int) -> Note: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Note]: ...
    def __getitem__(self, index: int | slice) -> Note | Sequence[Note]:
        return self._all[index]

    def holding(self, words: Sequence[str]) -> list[Note]:
        """Those whose text, in lower case, holds all of these; the others are not read."""
        key = tuple(words)
        if key not in self._holding:
            self._holding[key] = _in_order(self._store.notes.select(self._wanted, holding=key))
        return self._holding[key]


def _in_order(notes: Sequence[Note]) -> list[Note]:
    return sorted(notes, key=lambda note: (note.span, note.id))
