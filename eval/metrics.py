"""Scores of one question, and what can be said about many of them.

Times are seconds; a window is `(start_s, end_s)` and counts with both of its ends, as annotators mean it. Errors are
clustered by video, because questions about one video are not independent. This module knows nothing of archives,
models or files.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr

Values = npt.NDArray[np.float64]
Window = tuple[float, float]
Moment = tuple[str, float]
"""A second of a video: its name and the time."""

# Bins of confidence, of equal width.
BINS = 10


def calibration_bins(confidence: Sequence[float] | Values, bins: int = BINS) -> list[int]:
    """The bin of equal width that each confidence in [0, 1] falls into; a confidence of 1 is in the last."""
    return [min(int(value * bins), bins - 1) for value in confidence]


def calibration_error(confidence: Sequence[float] | Values, right: Sequence[bool] | Values, bins: int = BINS) -> float:
    """Expected calibration error, in [0, 1]: how far confidence and accuracy lie apart, over bins of equal width.

    0 for no answers.
    """
    apart = [0.0] * bins
    for place, sure, hit in zip(calibration_bins(confidence, bins), confidence, right, strict=True):
        apart[place] += float(hit) - float(sure)
    return sum(map(abs, apart)) / max(1, len(confidence))


def temporal_match(
    returned: Sequence[Moment], gold: Sequence[Moment], *, tolerance_s: float = 5.0
) -> tuple[float, float]:
    """LV-Haystack's temporal precision and recall (arXiv 2504.02259) of one question, each in [0, 1].

    A returned moment is right within `tolerance_s` of a gold one of the same video, and a gold one is found within as
    much of a returned one. Nothing returned scores 0, and so does a question without gold.
    """
    if not returned or not gold:
        return 0.0, 0.0
    return _share_near(returned, gold, tolerance_s), _share_near(gold, returned, tolerance_s)


def harmonic(precision: float, recall: float) -> float:
    """F1 of a precision and a recall; 0 where both are 0."""
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def _share_near(moments: Sequence[Moment], others: Sequence[Moment], tolerance_s: float) -> float:
    near = [any(name == n and abs(time_s - t) <= tolerance_s for n, t in others) for name, time_s in moments]
    return sum(near) / len(near)


def overlap(predicted: Window, gold: Window) -> float:
    """Seconds that two windows share."""
    return max(0.0, min(predicted[1], gold[1]) - max(predicted[0], gold[0]))


def iou(predicted: Window, gold: Sequence[Window]) -> float:
    """Intersection over union with the gold window that fits best; 0 where there is no gold."""
    scores = [_ratio(overlap(predicted, g), _length(predicted) + _length(g) - overlap(predicted, g)) for g in gold]
    return max(scores, default=0.0)


def iop(predicted: Window, gold: Sequence[Window]) -> float:
    """Intersection over the predicted window with the gold window that fits best (NExT-GQA, arXiv 2309.01327)."""
    return max((_ratio(overlap(predicted, g), _length(predicted)) for g in gold), default=0.0)


def _length(window: Window) -> float:
    return window[1] - window[0]


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over questions, its standard error clustered by video, and how many of both there were."""

    value: float
    error: float
    questions: int
    clusters: int


def clustered_mean(scores: Sequence[float], clusters: Sequence[Hashable]) -> Mean:
    """Mean of `scores` (n,) with the cluster-robust standard error, `clusters` (n,) naming each one's video.

    The error is `sqrt(G / (G - 1) * sum over clusters of (sum of deviations)^2) / n` for G clusters (arXiv 2411.00640);
    infinite for a single cluster, which says nothing about another. Raises ValueError for no scores or unequal lengths.
    """
    if len(scores) == 0:
        raise ValueError("no scores: nothing was measured")
    if len(scores) != len(clusters):
        raise ValueError(f"each score needs its cluster, got {len(scores)} scores and {len(clusters)} clusters")
    values = np.asarray(scores, dtype=np.float64)
    mean = float(values.mean())
    sums = cluster_sums(values - mean, clusters)
    groups = len(sums)
    error = math.inf if groups < 2 else math.sqrt(groups / (groups - 1) * float(np.square(sums).sum())) / len(values)
    return Mean(mean, error, len(values), groups)


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> float:
    """Exact two-sided McNemar test of right-or-wrong answers to the same questions; 1.0 where the two never differ.

    It takes questions as independent: where they cluster by video, it is too sure.
    """
    if len(first) != len(second):
        raise ValueError(f"paired systems need as many scores each, got {len(first)} and {len(second)}")
    gained = sum(b and not a for a, b in zip(first, second, strict=True))
    lost = sum(a and not b for a, b in zip(first, second, strict=True))
    return min(1.0, 2 * float(bdtr(min(gained, lost), gained + lost, 0.5)))


def cluster_sums(values: Values, clusters: Sequence[Hashable]) -> Values:
    """The sum of `values` (n,) over each cluster, float64 (clusters,), in the order in which they are first named."""
    order = {name: index for index, name in enumerate(dict.fromkeys(clusters))}
    sums = np.zeros(len(order))
    np.add.at(sums, [order[name] for name in clusters], values)
    return sums
