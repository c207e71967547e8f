"""Something is done when a call takes longer than it may. Knows not what is called.

For calls that wait without a limit of their own, such as reading the rest of a message from a pipe.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Watchdog:
    """One thread, started with the first call that is watched; it sleeps until the earliest of them is overdue."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew in a forked process, which has no other threads, and in which the lock may be held by one."""
        self._changed = threading.Condition()
        self._due: dict[object, tuple[float, Callable[[], None]]] = {}
        self._wakes_at = -math.inf  # when the thread looks next by itself
        self._thread: threading.Thread | None = None

    @contextmanager
    def within(self, seconds: float, overdue: Callable[[], None]) -> Iterator[None]:
        """Call `overdue`, once, from another thread, if the body takes longer; never after the body has ended."""
        key, due = object(), time.monotonic() + seconds
        with self._changed:
            self._due[key] = (due, overdue)
            if self._thread is None:
                # Not called "lvqa-...", as threads are that work and must end: see lvqa.cli.
                self._thread = threading.Thread(target=self._watch, name="decoding-watchdog", daemon=True)
                self._thread.start()
            elif due < self._wakes_at:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._due.pop(key, None)

    def _watch(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for key, (due, overdue) in list(self._due.items()):
                    if due <= now:
                        del self._due[key]
                        overdue()
                self._wakes_at = min((due for due, _ in self._due.values()), default=math.inf)
                self._changed.wait(None if math.isinf(self._wakes_at) else self._wakes_at - now)


WATCHDOG = Watchdog()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=WATCHDOG.forget)
