"""Peak memory of searching a 240-minute video, over that of a 10-minute one, each in a process of its own.

The archive holds a visual channel of 768 values a second and a caption every 7 s; frames are decoded and looked at by
the tiny VLM, whose weights weigh little beside a real model's, so that the ratio is worse than users see. Every
searcher searches; peak memory is the resident set at its largest (`ru_maxrss`), the median of runs in turn.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lvqa.eval.lab.bench.footage import panning
from lvqa.eval.lab.bench.memory import peak_mib
from lvqa.eval.lab.bench.outcome import BenchOutcome, run_child
from lvqa.models.fake import FakeImageEmbedder
from lvqa.types import Note, Span, Video

BOUND = 1.1
MINUTES = (10, 240)
ROUNDS = 3
FPS = 1
SIZE = (256, 144)
DIM = 768
_EVERY_S = 7.0


def make_archive(folder: Path, minutes: float) -> None:
    """A video, and an index of it that holds vectors and captions as a pipeline would leave them."""
    from lvqa.eval.lab.footage_writer import write_video
    from lvqa.store import Store, note_id

    seconds = round(minutes * 60)
    options = {"preset": "ultrafast", "crf": "30"}
    write_video(folder / "video.mp4", panning(seconds, FPS, SIZE), fps=FPS, gop=10 * FPS, options=options)
    name, rng = FakeImageEmbedder(dim=DIM).name, np.random.default_rng(0)
    with Store.open(folder / ".lvqa", write=True) as store:
        store.videos.put(Video("v", "video.mp4", "v", float(seconds)))
        spans = [Span(at, min(at + _EVERY_S, seconds)) for at in np.arange(0.0, seconds, _EVERY_S).tolist()]
        texts = [f"a wall, number {n}" for n in range(len(spans))]
        store.notes.put(
            [
                Note(note_id("v", "caption", span, "", "", text), "v", None, span, text, "caption")
                for span, text in zip(spans, texts, strict=True)
            ]
        )
        for start in range(0, seconds, 600):
            times = np.arange(start, min(start + 600, seconds), dtype=np.float64)
            vectors = rng.normal(size=(len(times), DIM)) + 2.0
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            store.frames.put(name, "v", times, vectors.astype(np.float32))


def search(folder: Path) -> dict[str, float]:
    """Search a folder with every searcher in this process; returns its peak memory in MiB, before and after."""
    from lvqa.eval.lab.tiny.models import VISION
    from lvqa.models.profiles import Models
    from lvqa.models.registry import load_vision
    from lvqa.settings import Settings
    from lvqa.store import Store
    from lvqa.zoom import SEARCHERS, Query, SearchBudget, make_searcher
    from lvqa.zoom.across import Opener
    from lvqa.zoom.scorers import Scorers

    models = Models.of(vision=load_vision(VISION), image_embedder=FakeImageEmbedder(dim=DIM))
    scorers, settings = Scorers.of(models), Settings.load()
    before, looked = peak_mib(), 0
    with Store.open(folder / ".lvqa", create=False) as store:
        opener = Opener(store, folder, settings, scorers.similarity)
        for name in SEARCHERS:
            with opener(store.videos.all()[0]) as footage:
                found = make_searcher(name, scorers).search(
                    footage, Query(("red star",), ("red flag",)), SearchBudget(16, 64), 0
                )
            looked += found.trace.looked
    return {"before_mib": before, "peak_mib": peak_mib(), "looked": looked}


def measure() -> BenchOutcome:
    """Search both videos in turn, each time in a fresh process, and compare the medians of their peaks."""
    runs: dict[int, list[dict[str, float]]] = {minutes: [] for minutes in MINUTES}
    with tempfile.TemporaryDirectory() as folder:
        for minutes in MINUTES:
            place = Path(folder) / str(minutes)
            place.mkdir()
            make_archive(place, minutes)
        for _ in range(ROUNDS):
            for minutes in MINUTES:
                place = Path(folder) / str(minutes)
                runs[minutes].append(run_child("lvqa.eval.lab.bench.searching", "--search", str(place)))
    peaks = {minutes: statistics.median(run["peak_mib"] for run in done) for minutes, done in runs.items()}
    facts: dict[str, Any] = {f"{minutes} minutes, MiB": [r["peak_mib"] for r in done] for minutes, done in runs.items()}
    facts |= {f"{minutes} minutes, looks": done[-1]["looked"] for minutes, done in runs.items()}
    facts["before searching, MiB"] = runs[MINUTES[1]][-1]["before_mib"]
    what = f"peak memory of searching {MINUTES[1]} minutes, over that of {MINUTES[0]} minutes"
    return BenchOutcome("searching", what, peaks[MINUTES[1]] / peaks[MINUTES[0]], BOUND, "at most", facts=facts)


def main(arguments: Sequence[str]) -> int:
    """Measure and print the outcome as JSON; with `--search FOLDER`, be the process that is measured."""
    if arguments[:1] == ["--search"]:
        print(json.dumps(search(Path(arguments[1]))))
    else:
        print(json.dumps(measure().to_dict()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
