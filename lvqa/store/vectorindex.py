"""All vectors of one kind and model in memory, with what filters need to know of them, kept in step with the database.

A token that the database draws anew with every change tells in one query whether memory is still right. New rows are
appended, deleted ones dropped; only what changed is read. Knows nothing of queries in words.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lvqa.errors import StoreError
from lvqa.models.base import Vectors
from lvqa.store.database import Connections
from lvqa.store.filters import Filter, json_list
from lvqa.store.vectorbank import Bank, FaissBank, Mask, NumpyBank, Positions, best_rows, normalised
from lvqa.store.vectorcache import CacheFile, faiss_installed
from lvqa.types import LEVELS, SOURCES

Kind = Literal["notes", "frames"]

# A change of so many rows is worth writing the cache at once; smaller ones wait for `save`.
LARGE = 20_000


@dataclass(frozen=True, slots=True)
class _Sql:
    table: str
    about: str  # n, video, start_s, end_s, source, level of rows above an n


_SQL: dict[Kind, _Sql] = {
    "notes": _Sql(
        "embeddings",
        "SELECT e.n, t.video, t.start_s, t.end_s, t.source, t.level FROM embeddings e JOIN notes t ON t.n = e.note "
        "WHERE e.model = ? AND e.n > ? ORDER BY e.n",
    ),
    "frames": _Sql(
        "frames",
        "SELECT n, video, time_s, time_s, '', '' FROM frames WHERE model = ? AND n > ? ORDER BY n",
    ),
}
_SOURCE_CODES = {name: code for code, name in enumerate(SOURCES)} | {"": 0}
_LEVEL_CODES = {name: code for code, name in enumerate(LEVELS)} | {"": 0}
_COLUMNS = np.dtype(
    [("n", "i8"), ("video", "i8"), ("start_s", "f8"), ("end_s", "f8"), ("source", "i1"), ("level", "i1")]
)


class BehindError(Exception):
    """Another thread has brought the index to a newer snapshot than the one this thread reads."""


class VectorIndex:
    """The vectors of one kind and model. Methods must be called inside `Connections.reading()`."""

    def __init__(
        self, connections: Connections, index_dir: Path, kind: Kind, model: str, *, cached: bool = True
    ) -> None:
        self._c = connections
        self._kind: Kind = kind
        self._model = model
        self._sql = _SQL[kind]
        self._faiss = cached and faiss_installed()
        self._file = CacheFile(index_dir, kind, model)
        self._lock = threading.RLock()
        self._token: int | None = None
        self._changes = 0
        self._saved: int | None = None
        self._dim = 0
        self._bank: Bank = NumpyBank(0)
        self._about: npt.NDArray[Any] = np.zeros(0, _COLUMNS)

    def search(self, query: Vectors, k: int, wanted: Filter | None) -> list[tuple[int, float]]:
        """The k best rows that the filter allows, and all that tie with the last: (n, cosine), best first.

        Raises StoreError where the query, float32 (d,), has not as many values as the vectors, BehindError where the
        caller must start again on a newer snapshot.
        """
        with self._lock:
            self._refresh()
            if not len(self._bank):
                return []
            if query.shape != (self._dim,):
                raise StoreError(
                    f"the vectors of {self._model} have {self._dim} values, the query has shape {query.shape}; "
                    "ask with the model that the index was made with, or index again"
                )
            positions, scores = best_rows(self._bank, normalised(query), k, self._mask(wanted))
            return list(zip(self._about["n"][positions].tolist(), scores.tolist(), strict=True))

    def save(self) -> None:
        """Write the cache file, if it is not there already and it can be."""
        with self._lock:
            if isinstance(self._bank, FaissBank) and self._token is not None and self._saved != self._token:
                self._file.save(self._bank, self._token)
                self._saved = self._token

    def _mask(self, wanted: Filter | None) -> Mask | None:
        if wanted is None:
            return None
        about = self._about
        mask = np.ones(len(about), bool)
        if wanted.video_ids is not None:
            rows = self._c.rows(
                "SELECT n FROM videos WHERE id IN (SELECT value FROM json_each(?))", (json_list(wanted.video_ids),)
            )
            mask &= np.isin(about["video"], np.array([row[0] for row in rows], np.int64))
        if wanted.span is not None:
            mask &= about["start_s"] < wanted.span.end_s
            if self._kind == "frames":
                mask &= about["start_s"] >= wanted.span.start_s
            else:
                mask &= about["end_s"] > wanted.span.start_s
        if self._kind == "notes" and wanted.sources is not None:
            mask &= np.isin(about["source"], [_SOURCE_CODES[source] for source in wanted.sources])
        if self._kind == "notes" and wanted.level is not None:
            mask &= about["level"] == _LEVEL_CODES[wanted.level]
        return mask

    def _refresh(self) -> None:
        row = self._c.row("SELECT changes, token FROM versions WHERE kind = ? AND model = ?", (self._kind, self._model))
        changes, token = row or (0, None)
        if token == self._token:
            return
        if changes < self._changes:
            raise BehindError
        table = self._sql.table
        dim = self._c.value(f"SELECT dim FROM {table} WHERE model = ? LIMIT 1", (self._model,)) or 0
        if dim != self._dim or self._token is None:
            self._start(dim, token)
        changed = self._drop_deleted() + self._append_new()
        self._token, self._changes = token, changes
        if changed >= LARGE:
            self.save()

    def _start(self, dim: int, token: int | None) -> None:
        self._dim = dim
        self._about = np.zeros(0, _COLUMNS)
        self._bank = FaissBank(dim) if self._faiss and dim else NumpyBank(dim)
        if self._faiss and dim and token is not None and (loaded := self._file.load(token, dim)) is not None:
            about = self._read_about(-1)
            if np.array_equal(about["n"], loaded[1]):
                self._bank, self._about, self._saved = loaded[0], about, token

    def _drop_deleted(self) -> int:
        if not len(self._about):
            return 0
        where = f"FROM {self._sql.table} WHERE model = ? AND n <= ?"
        params = (self._model, int(self._about["n"][-1]))
        if self._c.value(f"SELECT count(*) {where}", params) == len(self._about):
            return 0
        live = np.array([row[0] for row in self._c.rows(f"SELECT n {where}", params)], np.int64)
        kept = np.isin(self._about["n"], live)
        self._bank.keep(kept)
        self._about = self._about[kept]
        return int(np.count_nonzero(~kept))

    def _append_new(self) -> int:
        last = int(self._about["n"][-1]) if len(self._about) else -1
        about = self._read_about(last)
        if not len(about):
            return 0
        vectors = np.empty((len(about), self._dim), np.float32)
        filled = 0
        for rows in self._c.stream(
            f"SELECT vector FROM {self._sql.table} WHERE model = ? AND n > ? ORDER BY n",
            (self._model, last),
        ):
            block = np.frombuffer(b"".join(row[0] for row in rows), "<f4").reshape(len(rows), self._dim)
            vectors[filled : filled + len(rows)] = normalised(block)
            filled += len(rows)
        ids: Positions = np.ascontiguousarray(about["n"])
        if isinstance(self._bank, FaissBank):
            self._bank.add_with_ids(vectors, ids)
        else:
            self._bank.add(vectors)
        self._about = np.concatenate([self._about, about]) if len(self._about) else about
        return len(about)

    def _read_about(self, above: int) -> npt.NDArray[Any]:
        parts = [
            np.array([(*row[:4], _SOURCE_CODES[row[4]], _LEVEL_CODES[row[5]]) for row in rows], _COLUMNS)
            for rows in self._c.stream(self._sql.about, (self._model, above))
        ]
        return np.concatenate(parts) if parts else np.zeros(0, _COLUMNS)
