"""What the rows of a system come to: means with clustered errors, calibration, and paired comparisons of two systems.

Knows rows only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lvqa.eval.metrics import Mean, clustered_mean
from lvqa.eval.world.rows import Row

CHANCE = 0.2
BINS = 10


@dataclass(frozen=True, slots=True)
class Summary:
    """What a system scored. Accuracy and grounding are over the answerable questions, an abstention counting as wrong.

    `by_type` holds the type `unanswerable` too, where right is to abstain. `refused` is the share of the unanswerable
    questions that it abstained from, `wrongly_refused` that of the answerable ones; `calibration` is the expected
    calibration error over what it answered. None where no question bears on it. Frames, calls and seconds are means.
    """

    system: str
    questions: int
    accuracy: Mean | None
    events: Mean | None
    by_type: dict[str, Mean]
    iou: Mean | None
    iop: Mean | None
    f1: Mean | None
    refused: Mean | None
    wrongly_refused: Mean | None
    calibration: float | None
    frames: float
    vlm_calls: float
    seconds: float
    errors: int

    def to_json(self) -> dict[str, Any]:
        """Plain values for json.dumps; an infinite error is None."""
        names = ("accuracy", "events", "iou", "iop", "f1", "refused", "wrongly_refused")
        return {
            "system": self.system,
            "questions": self.questions,
            **{name: as_json(getattr(self, name)) for name in names},
            "by_type": {name: as_json(mean) for name, mean in self.by_type.items()},
            "calibration": None if self.calibration is None else round(self.calibration, 4),
            "frames": round(self.frames, 2),
            "vlm_calls": round(self.vlm_calls, 2),
            "seconds": round(self.seconds, 3),
            "errors": self.errors,
        }


def as_json(mean: Mean | None) -> dict[str, float | int | None] | None:
    """A mean as plain values."""
    if mean is None:
        return None
    error = None if math.isinf(mean.error) else round(mean.error, 4)
    return {"value": round(mean.value, 4), "error": error, "questions": mean.questions, "clusters": mean.clusters}


def summarise(system: str, rows: Sequence[Row], types: Sequence[str]) -> Summary:
    """The figures of one system; `types` is the order of `by_type`. Raises ValueError for no rows."""
    if not rows:
        raise ValueError(f"{system} answered nothing")
    asked = [row for row in rows if not row.unanswerable]
    not_there = [row for row in rows if row.unanswerable]
    by_type = {name: [row for row in rows if row.type == name] for name in types}
    n = len(rows)
    return Summary(
        system,
        n,
        mean(asked, lambda row: row.right),
        mean([row for row in asked if row.event], lambda row: row.right),
        {name: found for name, mine in by_type.items() if (found := mean(mine, lambda row: row.right)) is not None},
        mean(asked, lambda row: row.iou),
        mean(asked, lambda row: row.iop),
        mean(asked, lambda row: row.f1),
        mean(not_there, lambda row: row.abstained),
        mean(asked, lambda row: row.abstained),
        calibration_error([row for row in rows if not row.abstained and not row.error]),
        sum(row.frames for row in rows) / n,
        sum(row.vlm_calls for row in rows) / n,
        sum(row.seconds for row in rows) / n,
        sum(bool(row.error) for row in rows),
    )


def mean(rows: Sequence[Row], score: Callable[[Row], float]) -> Mean | None:
    """The mean of a score with its error clustered by video; None for no rows."""
    return clustered_mean([float(score(row)) for row in rows], [row.video for row in rows]) if rows else None


def calibration_error(rows: Sequence[Row]) -> float | None:
    """Expected calibration error: how far confidence and accuracy lie apart, over ten bins of equal width."""
    if not rows:
        return None
    sure = np.array([row.confidence for row in rows])
    right = np.array([float(row.right) for row in rows])
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = [abs(float((right - sure)[bins == b].sum())) for b in range(BINS)]
    return sum(gaps) / len(rows)


@dataclass(frozen=True, slots=True)
class Gain:
    """How much more of the same questions one system has right than another, question by question.

    `error` is the standard error clustered by video, `low` and `high` are the 95 % interval and `p_value` is two-sided,
    both by Student's t with one degree of freedom less than there are videos; None where there is one video.
    """

    system: str
    over: str
    difference: float
    error: float | None
    low: float | None
    high: float | None
    p_value: float | None
    questions: int
    clusters: int

    def to_json(self) -> dict[str, Any]:
        """Plain values, for json.dumps."""
        numbers = ("difference", "error", "low", "high")
        rounded = {name: None if (v := getattr(self, name)) is None else round(v, 4) for name in numbers}
        return {
            "system": self.system,
            "over": self.over,
            **rounded,
            "p_value": None if self.p_value is None else float(f"{self.p_value:.3g}"),
            "questions": self.questions,
            "clusters": self.clusters,
        }


def gain(rows: Sequence[Row], others: Sequence[Row]) -> Gain | None:
    """Compare two systems on the questions that both were asked; None where there are none."""
    by_id = {row.id: row for row in others}
    pairs = [(row, by_id[row.id]) for row in rows if row.id in by_id]
    if not pairs:
        return None
    found = clustered_mean([float(a.right) - float(b.right) for a, b in pairs], [a.video for a, _ in pairs])
    difference, n, clusters = found.value, found.questions, found.clusters
    names = pairs[0][0].system, pairs[0][1].system
    if math.isinf(found.error):
        return Gain(*names, difference, None, None, None, None, n, clusters)
    half = quantile_t(0.95, clusters - 1) * found.error
    if found.error > 0:
        p_value = 1 - within_t(abs(difference) / found.error, clusters - 1)
    else:
        p_value = 1.0 if difference == 0 else 0.0
    return Gain(*names, difference, found.error, difference - half, difference + half, p_value, n, clusters)


def within_t(t: float, df: int) -> float:
    """P(|T| <= t) for Student's t with `df` degrees of freedom."""
    # With t = sqrt(df) tan(angle) the density is that of cos(angle) ** (df - 1).
    angles = np.linspace(0.0, math.pi / 2, 20_001)
    density = np.cos(angles) ** (df - 1)
    steps = (density[1:] + density[:-1]) / 2
    share = np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum()
    return float(np.interp(math.atan(t / math.sqrt(df)), angles, share))


def quantile_t(share: float, df: int) -> float:
    """The t that a share of Student's distribution lies within, on both sides of 0."""
    low, high = 0.0, 1000.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if within_t(middle, df) < share else (low, middle)
    return high
