"""Which frame is shown at a time, and which times lie on a sampling grid. Pure arithmetic; knows no file.

Time 0 is the start of the container. A frame is shown from its own time until the next one's; before the first frame,
the first is shown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lvqa.types import Span

Times = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

# Matroska rounds times to the millisecond, so frame k of 30 a second may be stored just after k / 30.
SLACK_S = 0.001


def shown_at(pts_s: Times, times_s: Sequence[float] | Times) -> Indices:
    """Index of the frame shown at each time: the last with `pts <= time` (a millisecond's grace), else the first.

    Args:
        pts_s: (n,) frame times in seconds, rising, n >= 1.
        times_s: (m,) times in seconds, in any order.

    Returns:
        (m,) indices into `pts_s`.
    """
    after = np.searchsorted(pts_s, np.asarray(times_s, dtype=np.float64) + SLACK_S, side="right")
    return np.maximum(after - 1, 0).astype(np.int64)


def rising(times_s: Sequence[float]) -> list[float]:
    """The different times among these, in order. Raises ValueError where one is negative or not finite."""
    times = np.asarray(times_s, dtype=np.float64)
    if not np.all(np.isfinite(times) & (times >= 0)):
        raise ValueError("times are finite and not below zero")
    found: list[float] = np.unique(times).tolist()
    return found


def centres(span: Span, n: int) -> list[float]:
    """The centres of n equal parts of a span."""
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    step = span.duration_s / n
    return [span.start_s + (k + 0.5) * step for k in range(n)]


def sample_times(duration_s: float, fps: float, span: Span | None) -> Times:
    """All times k / fps of a video of that length, or inside a span of it, rising."""
    if not 0 < fps < float("inf"):
        raise ValueError(f"fps must be above zero, got {fps}")
    start_s = span.start_s if span is not None else 0.0
    end_s = min(span.end_s, duration_s) if span is not None else duration_s
    steps = grid(fps, start_s, end_s)
    times: Times = np.arange(steps.start, max(steps.start, steps.stop), dtype=np.float64) / fps
    return times


def grid(fps: float, start_s: float, end_s: float) -> range:
    """The integers k with `start_s <= k / fps < end_s`: a grid that does not depend on where reading starts."""
    return range(_first_at(fps, start_s), _first_at(fps, end_s))


def _first_at(fps: float, time_s: float) -> int:
    k = max(0, math.ceil(time_s * fps))
    # The product may round either way; the quotient is what callers see.
    while k > 0 and (k - 1) / fps >= time_s:
        k -= 1
    while k / fps < time_s:
        k += 1
    return k
