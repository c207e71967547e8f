"""Whether a run has been asked to end before it is done: by its caller, a first Ctrl-C, or a cluster's SIGTERM.

Knows no run: what asks, and how often, is all there is here.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

Asked = threading.Event | Callable[[], bool] | None


class Stop:
    """Says, when called, whether a run is to end: `asked` says so, or there was a Ctrl-C. Any thread may call it."""

    def __init__(self, asked: Asked = None) -> None:
        self._asked = asked.is_set if isinstance(asked, threading.Event) else asked
        self._interrupted = False
        self._heard = False

    @classmethod
    def of(cls, asked: Asked) -> Stop:
        """The same one, where it is one already: a run and who listens to it share what they know of Ctrl-C."""
        return asked if isinstance(asked, Stop) else cls(asked)

    @property
    def interrupted(self) -> bool:
        """Whether there was a Ctrl-C."""
        return self._interrupted

    @property
    def heard(self) -> bool:
        """Whether anybody has asked yet: before that, nobody would end because of it."""
        return self._heard

    def __call__(self) -> bool:
        """Whether to end."""
        self._heard = True
        return self._interrupted or (self._asked is not None and bool(self._asked()))

    def interrupt(self) -> None:
        """Take note of a Ctrl-C. Raises KeyboardInterrupt for the second."""
        if self._interrupted:
            raise KeyboardInterrupt
        self._interrupted = True


@contextmanager
def on_signals(stop: Stop, told: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Inside the `with`, a first Ctrl-C or SIGTERM asks `stop` and calls `told`; the second raises KeyboardInterrupt.

    So does the first where no run listens to `stop` yet: while another process is waited for, or models are looked up.
    Only in the main thread, where Python delivers signals; elsewhere nothing changes. What handled them before is put
    back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def asked(_number: int, _frame: FrameType | None) -> None:
        if not stop.heard:
            raise KeyboardInterrupt
        stop.interrupt()
        told()

    before: dict[signal.Signals, Any] = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            # One that is ignored stays so: a shell does that for what runs in the background.
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, asked)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
