"""Unit vectors in memory and the best of them for a query: FAISS where it is installed, numpy where not.

Both give the same rows and the same scores to the last bit: a backend only proposes, and its proposals, widened until
nothing that could tie is left out, are scored again in float64. Knows positions, not ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from lvqa.models.base import Vectors

Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

# More than float32 arithmetic can be wrong about a product of unit vectors of a few thousand dimensions.
TOLERANCE = 1e-5
# Up to so many allowed rows are scored outright.
FEW = 2048


def faiss_installed() -> bool:
    """Whether FAISS can be imported."""
    try:
        load_faiss()
    except ImportError:
        return False
    return True


def load_faiss() -> Any:
    """FAISS, untyped: it adds its Python signatures at import, and the checkers see only those of C++."""
    import faiss

    return faiss


@contextmanager
def one_thread(faiss: Any) -> Iterator[None]:
    """Run what FAISS does inside on this thread alone; the setting is each thread's own."""
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def normalised(vectors: Vectors) -> Vectors:
    """Rows scaled to unit norm; zero rows stay zero."""
    wide = vectors.astype(np.float64)
    norms = np.sqrt((wide * wide).sum(axis=-1, keepdims=True))
    return np.ascontiguousarray(np.divide(wide, norms, out=np.zeros_like(wide), where=norms > 0), dtype=np.float32)


class NumpyBank:
    """A matrix of float32 unit vectors that is multiplied by the query."""

    def __init__(self, dim: int) -> None:
        self._matrix: Vectors = np.zeros((0, dim), np.float32)

    def __len__(self) -> int:
        return len(self._matrix)

    def add(self, vectors: Vectors, ids: Positions) -> None:
        """Append rows, float32 (n, d), unit norm; nothing is asked of their ids."""
        self._matrix = np.concatenate([self._matrix, vectors]) if len(self._matrix) else vectors

    def keep(self, mask: Mask) -> None:
        """Drop the rows where the mask, (len,), is false; the others keep their order."""
        self._matrix = self._matrix[mask]

    def rows(self, positions: Positions) -> Vectors:
        """The vectors at positions, float32 (n, d)."""
        return self._matrix[positions]

    def propose(self, query: Vectors, m: int, mask: Mask | None) -> tuple[Positions, npt.NDArray[np.float32]]:
        """Positions and scores of the m best rows where the mask is true, best first; m rows are there."""
        allowed = np.arange(len(self)) if mask is None else np.flatnonzero(mask)
        scores = self._matrix @ query if mask is None else self._matrix[allowed] @ query
        best = np.argpartition(-scores, m - 1)[:m] if m < len(scores) else np.arange(len(scores))
        best = best[np.argsort(-scores[best], kind="stable")]
        return allowed[best].astype(np.int64), scores[best]


class FaissBank:
    """An `IndexIDMap2` over `IndexFlatIP` (Douze et al., 2401.08281), searched through a bitmap of what is allowed.

    Its methods are those of `NumpyBank`, with the same results.
    """

    def __init__(self, dim: int, index: Any = None) -> None:
        self._faiss = load_faiss()
        self.index = self._faiss.IndexIDMap2(self._faiss.IndexFlatIP(dim)) if index is None else index

    def ids(self) -> Positions:
        """The ids that FAISS keeps, in row order."""
        ids: Positions = self._faiss.vector_to_array(self.index.id_map)
        return ids

    def __len__(self) -> int:
        return int(self.index.ntotal)

    def add(self, vectors: Vectors, ids: Positions) -> None:
        """Append rows under ids that rise and lie above those there."""
        if len(ids):
            self.index.add_with_ids(vectors, ids)

    def keep(self, mask: Mask) -> None:
        """Drop rows."""
        self.index.remove_ids(self.ids()[~mask])

    def _flat(self) -> Any:
        return self._faiss.downcast_index(self.index.index)

    def rows(self, positions: Positions) -> Vectors:
        """Vectors at positions."""
        if not len(positions):
            return np.zeros((0, self.index.d), np.float32)
        found: Vectors = self._flat().reconstruct_batch(positions)
        return found

    def propose(self, query: Vectors, m: int, mask: Mask | None) -> tuple[Positions, npt.NDArray[np.float32]]:
        """Positions and scores of the m best rows where the mask is true, as FAISS finds them."""
        params = None
        if mask is not None:
            bits = np.packbits(mask, bitorder="little")
            params = self._faiss.SearchParameters(sel=self._faiss.IDSelectorBitmap(bits))
        # One query is too little work for threads that wait for each other.
        with one_thread(self._faiss):
            scores, positions = self._flat().search(query[None], m, params=params)
        return positions[0], scores[0]


Bank = NumpyBank | FaissBank


def exact_scores(rows: Vectors, query: Vectors) -> npt.NDArray[np.float64]:
    """Inner products in float64, each row summed by itself, so that a score does not depend on the rows around it."""
    products: npt.NDArray[np.float64] = (rows.astype(np.float64) * query.astype(np.float64)).sum(axis=1)
    return products


def best_rows(bank: Bank, query: Vectors, k: int, mask: Mask | None) -> tuple[Positions, npt.NDArray[np.float64]]:
    """The k best allowed rows and all that tie with the last of them: positions and cosines, best first.

    `query` is a float32 unit vector (d,); `mask` bool (len(bank),).
    """
    allowed = len(bank) if mask is None else int(np.count_nonzero(mask))
    if k <= 0 or not allowed:
        return np.zeros(0, np.int64), np.zeros(0, np.float64)
    m = min(allowed, k + 32)
    if allowed <= FEW:
        positions = np.arange(len(bank)) if mask is None else np.flatnonzero(mask)
    else:
        while True:
            positions, rough = bank.propose(query, m, mask)
            if m == allowed or rough[min(k, m) - 1] - rough[-1] > TOLERANCE:
                break
            m = min(allowed, m * 4)
    positions = positions.astype(np.int64)
    scores = exact_scores(bank.rows(positions), query)
    order = np.lexsort((positions, -scores))
    positions, scores = positions[order], scores[order]
    last = scores[min(k, len(scores)) - 1]
    kept = scores >= last
    return positions[kept], scores[kept]
