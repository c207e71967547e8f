"""Where what a video shows or says shifts: how deep the likeness of before and after dips at a time.

TextTiling (Hearst, Computational Linguistics 23(1), 1997) compares the block of text before a gap with the block after
it, and scores the gap by how far their similarity lies below the peaks around. SceneTilling (VideoLLaMB, 2409.01071)
does so with frames, and takes the dips that stand out from the video's own. Here a block is a stretch of time that has
vectors, so that notes may overlap, come unevenly and leave gaps. Knows times and vectors, not what they are of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from lvqa.models.base import Vectors

Floats = npt.NDArray[np.float64]
Slots = npt.NDArray[np.int64]

# Similarities are compared to so many decimals: what comes after is the rounding of an embedder's batches.
DECIMALS = 3
_DIMS_AT_ONCE = 32
_RIPPLE, _DEEPEST = 0.8, 4.0


# Stretches of n vectors: where each starts and ends in seconds (n,), the vectors, float32 (n, d), their weights (n,).
Piece = tuple[Floats, Floats, Vectors, Floats]


class Timeline:
    """Weighted vectors, added up in slots of equal time, a few of their dimensions at once.

    Args:
        duration_s: length of the video in seconds.
        step_s: length of a slot in seconds.
        pieces: gives all stretches anew at every call; it is called once for every 32 dimensions, so that hours of wide
            vectors are never in memory at once.
    """

    def __init__(self, duration_s: float, step_s: float, pieces: Callable[[], Iterable[Piece]]) -> None:
        self._step_s = step_s
        self._n = max(1, int(np.ceil(duration_s / step_s - 1e-9)))
        self._pieces = pieces
        self._dim = 0
        # Differences from slot to slot, so that a long stretch costs no more than a short one.
        self._weights = np.zeros(self._n + 1)
        self._counts = np.zeros(self._n + 1, np.int64)
        for starts_s, ends_s, vectors, weights in pieces():
            self._dim = vectors.shape[1]
            for bounds, sign in zip(self._slots(starts_s, ends_s), (1, -1), strict=True):
                np.add.at(self._weights, bounds, sign * weights)
                np.add.at(self._counts, bounds, sign)

    def _slots(self, starts_s: Floats, ends_s: Floats) -> tuple[Slots, Slots]:
        """The first slot that each stretch touches, and the one behind the last."""
        first = np.clip(np.floor(starts_s / self._step_s + 1e-6).astype(np.int64), 0, self._n - 1)
        return first, np.clip(np.ceil(ends_s / self._step_s - 1e-6).astype(np.int64), first + 1, self._n)

    def _sums(self, begin: int) -> Floats:
        sums = np.zeros((self._n + 1, min(_DIMS_AT_ONCE, self._dim - begin)))
        for starts_s, ends_s, vectors, weights in self._pieces():
            first, behind = self._slots(starts_s, ends_s)
            weighted = vectors[:, begin : begin + _DIMS_AT_ONCE] * weights[:, None].astype(np.float32)
            np.add.at(sums, first, weighted)
            np.subtract.at(sums, behind, weighted)
        return np.cumsum(sums, axis=0, out=sums)[: self._n]

    def similarities(self, at_s: Floats, block_s: float) -> Floats:
        """The cosine of what comes before and after each time, float64 (k,); NaN where either side has nothing.

        A side is the nearest `block_s` seconds that hold anything: it reaches across gaps.
        """
        held = np.flatnonzero(np.cumsum(self._counts)[: self._n] > 0)
        block = max(1, round(block_s / self._step_s))
        middle = np.searchsorted(held, np.rint(at_s / self._step_s).astype(np.int64))
        before, after = np.maximum(middle - block, 0), np.minimum(middle + block, len(held))
        weights = np.maximum(np.cumsum(self._weights)[: self._n][held], 1e-9)
        dot, left_norm, right_norm = (np.zeros(len(at_s)) for _ in range(3))
        for begin in range(0, self._dim, _DIMS_AT_ONCE):
            total = np.zeros((len(held) + 1, min(_DIMS_AT_ONCE, self._dim - begin)))
            # The mean of a slot: a second in which much is said and read counts as one second.
            total[1:] = self._sums(begin)[held]
            total[1:] /= weights[:, None]
            np.cumsum(total, axis=0, out=total)
            left, right = total[middle] - total[before], total[after] - total[middle]
            dot += np.einsum("ij,ij->i", left, right)
            left_norm += np.einsum("ij,ij->i", left, left)
            right_norm += np.einsum("ij,ij->i", right, right)
        norms = np.sqrt(left_norm * right_norm)
        found = np.divide(dot, norms, out=np.full(len(at_s), np.nan), where=norms > 1e-9)
        found[(before == middle) | (after == middle)] = np.nan
        rounded: Floats = np.round(found, DECIMALS)
        return rounded


def depths(similarities: Floats, at_s: Floats, reach_s: float) -> Floats:
    """How far each similarity lies below the best within `reach_s` on either side, added up; 0 for NaN.

    Hearst climbs until the similarity falls; the best within reach is not stopped by a ripple on the way.
    """
    known = np.flatnonzero(~np.isnan(similarities))
    values, times = similarities[known], at_s[known]
    left, right = np.searchsorted(times, times - reach_s), np.searchsorted(times, times + reach_s, "right")
    found = np.zeros(len(similarities))
    for i, (value, low, high) in enumerate(zip(values, left, right, strict=True)):
        found[known[i]] = values[low : i + 1].max() + values[i:high].max() - 2 * value
    return found


def strengths(
    similarities: Floats, at_s: Floats, reach_s: float, least_depth: float, below_std: float | None = None
) -> Floats:
    """What speaks for a shift at each time, float64 (k,): 0 for a ripple, 1 for a plain dip, 3.2 at most.

    A depth is told in units of twice the standard deviation of all similarities. No cap lies lower: under one, the
    times around a deep dip would all be as good as its bottom.

    Args:
        similarities: of before and after each time, NaN where unknown.
        at_s: the times in seconds, rising.
        reach_s: how far the peaks around a dip may be.
        least_depth: the unit where all similarities are nearly the same.
        below_std: count only times whose similarity lies so many standard deviations below the mean (SceneTilling).
    """
    deep = depths(similarities, at_s, reach_s)
    known = similarities[~np.isnan(similarities)]
    if not len(known):
        return deep
    # Two decimals, so that one note more does not move every score of the video a little.
    spread, mean = round(float(known.std()), 2), round(float(known.mean()), 2)
    if below_std is not None:
        deep = np.where(np.nan_to_num(similarities, nan=np.inf) < mean - below_std * spread, deep, 0.0)
    return np.maximum(0.0, np.minimum(_DEEPEST, deep / max(2 * spread, least_depth)) - _RIPPLE)
