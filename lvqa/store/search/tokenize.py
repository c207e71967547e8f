"""FTS5's tokenizer and the inverted indexes it makes, read out as arrays. Knows nothing of scores.

The tokenizer cannot be called from SQL: texts go into a table in memory that has it, and its vocabulary is read back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from lvqa.store.search.postings import Ints, Postings

# As in the table of the notes: see the migrations.
TOKENIZER = "porter unicode61 remove_diacritics 2"
_SHIFT = 31
_KNOWN = 4096
_BLOCK = 1 << 16


class Tokenizer:
    """Splits the terms of queries as FTS5 does; not for two threads at once."""

    def __init__(self) -> None:
        self._db = _memory()
        self._known: dict[str, tuple[str, ...]] = {}

    def tokens(self, text: str) -> tuple[str, ...]:
        """The terms of a text, in order, as the index has them."""
        if text not in self._known:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            self._db.execute("INSERT INTO texts(rowid, text) VALUES (1, ?)", (text,))
            rows = self._db.execute("SELECT term FROM places ORDER BY offset").fetchall()
            self._db.execute("DELETE FROM texts")
            self._known[text] = tuple(row[0] for row in rows)
        return self._known[text]


def postings_of(texts: Sequence[str]) -> Postings:
    """The postings of some texts, a row each."""
    db = _memory()
    with db:
        db.executemany("INSERT INTO texts(rowid, text) VALUES (?, ?)", enumerate(texts, 1))
    found = read_postings(db, "totals", "places", lambda numbers: numbers - 1, len(texts))
    db.close()
    return found


def read_postings(
    db: sqlite3.Connection, totals: str, places: str, position: Callable[[Ints], Ints], size: int
) -> Postings:
    """The postings of a whole FTS5 table of one column and `size` rows.

    `totals` and `places` are its `fts5vocab` tables of types `row` and `instance`; `position` gives rows for rowids.
    """
    vocabulary = db.execute(f"SELECT term, cnt FROM {totals} ORDER BY term").fetchall()
    instances = np.array([row[1] for row in vocabulary], np.int64)
    # One number an instance: a tuple of three, term included, takes several times as long to fetch.
    cursor = db.execute(f"SELECT (doc << {_SHIFT}) | offset FROM {places}")
    numbers = np.fromiter(_first(cursor), np.int64, int(instances.sum()))
    return Postings.of(
        [row[0] for row in vocabulary],
        instances,
        position(numbers >> _SHIFT),
        numbers & ((1 << _SHIFT) - 1),
        size,
    )


def _first(cursor: sqlite3.Cursor) -> Iterable[int]:
    while rows := cursor.fetchmany(_BLOCK):
        for row in rows:
            yield row[0]


def _memory() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    db.execute(f"CREATE VIRTUAL TABLE texts USING fts5(text, tokenize='{TOKENIZER}')")
    db.execute("CREATE VIRTUAL TABLE totals USING fts5vocab('texts', 'row')")
    db.execute("CREATE VIRTUAL TABLE places USING fts5vocab('texts', 'instance')")
    return db
