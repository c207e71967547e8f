"""How well the stages of indexing overlap: wall time of `run_index` with a slow fake VLM, over that of the VLM alone.

The VLM is the slowest stage, as it is in life; alone, it is called again with the very batches that it got. Everything
else (decoding, shots, embedding, writing) has to hide behind it.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from lvqa.eval.lab.bench.footage import make
from lvqa.eval.lab.bench.outcome import BenchOutcome

BOUND = 1.1
VIDEOS = 4
SECONDS = 60
FPS = 15
SIZE = (320, 180)
LATENCY_S = 0.1
PER_REQUEST_S = 0.35


def measure(folder: Path) -> BenchOutcome:
    """Index the videos below a folder, then call the VLM alone with the same batches."""
    from lvqa.indexers import run_index
    from lvqa.models.fake import FakeEmbedder, FakeImageEmbedder, FakeVision
    from lvqa.models.profiles import Models
    from lvqa.settings import Settings
    from lvqa.store import Store

    settings = Settings.load()
    vision = FakeVision(latency_s=LATENCY_S, per_request_s=PER_REQUEST_S)
    models = Models.of(vision=vision, embedder=FakeEmbedder(), image_embedder=FakeImageEmbedder())
    with Store.open(folder / ".lvqa", write=True) as store:
        started = time.perf_counter()
        report = run_index(folder, store, models, settings)
        wall_s = time.perf_counter() - started
    batches = list(vision.calls)
    started = time.perf_counter()
    for batch in batches:
        vision.generate(batch)
    alone_s = time.perf_counter() - started
    return BenchOutcome(
        "overlap",
        "wall time of indexing, over that of its slowest stage alone (a VLM of fixed latency)",
        wall_s / alone_s,
        BOUND,
        "at most",
        facts={
            "indexing, s": wall_s,
            "VLM alone, s": alone_s,
            "videos": report.indexed,
            "clips": report.clips,
            "calls of the VLM": len(batches),
        },
    )


def main() -> int:
    """Make videos, measure, print the outcome as JSON. A short video goes first, so that imports are not measured."""
    with tempfile.TemporaryDirectory() as folder:
        warm, real = Path(folder) / "warm", Path(folder) / "real"
        make(warm / "0.mp4", 4, FPS, SIZE)
        for number in range(VIDEOS):
            make(real / f"{number}.mp4", SECONDS, FPS, SIZE, seed=number)
        measure(warm)
        print(json.dumps(measure(real).to_dict()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
