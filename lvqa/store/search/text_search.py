"""Full-text search of an index's notes, by the index files where there are some, else by FTS5. Knows no other table.

Either way the scores are the same to the last bit.
"""

from __future__ import annotations

import json
from pathlib import Path

from lvqa.store.database import BehindError, Connections
from lvqa.store.filters import Filter, note_conditions
from lvqa.store.search.bases import BaseFiles
from lvqa.store.search.text_index import TextBase, TextIndex, load_texts
from lvqa.store.search.text_query import TextQuery

# So many rows more than asked for are read from FTS5, to see whether they tie with the last.
_TIES = 32


class TextSearch:
    """The one full-text index of a store, shared by its threads. `bases` are its files."""

    def __init__(self, connections: Connections, index_dir: Path) -> None:
        self._c = connections
        self.bases: BaseFiles[TextBase] = BaseFiles(index_dir, load_texts)
        self.index = TextIndex(connections, self.bases)

    def search(self, query: TextQuery, k: int, wanted: Filter | None) -> list[tuple[str, float]]:
        """The k best notes as (note id, score), higher better; see `NoteTable.search`."""
        match = query.to_fts()
        if k <= 0 or not match:
            return []
        # Rows that may yet be rolled back, or that are gone already, must not enter what other threads search.
        index = TextIndex(self._c, self.bases) if self._c.writing else self.index
        held = self._c.in_transaction
        while True:
            with self._c.reading():
                try:
                    found = index.search(query.phrases(), k, wanted)
                except BehindError:
                    if self._c.restarts:
                        raise
                    if held:  # this snapshot stays as it is
                        index = TextIndex(self._c, self.bases)
                    continue
                return self._settled(found if found is not None else self._ranked(match, k, wanted), k)

    def _settled(self, scores: dict[int, float], k: int) -> list[tuple[str, float]]:
        """The k best of some rows by their `n`, equal ones in order."""
        notes = self._c.rows(
            "SELECT t.n, v.id, t.start_s, t.end_s, t.id FROM notes t JOIN videos v ON v.n = t.video "
            "WHERE t.n IN (SELECT value FROM json_each(?))",
            (json.dumps(list(scores)),),
        )
        notes.sort(key=lambda row: (-scores[row[0]], *row[1:]))
        return [(row[4], scores[row[0]]) for row in notes[:k]]

    def _ranked(self, match: str, k: int, wanted: Filter | None) -> dict[int, float]:
        """The scores of the k best rows, and of all that tie with the last, as FTS5 computes them."""
        where, params = note_conditions(wanted)
        # The plus keeps SQLite from looking up each allowed row in the full-text index, one by one.
        allowed = f"AND +rowid IN (SELECT t.n FROM notes t WHERE 1{where})" if where else ""
        sql = f"SELECT rowid, bm25(notes_fts) AS score FROM notes_fts WHERE notes_fts MATCH ? {allowed} ORDER BY score "
        # bm25() of FTS5 is negative, better below.
        limit = k + _TIES
        while True:
            rows = self._c.rows(sql + "LIMIT ?", (match, *params, limit))
            if len(rows) < limit or rows[-1][1] > rows[k - 1][1]:
                return {row[0]: -row[1] for row in rows}
            limit *= 4
