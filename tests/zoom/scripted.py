"""A scorer and a visual channel that say what a function says, and footage that is never decoded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lvqa.zoom import FrameScorer
from lvqa.zoom.footage import Footage
from lvqa.zoom.scorers import Scorers, Similarity

Says = Callable[[float, str], float]


@dataclass(eq=False)
class Script(FrameScorer):
    """Presence as a function of the time and the phrase; remembers what it was shown."""

    says: Says
    bar: float = 0.5
    shown: list[tuple[float, object]] = field(default_factory=list)

    def score_each(self, frames, phrases):
        self.shown += list(zip(frames.times_s, frames.crops, strict=True))
        rows = [[self.says(t, p) for p in phrases] for t in frames.times_s]
        return np.array(rows, np.float32).reshape(len(frames), len(phrases))


class Images:
    """An image embedder whose query is one axis a phrase; cosines are what the channel was made with."""

    name = "script"

    def __init__(self, phrases: Sequence[str]) -> None:
        self.phrases = list(phrases)
        self.dim = len(self.phrases) + 1

    def encode_query(self, texts):
        made = np.zeros((len(texts), self.dim), np.float32)
        for row, text in enumerate(texts):
            for n, phrase in enumerate(self.phrases):
                if text.removeprefix("a ").removeprefix("an ") == phrase:
                    made[row, n] = 1.0
        return made

    def encode_frames(self, frames):
        raise AssertionError("nothing is decoded here")


@dataclass(eq=False)
class Alike(Similarity):
    """A similarity whose frames, where the channel has none, are what a function says, without a decoder."""

    cosine: Says = lambda time_s, phrase: 0.0
    shown: list[tuple[float, object]] = field(default_factory=list)

    def vectors(self, frames):
        self.shown += list(zip(frames.times_s, frames.crops, strict=True))
        return vectors_of(frames.times_s, self.embedder.phrases, self.cosine)


def vectors_of(times, phrases: Sequence[str], cosine: Says):
    vectors = np.zeros((len(times), len(phrases) + 1), np.float32)
    for n, phrase in enumerate(phrases):
        vectors[:, n] = [cosine(float(t), phrase) for t in times]
    vectors[:, -1] = np.sqrt(np.maximum(0.0, 1.0 - (vectors[:, :-1] ** 2).sum(axis=1)))
    return vectors


@dataclass(eq=False)
class ArrayChannel:
    """Frame vectors in memory."""

    model: str
    times_s: np.ndarray
    vectors: np.ndarray

    def blocks(self):
        yield self.vectors


def channel(seconds: int, phrases: Sequence[str], cosine: Says) -> ArrayChannel:
    """Unit vectors, one a second, whose cosines with the phrases are given."""
    times = np.arange(seconds, dtype=np.float64)
    return ArrayChannel("script", times, vectors_of(times, phrases, cosine))


def footage(seconds: float, **given) -> Footage:
    return Footage("v", seconds, Path("never-opened.mp4"), frame_s=given.pop("frame_s", 0.25), **given)


def scorers(says: Says | None = None, phrases: Sequence[str] = (), cosine: Says = lambda t, p: 0.0) -> Scorers:
    look = Script(says) if says is not None else None
    return Scorers(Alike(Images(phrases), cosine=cosine) if phrases else None, other=look)
