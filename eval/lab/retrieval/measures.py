"""Scores of a search for one question, and how two searches compare over many. Knows no archive and no file.

Times are seconds; a window is `(start_s, end_s)` and counts with both of its ends, as annotators mean it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from lvqa.eval.metrics import Moment, Window, cluster_sums, harmonic, temporal_match


def in_window(time_s: float, windows: Sequence[Window], *, slack_s: float = 0.0) -> bool:
    """Whether a time lies in one of the windows, or at most `slack_s` outside it."""
    return any(start - slack_s <= time_s <= end + slack_s for start, end in windows)


def is_hit(returned: Sequence[Moment], video: str, windows: Sequence[Window], *, slack_s: float = 0.5) -> bool:
    """Whether one of the returned moments lies in a gold window of the right video."""
    return any(name == video and in_window(time_s, windows, slack_s=slack_s) for name, time_s in returned)


def has_video(returned: Sequence[Moment], video: str) -> bool:
    """Whether one of the returned moments is of the right video."""
    return any(name == video for name, _ in returned)


def temporal_f1(returned: Sequence[Moment], gold: Sequence[Moment], *, tolerance_s: float = 5.0) -> float:
    """LV-Haystack's temporal F1 (arXiv 2504.02259) of one question, in [0, 1]; see `temporal_match`."""
    return harmonic(*temporal_match(returned, gold, tolerance_s=tolerance_s))


@dataclass(frozen=True, slots=True)
class Paired:
    """The mean difference of two systems on the same questions, its 95 % interval, and the two-sided p-value."""

    difference: float
    low: float
    high: float
    p_value: float


def paired_bootstrap(
    first: Sequence[float],
    second: Sequence[float],
    clusters: Sequence[Hashable],
    *,
    resamples: int = 10_000,
    seed: int = 0,
) -> Paired:
    """How much better `second` is than `first`, question by question, resampling whole videos (percentile bootstrap).

    The p-value is twice the share of resamples on the far side of zero, at least 1 / resamples.
    Raises ValueError for no scores or unequal lengths.
    """
    n = len(first)
    if n == 0 or len(second) != n or len(clusters) != n:
        raise ValueError(f"scores pair by question, got {n} and {len(second)} of them and {len(clusters)} clusters")
    differences = np.asarray(second, dtype=np.float64) - np.asarray(first, dtype=np.float64)
    sums = cluster_sums(differences, clusters)
    sizes = cluster_sums(np.ones(len(differences)), clusters)
    drawn = np.random.default_rng(seed).integers(len(sums), size=(resamples, len(sums)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    tail = min(float((means <= 0).mean()), float((means >= 0).mean()))
    p_value = min(1.0, max(2 * tail, 1 / resamples))
    return Paired(float(differences.mean()), float(low), float(high), p_value)
