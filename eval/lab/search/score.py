"""Scores of one search against the one window that is right, and of many searches, with intervals. Knows no searcher.

Temporal and visual F1 are LV-Haystack's (arXiv 2504.02259); SSIM is Wang et al.'s (2004) with an 11 x 11 Gaussian
window of sigma 1.5, K1 0.01, K2 0.03.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from lvqa.eval.lab.retrieval.measures import temporal_f1
from lvqa.models.base import Frame
from lvqa.types import Span

TOLERANCE_S = 5.0
_RESAMPLES = 2000


def is_found(times_s: Sequence[float], gold: Span, slack_s: float = 0.0) -> bool:
    """Whether one of the times lies in the window, or at most so far outside."""
    return any(gold.start_s - slack_s <= t < gold.end_s + slack_s for t in times_s)


def f1(times_s: Sequence[float], gold: Span) -> float:
    """Temporal F1 at 5 s: gold are the window's seconds, or its middle where it has none."""
    return temporal_f1([("", t) for t in times_s], [("", t) for t in gold_times(gold)], tolerance_s=TOLERANCE_S)


def gold_times(gold: Span) -> list[float]:
    """The centres of the whole seconds of a window, at least one."""
    n = max(1, round(gold.duration_s))
    return [gold.start_s + (i + 0.5) * gold.duration_s / n for i in range(n)]


def visual_f1(returned: Sequence[Frame], gold: Sequence[Frame]) -> float:
    """The same by looks: for each frame its best SSIM with the other set; precision and recall are their means."""
    if not returned or not gold:
        return 0.0
    alike = np.array([[ssim(a, b) for b in gold] for a in returned])
    precision, recall = float(alike.max(axis=1).mean()), float(alike.max(axis=0).mean())
    return 0.0 if precision + recall <= 0 else 2 * precision * recall / (precision + recall)


def ssim(a: Frame, b: Frame) -> float:
    """Structural similarity of two frames of one size, uint8 (h, w, 3), as grey; in [-1, 1], 1 for equal ones."""
    import cv2

    x, y = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float64) for frame in (a, b))

    def mean(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5), np.float64)

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mx, my = mean(x), mean(y)
    vx, vy, vxy = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    ratio = ((2 * mx * my + c1) * (2 * vxy + c2)) / ((mx * mx + my * my + c1) * (vx + vy + c2))
    return float(ratio.mean())


def interval(values: Sequence[float], seed: int = 0) -> tuple[float, float, float]:
    """A mean with its 95 % interval, by bootstrap over targets; targets lie in scenes of their own."""
    array = np.asarray(values, np.float64)
    if not len(array):
        return float("nan"), float("nan"), float("nan")
    drawn = np.random.default_rng(seed).integers(len(array), size=(_RESAMPLES, len(array)))
    low, high = np.quantile(array[drawn].mean(axis=1), [0.025, 0.975])
    return float(array.mean()), float(low), float(high)


def uniform_needs(windows: Sequence[tuple[Span, float]], recall: float, slack_s: float = 0.0) -> int:
    """How many evenly spaced frames find that share of windows, each given with the length of its video."""

    def share(n: int) -> float:
        hits = 0
        for gold, duration_s in windows:
            step = duration_s / n
            low, high = max(0.0, gold.start_s - slack_s), min(duration_s, gold.end_s + slack_s)
            first = int(np.ceil(low / step - 0.5))
            hits += (first + 0.5) * step < high
        return hits / len(windows)

    return _least(lambda n: share(n) >= recall)


def _least(enough: Callable[[int], bool]) -> int:
    """The least number of a fine geometric grid from which on all are enough."""
    grid = sorted({round(8 * 1.02**i) for i in range(480)})
    least = grid[-1]
    for n in reversed(grid):
        if not enough(n):
            break
        least = n
    return least
