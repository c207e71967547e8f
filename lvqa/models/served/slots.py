"""Calls of a model side by side: how many a server is given at once, and their results in order.

As many as make the replies come faster, up to a limit. Knows times and counts alone: no server, no request.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Literal, TypeVar

T = TypeVar("T")

# How a call ended: with a reply, turned away by a busy server, without a reply in time, or in another way.
Fate = Literal["answered", "refused", "late", "failed"]

FIRST = 4
# Replies that come so much faster are worth more calls: this share of what twice the calls could bring at best.
_WORTH = 0.25
# The share of a window's calls that a server may refuse before it gets half as many, and so many in any case.
_REFUSED, _LEAST_REFUSED = 0.125, 2
_LEAST_WINDOW = 8
# Windows for which a limit that did not pay is not tried again.
_HOLD = 16
# A reply must not come to need more than this share of the time that it is waited for.
_OF_TIMEOUT = 0.5
# Condition.wait without a limit cannot be interrupted by Ctrl-C everywhere.
_TICK_S = 0.5


class Slots:
    """Slots for the calls of one server, whoever makes them. Thread-safe.

    Begins with a few and doubles them while that pays: a server that answers one after the other keeps those few, one
    that batches is filled. Halved where a server refuses or a reply does not come in time; from then on what is added
    is a sixteenth of the most.
    """

    def __init__(self, most: int, timeout_s: float = 120.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.limit = min(FIRST, most)
        self._timeout_s = timeout_s
        self._clock = clock
        self._changed = threading.Condition()
        self._busy = self._waiting = self._held = 0
        self._before: tuple[int, float] | None = None
        self._gently = False
        self._full = True
        self._open_window()

    def take(self) -> float:
        """Wait for a slot; the time at which it was had, for `give`."""
        with self._changed:
            self._waiting += 1
            try:
                while self._busy >= self.limit:
                    self._changed.wait(_TICK_S)
            finally:
                self._waiting -= 1
            self._busy += 1
            return self._clock()

    def give(self, taken_s: float, fate: Fate) -> bool:
        """Give a slot back, and say how its call ended; whether other calls were under way beside it."""
        with self._changed:
            crowded = self._busy > 1
            self._busy -= 1
            if fate == "late":
                # Those that were made before the last change tell nothing of it.
                if taken_s >= self._changed_s:
                    self._halve(gently=True)
            elif taken_s >= self._changed_s:
                self._count(taken_s, fate)
            self._changed.notify(max(1, self.limit - self._busy))
            return crowded

    def _count(self, taken_s: float, fate: Fate) -> None:
        if not self._counted:
            self._began_s = self._clock()
        self._counted += 1
        self._refused += fate == "refused"
        self._took_s += self._clock() - taken_s
        # Where callers leave slots empty, the rate is theirs and not the server's.
        self._full = self._full and (self._waiting > 0 or self._busy + 1 >= self.limit)
        # Whole rounds, for replies may come in bursts as they were asked for; the first reply opened the window.
        if self._counted > self.limit * math.ceil(_LEAST_WINDOW / self.limit):
            self._close_window()

    def _close_window(self) -> None:
        seconds, most_refused = self._clock() - self._began_s, max(_LEAST_REFUSED, _REFUSED * self._counted)
        rate = (self._counted - 1 - self._refused) / max(seconds, 1e-6)
        if self._refused > most_refused:
            self._halve(gently=self._refused < self._counted)
        elif self._full:
            self._weigh(rate, self._took_s / self._counted)
        else:
            self._open_window()

    def _weigh(self, rate: float, took_s: float) -> None:
        """Take more slots, or give back those that brought nothing."""
        if self._before is not None:
            limit, slower = self._before
            self._before = None
            if rate < slower * (1 + _WORTH * (self.limit / limit - 1)):
                self._held = _HOLD
                self._set(limit)
                return
        more = min(self.most, self.limit + max(1, self.most // 16) if self._gently else 2 * self.limit)
        self._held = max(0, self._held - 1)
        if self._held or more == self.limit or took_s * more / self.limit > _OF_TIMEOUT * self._timeout_s:
            self._open_window()
            return
        self._before = self.limit, rate
        self._set(more)

    def _halve(self, *, gently: bool) -> None:
        # One that refuses all is out, and says nothing of how many it takes.
        self._gently, self._before = gently, None
        self._set(max(1, self.limit // 2))

    def _set(self, limit: int) -> None:
        self.limit = limit
        self._open_window()

    def _open_window(self) -> None:
        self._changed_s = self._clock()
        self._counted = self._refused = 0
        self._began_s = self._took_s = 0.0
        self._full = True


def side_by_side(
    calls: Iterable[Callable[[], T]], at_once: int = 1, stop: Callable[[], bool] = lambda: False
) -> Iterator[T]:
    """What calls give, in their order, with `at_once` of them under way in threads of their own; one: none of its own.

    Once `stop` says so, none is begun any more; those that were come to their end. Raises what a call raises.
    """
    rest = iter(calls)
    if at_once == 1:
        while not stop() and (call := next(rest, None)) is not None:
            yield call()
        return
    underway: deque[Future[T]] = deque()
    while True:
        while len(underway) < at_once and not stop() and (call := next(rest, None)) is not None:
            underway.append(begun(call))
        if not underway:
            return
        yield underway.popleft().result()


def begun(call: Callable[[], T]) -> Future[T]:
    """A call that goes on in a thread of its own, and what will come of it; nobody has to wait for that."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    # A daemon, unlike an executor's: Ctrl-C does not wait for a server.
    threading.Thread(target=work, name="lvqa-call", daemon=True).start()
    return future
