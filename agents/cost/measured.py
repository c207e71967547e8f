"""What questions took that were answered before: a running mean for each agent, kept beside the models.

It is of this process, gone with the models, and written nowhere. Knows no question and no budget.
"""

from __future__ import annotations

import threading
from dataclasses import astuple, dataclass, field
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
        return Cost(*(round(part / n) if isinstance(part, int) else part / n for part in astuple(self.total)))


_MEASURED: WeakKeyDictionary[Models, dict[str, MeanCost]] = WeakKeyDictionary()
_LOCK = threading.Lock()


def take_note(models: Models, agent: str, cost: Cost) -> None:
    """Keep what an agent took for a question that it answered to the end with these models. Thread-safe."""
    with _LOCK:
        by_agent = _MEASURED.setdefault(models, {})
        known = by_agent.get(agent, MeanCost())
        by_agent[agent] = MeanCost(known.questions + 1, known.total + cost)


def measured(models: Models, agent: str) -> MeanCost:
    """What was measured of an agent with these models; of no questions where it was not asked yet. Thread-safe."""
    with _LOCK:
        return _MEASURED.get(models, {}).get(agent, MeanCost())
