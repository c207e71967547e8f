"""How long `ask` takes outside model calls, in an archive of 10,000 notes.

Fakes time themselves, and so does the decoding of the frames that they are shown, which depends on the footage and not
on the number of notes: it is told apart and held to no bound. What is left of a question's wall time is ours: search,
choice of frames, prompts, LangGraph, SQLite. Measured both without a language model and with a VLM that looks and a
chat model that reasons; the slower median is held to the bound.
"""

from __future__ import annotations

import json
import random
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lvqa.eval.lab.bench.footage import make
from lvqa.eval.lab.bench.outcome import BenchOutcome
from lvqa.eval.lab.bench.timed import Stopwatch, TimedEmbedder, TimedVision, timed_decoding
from lvqa.types import Note, Question, Span, Video

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
_HEADS = ("ka", "mo", "ri", "te", "lu", "so", "vi", "pe", "dra", "gu")
_TAILS = ("bar", "den", "fin", "gol", "hem", "jor", "lat", "mis", "nor", "pak", "rud", "tov")
# 1,200 words that are as unevenly common as those of a language are (Zipf's law).
_WORDS = [head + tail + end for end in ("", *"aeioubdkn") for tail in _TAILS for head in _HEADS]
_WEIGHTS = [1 / (rank + 10) for rank in range(len(_WORDS))]
_CITE = re.compile(r"of the notes that say so: (\d+)")


def reply(messages: list[BaseMessage]) -> str:
    """One JSON object that answers every prompt of the agent: a plan, an answer with a claim, a verdict."""
    cited = _CITE.search(str(messages[-1].content))
    return json.dumps(
        {
            "kind": "attribute",
            "phrases": ["someone lifts a kettle", "a kettle on a table"],
            "targets": ["kettle"],
            "sentences": [{"text": "someone lifts a kettle", "evidence": [int(cited.group(1))] if cited else []}],
            "choice": None,
            "confidence": 0.9,
            "missing": [],
            "verdicts": [{"claim": 1, "support": 0.9}],
        }
    )


def words(draw: random.Random, count: int) -> str:
    """Words drawn as often as they are common."""
    return " ".join(draw.choices(_WORDS, _WEIGHTS, k=count))


def fill(store: Store, folder: Path) -> None:
    """Write the videos, and notes of random words, one a second, with their vectors."""
    draw = random.Random(0)
    embedder = TimedEmbedder(Stopwatch(), DIM)
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
                words(draw, 20),
                "caption",
                "fake",
            )
            for s in range(seconds)
        ]
        with store.atomic():
            store.videos.put(video)
            store.notes.put(notes)
            store.vectors.put(embedder.name, [n.id for n in notes], embedder.encode_document([n.text for n in notes]))


def ask_all(store: Store, folder: Path, models: Models, watch: Stopwatch) -> dict[str, float]:
    """Ask every question; returns medians a question, in milliseconds, and the mean number of frames looked at."""
    from lvqa.agents import ask
    from lvqa.settings import Settings

    settings = Settings.load()
    draw = random.Random(1)
    decoding = Stopwatch()
    ours_ms: list[float] = []
    decoding_ms: list[float] = []
    frames = 0
    for number in range(WARM_UP + QUESTIONS):
        question = f"Where is the {words(draw, 3)} with the {words(draw, 1)}?"
        watch.seconds = decoding.seconds = 0.0
        with timed_decoding(decoding):
            started = time.perf_counter()
            answer = ask(Question(question, seed=number), store=store, models=models, settings=settings, folder=folder)
            wall_s = time.perf_counter() - started
        if number >= WARM_UP:
            ours_ms.append((wall_s - watch.seconds - decoding.seconds) * 1000)
            decoding_ms.append(decoding.seconds * 1000)
            frames += answer.cost.frames
    return {
        "median ms": statistics.median(ours_ms),
        "p90 ms": statistics.quantiles(ours_ms, n=10)[-1],
        "decoding, median ms": statistics.median(decoding_ms),
        "frames a question": frames / QUESTIONS,
    }


def measure(folder: Path) -> BenchOutcome:
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
        "no language model": Models.of(embedder=TimedEmbedder(watch, DIM)),
        "VLM and chat model": Models.of(
            vision=TimedVision(watch), chat=FakeChat(chat_reply), embedder=TimedEmbedder(watch, DIM)
        ),
    }
    with Store.open(folder / ".lvqa", create=False) as store:
        found = {name: ask_all(store, folder, models, watch) for name, models in ways.items()}
    facts = {f"{name}, {key}": value for name, values in found.items() for key, value in values.items()}
    slowest = max(values["median ms"] for values in found.values())
    what = f"time of a question outside model calls and decoding, median of {QUESTIONS}, at {NOTES} notes"
    return BenchOutcome("ask", what, slowest, BOUND_MS, "at most", "ms", facts)


def main() -> int:
    """Measure and print the outcome as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder)).to_dict()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
