"""Bounded queues that can be stopped, and the threads around them: what keeps a pipeline from growing or hanging.

Knows nothing of videos. A blocked `put` or `get` of any thread ends with PipelineStopped as soon as the pipeline stops.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")

# Condition.wait without a limit cannot be interrupted by Ctrl-C everywhere; this is how soon it is noticed.
_TICK_S = 0.5


class PipelineStopped(Exception):
    """The pipeline is stopping: the thread that sees this ends."""


class BoundedQueue(Generic[T]):
    """A queue of at most `size` items between threads; `peak` is the most it ever held."""

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"a queue holds at least one item, got {size}")
        self.size = size
        self.peak = 0
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._stopped = False

    def put(self, item: T) -> None:
        """Add an item, waiting while the queue is full. Raises PipelineStopped."""
        with self._changed:
            while len(self._items) >= self.size and not self._stopped:
                self._changed.wait(_TICK_S)
            if self._stopped:
                raise PipelineStopped
            self._items.append(item)
            self.peak = max(self.peak, len(self._items))
            self._changed.notify_all()

    def get_many(self, limit: int = 1) -> list[T]:
        """Take what is there, 1 to `limit` items, waiting for the first; [] when closed and empty.

        Raises PipelineStopped.
        """
        with self._changed:
            while not self._items and not self._closed and not self._stopped:
                self._changed.wait(_TICK_S)
            if self._stopped:
                raise PipelineStopped
            taken = [self._items.popleft() for _ in range(min(limit, len(self._items)))]
            self._changed.notify_all()
            return taken

    def __iter__(self) -> Iterator[T]:
        while items := self.get_many():
            yield items[0]

    def close(self) -> None:
        """Say that nothing more will be put: readers end when they have taken the rest."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Drop what is in it and make every waiting thread raise PipelineStopped."""
        with self._changed:
            self._stopped = True
            self._items.clear()
            self._changed.notify_all()


class ThreadGroup:
    """Threads that stop together: the first error of one stops all, and is kept in `error`."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self._queues: list[BoundedQueue[Any]] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def queue(self, size: int) -> BoundedQueue[Any]:
        """Make a queue that stops with the threads."""
        queue: BoundedQueue[Any] = BoundedQueue(size)
        self._queues.append(queue)
        return queue

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Run `work` in a thread of its own."""

        def body() -> None:
            try:
                work()
            except PipelineStopped:
                pass
            except BaseException as error:
                self.fail(error)

        # A daemon, so that a second Ctrl-C ends the process even while a model is busy.
        thread = threading.Thread(target=body, name=f"lvqa-{name}", daemon=True)
        thread.start()
        with self._lock:
            self._threads = [*filter(threading.Thread.is_alive, self._threads), thread]

    def fail(self, error: BaseException) -> None:
        """Keep the error, unless there is one already, and stop."""
        with self._lock:
            self.error = self.error or error
        self.stop()

    def stop(self) -> None:
        """Make every thread end at its next `put` or `get`."""
        for queue in self._queues:
            queue.stop()

    def join(self, most_s: float | None = None) -> None:
        """Wait until all threads have ended, or `most_s` seconds; one inside a model's call ends after that call."""
        until = None if most_s is None else time.monotonic() + most_s
        # One that still works may start another.
        while alive := [thread for thread in self._threads if thread.is_alive()]:
            left_s = None if until is None else until - time.monotonic()
            if left_s is not None and left_s <= 0:
                return
            alive[0].join(left_s)
