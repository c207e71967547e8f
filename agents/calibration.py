"""From an agent's own confidence to the probability that its answer is right.

A curve for each way of answering (`program:options`, `rules:options`, `chat:open`, ...): points (confidence,
probability), joined by straight lines, never falling. They are fitted on development data by `lvqa.eval.calibrate`;
those of an archive stand in its settings (`calibration`), those that come with lvqa in `calibration.json` beside this
file. A way without a curve keeps its own confidence. This module fits nothing.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lvqa.agents.baselines.presets import DEFAULT_AGENT

if TYPE_CHECKING:
    from lvqa.agents.state import Context, Draft

Curve = Sequence[Sequence[float]]


def way_of(draft: Draft, agent: str = DEFAULT_AGENT) -> str:
    """The name of a draft's way of answering, by which its curve is kept: who reasoned, and whether it chose.

    A baseline's name stands before it: what holds of one agent's confidence says nothing about another's.
    """
    way = f"{draft.by}:{'options' if draft.choice is not None else 'open'}"
    return way if agent == DEFAULT_AGENT else f"{agent}/{way}"


def calibrated(confidence: float, draft: Draft, context: Context) -> float:
    """The probability, in [0, 1], that a draft with this confidence is right; 0 stays 0: there nothing was found."""
    if confidence <= 0:
        return 0.0
    way = way_of(draft, context.agent)
    curve = context.settings.calibration.get(way, shipped().get(way, ()))
    return on_curve(curve, confidence) if curve else confidence


def on_curve(curve: Curve, value: float) -> float:
    """The curve at a value: straight lines between its points, level before the first and behind the last."""
    xs = [point[0] for point in curve]
    n = bisect_right(xs, value)
    if n == 0:
        return curve[0][1]
    if n == len(xs):
        return curve[-1][1]
    (x0, y0), (x1, y1) = curve[n - 1], curve[n]
    return y0 + (y1 - y0) * (value - x0) / (x1 - x0)


@cache
def shipped() -> Mapping[str, Curve]:
    """The curves that come with lvqa (`calibration.json`), by way of answering; read once."""
    path = Path(__file__).resolve().with_name("calibration.json")
    found: Mapping[str, Curve] = json.loads(path.read_text(encoding="utf-8"))["curves"]
    return found
