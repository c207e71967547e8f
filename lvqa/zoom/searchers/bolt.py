"""BOLT (CVPR 2025, arXiv 2503.21483): inverse transform sampling of a sharpened similarity.

Scores are scaled to [0, 1], raised to a power, and read as a density; frames stand at evenly spaced quantiles of it. So
a long relevant stretch gets many frames, an irrelevant one few, and nothing is drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lvqa.zoom.arrays import Values
from lvqa.zoom.base import Query, SearchBudget, SearchResult
from lvqa.zoom.footage import Footage
from lvqa.zoom.keyframe_selection import keyframes, quantiles
from lvqa.zoom.looking import Looker, start
from lvqa.zoom.scorers import Scorers


@dataclass(frozen=True, slots=True)
class Bolt:
    """With the paper's power of 3."""

    scorers: Scorers
    power: float = 3.0
    name: str = "bolt"

    def search(self, video: Footage, query: Query, budget: SearchBudget, seed: int = 0) -> SearchResult:
        """At most `budget.k` frames; fewer where quantiles fall on the same one."""
        trace = start(self.name, video, query)
        times, scores = Looker(video, query, self.scorers.series, budget, trace).series("similarity")
        density = sharpened(scores.astype(np.float64), self.power)
        rows = np.unique(quantiles(density, budget.k)) if len(times) else np.zeros(0, np.int64)
        trace.stopped = "all frames are chosen at once"
        return SearchResult(keyframes(video, times[rows], scores[rows].astype(np.float64), budget), trace)


def sharpened(scores: Values, power: float) -> Values:
    """Scores scaled to [0, 1] and raised to a power, float64 (n,) of sum 1; all equal where scores are constant."""
    spread = float(np.ptp(scores)) if len(scores) else 0.0
    if not spread > 0:
        return np.full(len(scores), 1.0 / max(1, len(scores)))
    density = ((scores - scores.min()) / spread) ** power
    return np.asarray(density / density.sum(), np.float64)
