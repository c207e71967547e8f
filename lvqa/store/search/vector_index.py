"""All vectors of one kind and model, with what filters need to know of them, kept in step with the database.

A token that the database draws anew with every change tells in one query whether memory is still right. New rows are
appended, deleted ones dropped; only what changed is read. Few vectors are all in memory and searched exactly. Many
stand in a base of files, which only proposes: what it proposes is scored in float64 from the blobs of the database,
beside the exact search of the rows that came after it. Knows nothing of queries in words.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from lvqa.errors import StoreError
from lvqa.models.base import Vectors
from lvqa.store.database import BehindError, Connections
from lvqa.store.filters import Filter
from lvqa.store.keys import clean_text
from lvqa.store.rows import VectorKind
from lvqa.store.search.bases import Base, BaseFiles, BaseRow, alive_mask, base_row, gone_count
from lvqa.store.search.bundle import Subject
from lvqa.store.search.columns import Columns, Mask, both, video_numbers
from lvqa.store.search.ivf import Ivf
from lvqa.store.search.vector_bank import (
    Bank,
    FaissBank,
    NumpyBank,
    best_rows,
    exact_scores,
    faiss_installed,
    normalised,
)
from lvqa.store.search.vector_cache import CacheFile, sweep

# A change of so many rows is worth writing the cache at once; smaller ones wait for `save`.
LARGE = 20_000
IVF_FILE = "vectors.ivf"


# n, video, start_s, end_s, source, level of rows above an n.
_ABOUT: dict[VectorKind, str] = {
    "notes": "SELECT e.n, t.video, t.start_s, t.end_s, t.source, t.level FROM embeddings e JOIN notes t "
    "ON t.n = e.note WHERE e.model = ? AND e.n > ? ORDER BY e.n",
    "frames": "SELECT n, video, time_s, time_s, '', '' FROM frames WHERE model = ? AND n > ? ORDER BY n",
}
# Of a base, a quarter more rows than asked for are scored from the blobs, and at least so many.
LEAST_SCORED = 60
# So few allowed rows are all scored from the blobs.
FEW_BLOBS = 1500
_MASKS = 8


def load_ivf(folder: Path, size: int) -> Ivf:
    """Map the index in the files of a base. Raises ValueError or RuntimeError where it is not what it was."""
    return Ivf.open(folder / IVF_FILE, size=size)


class VectorIndex:
    """The vectors of one kind and model. Methods must be called inside `Connections.reading()`.

    `cached` is off for what must neither be read from nor go to the file of a flat index; bases are used all the same.
    """

    def __init__(
        self,
        connections: Connections,
        index_dir: Path,
        kind: VectorKind,
        model: str,
        bases: BaseFiles[Ivf],
        *,
        cached: bool = True,
    ) -> None:
        self._c = connections
        self._kind: VectorKind = kind
        self._model = model
        self._subject = Subject(kind, model)
        self._table = self._subject.table
        self._with_faiss = faiss_installed()
        self._faiss = cached and self._with_faiss
        self._file = CacheFile(index_dir, kind, model)
        self._bases = bases
        self._lock = threading.RLock()
        self._token: int | None = None
        self._changes = 0
        self._saved: int | None = None
        self._dim = 0
        self._row: BaseRow | None = None
        self._base: Base[Ivf] | None = None
        self._gone = 0
        self._alive: Mask | None = None
        self._bank: Bank = NumpyBank(0)
        self._about = Columns.none()
        self._masks: dict[Filter, tuple[Mask | None, Mask | None]] = {}

    def search(self, query: Vectors, k: int, wanted: Filter | None) -> list[tuple[int, float]]:
        """The k best rows that the filter allows, and all that tie with the last: (n, cosine), best first.

        Raises StoreError where the query, float32 (d,), has not as many values as the vectors, BehindError where the
        caller must start again on a newer snapshot.
        """
        with self._lock:
            self._refresh()
            if not len(self._bank) and self._base is None:
                return []
            if query.shape != (self._dim,):
                raise StoreError(
                    f"the vectors of {self._model} have {self._dim} values, the query has shape {query.shape}; "
                    "ask with the model that the index was made with, or index again"
                )
            base_mask, mask = self._allowed(wanted)
            unit = normalised(query)
            positions, scores = best_rows(self._bank, unit, k, mask)
            found = list(zip(self._about.n[positions].tolist(), scores.tolist(), strict=True))
            if self._base is None or k <= 0:
                return found
            found += self._of_base(self._base, unit, k, base_mask)
        found.sort(key=lambda pair: (-pair[1], pair[0]))
        return [pair for pair in found if pair[1] >= found[min(k, len(found)) - 1][1]]

    def save(self) -> None:
        """Write the file of a flat index, if it is not there already and it can be."""
        with self._lock:
            if self._base is not None or self._token is None or self._saved == self._token:
                return
            if self._faiss and isinstance(self._bank, FaissBank):
                self._file.save(self._bank, self._token)
                self._saved = self._token

    def _of_base(self, base: Base[Ivf], query: Vectors, k: int, mask: Mask | None) -> list[tuple[int, float]]:
        allowed = len(base.columns) if mask is None else int(np.count_nonzero(mask))
        if allowed <= FEW_BLOBS:
            positions = np.arange(len(base.columns)) if mask is None else np.flatnonzero(mask)
        else:
            m = min(allowed, max(k + k // 4, LEAST_SCORED))
            positions = base.index.propose(query, m, mask, allowed)
        wanted = json.dumps(base.columns.n[positions].tolist())
        rows = self._c.rows(
            f"SELECT n, vector FROM {self._table} WHERE n IN (SELECT value FROM json_each(?))", (wanted,)
        )
        if not rows:
            return []
        vectors = np.frombuffer(b"".join(row[1] for row in rows), "<f4").reshape(len(rows), self._dim)
        scores = exact_scores(normalised(vectors), query).tolist()
        return [(row[0], score) for row, score in zip(rows, scores, strict=True)]

    def _allowed(self, wanted: Filter | None) -> tuple[Mask | None, Mask | None]:
        """Which rows of the base, and which of the others, may be returned; None for all of them."""
        if wanted is None:
            return self._alive, None
        if wanted not in self._masks:
            videos, frames = video_numbers(self._c, wanted), self._kind == "frames"
            mask = self._about.mask(wanted, videos, frames=frames)
            of_base = None
            if self._base is not None:
                of_base = both(self._alive, self._base.columns.mask(wanted, videos, frames=frames))
            if len(self._masks) >= _MASKS:
                self._masks.clear()
            self._masks[wanted] = of_base, mask
        return self._masks[wanted]

    def _refresh(self) -> None:
        row = self._c.row("SELECT changes, token FROM versions WHERE kind = ? AND model = ?", (self._kind, self._model))
        changes, token = row or (0, None)
        if token == self._token:
            return
        if changes < self._changes:
            raise BehindError
        self._masks.clear()
        dim = self._c.value(f"SELECT dim FROM {self._table} WHERE model = ? LIMIT 1", (self._model,)) or 0
        base = base_row(self._c, self._subject) if self._with_faiss else None
        if dim != self._dim or self._token is None or base != self._row:
            self._start(dim, token, base)
        changed = self._drop_deleted() + self._append_new()
        self._token, self._changes = token, changes
        if changed >= LARGE:
            self.save()

    def _start(self, dim: int, token: int | None, base: BaseRow | None) -> None:
        self._dim = dim
        self._row, self._base, self._alive, self._gone = base, None, None, 0
        self._about = Columns.none()
        self._bank = FaissBank(dim) if self._faiss and dim else NumpyBank(dim)
        if not dim or token is None:
            return
        if base is not None:
            loaded = self._bases.get(base)
            self._base = loaded if loaded is not None and loaded.index.dim == dim else None
        elif self._faiss and (saved := self._file.load(token, dim)) is not None:
            about = self._read_about(-1)
            if np.array_equal(about.n, saved[1]):
                self._bank, self._about, self._saved = saved[0], about, token

    @property
    def _floor(self) -> int:
        """The last row of the base; those in memory come after it."""
        return self._row.last if self._base is not None and self._row is not None else -1

    def _drop_deleted(self) -> int:
        if self._base is not None and self._row is not None and gone_count(self._c, self._row) != self._gone:
            self._gone = gone_count(self._c, self._row)
            self._alive = alive_mask(self._c, self._row, self._base.columns)
        if not len(self._about):
            return 0
        # The plus keeps SQLite from going through all rows of the model in an index, where those of a base are many.
        where = f"FROM {self._table} WHERE {'model' if self._floor < 0 else '+model'} = ? AND n > ? AND n <= ?"
        params = (self._model, self._floor, int(self._about.n[-1]))
        if self._c.value(f"SELECT count(*) {where}", params) == len(self._about):
            return 0
        live = np.array([row[0] for row in self._c.rows(f"SELECT n {where}", params)], np.int64)
        kept = np.isin(self._about.n, live)
        self._bank.keep(kept)
        self._about = self._about.take(kept)
        return int(np.count_nonzero(~kept))

    def _append_new(self) -> int:
        last = int(self._about.n[-1]) if len(self._about) else self._floor
        about = self._read_about(last)
        if not len(about):
            return 0
        vectors = np.empty((len(about), self._dim), np.float32)
        filled = 0
        for block in read_vectors(self._c, self._kind, self._model, last, self._dim):
            vectors[filled : filled + len(block)] = block
            filled += len(block)
        self._bank.add(vectors, np.ascontiguousarray(about.n))
        self._about = Columns.join([self._about, about])
        return len(about)

    def _read_about(self, above: int) -> Columns:
        return read_columns(self._c, self._kind, self._model, above)


class VectorSearch:
    """The vector indexes of a store. `bases` are their files, `indexes` those that were searched so far."""

    def __init__(self, connections: Connections, index_dir: Path) -> None:
        self._c = connections
        self._index_dir = index_dir
        self._lock = threading.Lock()
        self.indexes: dict[tuple[VectorKind, str], VectorIndex] = {}
        self.bases = BaseFiles(index_dir, load_ivf)

    def nearest(
        self, kind: VectorKind, model: str, query: Vectors, k: int, wanted: Filter | None
    ) -> AbstractContextManager[dict[int, float]]:
        """Cosines of the best rows by their `n`, on the snapshot that the block inside reads."""
        model, vector = clean_text(model), np.asarray(query, np.float32)
        return self._c.matching(
            lambda: dict(self._shared(kind, model).search(vector, k, wanted)),
            lambda: dict(self._index(kind, model, cached=False).search(vector, k, wanted)),
        )

    def save(self) -> None:
        """Write the caches of flat indexes that changed, and delete those of vectors that are gone."""
        with self._lock:
            for index in self.indexes.values():
                index.save()
        if self.indexes:
            kinds: tuple[VectorKind, ...] = ("notes", "frames")
            sweep(self._index_dir, [(kind, model) for kind in kinds for model in vector_models(self._c, kind)])

    def _shared(self, kind: VectorKind, model: str) -> VectorIndex:
        with self._lock:
            if (kind, model) not in self.indexes:
                self.indexes[kind, model] = self._index(kind, model)
            return self.indexes[kind, model]

    def _index(self, kind: VectorKind, model: str, *, cached: bool = True) -> VectorIndex:
        return VectorIndex(self._c, self._index_dir, kind, model, self.bases, cached=cached)


def vector_models(connections: Connections, kind: VectorKind) -> list[str]:
    """The models that embedded any of the notes, or of the frames, by name; costs no scan."""
    rows = connections.rows(
        "SELECT model FROM versions WHERE kind = ? AND EXISTS "
        f"(SELECT 1 FROM {Subject(kind, '').table} e WHERE e.model = versions.model) ORDER BY model",
        (kind,),
    )
    return [row[0] for row in rows]


def read_columns(connections: Connections, kind: VectorKind, model: str, above: int) -> Columns:
    """The columns of all rows with a larger `n`."""
    return Columns.join(Columns.of(rows) for rows in connections.stream(_ABOUT[kind], (model, above)))


def read_vectors(connections: Connections, kind: VectorKind, model: str, above: int, dim: int) -> Iterator[Vectors]:
    """The vectors of the same rows, float32 (n, dim), unit norm, some thousands at a time."""
    sql = f"SELECT vector FROM {Subject(kind, model).table} WHERE model = ? AND n > ? ORDER BY n"
    for rows in connections.stream(sql, (model, above)):
        yield normalised(np.frombuffer(b"".join(row[0] for row in rows), "<f4").reshape(len(rows), dim))
