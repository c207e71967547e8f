"""Fakes that time themselves, so that a benchmark can tell a model's time from ours. Knows no benchmark."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar
from unittest import mock

import numpy as np

from lvqa.models.base import Vectors, VisionRequest
from lvqa.models.fake import FakeEmbedder, FakeVision

T = TypeVar("T")

_BUCKETS = 1024


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


class TimedEmbedder:
    """A fake embedder on a stopwatch, its bags of words turned so that scores tie no more often than a model's do."""

    def __init__(self, watch: Stopwatch, dim: int) -> None:
        self.name = "fake:embedder"
        self.dim = dim
        self._watch = watch
        self._bags = FakeEmbedder(_BUCKETS)
        self._turn = np.random.default_rng(0).standard_normal((_BUCKETS, dim)).astype(np.float32)

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 (n, dim)."""
        return self._watch.time(lambda: self._encode(texts))

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 (n, dim)."""
        return self._watch.time(lambda: self._encode(texts))

    def _encode(self, texts: Sequence[str]) -> Vectors:
        # Row by row and without BLAS, whose threads would go on spinning into the time that is ours.
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for row, bag in zip(vectors, self._bags.encode_document(texts), strict=True):
            words = np.flatnonzero(bag)
            row += (bag[words, None] * self._turn[words]).sum(axis=0)
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


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
