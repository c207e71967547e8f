"""What a question says about when, as priors over the seconds of a video: arrays of factors, and windows in seconds.

A prior is never a wall: captions are seldom sharp enough to forbid what lies on the wrong side. What the question says
is read by `lvqa.language.times`. This module knows times, no notes and no store.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lvqa.language.times import Order, Ordinal, Position

Values = npt.NDArray[np.float64]

# How far into the video, as a share of its length, "at the beginning" and the like reach: the e-folding length of the
# ends, the standard deviation of the middle. Gold windows of such questions: 80 % in the first, last fifth.
REACH = 0.15
# What stays possible everywhere, whatever the words: annotators and askers are loose with them.
_FLOOR = 0.1
_ANCHOR_FLOOR = 0.5
# Seconds from an anchor to what is asked about it: e-folding lengths on its right and its wrong side.
_RIGHT_S = 10.0
_WRONG_S = 2.5
# How strongly "the first time" prefers what nothing like it comes before.
_ORDINAL = 4.0


def position_prior(position: Position | None, share: Values) -> Values:
    """The prior of each place in a video, `share` (n,) of its length in [0, 1], relative to no knowledge: mean 1."""
    if position is None:
        return np.ones_like(share)
    if position == "middle":
        shaped = np.exp(-0.5 * ((share - 0.5) / REACH) ** 2) / (REACH * np.sqrt(2 * np.pi))
    else:
        away = share if position == "start" else 1.0 - share
        shaped = np.exp(-away / REACH) / (REACH * (1 - np.exp(-1 / REACH)))
    prior: Values = _FLOOR + (1 - _FLOOR) * shaped
    return prior


def position_window(position: Position, duration_s: float) -> tuple[float, float]:
    """The stretch of a video, in seconds, that holds most of a position's prior."""
    reach_s = 2 * REACH * duration_s
    if position == "start":
        return 0.0, reach_s
    if position == "end":
        return duration_s - reach_s, duration_s
    return duration_s / 2 - reach_s, duration_s / 2 + reach_s


def anchor_window(order: Order, time_s: float) -> tuple[float, float]:
    """The stretch around an anchor at `time_s`, in seconds, that holds most of what is asked about it."""
    right_s, wrong_s = 2 * _RIGHT_S, 2 * _WRONG_S
    if order == "after":
        return time_s - wrong_s, time_s + right_s
    if order == "before":
        return time_s - right_s, time_s + wrong_s
    return time_s - _RIGHT_S, time_s + _RIGHT_S


def anchor_prior(order: Order, times_s: Values, anchors_s: Values, weights: Values) -> Values:
    """How likely each time (n,) is, given where the anchor may be: times (m,) in seconds with weights (m,) of sum 1.

    Relative to no knowledge, with a mean of 1 over the times; half of it is kept everywhere.
    """
    gap = times_s[:, None] - anchors_s[None, :]
    forward, backward = {
        "after": (_RIGHT_S, _WRONG_S),
        "before": (_WRONG_S, _RIGHT_S),
        "while": (_RIGHT_S, _RIGHT_S),
    }[order]
    density = np.exp(-np.where(gap >= 0, gap / forward, -gap / backward)) @ weights
    mean = float(density.mean())
    if mean <= 0:
        return np.ones_like(times_s)
    return _ANCHOR_FLOOR + (1 - _ANCHOR_FLOOR) * density / mean


def ordinal_prior(ordinal: Ordinal, times_s: Values, shares: Values) -> Values:
    """How likely each time (n,) is to be the first, or the last, of several: the less, the more lies before it.

    `shares` (n,) are the probabilities of the times so far, of sum 1.
    """
    order = np.argsort(times_s, kind="stable")
    before = np.empty_like(shares)
    before[order] = np.cumsum(shares[order]) - shares[order]
    earlier = before if ordinal == "first" else 1.0 - before - shares
    prior: Values = np.exp(-_ORDINAL * np.clip(earlier, 0.0, 1.0))
    return prior
