"""Search by cosine over all vectors of an index: an index for each kind and model, shared by a store's threads.

Knows neither what the vectors are of nor what made them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from lvqa.models.base import Vectors
from lvqa.store.database import BehindError, Connections
from lvqa.store.filters import Filter
from lvqa.store.keys import clean_text
from lvqa.store.rows import VectorKind
from lvqa.store.search.bases import BaseFiles
from lvqa.store.search.vector_cache import sweep
from lvqa.store.search.vector_index import VectorBase, VectorIndex, load_base


class VectorSearch:
    """The vector indexes of a store. `bases` are their files, `indexes` those that were searched so far."""

    def __init__(self, connections: Connections, index_dir: Path) -> None:
        self._c = connections
        self._index_dir = index_dir
        self._lock = threading.Lock()
        self.indexes: dict[tuple[VectorKind, str], VectorIndex] = {}
        self.bases: BaseFiles[VectorBase] = BaseFiles(index_dir, load_base)

    @contextmanager
    def nearest(
        self, kind: VectorKind, model: str, query: Vectors, k: int, wanted: Filter | None
    ) -> Iterator[dict[int, float]]:
        """Cosines of the best rows by their `n`, on the snapshot that the block inside reads."""
        # Rows that may yet be rolled back, or that are gone already, must not enter what other threads search.
        index = self._index(kind, model, shared=not self._c.writing)
        vector = np.asarray(query, np.float32)
        held = self._c.in_transaction
        while True:
            with self._c.reading():
                try:
                    found = dict(index.search(vector, k, wanted))
                except BehindError:
                    if self._c.restarts:
                        raise
                    if held:  # this snapshot stays as it is
                        index = self._index(kind, model, shared=False)
                    continue
                yield found
                return

    def save(self) -> None:
        """Write the caches of flat indexes that changed, and delete those of vectors that are gone."""
        with self._lock:
            for index in self.indexes.values():
                index.save()
        if self.indexes:
            kinds: tuple[VectorKind, ...] = ("notes", "frames")
            sweep(self._index_dir, [(kind, model) for kind in kinds for model in vector_models(self._c, kind)])

    def _index(self, kind: VectorKind, model: str, *, shared: bool) -> VectorIndex:
        model = clean_text(model)
        if not shared:
            return VectorIndex(self._c, self._index_dir, kind, model, self.bases, cached=False)
        with self._lock:
            if (kind, model) not in self.indexes:
                self.indexes[kind, model] = VectorIndex(self._c, self._index_dir, kind, model, self.bases)
            return self.indexes[kind, model]


def vector_models(connections: Connections, kind: VectorKind) -> list[str]:
    """The models that embedded any of the notes, or of the frames, by name; costs no scan."""
    table = {"notes": "embeddings", "frames": "frames"}[kind]
    rows = connections.rows(
        f"SELECT model FROM versions WHERE kind = ? AND EXISTS (SELECT 1 FROM {table} e WHERE e.model = "
        "versions.model) ORDER BY model",
        (kind,),
    )
    return [row[0] for row in rows]
