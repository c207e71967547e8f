"""What a program over time comes to, and how far to trust it.

Confidence, in [0, 1], is a product of what was measured or is known about the search:

* of an interval: mean P(yes) times 1 - 0.42^n for n frames that say so, n at most 3;
* of what was not found, or of no more than was found: what the spacing of the frames seen of the whole video leaves of
  events of half a second to four (`hidden`), less where the budget ended the search or a refused look was doubtful;
* of a reading: the share of frames that agree, times 1 - 0.42^n;
* of an option: how well it fits (`match`), and for "which of these" its share of the odds, exactly one being true.

Nothing is surer than `MOST`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from lvqa.temporal.localize import Interval, Localized
from lvqa.temporal.options import Value
from lvqa.temporal.presence import Coverage

MOST = 0.95


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
    """The chance that a short event left no trace in the index, in [0, 1]; set by hand from the events' lengths.

    Frames half a second apart or less see every event of half a second or more, those a second apart miss a sixth.
    """
    if not math.isfinite(coverage.spacing_s) or coverage.share <= 0:
        return 0.7
    missed = 0.06 + 0.2 * max(0.0, min(2.0, coverage.spacing_s) - 0.5) + 0.03 * max(0.0, coverage.spacing_s - 2.0)
    return min(0.7, 1 - (1 - missed) * coverage.share)


def absence(found: Localized, coverages: Sequence[Coverage]) -> float:
    """How surely there is no more than was found."""
    sure = 1 - max((hidden(coverage) for coverage in coverages), default=0.7)
    looked = 1.0 if found.refused or not found.left else 0.5
    return sure * looked * (0.7 if found.starved else 1.0) * (1 - found.doubt / 2)


def product(values: Sequence[float]) -> float:
    """The product of confidences, at most `MOST`."""
    return min(MOST, math.prod(values))


def exactly_one(chances: Sequence[float]) -> tuple[int, float]:
    """Which of several statements, of which one is true, is the likeliest, and its share; not empty."""
    clipped = [min(0.99, max(0.01, chance)) for chance in chances]
    odds = [chance / (1 - chance) for chance in clipped]
    best = max(range(len(odds)), key=lambda n: odds[n])
    return best, min(MOST, odds[best] / sum(odds))
