"""bm25 over postings, without visiting every row that holds a common word. Knows neither words nor the database.

MaxScore (Turtle and Flood, 1995): the terms that can add most come first; once the k-th best score so far is beyond
what all the terms left could add together, rows that hold none of the former cannot come in any more, and the latter
are only looked up in the rows that still can. The result is exact: the scores are those of FTS5's `bm25()`, computed
by its formula in the order of the query's terms, with its sign turned.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

K1 = 1.2
B = 0.75
# What a term in most rows weighs, as in FTS5, instead of less than nothing.
LEAST_IDF = 1e-6

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A word or phrase of a query: its weight, the rows that hold it, rising, and how often each does."""

    idf: float
    rows: Rows
    counts: npt.NDArray[np.int32]

    def parts(self, norms: Floats) -> Floats:
        """What the term adds to the scores of its own rows, float64 (n,)."""
        return self.idf * _saturated(self.counts, norms[self.rows])

    def most(self, least_norm: float) -> float:
        """An upper bound of what the term adds to the score of any row."""
        return self.idf * float(_saturated(np.float64(self.counts.max()), np.float64(least_norm))) * (1 + 1e-9)

    def at(self, rows: Rows, norms: Floats) -> Floats:
        """What the term adds to the scores of those rows, float64 (n,); 0 where a row does not hold it."""
        where = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        counts = np.where(self.rows[where] == rows, self.counts[where], 0)
        return self.idf * _saturated(counts, norms[rows])

    def only(self, mask: Mask) -> Term:
        """The term with only those of its rows where the mask is true."""
        kept = mask[self.rows]
        return Term(self.idf, self.rows[kept], self.counts[kept])


def idf(size: int, holding: int) -> float:
    """The weight of a term that `holding` of `size` rows hold."""
    weight = math.log((size - holding + 0.5) / (holding + 0.5))
    return weight if weight > 0 else LEAST_IDF


def norms_of(lengths: npt.NDArray[np.int32], mean_length: float) -> Floats:
    """The length norms of bm25, float64 (n,), from the length of each row in tokens and the mean length."""
    norms: Floats = K1 * (1 - B + B * lengths.astype(np.float64) / mean_length)
    return norms


def top(terms: Sequence[Term], norms: Floats, k: int, least: float = 0.0) -> tuple[Rows, Floats]:
    """The k best rows and all that tie with the last, of those that score `least` or more: rows, rising, and scores."""
    held = [term for term in terms if len(term.rows)]
    if not held or k <= 0:
        return np.zeros(0, np.int32), np.zeros(0)
    least_norm = float(norms.min())
    order = sorted(held, key=lambda term: -term.most(least_norm))
    left = [*np.cumsum([term.most(least_norm) for term in reversed(order)])[::-1].tolist(), 0.0]
    sums = np.zeros(len(norms))
    done = 0
    for term in order:
        if least > left[done]:
            break
        sums[term.rows] += term.parts(norms)
        done += 1
        least = _kth(sums[term.rows], k, least)
    rows = np.flatnonzero(sums >= max(_under(least - left[done]), np.finfo(float).tiny)).astype(np.int32)
    scores = sums[rows]
    for at in range(done, len(order)):
        scores = scores + order[at].at(rows, norms)
        least = _kth(scores, k, least)
        kept = scores >= _under(least - left[at + 1])
        rows, scores = rows[kept], scores[kept]
    # Sums in another order differ in their last bits: what is returned is summed as FTS5 does.
    kept = scores >= _under(_kth(scores, k, least))
    rows = rows[kept]
    scores = np.zeros(len(rows))
    for term in held:
        scores = scores + term.at(rows, norms)
    kept = scores >= _kth(scores, k, 0.0)
    return rows[kept], scores[kept]


def _saturated(counts: Any, norms: Any) -> Floats:
    found: Floats = (counts * (K1 + 1.0)) / (counts + norms)
    return found


def _kth(scores: Floats, k: int, least: float) -> float:
    """The k-th largest where that is more than `least`, else `least`."""
    # Most rows of a common word are below already: a comparison is ten times as fast as a partition.
    above = scores[scores > least]
    return least if len(above) < k else float(np.partition(above, len(above) - k)[len(above) - k])


def _under(score: float) -> float:
    """A little less, by more than a sum can be wrong."""
    return score - 1e-9 * max(1.0, abs(score))
