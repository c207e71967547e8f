"""Whether the full-text index holds exactly the notes' texts. Knows FTS5's tables, no queries.

FTS5 can check itself, but counts that as writing and would hold up an indexer. So the texts are tokenised anew, into a
database that SQLite keeps in memory or in a file of its own, and the two indexes are read side by side.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from lvqa.store.database import Connections
from lvqa.store.search.tokenize import TOKENIZER

_BLOCK = 1 << 14
_MADE = "SELECT term, doc, offset FROM made"
# Sizes of the texts, and the totals that bm25 divides by (record 1 of the index's data).
_SIZES = "SELECT id, sz FROM {table}_docsize ORDER BY id"
_TOTALS = "SELECT rtrim(hex(block), '0') FROM {table}_data WHERE id = 1"


def text_problem(connections: Connections) -> str:
    """What is wrong with the full-text index, empty where nothing is. Inside `reading`, on a connection that may write.

    Raises what SQLite raises for a database that it cannot read.
    """
    told: Any = connections.connection.execute
    fresh = sqlite3.connect("", isolation_level=None)
    told("CREATE VIRTUAL TABLE IF NOT EXISTS temp.lvqa_check USING fts5vocab('main', 'notes_fts', 'instance')")
    try:
        fresh.execute(f"CREATE VIRTUAL TABLE notes_fts USING fts5(text, content='', tokenize='{TOKENIZER}')")
        fresh.execute("CREATE VIRTUAL TABLE made USING fts5vocab('notes_fts', 'instance')")
        fresh.execute("BEGIN")
        for rows in connections.stream("SELECT n, text FROM notes ORDER BY n"):
            fresh.executemany("INSERT INTO notes_fts(rowid, text) VALUES (?, ?)", rows)
        pairs = [("SELECT term, doc, offset FROM temp.lvqa_check", _MADE, "terms")]
        pairs += [
            (sql.format(table="notes_fts"),) * 2 + (what,) for sql, what in ((_SIZES, "sizes"), (_TOTALS, "totals"))
        ]
        for mine, theirs, what in pairs:
            if not _same(told(mine), fresh.execute(theirs)):
                return f"its {what} differ"
        return ""
    finally:
        fresh.close()
        told("DROP TABLE temp.lvqa_check")


def _same(one: sqlite3.Cursor, other: sqlite3.Cursor) -> bool:
    return all(a == b for a, b in zip_longest(_blocks(one), _blocks(other)))


def _blocks(cursor: sqlite3.Cursor) -> Iterator[list[Any]]:
    while rows := cursor.fetchmany(_BLOCK):
        yield rows
