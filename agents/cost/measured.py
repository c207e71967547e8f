"""What questions took that were answered before: a running mean for each agent, kept beside the models.

It is of this process, gone with the models, and written nowhere. Knows no question and no budget.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from lvqa.types import Cost

if TYPE_CHECKING:
    from lvqa.models.profiles import Models


@dataclass(frozen=True, slots=True)
class MeanCost:
    """What questions took: how many there were, and all together."""

    questions: int = 0
    total: Cost = field(default_factory=Cost)

    @property
    def mean(self) -> Cost:
        """What one of them took, counts rounded to whole ones; nothing where there was none."""
        n = max(1, self.questions)
        return Cost(
            round(self.total.frames / n),
            round(self.total.vlm_calls / n),
            round(self.total.llm_calls / n),
            round(self.total.tokens_in / n),
            round(self.total.tokens_out / n),
            self.total.seconds / n,
            self.total.money / n,
        )

    def and_again(self, cost: Cost) -> MeanCost:
        """The same with one question more, which took `cost`."""
        return MeanCost(self.questions + 1, self.total + cost)


class MeasuredCosts:
    """The running mean of each agent, with the same models. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_agent: dict[str, MeanCost] = {}

    def add(self, agent: str, cost: Cost) -> None:
        """Take note of what an agent took for a question that it answered to the end."""
        with self._lock:
            self._by_agent[agent] = self.of(agent).and_again(cost)

    def of(self, agent: str) -> MeanCost:
        """What was measured of an agent; of no questions where it was not asked yet."""
        return self._by_agent.get(agent, MeanCost())


_MEASURED: WeakKeyDictionary[Models, MeasuredCosts] = WeakKeyDictionary()
_LOCK = threading.Lock()


def measured_with(models: Models) -> MeasuredCosts:
    """What was measured of agents that worked with these models."""
    with _LOCK:
        return _MEASURED.setdefault(models, MeasuredCosts())
