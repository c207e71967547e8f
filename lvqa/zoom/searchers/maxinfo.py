"""MaxInfo (arXiv 2502.03183): the frames that together span what the video shows, whatever is asked.

The frames' vectors, (n, d), are reduced by a truncated SVD to U, (n, r); rectangular maxvol (Mikhalev and Oseledets
2018, arXiv 1502.07838) picks rows of U of nearly the largest volume, then adds rows while the worst of the others is
badly told by those chosen. Query-blind: what is rare is kept, though nobody asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lvqa.zoom.arrays import Rows, Values
from lvqa.zoom.base import Query, SearchBudget, SearchResult
from lvqa.zoom.features import features, left_vectors, similarity_of
from lvqa.zoom.footage import Footage
from lvqa.zoom.keyframe_selection import keyframes
from lvqa.zoom.looking import Looker, start
from lvqa.zoom.scorers import Scorers


@dataclass(frozen=True, slots=True)
class MaxInfo:
    """`rank` is the most dimensions kept, half of the frames wanted unless given; so many frames at least come back.

    `tolerance` is that on the norm of the coefficients of what is not chosen.
    """

    scorers: Scorers
    rank: int | None = None
    tolerance: float = 1.0
    name: str = "maxinfo"

    def search(self, video: Footage, query: Query, budget: SearchBudget, seed: int = 0) -> SearchResult:
        """At most `budget.k` frames; fewer where those tell the others well enough."""
        trace = start(self.name, video, query)
        similarity = similarity_of(self.scorers)
        times, vectors = features(Looker(video, query, similarity, budget, trace), similarity)
        rank = max(1, min(self.rank or budget.k // 2, budget.k, len(times)))
        rows = rect_maxvol(left_vectors(vectors, rank), budget.k, tolerance=self.tolerance)
        trace.stopped = "the chosen frames tell the others"
        # Chosen earlier is worth more: each was the worst told when it was taken.
        return SearchResult(keyframes(video, times[rows], np.linspace(1.0, 0.5, len(rows)), budget), trace)


def maxvol(matrix: Values, *, tolerance: float = 1.05, most: int = 100) -> Rows:
    """Rows of a float64 (n, r) matrix, n >= r, whose square submatrix has nearly the largest volume of all.

    Starts from LU with pivoting, and swaps a row in while a coefficient exceeds the tolerance: each swap multiplies the
    volume by that coefficient (Goreinov et al. 2010).
    """
    from scipy.linalg import lu

    n, r = matrix.shape
    factors: Any = lu(matrix, p_indices=True)
    permutation, _, upper = factors
    # scipy gives the place of each row of the product; its inverse is the order of the pivots.
    chosen = np.argsort(permutation)[:r].astype(np.int64)
    if np.abs(np.diag(upper)).min() < 1e-12:
        return chosen
    coefficients = np.linalg.solve(matrix[chosen].T, matrix.T).T
    for _ in range(most):
        row, column = np.unravel_index(int(np.abs(coefficients).argmax()), (n, r))
        pivot = coefficients[row, column]
        if abs(pivot) <= tolerance:
            break
        step = coefficients[row].copy()
        step[column] -= 1.0
        coefficients -= np.outer(coefficients[:, column], step) / pivot
        chosen[column] = row
    return chosen


def rect_maxvol(matrix: Values, most: int, *, tolerance: float = 1.0, swap: float = 1.05) -> Rows:
    """Rows of a float64 (n, r) matrix: those of `maxvol`, then one by one the row that is told worst by them.

    How well a row is told is the norm of its coefficients C in the chosen ones; adding the row of the largest norm
    multiplies the volume by sqrt(1 + norm^2), and updates C by rank one. Ends at `most` rows, or where no norm exceeds
    the tolerance.
    """
    n, r = matrix.shape
    most = min(most, n)
    if most <= 0:
        return np.zeros(0, np.int64)
    chosen = list(maxvol(matrix, tolerance=swap))[:most]
    block = matrix[chosen]
    if len(chosen) < r or np.linalg.cond(block) > 1e10:
        return np.array(chosen, np.int64)
    coefficients = np.linalg.solve(block.T, matrix.T).T
    norms = (coefficients**2).sum(axis=1)
    norms[chosen] = 0.0
    while len(chosen) < most:
        row = int(norms.argmax())
        if norms[row] <= tolerance**2:
            break
        step = coefficients[row] / (1.0 + float(coefficients[row] @ coefficients[row]))
        along = coefficients @ coefficients[row]
        coefficients = np.hstack([coefficients - np.outer(along, step), (along / (1.0 + norms[row]))[:, None]])
        norms = (coefficients**2).sum(axis=1)
        chosen.append(row)
        norms[chosen] = 0.0
    return np.array(chosen, np.int64)
