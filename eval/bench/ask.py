"""How long `ask` takes outside model calls, in an archive of 10,000 notes.

Fakes time themselves; what is left of a question's wall time is ours: searching, choosing and decoding frames,
LangGraph, SQLite. Measured both without a language model and with a VLM that looks and a chat model that reasons; the
slower median is held to the bound. The videos are small, so that decoding takes its least; large ones add to that.
"""

from __future__ import annotations

import json
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lvqa.eval.bench.footage import make
from lvqa.eval.bench.outcome import Outcome
from lvqa.models.base import Vectors, VisionRequest
from lvqa.models.fake import FakeEmbedder, FakeVision
from lvqa.types import Note, Span, Video

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from lvqa.models.profiles import Models
    from lvqa.store import Store

BOUND_MS = 50.0
NOTES = 10_000
VIDEOS = 20
QUESTIONS = 20
WARM_UP = 3
SIZE = (160, 90)
FPS = 2
DIM = 384
_HEADS = ("ka", "mo", "ri", "te", "lu", "so", "vi", "pe")
_TAILS = ("bar", "den", "fin", "gol", "hem", "jor", "lat", "mis", "nor", "pak", "rud", "tov")
_WORDS = [head + tail for head in _HEADS for tail in _TAILS]
_CITE = re.compile(r"Cite only these numbers: (\d+)")

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

    def __init__(self, watch: Stopwatch) -> None:
        super().__init__(DIM)
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


def reply(messages: list[BaseMessage]) -> str:
    """One JSON object that answers every prompt of the agent: a plan, an answer with a claim, a verdict."""
    cited = _CITE.search(str(messages[-1].content))
    return json.dumps(
        {
            "kind": "attribute",
            "phrases": ["someone lifts a kettle", "a kettle on a table"],
            "targets": ["kettle"],
            "answer": "Someone lifts a kettle.",
            "choice": None,
            "claims": [{"text": "someone lifts a kettle", "evidence": [int(cited.group(1))] if cited else []}],
            "confidence": 0.9,
            "missing": [],
            "verdicts": [{"claim": 1, "support": 0.9}],
        }
    )


def fill(store: Store, folder: Path) -> None:
    """Write the videos, and notes of random words, one a second, with their vectors."""
    draw = random.Random(0)
    embedder = FakeEmbedder(DIM)
    seconds = NOTES // VIDEOS
    for number in range(VIDEOS):
        name = f"video{number:02d}.mp4"
        make(folder / name, seconds, FPS, SIZE, seed=number)
        video = Video(f"v{number}", name, f"hash{number}", float(seconds), *SIZE, fps=FPS, codec="h264")
        notes = [
            Note(
                f"{video.id}:{s}",
                video.id,
                None,
                Span(s, s + 1),
                " ".join(draw.choices(_WORDS, k=12)),
                "caption",
                "fake",
            )
            for s in range(seconds)
        ]
        with store.atomic():
            store.put_video(video)
            store.put_notes(notes)
            store.put_vectors(embedder.name, [n.id for n in notes], embedder.encode_document([n.text for n in notes]))


def ask_all(store: Store, folder: Path, models: Models, watch: Stopwatch) -> dict[str, Any]:
    """Ask every question; returns milliseconds outside model calls, median and 90th percentile, and frames seen."""
    from lvqa.agents import ask
    from lvqa.settings import Settings

    draw = random.Random(1)
    outside_ms: list[float] = []
    frames = 0
    for number in range(WARM_UP + QUESTIONS):
        question = f"Where is the {' '.join(draw.choices(_WORDS, k=3))} with the {draw.choice(_WORDS)}?"
        watch.seconds = 0.0
        started = time.perf_counter()
        answer = ask(question, (), store=store, models=models, settings=Settings.load(), folder=folder, seed=number)
        if number >= WARM_UP:
            outside_ms.append((time.perf_counter() - started - watch.seconds) * 1000)
            frames += answer.cost.frames
    p90 = statistics.quantiles(outside_ms, n=10)[-1]
    return {"median": statistics.median(outside_ms), "p90": p90, "frames": frames / QUESTIONS}


def measure(folder: Path) -> Outcome:
    """Fill an archive in a folder and ask it questions both ways."""
    from lvqa.models.fake_chat import FakeChat
    from lvqa.models.profiles import Models
    from lvqa.store import Store

    watch = Stopwatch()
    with Store.open(folder / ".lvqa", write=True) as store:
        fill(store, folder)

    def chat_reply(messages: list[BaseMessage]) -> str:
        return watch.time(lambda: reply(messages))

    ways = {
        "no language model": Models.of(embedder=TimedEmbedder(watch)),
        "VLM and chat model": Models.of(
            vision=TimedVision(watch), chat=FakeChat(chat_reply), embedder=TimedEmbedder(watch)
        ),
    }
    facts: dict[str, Any] = {}
    slowest = 0.0
    with Store.open(folder / ".lvqa", create=False) as store:
        for name, models in ways.items():
            found = ask_all(store, folder, models, watch)
            slowest = max(slowest, found["median"])
            facts[f"{name}, median ms"] = found["median"]
            facts[f"{name}, p90 ms"] = found["p90"]
            facts[f"{name}, frames a question"] = found["frames"]
    what = f"time of a question outside model calls, median of {QUESTIONS}, at {NOTES} notes"
    return Outcome("ask", what, slowest, BOUND_MS, "at most", "ms", facts)


def main() -> int:
    """Measure and print the outcome as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder)).to_dict()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
