"""Fakes that time themselves, so that a benchmark can tell a model's time from ours. Knows no benchmark."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar
from unittest import mock

from lvqa.models.base import Vectors, VisionRequest
from lvqa.models.fake import FakeEmbedder, FakeVision

T = TypeVar("T")


class Stopwatch:
    """Adds up the time spent in model calls."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def time(self, call: Callable[[], T]) -> T:
        """Make a call and count its time."""
        started = time.perf_counter()
        try:
            return call()
        finally:
            self.seconds += time.perf_counter() - started


class TimedEmbedder(FakeEmbedder):
    """A fake embedder on a stopwatch."""

    def __init__(self, watch: Stopwatch, dim: int) -> None:
        super().__init__(dim)
        self._watch = watch

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """As FakeEmbedder; queries come here too."""
        return self._watch.time(lambda: FakeEmbedder.encode_document(self, texts))


class TimedVision(FakeVision):
    """A fake VLM on a stopwatch."""

    def __init__(self, watch: Stopwatch) -> None:
        super().__init__("someone lifts a kettle off the table", 0.8)
        self._watch = watch

    def generate(self, requests: Sequence[VisionRequest]) -> list[str]:
        """As FakeVision."""
        return self._watch.time(lambda: FakeVision.generate(self, requests))

    def yes_probability(self, requests: Sequence[VisionRequest]) -> list[float]:
        """As FakeVision."""
        return self._watch.time(lambda: FakeVision.yes_probability(self, requests))


@contextmanager
def timed_decoding(watch: Stopwatch) -> Iterator[None]:
    """Put every `FrameReader` on a stopwatch."""
    from lvqa.media import FrameReader

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **kwargs: watch.time(lambda: function(*args, **kwargs))

    with ExitStack() as patches:
        for name in ("__init__", "at", "close"):
            patches.enter_context(mock.patch.object(FrameReader, name, timed(getattr(FrameReader, name))))
        yield
