"""An approximate index of many unit vectors: FAISS inverted lists of 8-bit codes, mapped from a file. Knows no tables.

Rows are told by position, 0 to `len - 1`. The index only proposes: whoever asks scores the proposals again from the
full vectors. Frames of one video lie so close together that a graph (HNSW) walks into one run and stays there, and
product codes cannot tell its members apart; cells of k-means visited in order of nearness, with one byte a dimension,
can (eval/LOG.md has the figures). Codes that are damaged cost proposals, never more: ids are checked.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, sqrt
from pathlib import Path
from typing import Any

import numpy as np

from lvqa.models.base import Vectors
from lvqa.store.search.vector_bank import Mask, Positions, load_faiss, one_thread

# Vectors that k-means sees for each cell, and how often it goes through them: more finds no more (eval/LOG.md).
SAMPLE_A_CELL = 40
ROUNDS = 5
# Cells visited without a filter, out of 2 * sqrt(rows); a filter that allows a tenth visits ten times as many.
PROBES = 96


def cells_for(size: int) -> int:
    """How many cells to cut so many vectors into."""
    return max(1, min(round(2 * sqrt(size)), size // SAMPLE_A_CELL))


class Ivf:
    """Inverted lists over a FAISS index; `trained` is how many rows the cells were cut for."""

    def __init__(self, index: Any) -> None:
        self._faiss = load_faiss()
        self.index = index

    def __len__(self) -> int:
        return int(self.index.ntotal)

    @property
    def dim(self) -> int:
        """The length of the vectors."""
        return int(self.index.d)

    @property
    def cells(self) -> int:
        """How many cells the rows are in."""
        return int(self.index.nlist)

    @classmethod
    def train(cls, sample: Vectors, cells: int) -> Ivf:
        """Cut cells from a sample, float32 (n, d), unit norm, of the rows to come; holds none of them."""
        faiss, dim = load_faiss(), sample.shape[1]
        index = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(dim), dim, cells, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT, False
        )
        index.cp.niter = ROUNDS
        index.cp.seed = 1
        # Rows beyond the training sample may lie outside its range: leave some room on both sides.
        index.sq.rangestat = faiss.ScalarQuantizer.RS_minmax
        index.sq.rangestat_arg = 0.1
        index.train(sample)
        return cls(index)

    @classmethod
    def open(cls, path: Path, *, size: int, mapped: bool = True) -> Ivf:
        """Read the file that `save` wrote; `mapped` leaves the codes on disk until they are visited.

        Raises RuntimeError or ValueError for a file that is something else.
        """
        faiss = load_faiss()
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC if mapped else 0)
        if not isinstance(index, faiss.IndexIVFScalarQuantizer) or index.ntotal != size:
            raise ValueError(f"{path.name} is another index than was wanted")
        return cls(index)

    def save(self, path: Path) -> None:
        """Write to a file. Raises RuntimeError where that cannot be done."""
        self._faiss.write_index(self.index, str(path))

    def add(self, batches: Iterable[Vectors]) -> None:
        """Append rows, float32 (n, d), unit norm."""
        for batch in batches:
            self.index.add(batch)

    def keep(self, mask: Mask) -> None:
        """Drop the rows where the mask, (len,), is false; the others' positions close up. Not for a mapped index."""
        faiss, old = self._faiss, self.index.invlists
        new = faiss.ArrayInvertedLists(old.nlist, old.code_size)
        position = np.cumsum(mask) - 1
        for cell in range(old.nlist):
            size = old.list_size(cell)
            if not size:
                continue
            ids = faiss.rev_swig_ptr(old.get_ids(cell), size)
            codes = faiss.rev_swig_ptr(old.get_codes(cell), size * old.code_size).reshape(size, -1)
            kept = mask[ids]
            kept_ids, kept_codes = position[ids[kept]], np.ascontiguousarray(codes[kept])
            if len(kept_ids):
                new.add_entries(cell, len(kept_ids), faiss.swig_ptr(kept_ids), faiss.swig_ptr(kept_codes))
        self.index.replace_invlists(new, True)
        new.this.disown()
        self.index.ntotal = int(np.count_nonzero(mask))

    def propose(self, query: Vectors, m: int, mask: Mask | None, allowed: int) -> Positions:
        """At most m positions of rows near to a unit vector, float32 (d,), nearest first by the codes.

        `mask`, bool (len,), says which rows may be returned, `allowed` how many that are.
        """
        if m <= 0 or not allowed:
            return np.zeros(0, np.int64)
        faiss = self._faiss
        probes = min(self.index.nlist, ceil(PROBES * len(self) / allowed))
        params = faiss.SearchParametersIVF(nprobe=probes)
        if mask is not None:
            bits = np.packbits(mask, bitorder="little")
            params = faiss.SearchParametersIVF(nprobe=probes, sel=faiss.IDSelectorBitmap(bits))
        # Searches of several threads share the cores better than one takes them all.
        with one_thread(faiss):
            found: Positions = self.index.search(query[None], m, params=params)[1][0]
        return found[(found >= 0) & (found < len(self))]
