"""What a program over time comes to, and how far to trust it.

Confidence, in [0, 1], is a product of what was measured or is known about the search:

* of an interval: mean P(yes) times what so many frames that say so are worth (`agreed`);
* of what was not found, or of no more than was found: what the spacing of the frames seen of the whole video leaves of
  events of half a second to four (`hidden`), less where the budget ended the search or a refused look was doubtful;
* of a reading: the share of frames that agree, times the same;
* of an option: how well it fits (`match`), and for "which of these" its share of the odds, exactly one being true.

The numbers, `RULES.most` among them, beyond which nothing is sure, stand in `rules`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from lvqa.temporal.localize import Interval, Localized
from lvqa.temporal.options import Value
from lvqa.temporal.presence import Coverage
from lvqa.temporal.rules import RULES


@dataclass(frozen=True, slots=True)
class Result:
    """An answer in words, its value for the options, the intervals that show it (with what they show), confidence.

    `choice` is set where the program itself weighed the options. `found` is false where there is nothing to answer
    with; then the answer is an abstention.
    """

    text: str
    confidence: float
    value: Value | None = None
    shown: tuple[tuple[Interval, str], ...] = ()
    choice: int | None = None
    found: bool = True
    why: str = ""
    refused: tuple[tuple[Interval, str], ...] = field(default=())


def nothing(why: str, confidence: float = 0.0) -> Result:
    """An abstention, with the reason."""
    return Result("", confidence, found=False, why=why)


def hidden(coverage: Coverage) -> float:
    """The chance that a short event left no trace in the index, in [0, 1]."""
    if not math.isfinite(coverage.spacing_s) or coverage.share <= 0:
        return RULES.unseen
    near, far = min(RULES.sparse_s, coverage.spacing_s) - RULES.dense_s, coverage.spacing_s - RULES.sparse_s
    missed = RULES.hidden + RULES.hidden_a_second * max(0.0, near) + RULES.hidden_beyond * max(0.0, far)
    return min(RULES.unseen, 1 - (1 - missed) * coverage.share)


def absence(found: Localized, coverages: Sequence[Coverage]) -> float:
    """How surely there is no more than was found."""
    sure = 1 - max((hidden(coverage) for coverage in coverages), default=RULES.unseen)
    looked = 1.0 if found.refused or not found.left else RULES.unlooked
    return sure * looked * (RULES.starved if found.starved else 1.0) * (1 - RULES.doubt * found.doubt)


def product(values: Sequence[float]) -> float:
    """The product of confidences, at most `RULES.most`."""
    return min(RULES.most, math.prod(values))


def exactly_one(chances: Sequence[float]) -> tuple[int, float]:
    """Which of several statements, of which one is true, is the likeliest, and its share; not empty."""
    clipped = [min(1 - RULES.least_odds, max(RULES.least_odds, chance)) for chance in chances]
    odds = [chance / (1 - chance) for chance in clipped]
    best = max(range(len(odds)), key=lambda n: odds[n])
    return best, min(RULES.most, odds[best] / sum(odds))
