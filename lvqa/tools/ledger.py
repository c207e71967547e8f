"""What an answer took: a `Ledger` that every model call is charged to, against a `Budget`.

One VLM call is one request (its frames and one reply), however many share a batch. Tokens are the backend's own counts;
where it counts none, four characters are taken for one token, so that the budget binds there too. Money follows from
`Prices`. This module knows no model and no node.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from lvqa.errors import LvqaError
from lvqa.models.replies import estimate_tokens as estimate_tokens
from lvqa.tools.prices import FREE, Prices
from lvqa.tools.rules import RULES
from lvqa.types import Budget, Cost

# Why nothing more is begun where it is not the budget that ran out.
ASKED_TO_STOP = "asked to stop"


class BudgetSpent(LvqaError):
    """A model call would go beyond the budget; `kind` is the part of it that ran out, `reason` says so in words."""

    def __init__(self, kind: str) -> None:
        stopped = kind == ASKED_TO_STOP
        self.kind = kind
        self.reason = "the run was asked to stop" if stopped else f"the budget of {kind} is spent"
        super().__init__(self.reason if stopped else f"{self.reason}; give more of it to have this done")


class Ledger:
    """Charges against a budget; safe to share between threads.

    `prices` turn charges into money. Once `stop` says yes, nothing more is begun.
    `spent` lists the parts of the budget that stopped something, in the order in which they did. What is charged to the
    ledger of a `part` is charged to the whole's too.
    """

    def __init__(
        self,
        budget: Budget,
        clock: Callable[[], float] = time.monotonic,
        *,
        prices: Prices = FREE,
        stop: Callable[[], bool] | None = None,
    ) -> None:
        self.budget = budget
        self.prices = prices
        self._clock = clock
        self._stop = stop
        self._start_s = clock()
        self._stopped = False
        self._lock = threading.Lock()
        self._whole: Ledger | None = None
        self._cost = Cost()
        self._spent: list[str] = []

    def share(self, parts: int, together: int = 1) -> Budget:
        """One of so many equal parts of what is left; of the seconds, as many parts as are spent side by side."""
        cost, budget = self.cost, self.budget
        wholes = (
            budget.frames - cost.frames,
            budget.vlm_calls - cost.vlm_calls,
            budget.tokens - cost.tokens_in - cost.tokens_out,
        )
        frames, calls, tokens = (max(0, left) // parts for left in wholes)
        seconds = max(RULES.money, (budget.seconds - cost.seconds) * together / parts)
        money = max(RULES.money, (budget.money - cost.money) / parts) if budget.money > 0 else 0.0
        return Budget(frames, calls, tokens, seconds, money)

    def part(self, budget: Budget) -> Ledger:
        """A ledger for a part of the work, with a budget of its own that was taken from this one's by `share`."""
        made = Ledger(budget, self._clock, prices=self.prices, stop=self._stop)
        made._whole = self
        return made

    def resume(self, cost: Cost, spent: Sequence[str]) -> None:
        """Charge what an earlier ledger of the same work was charged, and this one not yet; note what ran out there."""
        with self._lock:
            missing: dict[str, Any] = {name: max(0, left) for name, left in asdict(cost - self._cost).items()}
            if missing["money"] <= RULES.money:
                missing["money"] = 0.0
            missing["seconds"] = 0.0
            self._charge(Cost(**missing))
            self._start_s = min(self._start_s, self._clock() - cost.seconds)
            for kind in spent:
                self._note(kind)

    @property
    def cost(self) -> Cost:
        """Everything charged so far; `seconds` is the wall time since the ledger was opened."""
        with self._lock:
            return replace(self._cost, seconds=self._clock() - self._start_s)

    @property
    def spent(self) -> list[str]:
        """The parts of the budget that ran out: `frames`, `VLM calls`, `tokens`, `seconds`, `money`."""
        with self._lock:
            return list(self._spent)

    @property
    def stopped(self) -> bool:
        """Whether something was not begun because `stop` said so."""
        with self._lock:
            return self._stopped

    @property
    def frames_left(self) -> int:
        """Frames that may still be looked at; 0 also when calls, tokens, time or money are spent."""
        with self._lock:
            if self._short_of_a_look() is not None:
                return 0
            left = max(0, self.budget.frames - self._cost.frames)
            return min(left, self._affordable(self.prices.frame, self.prices.call, left))

    @property
    def calls_left(self) -> int:
        """VLM requests, of one frame at least, that may still be made."""
        with self._lock:
            if self._short_of_all() is not None:
                return 0
            left = max(0, self.budget.vlm_calls - self._cost.vlm_calls)
            return min(left, self._affordable(self.prices.looks(1, 1), 0.0, left))

    @property
    def can_think(self) -> bool:
        """Whether tokens, time and money are left for the chat model at all."""
        with self._lock:
            return self._short_of_all() is None and not (self.prices.chat_is_priced and self._too_dear(0.0))

    @property
    def seconds_left(self) -> float:
        """Seconds until the budget's are spent; 0 where they are."""
        return max(0.0, self.budget.seconds - self.cost.seconds)

    def out_of_seconds(self) -> BudgetSpent:
        """That no reply came before the budget's seconds were spent; it is noted."""
        with self._lock:
            self._note("seconds")
        return BudgetSpent("seconds")

    def take_vision(self, frames_each: Sequence[int], *, requests: int = 1) -> int:
        """Charge as many leading looks as the budget holds, and say how many those are.

        A look is so many `requests`, made together or not at all, of so many frames each. What stopped the others is
        noted in `spent`.
        """
        with self._lock:
            taken = 0
            for frames in frames_each:
                money = self.prices.looks(frames * requests, requests)
                if (short := self._short_of_looks(frames * requests, requests)) is not None:
                    self._note(short)
                    break
                self._charge(Cost(frames=frames * requests, vlm_calls=requests, money=money))
                taken += 1
            return taken

    def take_frames(self, n: int) -> int:
        """Charge as many of n frames, looked at by another model than the VLM, as the budget holds; says how many."""
        with self._lock:
            short = self._short_of_all()
            granted = 0 if short is not None else min(n, max(0, self.budget.frames - self._cost.frames))
            affordable = self._affordable(self.prices.frame, 0.0, granted)
            if affordable < granted:
                granted, short = affordable, "money"
            if granted < n:
                self._note(short or "frames")
            self._charge(Cost(frames=granted, money=self.prices.looks(granted)))
            return granted

    def take_chat(self, tokens_in: int) -> None:
        """Charge a call of the chat model, before it is made. Raises BudgetSpent when its prompt does not fit.

        Its tokens, and their money, are charged by `add_chat` when they are known.
        """
        with self._lock:
            short = self._short_of_all()
            if short is None and self._tokens() + tokens_in > self.budget.tokens:
                short = "tokens"
            if short is None and self.prices.chat_is_priced and self._too_dear(self.prices.chat(tokens_in, 0)):
                short = "money"
            if short is not None:
                self._note(short)
                raise BudgetSpent(short)
            self._charge(Cost(llm_calls=1))

    def give_back_chat(self) -> None:
        """Take back the charge of a call that the chat model refused before it read anything."""
        with self._lock:
            self._charge(Cost(llm_calls=-1))

    def add_chat(self, tokens_in: int, tokens_out: int) -> None:
        """Charge what a call of the chat model turned out to take."""
        with self._lock:
            money = self.prices.chat(tokens_in, tokens_out)
            self._charge(Cost(tokens_in=tokens_in, tokens_out=tokens_out, money=money))

    def add_tokens(self, tokens_in: int, tokens_out: int) -> None:
        """Charge the tokens that calls of the VLM turned out to take; they have no price."""
        with self._lock:
            self._charge(Cost(tokens_in=tokens_in, tokens_out=tokens_out))

    def note_no_look(self) -> None:
        """Record what keeps another frame from being looked at."""
        with self._lock:
            beyond = self._cost.frames < self.budget.frames
            self._note(self._short_of_a_look() or ("money" if beyond and self.prices.looks_are_priced else "frames"))

    def note_short(self, looks: int) -> None:
        """Record what keeps so many looks, of a frame each, from being made; nothing where nothing does."""
        with self._lock:
            if (short := self._short_of_a_look() or self._short_of_looks(looks, looks)) is not None:
                self._note(short)

    def _charge(self, cost: Cost) -> None:
        self._cost += cost
        if self._whole is not None:
            with self._whole._lock:
                self._whole._charge(cost)

    def _note(self, kind: str) -> None:
        if kind not in self._spent and kind != ASKED_TO_STOP:
            self._spent.append(kind)

    def _tokens(self) -> int:
        return self._cost.tokens_in + self._cost.tokens_out

    def _too_dear(self, money: float) -> bool:
        """Whether the money does not hold so much more; none is left at all counts as that."""
        left = self.budget.money - self._cost.money
        return self.budget.money > 0 and (left <= RULES.money or money > left + RULES.money)

    def _affordable(self, each: float, first: float, most: int) -> int:
        """How many things at a price, the first of which costs more by `first`, the money holds; `most` at most."""
        if self.budget.money <= 0 or each + first <= 0:
            return most
        left = self.budget.money - self._cost.money - first + RULES.money
        if left < each:
            return 0
        return most if each <= 0 else min(most, int(left / each))

    def _short_of_a_look(self) -> str | None:
        short = self._short_of_all()
        return short or ("VLM calls" if self._cost.vlm_calls >= self.budget.vlm_calls else None)

    def _short_of_looks(self, frames: int, calls: int) -> str | None:
        cost, most = self._cost, self.budget
        dear = self.prices.looks_are_priced and self._too_dear(self.prices.looks(frames, calls))
        short = {"frames": cost.frames + frames > most.frames, "VLM calls": cost.vlm_calls + calls > most.vlm_calls}
        return self._short_of_all() or next((kind for kind, lacks in {**short, "money": dear}.items() if lacks), None)

    def _short_of_all(self) -> str | None:
        if self._stop is not None and self._stop():
            self._stopped = True
            return ASKED_TO_STOP
        if self._clock() - self._start_s >= self.budget.seconds:
            return "seconds"
        return "tokens" if self._tokens() >= self.budget.tokens else None
