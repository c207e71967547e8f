"""AKS, adaptive keyframe sampling (CVPR 2025, arXiv 2502.21271): relevance against coverage, by recursive halving.

A stretch whose best frames stand out from its mean keeps all of its frames; one where they do not is halved, and each
half gets half of them, to a depth. The released code gives leaves no frame where fewer than 32 are wanted, and divides
by zero where scores are constant; here an odd frame goes to the better half, and one frame is never split.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lvqa.zoom.arrays import Values
from lvqa.zoom.base import Query, SearchBudget, SearchResult
from lvqa.zoom.footage import Footage
from lvqa.zoom.keyframe_selection import Rows, keyframes
from lvqa.zoom.looking import Looker, start
from lvqa.zoom.scorers import Scorers


@dataclass(frozen=True, slots=True)
class Aks:
    """`threshold` is that on the gap between the best frames' mean and all frames', of scores scaled to [0, 1]."""

    scorers: Scorers
    threshold: float = 0.6
    depth: int = 5
    name: str = "aks"

    def search(self, video: Footage, query: Query, budget: SearchBudget, seed: int = 0) -> SearchResult:
        """At most `budget.k` frames."""
        trace = start(self.name, video, query)
        times, scores = Looker(video, query, self.scorers.series, budget, trace).series("similarity")
        rows, leaves = halve(scores.astype(np.float64), budget.k, threshold=self.threshold, depth=self.depth)
        trace.notes["leaves"] = [(float(times[a]), float(times[b - 1]), n) for a, b, n in leaves]
        trace.stopped = "all frames are chosen at once"
        return SearchResult(keyframes(video, times[rows], scores[rows].astype(np.float64), budget), trace)


def halve(scores: Values, k: int, *, threshold: float, depth: int) -> tuple[Rows, list[tuple[int, int, int]]]:
    """The rows of k frames, rising; and the stretches (first, end, frames) that the video was cut into.

    Scores, float64 (n,), are scaled to [0, 1] first; constant ones are never worth keeping whole.
    """
    spread = float(np.ptp(scores)) if len(scores) else 0.0
    scaled = (scores - scores.min()) / spread if spread > 0 else np.zeros(len(scores))
    leaves: list[tuple[int, int, int]] = []
    chosen: list[int] = []

    def go(low: int, high: int, n: int, level: int) -> None:
        n = min(n, high - low)
        if n <= 0:
            return
        part = scaled[low:high]
        order = np.argsort(-part, kind="stable")
        gap = float(part[order[:n]].mean() - part.mean())
        if gap > threshold or level == depth or n == 1 or high - low < 2:
            leaves.append((low, high, n))
            chosen.extend(low + int(row) for row in (order[:n] if spread > 0 else _spread(high - low, n)))
            return
        middle = (low + high) // 2
        left, right = scaled[low:middle], scaled[middle:high]
        more, less = (n + 1) // 2, n // 2
        halves = (more, less) if left.mean() >= right.mean() else (less, more)
        # What one half has no room for, the other takes.
        first = max(min(halves[0], len(left)), n - len(right))
        go(low, middle, first, level + 1)
        go(middle, high, n - first, level + 1)

    go(0, len(scores), k, 0)
    return np.array(sorted(chosen), np.int64), leaves


def _spread(length: int, n: int) -> Rows:
    return ((np.arange(n) + 0.5) * length / n).astype(np.int64)
