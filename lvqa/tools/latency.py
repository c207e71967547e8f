"""How long calls of an archive's models took in this process, for telling what the next question will take.

Kept beside the models, and gone with them; nothing is written. Knows no question.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from lvqa.models.profiles import Models

Kind = Literal["VLM call", "LLM call", "rest"]


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds that something took each time: how often, the least, the most and all together."""

    times: int = 0
    least_s: float = 0.0
    most_s: float = 0.0
    all_s: float = 0.0

    @property
    def usual_s(self) -> float:
        """The mean."""
        return self.all_s / self.times if self.times else 0.0

    def and_again(self, seconds: float, times: int = 1) -> Took:
        """With so many more, of so many seconds together."""
        each = seconds / times
        least = min(self.least_s, each) if self.times else each
        return Took(self.times + times, least, max(self.most_s, each), self.all_s + seconds)


class Pace:
    """What was measured: seconds of a VLM call, of an LLM call, and of the rest of an answer. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._took: dict[Kind, Took] = {}

    def add(self, kind: Kind, seconds: float, times: int = 1) -> None:
        """Take note of calls that took so long together."""
        if times > 0:
            with self._lock:
                self._took[kind] = self._took.get(kind, Took()).and_again(seconds, times)

    def of(self, kind: Kind) -> Took:
        """What was measured of one kind; of no times where nothing was."""
        with self._lock:
            return self._took.get(kind, Took())


_PACES: WeakKeyDictionary[Models, Pace] = WeakKeyDictionary()
_LOCK = threading.Lock()


def pace_of(models: Models) -> Pace:
    """What has been measured with these models."""
    with _LOCK:
        return _PACES.setdefault(models, Pace())
