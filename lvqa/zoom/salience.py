"""How far the frames of one video stand out for a phrase: robust z-scores of cosines, bounded, and their peaks.

A cosine means nothing by itself: frames of one video lie close together, and what is usual differs from phrase to
phrase and from scene to scene. This module knows numbers only.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Series = npt.NDArray[np.float64]

# The seconds around a frame that say what is usual there.
AROUND_S = 6.0
# Where most frames are alike a z-score has no end, and would outweigh everything else.
MOST_Z = 8.0
_MAD = 1.4826


def salience(times: Series, cosines: Series) -> Series:
    """How far each frame stands out from its video: the mean of its z-scores against all of it and what is around.

    Bounded by `MOST_Z`, in the same order until that is all but reached.
    """
    if not len(times):
        return np.zeros(0)
    return bounded((robust_z(cosines) + against_around(times, cosines)) / 2)


def bounded(z: Series) -> Series:
    """z-scores squeezed into (-MOST_Z, MOST_Z), small ones as they are."""
    return np.asarray(MOST_Z * np.tanh(z / MOST_Z), np.float64)


def against_around(times: Series, cosines: Series) -> Series:
    """Robust z-scores of what is left of cosines without the median of the seconds around."""
    return robust_z(cosines - running_median(times, cosines, AROUND_S))


def robust_z(values: Series) -> Series:
    """Distance from the median in units of the MAD, as large as a standard deviation; float64 (n,)."""
    middle = np.median(values)
    spread = _MAD * np.median(np.abs(values - middle))
    # Values that are nearly all the same have no MAD: then their standard deviation.
    unit = max(float(spread), 0.25 * float(np.std(values)), 1e-6)
    return np.asarray((values - middle) / unit, np.float64)


def running_median(times: Series, values: Series, reach_s: float) -> Series:
    """The median over the seconds around each value, float64 (n,)."""
    low = np.searchsorted(times, times - reach_s)
    high = np.searchsorted(times, times + reach_s, side="right")
    width = int((high - low).max(initial=1))
    inner = np.flatnonzero(high - low == width)
    medians = np.empty(len(values))
    if len(inner):
        # All but the ends, and holes, have as many around them.
        windows = np.lib.stride_tricks.sliding_window_view(values, width)
        medians[inner] = np.median(windows[low[inner]], axis=1)
    for i in np.flatnonzero(high - low != width):
        medians[i] = np.median(values[low[i] : high[i]])
    return medians


def nearest(times: Series, wanted: Series) -> npt.NDArray[np.int64]:
    """The place of the time nearest to each wanted one, int64 (n,); of two as near the later. There is one at least."""
    at = np.clip(np.searchsorted(times, wanted), 0, len(times) - 1)
    before = np.maximum(at - 1, 0)
    return np.where(np.abs(times[before] - wanted) < np.abs(times[at] - wanted), before, at)


def within_reach(times: Series, values: Series, reach_s: float) -> Series:
    """The highest value within so many seconds of each time, float64 (n,)."""
    if len(times) < 2:
        return values.copy()
    from scipy.ndimage import maximum_filter1d

    step = float(np.median(np.diff(times)))
    return np.asarray(maximum_filter1d(values, 2 * int(reach_s / max(step, 1e-6)) + 1, mode="nearest"), np.float64)


def peaks(times: Series, score: Series, most: int, apart_s: float = 1.0) -> list[int]:
    """The places of the highest scores, best first, at most so many, none nearer than `apart_s` to a better one."""
    kept: list[int] = []
    for i in np.argsort(-score, kind="stable")[: 8 * most]:
        if all(abs(times[i] - times[k]) >= apart_s for k in kept):
            kept.append(int(i))
            if len(kept) == most:
                break
    return kept
