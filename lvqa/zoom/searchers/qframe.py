"""Q-Frame (ICCV 2025, arXiv 2506.22139): frames drawn by similarity with the Gumbel-max trick, in three resolutions.

softmax(logits / temperature) plus Gumbel noise, the k highest: draws without replacement in proportion to the softmax.
The best frames are shown at full resolution, the next at half, the rest at a quarter; the trace says which. The
released code is not seeded.
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

# What CLIP multiplies cosines by before it takes a softmax.
_LOGIT_SCALE = 100.0
# Of eleven frames one is shown whole (one at least), two at half, eight at a quarter of the side: 4, 8, 32 there.
_WHOLE, _HALF = 1 / 11, 2 / 11


@dataclass(frozen=True, slots=True)
class QFrame:
    """With the paper's temperature."""

    scorers: Scorers
    temperature: float = 0.8
    scale: float = _LOGIT_SCALE
    name: str = "qframe"

    def search(self, video: Footage, query: Query, budget: SearchBudget, seed: int = 0) -> SearchResult:
        """At most `budget.k` frames, drawn by `seed`."""
        trace = start(self.name, video, query)
        times, scores = Looker(video, query, self.scorers.series, budget, trace).series("similarity")
        rows = gumbel_top(self.scale * scores.astype(np.float64) / self.temperature, budget.k, seed)
        chosen = keyframes(video, times[rows], scores[rows].astype(np.float64), budget)
        kept = {frame.time_s for frame in chosen}
        drawn = [t for t in video.clip(times[rows]).tolist() if t in kept]
        trace.notes["side"] = {f"{t:.3f}": side for t, side in zip(drawn, tiers(len(drawn)), strict=True)}
        trace.stopped = "all frames are chosen at once"
        return SearchResult(chosen, trace)


def gumbel_top(logits: Values, k: int, seed: int) -> Rows:
    """k rows drawn without replacement in proportion to softmax(logits), the first drawn first."""
    noisy = logits + np.random.default_rng(seed).gumbel(size=len(logits))
    return np.argsort(-noisy, kind="stable")[:k].astype(np.int64)


def tiers(n: int) -> list[float]:
    """The side, as a share of the whole, at which each of n frames is shown, best first."""
    whole, half = max(1, round(n * _WHOLE)), round(n * _HALF)
    return ([1.0] * whole + [0.5] * half + [0.25] * n)[:n]
