"""Peak memory of indexing a 60-minute video, over that of a 10-minute one, each in a process of its own.

Every stage is on (frames, captions, screen text, speech, embeddings), with fakes that keep nothing of what they see.
Peak memory is the resident set at its largest, as the kernel counted it (`ru_maxrss`); medians of runs in turn, because
what a heap keeps back varies. With real models, which weigh far more and weigh the same, the ratio is nearer to one.
"""

from __future__ import annotations

import json
import resource
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lvqa.eval.lab.bench.footage import panning
from lvqa.eval.lab.bench.outcome import BenchOutcome, run_child
from lvqa.models.base import VisionRequest
from lvqa.models.fake import FakeEmbedder, FakeImageEmbedder, FakeReader, FakeTranscriber, FakeVision
from lvqa.types import Span

BOUND = 1.1
MINUTES = (10, 60)
ROUNDS = 3
FPS = 4
SIZE = (256, 144)
_MIB = 2**20


class ForgetfulVision(FakeVision):
    """A fake VLM that does not record its requests: their frames would be counted as the pipeline's."""

    def generate(self, requests: Sequence[VisionRequest]) -> list[str]:
        """As FakeVision, with nothing kept."""
        replies = super().generate(requests)
        self.calls.clear()
        return replies


def make_video(path: Path, minutes: float) -> Path:
    """Write a video with picture and silent sound."""
    from lvqa.eval.lab.footage_writer import write_video

    silence = np.zeros(round(minutes * 60 * 16000), dtype=np.float32)
    options = {"preset": "ultrafast", "crf": "30"}
    frames = panning(minutes * 60, FPS, SIZE)
    return write_video(path, frames, fps=FPS, gop=10 * FPS, options=options, audio=silence)


def index(folder: Path) -> dict[str, float]:
    """Index a folder in this process; returns its peak memory in MiB, before and after, and what was written."""
    from lvqa.indexers import run_index
    from lvqa.models.base import Utterance
    from lvqa.models.profiles import Models
    from lvqa.settings import Settings
    from lvqa.store import Store

    said = [Utterance(Span(10.0 * n, 10.0 * n + 4), f"this is sentence number {n}") for n in range(6 * max(MINUTES))]
    models = Models.of(
        vision=ForgetfulVision(),
        embedder=FakeEmbedder(dim=384),
        image_embedder=FakeImageEmbedder(dim=768),
        ocr=FakeReader("a sign"),
        asr=FakeTranscriber(said),
    )
    before_mib = peak_mib()
    with Store.open(folder / ".lvqa", write=True) as store:
        report = run_index(folder, store, models, Settings.load())
    return {"before_mib": before_mib, "peak_mib": peak_mib(), "clips": report.clips, "notes": report.notes}


def peak_mib() -> float:
    """The largest resident set that this process has had, in MiB."""
    # Linux counts in KiB, macOS in bytes. The pipeline runs in threads: there are no children to count.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / _MIB


def measure() -> BenchOutcome:
    """Index both videos in turn, each time in a fresh process, and compare the medians of their peaks."""
    runs: dict[int, list[dict[str, float]]] = {minutes: [] for minutes in MINUTES}
    with tempfile.TemporaryDirectory() as folder:
        paths = {minutes: make_video(Path(folder) / str(minutes) / "video.mp4", minutes) for minutes in MINUTES}
        for _ in range(ROUNDS):
            for minutes, path in paths.items():
                shutil.rmtree(path.parent / ".lvqa", ignore_errors=True)
                runs[minutes].append(run_child("lvqa.eval.lab.bench.memory", "--index", str(path.parent)))
    peaks = {minutes: statistics.median(run["peak_mib"] for run in done) for minutes, done in runs.items()}
    last = runs[MINUTES[1]][-1]
    facts: dict[str, Any] = {f"{minutes} minutes, MiB": [r["peak_mib"] for r in done] for minutes, done in runs.items()}
    facts |= {"before indexing, MiB": last["before_mib"], "clips": last["clips"], "notes": last["notes"]}
    what = f"peak memory of indexing {MINUTES[1]} minutes, over that of {MINUTES[0]} minutes"
    return BenchOutcome("memory", what, peaks[MINUTES[1]] / peaks[MINUTES[0]], BOUND, "at most", facts=facts)


def main(arguments: Sequence[str]) -> int:
    """Measure and print the outcome as JSON; with `--index FOLDER`, be the process that is measured."""
    if arguments[:1] == ["--index"]:
        print(json.dumps(index(Path(arguments[1]))))
    else:
        print(json.dumps(measure().to_dict()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
