"""Unit vectors in memory and the best of them for a query: FAISS where it is installed, numpy where not.

Both give the same rows and the same scores to the last bit: a backend only proposes, and its proposals, widened until
nothing that could tie is left out, are scored again in float64. Knows positions, not ids.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lvqa.models.base import Vectors

Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

# More than float32 arithmetic can be wrong about a product of unit vectors of a few thousand dimensions.
TOLERANCE = 1e-5
# Up to so many allowed rows are scored outright.
FEW = 2048


def normalised(vectors: Vectors) -> Vectors:
    """Rows scaled to unit norm; zero rows stay zero."""
    wide = vectors.astype(np.float64)
    norms = np.sqrt((wide * wide).sum(axis=-1, keepdims=True))
    return np.ascontiguousarray(np.divide(wide, norms, out=np.zeros_like(wide), where=norms > 0), dtype=np.float32)


class Bank(Protocol):
    """Rows of float32 unit vectors that can be added, dropped and searched by inner product."""

    def __len__(self) -> int: ...

    def add(self, vectors: Vectors) -> None:
        """Append rows, float32 (n, d), unit norm."""
        ...

    def keep(self, mask: Mask) -> None:
        """Drop the rows where the mask, (len,), is false; the others keep their order."""
        ...

    def rows(self, positions: Positions) -> Vectors:
        """The vectors at positions, float32 (n, d)."""
        ...

    def propose(self, query: Vectors, m: int, mask: Mask | None) -> tuple[Positions, npt.NDArray[np.float32]]:
        """Positions and rough scores of the m best rows where the mask is true, best first; m rows are there."""
        ...


class NumpyBank:
    """A matrix that is multiplied by the query."""

    def __init__(self, dim: int) -> None:
        self._matrix: Vectors = np.zeros((0, dim), np.float32)

    def __len__(self) -> int:
        return len(self._matrix)

    def add(self, vectors: Vectors) -> None:
        """Append rows."""
        self._matrix = np.concatenate([self._matrix, vectors]) if len(self._matrix) else vectors

    def keep(self, mask: Mask) -> None:
        """Drop rows."""
        self._matrix = self._matrix[mask]

    def rows(self, positions: Positions) -> Vectors:
        """Vectors at positions."""
        return self._matrix[positions]

    def propose(self, query: Vectors, m: int, mask: Mask | None) -> tuple[Positions, npt.NDArray[np.float32]]:
        """Positions and scores of the m best rows where the mask is true, by one matrix product."""
        allowed = np.arange(len(self)) if mask is None else np.flatnonzero(mask)
        scores = self._matrix @ query if mask is None else self._matrix[allowed] @ query
        best = np.argpartition(-scores, m - 1)[:m] if m < len(scores) else np.arange(len(scores))
        best = best[np.argsort(-scores[best], kind="stable")]
        return allowed[best].astype(np.int64), scores[best]


class FaissBank:
    """An `IndexIDMap2` over `IndexFlatIP` (Douze et al., 2401.08281), searched through a bitmap of what is allowed."""

    def __init__(self, dim: int, index: Any = None) -> None:
        import faiss

        # faiss adds its Python signatures at import; the checkers see only those of C++.
        self._faiss: Any = faiss
        self.index: Any = faiss.IndexIDMap2(faiss.IndexFlatIP(dim)) if index is None else index
        self._next = int(self.ids()[-1]) + 1 if self.index.ntotal else 0

    def ids(self) -> Positions:
        """The ids that FAISS keeps, in row order."""
        ids: Positions = self._faiss.vector_to_array(self.index.id_map)
        return ids

    def __len__(self) -> int:
        return int(self.index.ntotal)

    def add(self, vectors: Vectors) -> None:
        """Append rows."""
        self.add_with_ids(vectors, np.arange(self._next, self._next + len(vectors), dtype=np.int64))

    def add_with_ids(self, vectors: Vectors, ids: Positions) -> None:
        """Append rows under ids that rise and lie above those there."""
        if len(ids):
            self.index.add_with_ids(vectors, ids)
            self._next = int(ids[-1]) + 1

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
        # One query is too little work for threads that wait for each other; the setting is each thread's own.
        threads = self._faiss.omp_get_max_threads()
        self._faiss.omp_set_num_threads(1)
        try:
            scores, positions = self._flat().search(query[None], m, params=params)
        finally:
            self._faiss.omp_set_num_threads(threads)
        return positions[0], scores[0]


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
