"""Full-text search of many notes: postings in files for most, in memory for those that came since.

FTS5's own `bm25()` visits every row that holds any word of a query, a second where a million notes hold common words.
Here the same scores, to the last bit, take milliseconds. Kept in step with the database by a token that is drawn anew
with every change of a note. Where the database names no base, or its files cannot be used, there is nothing to search
and FTS5 does it. Knows nothing of free text as people write it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lvqa.store.database import BehindError, Connections
from lvqa.store.filters import Filter, note_conditions
from lvqa.store.search.bases import Base, BaseFiles, BaseRow, alive_mask, base_row, gone_count
from lvqa.store.search.bundle import Subject
from lvqa.store.search.columns import Columns, Mask, both, video_numbers
from lvqa.store.search.postings import Ints, Postings
from lvqa.store.search.text_query import TextQuery
from lvqa.store.search.text_rank import Floats, Rows, Term, idf, norms_of, top
from lvqa.store.search.tokenize import Tokenizer, postings_of

TEXTS = Subject("texts", "")
# So many pieces of new notes are kept apart before they are put together.
_PIECES = 8
_MASKS = 8
# So many rows more than asked for are read from FTS5, to see whether they tie with the last.
_TIES = 32


class TextIndex:
    """The texts of an archive. Methods must be called inside `Connections.reading()`."""

    def __init__(self, connections: Connections, bases: BaseFiles[Postings]) -> None:
        self._c = connections
        self._bases = bases
        self._lock = threading.RLock()
        self._tokenizer: Tokenizer | None = None
        self._token: int | None = None
        self._changes = 0
        self._row: BaseRow | None = None
        self._gone = 0
        # The base first, then what came since: each with which of its rows are there still (None: all).
        self._pieces: list[Base[Postings]] = []
        self._alive: list[Mask | None] = []
        self._norms: list[Floats] = []
        self._size = 0
        self._masks: dict[Filter, list[Mask | None]] = {}
        self._video_ranks: Ints | None = None

    def search(self, terms: Sequence[str], k: int, wanted: Filter | None) -> dict[int, float] | None:
        """The scores, by `n`, of the k best rows for any of the terms (words or phrases), and of what ties with them.

        Of many that tie, those that come first by video id and time. None where there is no base to search. Raises
        BehindError where the caller must start again on a newer snapshot.
        """
        with self._lock:
            self._refresh()
            if not self._pieces:
                return None
            if self._tokenizer is None:
                self._tokenizer = Tokenizer()
            split = [tokens for term in terms if (tokens := self._tokenizer.tokens(term))]
            held = [[piece.index.phrase(tokens) for piece in self._pieces] for tokens in split]
            weights = [idf(self._size, self._live(rows)) for rows in held]
            masks = self._allowed(wanted)
            found: list[tuple[int, Ints, Floats]] = []
            least = 0.0
            for at in range(len(self._pieces)):
                of_piece = [Term(weight, *rows[at]) for weight, rows in zip(weights, held, strict=True)]
                mask = masks[at]
                if mask is not None:
                    of_piece = [term.only(mask) for term in of_piece]
                rows, scores = top(of_piece, self._norms[at], k, least)
                found.append((at, rows.astype(np.int64), scores))
                if len(scores) >= k:
                    least = max(least, float(np.partition(scores, len(scores) - k)[len(scores) - k]))
            return self._best(found, k)

    def _live(self, held: Sequence[tuple[Rows, Rows]]) -> int:
        """How many of the rows that hold a term, piece by piece, are still there."""
        return sum(
            len(rows) if alive is None else int(np.count_nonzero(alive[rows]))
            for (rows, _), alive in zip(held, self._alive, strict=True)
        )

    def _best(self, found: list[tuple[int, Ints, Floats]], k: int) -> dict[int, float]:
        columns = Columns.join(self._pieces[at].columns.take(rows) for at, rows, _ in found)
        scores = np.concatenate([part for _, _, part in found]) if found else np.zeros(0)
        if len(scores) <= k:
            return _pairs(columns.n, scores)
        # Ten thousand notes may tie; only so many as can be among the k best are worth reading.
        order = np.lexsort((columns.end_s, columns.start_s, self._ranks()[columns.video], -scores))
        last = order[k - 1]
        ties = scores == scores[last]
        for column in (columns.video, columns.start_s, columns.end_s):
            ties &= column == column[last]
        kept = np.unique(np.concatenate([order[:k], np.flatnonzero(ties)]))
        return _pairs(columns.n[kept], scores[kept])

    def _ranks(self) -> Ints:
        if self._video_ranks is None:
            numbers = np.array([row[0] for row in self._c.rows("SELECT n FROM videos ORDER BY id")], np.int64)
            self._video_ranks = np.zeros(int(numbers.max()) + 1, np.int64)
            self._video_ranks[numbers] = np.arange(len(numbers))
        return self._video_ranks

    def _allowed(self, wanted: Filter | None) -> list[Mask | None]:
        if wanted is None:
            return self._alive
        if wanted not in self._masks:
            videos = video_numbers(self._c, wanted)
            if len(self._masks) >= _MASKS:
                self._masks.clear()
            self._masks[wanted] = [
                both(alive, piece.columns.mask(wanted, videos, frames=False))
                for piece, alive in zip(self._pieces, self._alive, strict=True)
            ]
        return self._masks[wanted]

    def _refresh(self) -> None:
        row = self._c.row("SELECT changes, token FROM versions WHERE kind = 'texts'")
        changes, token = row or (0, None)
        base = base_row(self._c, TEXTS)
        if token == self._token and base == self._row:
            return
        if changes < self._changes:
            raise BehindError
        if base != self._row:
            loaded = self._bases.get(base) if base is not None else None
            self._pieces = [] if loaded is None else [loaded]
            self._alive = [None] * len(self._pieces)
            self._gone = 0
            self._row = base
        self._token, self._changes = token, changes
        self._masks.clear()
        self._video_ranks = None
        if self._pieces:
            self._follow()

    def _follow(self) -> None:
        """Take notice of the rows that were deleted and added."""
        assert self._row is not None
        if (gone := gone_count(self._c, self._row)) != self._gone:
            self._gone = gone
            self._alive[0] = alive_mask(self._c, self._row, self._pieces[0].columns)
        last = int(self._pieces[-1].columns.n[-1])
        if len(self._pieces) > 1:
            live = [
                row[0] for row in self._c.rows("SELECT n FROM notes WHERE n > ? AND n <= ?", (self._row.last, last))
            ]
            for at, piece in enumerate(self._pieces[1:], 1):
                mask = np.isin(piece.columns.n, np.array(live, np.int64))
                self._alive[at] = None if mask.all() else mask
        if len(self._pieces) > _PIECES:
            # From the texts again: simpler than putting arrays together, and there are not many.
            del self._pieces[1:], self._alive[1:]
            last = self._row.last
        rows = self._c.rows(
            "SELECT n, video, start_s, end_s, source, level, text FROM notes WHERE n > ? ORDER BY n", (last,)
        )
        if rows:
            self._pieces.append(Base(postings_of([row[6] for row in rows]), Columns.of(row[:6] for row in rows)))
            self._alive.append(None)
        lengths = [
            piece.index.lengths if alive is None else piece.index.lengths[alive]
            for piece, alive in zip(self._pieces, self._alive, strict=True)
        ]
        self._size = sum(map(len, lengths))
        tokens = sum(int(part.sum(dtype=np.int64)) for part in lengths)
        mean = tokens / self._size if tokens else 1.0
        self._norms = [norms_of(piece.index.lengths, mean) for piece in self._pieces]


class TextSearch:
    """The one full-text index of a store, shared by its threads. `bases` are its files."""

    def __init__(self, connections: Connections, index_dir: Path) -> None:
        self._c = connections
        self.bases = BaseFiles(index_dir, Postings.load)
        self.index = TextIndex(connections, self.bases)

    def search(self, query: TextQuery, k: int, wanted: Filter | None) -> list[tuple[str, float]]:
        """The k best notes as (note id, score), higher better; see `NoteTable.search`."""
        match = query.to_fts()
        if k <= 0 or not match:
            return []
        phrases = query.phrases()
        with self._c.matching(
            lambda: self.index.search(phrases, k, wanted),
            lambda: TextIndex(self._c, self.bases).search(phrases, k, wanted),
        ) as found:
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


def _pairs(n: Ints, scores: Floats) -> dict[int, float]:
    return dict(zip(n.tolist(), scores.tolist(), strict=True))
