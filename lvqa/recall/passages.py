"""From scores of notes to passages: a posterior over videos and seconds, a set of picks, windows.

The posterior has two levels, since a caption tells the right video far better than the right second of it: P(video)
from its best notes, P(second | video) from all of them, flatter, times what the question says about when. What is
chosen is then the set of picks that most probably holds the answer: each pick covers the seconds around it, and the
next one goes where the most probability is left uncovered (greedy maximisation of a monotone submodular function,
within 1 - 1/e of the best set: Nemhauser, Wolsey and Fisher 1978). Strong evidence in one place therefore gets few
picks, weak evidence is spread; in a short video with many picks this comes to sampling it evenly, which is what wins
there. How far a pick covers follows from the notes: one that stands for a minute covers a minute. A window is the
stretch with the highest expected intersection over union with the answer; a long note is its own. This module knows
numbers, no notes and no store.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lvqa.types import Span

Values = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

# P(video) ~ (sum over its notes of exp(SHARPNESS * score)) ** (1 / SHARPNESS): near the best note's exp(score).
_SHARPNESS = 3.6
# The answer's length: log-normal, its median in seconds and the standard deviation of its logarithm (NExT-GQA, dev).
_MEDIAN_S, _LOG_SD = 5.0, 0.85
_GRID_S = 1.0
_OTHER_KIND = 0.5
# A pick is the most probable note within this share of its coverage: what is shown should be what was found.
_SNAP, _CLEARLY = 0.5, 1.25
# Beside the seconds that any pick covers, a note covers its own length and half as much again (anet_dev).
_REACHES = 1.5
# A note that is longer says when by its own span: no window was better (anet_dev).
_LONG_S = 10.0
# Cells on either side of a pick beyond which nothing changes which window around it is best.
_REACH = 96


def posterior(
    scores: Values,
    videos: Positions,
    n_videos: int,
    *,
    time_share: float,
    certain: Values | None = None,
    prior: Callable[[Values], Values] | None = None,
) -> Values:
    """The probability, of sum 1, that each of the rows (n,) stands at the answer.

    Args:
        scores: log-odds of each row, in nats; -inf for a row that has none, but not for all of them.
        videos: which video each row is of, 0 to `n_videos` - 1.
        time_share: how much of a score also tells the second within its video, in [0, 1].
        certain: log-odds of each row that count in full at both levels, where there are any.
        prior: what the question says about when: takes P(row | video) and returns factors (n,), which need not add up.
    """
    sure = np.zeros_like(scores) if certain is None else certain
    within_scores, scores = time_share * scores + sure, scores + sure
    top = np.full(n_videos, -np.inf)
    np.maximum.at(top, videos, scores)
    base = np.where(np.isfinite(top), top, 0.0)
    sums = np.bincount(videos, np.exp(_SHARPNESS * (scores - base[videos])), n_videos)
    with np.errstate(divide="ignore"):
        logs = base + np.log(sums) / _SHARPNESS
    of_video = np.exp(logs - logs.max())
    of_video /= of_video.sum()
    highest = np.full(n_videos, -np.inf)
    np.maximum.at(highest, videos, within_scores)
    highest = np.where(np.isfinite(highest), highest, 0.0)
    within = _normalised(np.exp(within_scores - highest[videos]), videos, n_videos)
    if prior is not None:
        within = _normalised(within * prior(within), videos, n_videos)
    result: Values = of_video[videos] * within
    return result


def _normalised(values: Values, videos: Positions, n_videos: int) -> Values:
    sums = np.bincount(videos, values, n_videos)
    shares: Values = values / np.maximum(sums, 1e-300)[videos]
    return shares


def choose_passages(
    shares: Values,
    times_s: Values,
    lengths_s: Values,
    videos: Positions,
    kinds: Positions,
    k: int,
    *,
    coverage_s: float,
    snap: bool = True,
) -> tuple[Positions, Values]:
    """At most k rows that together most probably hold the answer, best first, and what each adds to that probability.

    Args:
        shares: the probability of each row (n,).
        times_s: each row's middle, in seconds.
        lengths_s: how long each row's note is.
        videos: which video each row is of.
        kinds: what kind of note it is: what is seen covers only half of what is said at the same second.
        coverage_s: a pick covers a second at distance d with weight exp(-d / coverage_s), or further where the longer
            of both notes is long; 0 ranks rows by `shares`.
        snap: move each pick to the most probable row close by; it then covers a little less.
    """
    k = min(k, len(shares))
    left, gains = shares.copy(), shares.copy()
    by_video = {int(video): np.flatnonzero(videos == video) for video in np.unique(videos)}
    kernels: dict[int, Values] = {}
    if coverage_s > 0:
        for video, rows in by_video.items():
            gap = np.abs(times_s[rows][:, None] - times_s[rows][None, :])
            longer = np.maximum(lengths_s[rows][:, None], lengths_s[rows][None, :])
            reach = np.maximum(coverage_s, _REACHES * longer)
            alike = kinds[rows][:, None] == kinds[rows][None, :]
            kernels[video] = np.exp(-gap / reach) * np.where(alike, 1.0, _OTHER_KIND)
            gains[rows] = kernels[video] @ shares[rows]
    # Rows that say the same about the same second share one gain: the more probable itself comes first.
    tie = 1e-9 * shares
    free = np.ones(len(shares), bool)
    picks, added = np.zeros(k, np.int64), np.zeros(k)
    for n in range(k):
        row = int(np.argmax(np.where(free, gains + tie, -1.0)))
        rows = by_video[int(videos[row])]
        if snap:
            near = rows[(np.abs(times_s[rows] - times_s[row]) <= _SNAP * coverage_s) & free[rows]]
            likely = int(near[np.argmax(shares[near])])
            row = likely if shares[likely] > _CLEARLY * shares[row] else row
        picks[n], added[n] = row, gains[row]
        free[row] = False
        if coverage_s > 0:
            kernel = kernels[int(videos[row])]
            at = int(np.searchsorted(rows, row))
            left[rows] *= 1.0 - kernel[at]
            gains[rows] = kernel @ left[rows]
    return picks, added


def passage_of(note: Span, starts_s: Values, ends_s: Values, shares: Values, duration_s: float) -> Span:
    """The stretch that a hit shows: the window around a short note, see `best_window`, or a long note's own.

    Args:
        note: the span of the note that was hit, or of several that say the same one after the other.
        starts_s: where the video's rows start (n,), in seconds.
        ends_s: where they end.
        shares: their probabilities.
        duration_s: the video's length.
    """
    if note.duration_s > _LONG_S:
        return note.clamp(duration_s) or note
    return best_window(min(note.middle_s, duration_s), starts_s, ends_s, shares, duration_s)


def best_window(at_s: float, starts_s: Values, ends_s: Values, shares: Values, duration_s: float) -> Span:
    """The stretch around a time of one video whose expected IoU with the answer is highest.

    Args:
        at_s: the time that it holds.
        starts_s: where the video's rows start (n,), in seconds.
        ends_s: where they end.
        shares: their probabilities, of any sum; a row's is spread evenly over its stretch.
        duration_s: the video's length.
    """
    low = float(math.floor(at_s)) - _REACH * _GRID_S
    mass = _on_grid(low, 2 * _REACH, starts_s, ends_s, shares)
    widths, kernels = _iou_kernels()
    middles: Values = low + _GRID_S * (np.arange(2 * _REACH, dtype=np.float64) + 0.5)
    starts, ends = middles - widths[:, None] / 2, middles + widths[:, None] / 2
    # What sticks out by less than a cell is cut off.
    inside = (starts > -_GRID_S) & (ends < duration_s + _GRID_S) & (starts <= at_s) & (ends >= at_s)
    value = np.where(inside, kernels @ mass, -1.0)
    whole = -1.0
    if duration_s <= widths[-1]:
        kernel = _iou_kernel(duration_s, middles - duration_s / 2)
        whole = float(kernel @ mass)
    at = int(np.argmax(value))
    best = float(value.flat[at])
    if max(best, whole) <= 0:
        nearest = int(np.argmin(np.abs((starts_s + ends_s) / 2 - at_s)))
        return Span(float(starts_s[nearest]), float(ends_s[nearest]))
    if whole >= best:
        return Span(0.0, duration_s)
    return Span(max(0.0, float(starts.flat[at])), min(duration_s, float(ends.flat[at])))


def _on_grid(low: float, n: int, starts_s: Values, ends_s: Values, shares: Values) -> Values:
    """Probability mass in each of n grid cells from `low` on: each row's spread evenly over its stretch."""
    edges: Values = low + _GRID_S * np.arange(n + 1, dtype=np.float64)
    near = (ends_s > low) & (starts_s < edges[-1])
    starts, ends, parts = starts_s[near], ends_s[near], shares[near]
    order_start, order_end = np.argsort(starts, kind="stable"), np.argsort(ends, kind="stable")
    rate = parts / np.maximum(ends - starts, 1e-9)

    def up_to(edge: Values, times: Values, order: Positions) -> Values:
        # The integral, up to each edge, of a rate that sets in at each of the times.
        sorted_times, rates = times[order], rate[order]
        at = np.searchsorted(sorted_times, edge, side="right")
        rates_before = np.concatenate([[0.0], np.cumsum(rates)])[at]
        weighted_before = np.concatenate([[0.0], np.cumsum(rates * sorted_times)])[at]
        integral: Values = rates_before * edge - weighted_before
        return integral

    cumulated = up_to(edges, starts, order_start) - up_to(edges, ends, order_end)
    mass: Values = np.maximum(np.diff(cumulated), 0.0)
    return mass


@lru_cache(maxsize=1)
def _iou_kernels() -> tuple[Values, Values]:
    """The widths of windows that are tried (w,), and the expected IoU of each in a cell with each (w, cell, cell)."""
    widths = np.unique(np.round(np.geomspace(1.0, 2 / 3 * 2 * _REACH * _GRID_S, 16)))
    cells = _GRID_S * np.arange(2 * _REACH)
    offsets = cells[None, :] - cells[:, None]
    return widths, np.stack([_iou_kernel(float(width), offsets) for width in widths])


def _iou_kernel(width_s: float, offsets_s: Values) -> Values:
    """The expected IoU of a window of that width with answers whose middles lie so far from its own, any shape."""
    steps = np.linspace(-1.8, 1.8, 9)
    weights = np.exp(-0.5 * np.square(steps))
    lengths = _MEDIAN_S * np.exp(_LOG_SD * steps)
    away = np.abs(offsets_s)
    kernel = np.zeros_like(away)
    for length, weight in zip(lengths, weights / weights.sum(), strict=True):
        shared = np.clip((width_s + length) / 2 - away, 0.0, min(width_s, length))
        kernel += weight * shared / (width_s + length - shared)
    return kernel
