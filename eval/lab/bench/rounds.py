"""What a search of four hours costs beside its looks: milliseconds a round, for every searcher, scorer excluded.

A video of 14,400 s with a visual channel of 512 values a second and 2,000 captions; the scorer looks its scores up and
is not counted, nor is reading cosines from the channel. The bound is on searches that go round by round; those that
choose all frames at once have one round, and two of them, which compare all frames with each other, take longer.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lvqa.eval.lab.bench.outcome import BenchOutcome
from lvqa.models.base import Frame, Vectors
from lvqa.types import Note, Span
from lvqa.zoom import SEARCHERS, FrameScorer, Query, SearchBudget, make_searcher
from lvqa.zoom.arrays import Scores, Values
from lvqa.zoom.footage import Footage, Frames
from lvqa.zoom.scorers import Scorers, Similarity

BOUND_MS = 5.0
SECONDS = 14_400
FRAMES, KEPT = 512, 32
DIM = 512
ROUND_BY_ROUND = ("lvqa", "tstar", "gens")
# Where the target is; no look finds it, so that every search goes on to the end of its budget.
_TIMES = 5


@dataclass(eq=False)
class _Clock(FrameScorer):
    """Scores that are looked up, and how long that took."""

    seconds: float = 0.0

    def score_each(self, frames: Frames, phrases: Sequence[str]) -> Scores:
        """A little noise, never a sight."""
        began = time.perf_counter()
        times = np.asarray(frames.times_s)
        scores = np.stack([0.04 + 0.04 * np.sin(times * (3 + n)) for n in range(len(phrases))], axis=1)
        self.seconds += time.perf_counter() - began
        return scores.astype(np.float32)


@dataclass(eq=False)
class _Timed(Similarity):
    """Cosines from the channel, and how long reading them took."""

    seconds: float = 0.0

    def of_channel(self, footage: Footage, phrases: Sequence[str]) -> Scores:
        """As any similarity's."""
        began = time.perf_counter()
        found = super().of_channel(footage, phrases)
        self.seconds += time.perf_counter() - began
        return found


@dataclass(eq=False)
class _ArrayChannel:
    """Frame vectors in memory."""

    model: str
    times_s: Values
    vectors: Vectors

    def blocks(self) -> Iterator[Vectors]:
        """All at once."""
        yield self.vectors


class _Embedder:
    name = "bench"
    dim = DIM

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        made = np.stack([np.random.default_rng(len(text)).normal(size=DIM) for text in texts])
        return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)

    def encode_frames(self, frames: Sequence[Frame]) -> Vectors:
        raise NotImplementedError("the channel holds every second")


def footage() -> Footage:
    """Four hours whose frames lie close together, as those of one video do."""
    rng = np.random.default_rng(0)
    scenes = rng.normal(size=(SECONDS // 40, DIM))
    vectors = np.repeat(scenes, 40, axis=0) + 2.0 + 0.3 * rng.normal(size=(SECONDS, DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    channel = _ArrayChannel("bench", np.arange(SECONDS, dtype=np.float64), vectors.astype(np.float32))
    notes = [
        Note(f"n{n}", "v", None, Span(7.2 * n, 7.2 * n + 7.2), "grass, a red ring at the left", "caption")
        for n in range(2000)
    ]
    return Footage("v", float(SECONDS), Path("none.mp4"), channel=channel, notes=notes, frame_s=0.04)


def measure_one(name: str) -> tuple[float, int]:
    """Milliseconds a round and rounds of one searcher: the median of several searches."""
    clock, images = _Clock(), _Timed(_Embedder())
    video = footage()
    searcher = make_searcher(name, Scorers(images, other=clock))
    query = Query(("red star", "blue moon"), ("red flag",))
    costs, rounds = [], 1
    for seed in range(_TIMES):
        before = clock.seconds + images.seconds
        began = time.perf_counter()
        found = searcher.search(video, query, SearchBudget(KEPT, FRAMES), seed)
        own = time.perf_counter() - began - (clock.seconds + images.seconds - before)
        rounds = max(1, len(found.trace.rounds))
        costs.append(1000 * own / rounds)
    return float(np.median(costs[1:])), rounds


def measure() -> BenchOutcome:
    """Every searcher on the same four hours."""
    figures = {name: measure_one(name) for name in SEARCHERS}
    worst = max(figures[name][0] for name in ROUND_BY_ROUND)
    facts = {f"{name}, ms a round (rounds)": f"{ms:.2f} ({rounds})" for name, (ms, rounds) in figures.items()}
    what = f"a round of a search of {SECONDS} s at {FRAMES} frames, the worst of {', '.join(ROUND_BY_ROUND)}"
    return BenchOutcome("rounds", what, worst, BOUND_MS, "at most", "ms", facts)


def main(arguments: Sequence[str]) -> int:
    """Measure and print the outcome as JSON."""
    del arguments
    print(json.dumps(measure().to_dict()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
