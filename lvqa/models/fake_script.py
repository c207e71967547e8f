"""What a fake replies, and in which order. Knows no model."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from lvqa.errors import ModelError

T = TypeVar("T")


class Script(Generic[T]):
    """Replies by rule: one text for every call, a list consumed in order, or a function of the request. Thread-safe."""

    def __init__(self, replies: str | Sequence[str] | Callable[[T], str]) -> None:
        self._replies = replies
        self._used = 0
        self._lock = threading.Lock()

    def next(self, request: T) -> str:
        """The reply to this request. Raises ModelError when the list is used up."""
        if isinstance(self._replies, str):
            return self._replies
        if callable(self._replies):
            return self._replies(request)
        with self._lock:
            if self._used >= len(self._replies):
                raise ModelError(f"the fake has no reply left after {self._used}; give it more")
            self._used += 1
            return self._replies[self._used - 1]
