"""What the rows of a system come to: means with clustered errors, calibration, and paired comparisons of two systems.

Knows rows only. Rows whose gold answer is not public count for costs and for nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import stdtr, stdtrit

from lvqa.eval.metrics import BINS, Mean, calibration_bins, calibration_error, clustered_mean, mcnemar
from lvqa.eval.runner.rows import AnswerRow

# The share of a piece of evidence that must lie in the gold windows for Acc@GQA (NExT-GQA, arXiv 2309.01327).
GROUNDED = 0.5
_MEANS = (
    "accuracy",
    "events",
    "iou",
    "iop",
    "iou_03",
    "iou_05",
    "iop_03",
    "iop_05",
    "acc_gqa",
    "precision",
    "recall",
    "f1",
    "refused",
    "wrongly_refused",
)
_COSTS = {"frames": 2, "vlm_calls": 2, "llm_calls": 2, "tokens_in": 1, "tokens_out": 1, "seconds": 3, "money": 6}


@dataclass(frozen=True, slots=True)
class Bin:
    """A bin of the reliability table: confidences in [low, high), how many, their mean, and how many were right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Risk:
    """The risk-coverage curve: `curve[k - 1]` is the accuracy over the k questions of the highest confidence.

    All questions take part; an abstention or a failure has confidence 0, and is wrong unless the question has no
    answer and was rightly refused. Of questions with equal confidence the expectation over their orders is taken.
    `aurc` is the mean over k of 1 - curve[k - 1]; `half` is the accuracy of the most confident half, rounded up.
    """

    curve: tuple[float, ...]
    aurc: float
    half: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What a system scored. Accuracy is over the answerable questions, an abstention counting as wrong.

    `by_type` holds the types of unanswerable questions too, where right is to abstain. `iou` and `iop` are means over
    the answerable questions that have gold windows, `iou_03` and the like the share of them at or above 0.3, and
    `acc_gqa` the share that is right with an IoP of at least 0.5; `precision`, `recall` and `f1` are of frames within
    5 s. `refused` is the share of the unanswerable questions that it abstained from, `wrongly_refused` that of the
    answerable ones; `calibration` is the expected calibration error over what it answered, `reliability` its bins. None
    where no question bears on it. `costs` are means a question: frames, vlm_calls, llm_calls, tokens_in, tokens_out,
    seconds, money. `errors` counts questions without an answer, `unparsed` answers with a reply that could not be read.
    """

    system: str
    questions: int
    accuracy: Mean | None
    events: Mean | None
    by_type: dict[str, Mean]
    iou: Mean | None
    iop: Mean | None
    iou_03: Mean | None
    iou_05: Mean | None
    iop_03: Mean | None
    iop_05: Mean | None
    acc_gqa: Mean | None
    precision: Mean | None
    recall: Mean | None
    f1: Mean | None
    refused: Mean | None
    wrongly_refused: Mean | None
    calibration: float | None
    reliability: tuple[Bin, ...]
    risk: Risk | None
    costs: dict[str, float]
    errors: int
    unparsed: int

    def to_json(self) -> dict[str, Any]:
        """Plain values for json.dumps; an infinite error is None. The curve is given at 20 coverages."""
        curve = self.risk.curve if self.risk is not None else ()
        return {
            "system": self.system,
            "questions": self.questions,
            **{name: as_json(getattr(self, name)) for name in _MEANS},
            "by_type": {name: as_json(mean) for name, mean in self.by_type.items()},
            "calibration": None if self.calibration is None else round(self.calibration, 4),
            "reliability": [one.to_json() for one in self.reliability],
            "aurc": None if self.risk is None else round(self.risk.aurc, 4),
            "accuracy_top_half": None if self.risk is None else round(self.risk.half, 4),
            "risk_coverage": [
                {"coverage": k / 20, "accuracy": round(curve[math.ceil(k / 20 * len(curve)) - 1], 4)}
                for k in range(1, 21)
                if curve
            ],
            **{name: round(value, _COSTS[name]) for name, value in self.costs.items()},
            "errors": self.errors,
            "unparsed": self.unparsed,
        }


def as_json(mean: Mean | None) -> dict[str, float | int | None] | None:
    """A mean as plain values."""
    if mean is None:
        return None
    error = None if math.isinf(mean.error) else round(mean.error, 4)
    return {"value": round(mean.value, 4), "error": error, "questions": mean.questions, "clusters": mean.clusters}


def summarise(system: str, rows: Sequence[AnswerRow], types: Sequence[str] | None = None) -> Summary:
    """The figures of one system; `types` is the order of `by_type`, that of the rows if not given.

    Raises ValueError for no rows.
    """
    if not rows:
        raise ValueError(f"{system} answered nothing")
    known = [row for row in rows if row.scored]
    asked = [row for row in known if not row.unanswerable]
    not_there = [row for row in known if row.unanswerable]
    shown = [row for row in asked if row.windows]
    names = types if types is not None else list(dict.fromkeys(row.type for row in known if row.type))
    by_type = {name: mean([row for row in known if row.type == name], lambda row: row.right) for name in names}
    answered = [row for row in known if not row.abstained and not row.error]
    return Summary(
        system,
        len(rows),
        mean(asked, lambda row: row.right),
        mean([row for row in asked if row.event], lambda row: row.right),
        {name: found for name, found in by_type.items() if found is not None},
        mean(shown, lambda row: row.iou),
        mean(shown, lambda row: row.iop),
        mean(shown, lambda row: row.iou >= 0.3),
        mean(shown, lambda row: row.iou >= 0.5),
        mean(shown, lambda row: row.iop >= 0.3),
        mean(shown, lambda row: row.iop >= 0.5),
        mean(shown, lambda row: row.right and row.iop >= GROUNDED),
        mean(shown, lambda row: row.precision),
        mean(shown, lambda row: row.recall),
        mean(shown, lambda row: row.f1),
        mean(not_there, lambda row: row.abstained and row.right),
        mean(asked, lambda row: row.abstained),
        calibration_error([row.confidence for row in answered], [row.right for row in answered]) if answered else None,
        reliability(answered),
        risk(known) if known else None,
        {name: sum(getattr(row, name) for row in rows) / len(rows) for name in _COSTS},
        sum(bool(row.error) for row in rows),
        sum(bool(row.unparsed) for row in rows),
    )


def mean(rows: Sequence[AnswerRow], score: Callable[[AnswerRow], float]) -> Mean | None:
    """The mean of a score with its error clustered by video; None for no rows."""
    return clustered_mean([float(score(row)) for row in rows], [row.video for row in rows]) if rows else None


def reliability(rows: Sequence[AnswerRow], bins: int = BINS) -> tuple[Bin, ...]:
    """The bins of equal width that hold any row, in order; a confidence of 1 is in the last."""
    held: dict[int, list[AnswerRow]] = {}
    for row, place in zip(rows, calibration_bins([row.confidence for row in rows], bins), strict=True):
        held.setdefault(place, []).append(row)
    return tuple(
        Bin(
            b / bins,
            (b + 1) / bins,
            len(mine),
            sum(row.confidence for row in mine) / len(mine),
            sum(row.right for row in mine) / len(mine),
        )
        for b, mine in sorted(held.items())
    )


def risk(rows: Sequence[AnswerRow]) -> Risk:
    """The risk-coverage curve of one or more rows; see `Risk`."""
    sure = np.array([0.0 if row.abstained or row.error else row.confidence for row in rows])
    right = np.array([float(row.right) for row in rows])
    expected = np.empty(len(rows))
    order = np.argsort(-sure, kind="stable")
    for value in np.unique(sure):
        expected[sure == value] = right[sure == value].mean()
    curve = np.cumsum(expected[order]) / np.arange(1, len(rows) + 1)
    half = math.ceil(len(rows) / 2)
    return Risk(tuple(map(float, curve)), float((1 - curve).mean()), float(curve[half - 1]))


@dataclass(frozen=True, slots=True)
class Gain:
    """How much more of the same questions one system has right than another, question by question.

    `error` is the standard error clustered by video, `low` and `high` are the 95 % interval and `p_value` is two-sided,
    both by Student's t with one degree of freedom less than there are videos; None where there is one video. `mcnemar`
    is McNemar's exact two-sided p, which takes questions as independent.
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
    mcnemar: float

    def to_json(self) -> dict[str, Any]:
        """Plain values, for json.dumps."""
        numbers = ("difference", "error", "low", "high")
        rounded = {name: None if (v := getattr(self, name)) is None else round(v, 4) for name in numbers}
        return {
            "system": self.system,
            "over": self.over,
            **rounded,
            "p_value": None if self.p_value is None else float(f"{self.p_value:.3g}"),
            "mcnemar_p": float(f"{self.mcnemar:.3g}"),
            "questions": self.questions,
            "clusters": self.clusters,
        }


_NO_SPREAD = 1e-12


def gain(rows: Sequence[AnswerRow], others: Sequence[AnswerRow]) -> Gain | None:
    """Compare two systems on the questions that both were asked; None where there are none."""
    by_id = {row.id: row for row in others}
    pairs = [(row, by_id[row.id]) for row in rows if row.id in by_id and row.scored]
    if not pairs:
        return None
    found = clustered_mean([float(a.right) - float(b.right) for a, b in pairs], [a.video for a, _ in pairs])
    difference, n, clusters = found.value, found.questions, found.clusters
    names = pairs[0][0].system, pairs[0][1].system
    exact = mcnemar([b.right for _, b in pairs], [a.right for a, _ in pairs])
    if math.isinf(found.error) or found.error < _NO_SPREAD:
        # Differences that are the same in every video tell no error: McNemar's test alone says something then.
        return Gain(*names, difference, None, None, None, None, n, clusters, exact)
    half = quantile_t(0.95, clusters - 1) * found.error
    p_value = 1 - within_t(abs(difference) / found.error, clusters - 1)
    return Gain(*names, difference, found.error, difference - half, difference + half, p_value, n, clusters, exact)


def within_t(t: float, df: int) -> float:
    """P(|T| <= t) for Student's t with `df` degrees of freedom."""
    return 1 - 2 * float(stdtr(df, -abs(t)))


def quantile_t(share: float, df: int) -> float:
    """The t that a share of Student's distribution lies within, on both sides of 0."""
    return float(stdtrit(df, (1 + share) / 2))
