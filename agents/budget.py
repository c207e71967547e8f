"""What an answer may take, and what it took: a `Budget` of limits and a `Ledger` that every model call is charged to.

One VLM call is one request (its frames and one reply), however many share a batch. Tokens are the backend's own counts;
where it counts none, four characters are taken for one token, so that the budget binds there too. This module knows
no model and no node.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lvqa.errors import LvqaError, UsageError
from lvqa.models.replies import estimate_tokens as estimate_tokens
from lvqa.settings import Settings
from lvqa.types import Cost


class BudgetSpent(LvqaError):
    """A model call would go beyond the budget; `kind` is the part of it that ran out."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"the budget of {kind} is spent; give more of it to have this done")
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that one question may take: frames shown to a model, VLM calls, tokens in and out, wall seconds.

    No call is begun beyond it; one already begun may run over the seconds, and its reply over the tokens.
    """

    frames: int = 32
    vlm_calls: int = 24
    tokens: int = 200_000
    seconds: float = 120.0

    def __post_init__(self) -> None:
        if min(self.frames, self.vlm_calls, self.tokens) < 0 or not self.seconds > 0:
            raise UsageError(f"a budget cannot be negative, and its seconds must be above zero; got {self}")

    @classmethod
    def of(cls, settings: Settings, *, frames: int | None = None, seconds: float | None = None) -> Budget:
        """The budget of the settings, with what is given in its place."""
        budget = cls(settings.budget_frames, settings.budget_vlm_calls, settings.budget_tokens, settings.budget_seconds)
        if frames is not None:
            budget = replace(budget, frames=frames)
        return budget if seconds is None else replace(budget, seconds=seconds)


class Ledger:
    """Charges against a budget; safe to share between threads.

    `spent` lists the parts of the budget that stopped something, in the order in which they did.
    """

    def __init__(self, budget: Budget, clock: Callable[[], float] = time.monotonic) -> None:
        self.budget = budget
        self._clock = clock
        self._start_s = clock()
        self._lock = threading.Lock()
        self._cost = Cost()
        self._spent: list[str] = []

    @property
    def cost(self) -> Cost:
        """Everything charged so far; `seconds` is the wall time since the ledger was opened."""
        with self._lock:
            return replace(self._cost, seconds=self._clock() - self._start_s)

    @property
    def spent(self) -> list[str]:
        """The parts of the budget that ran out: `frames`, `VLM calls`, `tokens`, `seconds`."""
        with self._lock:
            return list(self._spent)

    @property
    def frames_left(self) -> int:
        """Frames that may still be looked at; 0 also when calls, tokens or time are spent."""
        with self._lock:
            if self._short_of_all() is not None or self._cost.vlm_calls >= self.budget.vlm_calls:
                return 0
            return max(0, self.budget.frames - self._cost.frames)

    @property
    def calls_left(self) -> int:
        """VLM requests that may still be made."""
        with self._lock:
            return 0 if self._short_of_all() is not None else max(0, self.budget.vlm_calls - self._cost.vlm_calls)

    @property
    def can_think(self) -> bool:
        """Whether tokens and time are left at all."""
        with self._lock:
            return self._short_of_all() is None

    def take_vision(self, frames_each: Sequence[int]) -> int:
        """Charge as many leading requests as the budget holds, and say how many those are.

        What stopped the others is noted in `spent`.
        """
        with self._lock:
            taken = 0
            for frames in frames_each:
                short = self._short_of_all()
                if short is None and self._cost.frames + frames > self.budget.frames:
                    short = "frames"
                if short is None and self._cost.vlm_calls + 1 > self.budget.vlm_calls:
                    short = "VLM calls"
                if short is not None:
                    self._note(short)
                    break
                self._cost += Cost(frames=frames, vlm_calls=1)
                taken += 1
            return taken

    def take_frames(self, n: int) -> int:
        """Charge as many of n frames, looked at by another model than the VLM, as the budget holds; says how many."""
        with self._lock:
            short = self._short_of_all()
            granted = 0 if short is not None else min(n, max(0, self.budget.frames - self._cost.frames))
            if granted < n:
                self._note(short or "frames")
            self._cost += Cost(frames=granted)
            return granted

    def take_chat(self, tokens_in: int) -> None:
        """Charge a call of the chat model, before it is made. Raises BudgetSpent when its prompt does not fit."""
        with self._lock:
            short = self._short_of_all()
            if short is None and self._tokens() + tokens_in > self.budget.tokens:
                short = "tokens"
            if short is not None:
                self._note(short)
                raise BudgetSpent(short)
            self._cost += Cost(llm_calls=1)

    def add_tokens(self, tokens_in: int, tokens_out: int) -> None:
        """Charge what a call turned out to take."""
        with self._lock:
            self._cost += Cost(tokens_in=tokens_in, tokens_out=tokens_out)

    def note_spent(self, kind: str) -> None:
        """Record that this part of the budget kept something from being done."""
        with self._lock:
            self._note(kind)

    def _note(self, kind: str) -> None:
        if kind not in self._spent:
            self._spent.append(kind)

    def _tokens(self) -> int:
        return self._cost.tokens_in + self._cost.tokens_out

    def _short_of_all(self) -> str | None:
        if self._clock() - self._start_s >= self.budget.seconds:
            return "seconds"
        return "tokens" if self._tokens() >= self.budget.tokens else None
