"""From scores to keyframes: the best of them, none too near to a better one, in order of time. Knows numbers only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lvqa.types import Keyframe
from lvqa.zoom.arrays import Rows, Values
from lvqa.zoom.base import SearchBudget
from lvqa.zoom.footage import Footage

# Times nearer than this are one time.
_SAME_S = 1e-3


def best(times_s: Values, scores: Values, k: int, apart_s: float = 0.0, taken: Sequence[float] = ()) -> Rows:
    """The rows of the k highest scores, best first, none within `apart_s` of a better one or of a time taken.

    Equal scores come in order of time. Every row is at least `_SAME_S` from each other.
    """
    reach = max(apart_s, _SAME_S)
    order = np.lexsort((times_s, -scores))
    kept: list[int] = []
    there = sorted(float(t) for t in taken)
    for row in order:
        if len(kept) >= k:
            break
        at = float(times_s[row])
        place = int(np.searchsorted(there, at))
        near = there[max(0, place - 1) : place + 1]
        if all(abs(at - t) >= reach - 1e-9 for t in near):
            kept.append(int(row))
            there.insert(place, at)
    return np.array(kept, np.int64)


def keyframes(
    video: Footage, times_s: Values | Sequence[float], scores: Values | Sequence[float], budget: SearchBudget
) -> list[Keyframe]:
    """At most `budget.k` keyframes, in order of time: the best, apart as the budget wants, none at a time taken."""
    times = video.clip(np.asarray(times_s, np.float64))
    values = np.asarray(scores, np.float64)
    # Nearer than a frame to each other two times may show the same one.
    apart = max(budget.min_gap_s, video.step_s - 1e-6)
    rows = np.sort(best(times, values, budget.k, apart, video.taken))
    made = [Keyframe(video.video_id, float(times[row]), float(values[row])) for row in rows]
    return sorted(made, key=lambda frame: frame.time_s)


def quantiles(shares: Values, n: int, offset: float = 0.5) -> Rows:
    """The rows, float64 (m,) of any sum, at n evenly spaced quantiles of their cumulated shares; rows may repeat.

    With a random `offset` in [0, 1) this is systematic sampling: each row is drawn as often as its share says.
    """
    total = float(shares.sum())
    if n <= 0 or not total > 0:
        return np.zeros(0, np.int64)
    cumulated = np.cumsum(shares) / total
    wanted = (np.arange(n) + offset) / n
    rows = np.searchsorted(cumulated, wanted, side="right")
    return np.minimum(rows, len(shares) - 1).astype(np.int64)


def split(n: int, shares: Values) -> list[int]:
    """n split in proportion to shares, by largest remainder; earlier ones win ties."""
    total = float(shares.sum())
    if n <= 0 or not total > 0:
        return [0] * len(shares)
    exact = n * shares / total
    parts = np.floor(exact).astype(int)
    for row in np.lexsort((np.arange(len(shares)), parts - exact))[: n - int(parts.sum())]:
        parts[row] += 1
    return [int(part) for part in parts]
