"""Searchers that choose all frames at once: evenly, or by the similarity of every frame to what is searched for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lvqa.zoom.arrays import Rows, Values
from lvqa.zoom.base import Query, SearchBudget, SearchResult, Trace
from lvqa.zoom.footage import Footage
from lvqa.zoom.keyframe_selection import keyframes, quantiles
from lvqa.zoom.looking import Looker, evenly, start
from lvqa.zoom.scorers import Scorers

# What CLIP multiplies cosines by before it takes a softmax.
_LOGIT_SCALE = 100.0
# Of eleven frames one is shown whole (one at least), two at half, eight at a quarter of the side: 4, 8, 32 there.
_WHOLE, _HALF = 1 / 11, 2 / 11


@dataclass(frozen=True, slots=True)
class Uniform:
    """Evenly spaced frames: the centres of k equal parts. The baseline that every search must beat.

    Looks at nothing and knows nothing; its `seed` changes nothing.
    """

    name: str = "uniform"

    def search(self, video: Footage, query: Query, budget: SearchBudget, seed: int = 0) -> SearchResult:
        """`budget.k` frames, or every frame of a video that has fewer."""
        trace = _trace(self.name, video, query)
        within = video.within
        frames = max(1, round(within.duration_s / video.step_s))
        times = evenly(within.start_s, within.end_s, min(budget.k, frames))
        return SearchResult(keyframes(video, times, np.ones(len(times)), budget), trace)


@dataclass(frozen=True, slots=True)
class Aks:
    """AKS, adaptive keyframe sampling (CVPR 2025, arXiv 2502.21271): relevance against coverage, by recursive halving.

    A stretch whose best frames stand out from its mean keeps all of its frames; one where they do not is halved, and
    each half gets half of them, to a depth. The released code gives leaves no frame where fewer than 32 are wanted, and
    divides by zero where scores are constant; here an odd frame goes to the better half, and one frame is never split.
    `threshold` is that on the gap between the best frames' mean and all frames', of scores scaled to [0, 1].
    """

    scorers: Scorers
    threshold: float = 0.6
    depth: int = 5
    name: str = "aks"

    def search(self, video: Footage, query: Query, budget: SearchBudget, seed: int = 0) -> SearchResult:
        """At most `budget.k` frames."""
        trace, times, scores = _similarities(self.name, self.scorers, video, query, budget)
        rows, leaves = halve(scores, budget.k, threshold=self.threshold, depth=self.depth)
        trace.notes["leaves"] = [(float(times[a]), float(times[b - 1]), n) for a, b, n in leaves]
        return SearchResult(keyframes(video, times[rows], scores[rows], budget), trace)


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


@dataclass(frozen=True, slots=True)
class Bolt:
    """BOLT (CVPR 2025, arXiv 2503.21483): inverse transform sampling of a sharpened similarity.

    Scores are scaled to [0, 1], raised to a power, and read as a density; frames stand at evenly spaced quantiles of
    it. So a long relevant stretch gets many frames, an irrelevant one few, and nothing is drawn at random.
    """

    scorers: Scorers
    power: float = 3.0
    name: str = "bolt"

    def search(self, video: Footage, query: Query, budget: SearchBudget, seed: int = 0) -> SearchResult:
        """At most `budget.k` frames; fewer where quantiles fall on the same one."""
        trace, times, scores = _similarities(self.name, self.scorers, video, query, budget)
        density = sharpened(scores, self.power)
        rows = np.unique(quantiles(density, budget.k)) if len(times) else np.zeros(0, np.int64)
        return SearchResult(keyframes(video, times[rows], scores[rows], budget), trace)


def sharpened(scores: Values, power: float) -> Values:
    """Scores scaled to [0, 1] and raised to a power, float64 (n,) of sum 1; all equal where scores are constant."""
    spread = float(np.ptp(scores)) if len(scores) else 0.0
    if not spread > 0:
        return np.full(len(scores), 1.0 / max(1, len(scores)))
    density = ((scores - scores.min()) / spread) ** power
    return np.asarray(density / density.sum(), np.float64)


@dataclass(frozen=True, slots=True)
class QFrame:
    """Q-Frame (ICCV 2025, arXiv 2506.22139): draws by similarity with the Gumbel-max trick, in three resolutions.

    softmax(logits / temperature) plus Gumbel noise, the k highest: draws without replacement in proportion to the
    softmax. The best frames are shown at full resolution, the next at half, the rest at a quarter; the trace says
    which. The released code is not seeded.
    """

    scorers: Scorers
    temperature: float = 0.8
    scale: float = _LOGIT_SCALE
    name: str = "qframe"

    def search(self, video: Footage, query: Query, budget: SearchBudget, seed: int = 0) -> SearchResult:
        """At most `budget.k` frames, drawn by `seed`."""
        trace, times, scores = _similarities(self.name, self.scorers, video, query, budget)
        rows = gumbel_top(self.scale * scores / self.temperature, budget.k, seed)
        chosen = keyframes(video, times[rows], scores[rows], budget)
        kept = {frame.time_s for frame in chosen}
        drawn = [t for t in video.clip(times[rows]).tolist() if t in kept]
        trace.notes["side"] = {f"{t:.3f}": side for t, side in zip(drawn, tiers(len(drawn)), strict=True)}
        return SearchResult(chosen, trace)


def gumbel_top(logits: Values, k: int, seed: int) -> Rows:
    """k rows drawn without replacement in proportion to softmax(logits), the first drawn first."""
    noisy = logits + np.random.default_rng(seed).gumbel(size=len(logits))
    return np.argsort(-noisy, kind="stable")[:k].astype(np.int64)


def tiers(n: int) -> list[float]:
    """The side, as a share of the whole, at which each of n frames is shown, best first."""
    whole, half = max(1, round(n * _WHOLE)), round(n * _HALF)
    return ([1.0] * whole + [0.5] * half + [0.25] * n)[:n]


def _trace(searcher: str, video: Footage, query: Query) -> Trace:
    trace = start(searcher, video, query)
    trace.stopped = "all frames are chosen at once"
    return trace


def _similarities(
    searcher: str, scorers: Scorers, video: Footage, query: Query, budget: SearchBudget
) -> tuple[Trace, Values, Values]:
    """The search's trace; times and scores, float64 (n,) each, of the whole video."""
    trace = _trace(searcher, video, query)
    times, scores = Looker(video, query, scorers.series, budget, trace).series("similarity")
    return trace, times, scores.astype(np.float64)
