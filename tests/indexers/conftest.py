"""Small real videos, fakes that see and read them, and the rows of a store as plain values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvqa.eval.lab.footage_writer import write_video
from lvqa.indexers import IndexReport, read_digest, run_index
from lvqa.models.base import Frame, Utterance
from lvqa.models.fake import FakeEmbedder, FakeImageEmbedder, FakeReader, FakeTranscriber, FakeVision
from lvqa.models.profiles import Models
from lvqa.settings import Settings
from lvqa.store import Store
from lvqa.types import LEVELS

RED, GREEN, BLUE, GREY = (255, 0, 0), (0, 160, 0), (0, 0, 255), (128, 128, 128)
_BITS = 12


def flat(colour: tuple[int, int, int], size: tuple[int, int] = (64, 48)) -> Frame:
    return np.full((size[1], size[0], 3), colour, np.uint8)


def counter_frame(number: int, colour: tuple[int, int, int] = GREEN, size: tuple[int, int] = (96, 64)) -> Frame:
    """A frame whose number stands in it as a row of black and white blocks, which survive any codec."""
    frame = flat(colour, size)
    for bit in range(_BITS):
        frame[8:16, 8 * bit : 8 * bit + 8] = 255 if number >> bit & 1 else 0
    return frame


def read_counter(frame: Frame) -> str:
    """What a counter frame shows, as a time code."""
    if frame.shape[1] < 8 * _BITS:
        return ""
    bits = [frame[10:14, 8 * bit + 2 : 8 * bit + 6].mean() > 128 for bit in range(_BITS)]
    number = sum(1 << bit for bit, lit in enumerate(bits) if lit)
    return f"01:00:{number // 60:02d}:{number % 60:02d}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    folder.mkdir()
    return folder


@pytest.fixture
def shots(folder: Path) -> Callable[..., Path]:
    """Write a video of plain shots: (colour, seconds) each, 4 frames a second."""

    def make(name: str, *shots: tuple[tuple[int, int, int], float], **more: Any) -> Path:
        frames = (flat(colour) for colour, seconds in shots for _ in range(round(seconds * 4)))
        return write_video(folder / name, frames, fps=4, **more)

    return make


@pytest.fixture
def counter(folder: Path) -> Callable[..., Path]:
    """Write a video that shows each second's number, 2 frames a second."""

    def make(name: str, seconds: int, colour: tuple[int, int, int] = GREEN, **more: Any) -> Path:
        frames = (counter_frame(k // 2, colour) for k in range(2 * seconds))
        return write_video(folder / name, frames, fps=2, **more)

    return make


class Kit:
    """The fakes of a test, and the runs it makes with them."""

    def __init__(self, folder: Path, index_dir: Path) -> None:
        self.folder = folder
        self.index_dir = index_dir
        # The levels above clips have tests of their own.
        self.settings: dict[str, Any] = {"clip_max_s": 4.0, "clip_batch": 2, "summaries": "none"}
        self.chat: Any = None
        self.vision: Any = FakeVision()
        self.ocr: Any = FakeReader(read_counter)
        self.embedder: Any = FakeEmbedder()
        self.image_embedder: Any = FakeImageEmbedder()
        self.asr: Any = None

    def hear(self, *utterances: tuple[float, float, str]) -> None:
        from lvqa.types import Span

        self.asr = FakeTranscriber([Utterance(Span(a, b), text) for a, b, text in utterances])

    def models(self) -> Models:
        return Models.of(
            vision=self.vision,
            embedder=self.embedder,
            image_embedder=self.image_embedder,
            ocr=self.ocr,
            asr=self.asr,
            chat=self.chat,
        )

    def run(self, **more: Any) -> IndexReport:
        with self.store(write=True) as store:
            return run_index(self.folder, store, self.models(), Settings(**self.settings), **more)

    def store(self, *, write: bool = False) -> Store:
        return Store.open(self.index_dir, write=write)

    def looked(self) -> int:
        """Clips that the vision model was shown."""
        return sum(len(call) for call in self.vision.calls)

    def rows(self) -> dict[str, Any]:
        return rows_of(self.index_dir)


def rows_of(index_dir: Path) -> dict[str, Any]:
    """Everything in an index that follows from the videos, in an order that does not depend on how it came there."""
    with Store.open(index_dir) as store:
        models = store.counts()["models"]
        videos = store.videos.all()
        notes = store.notes.select()
        return {
            "videos": videos,
            "files": [(f.path, f.video_id) for f in store.files.all()],
            "clips": [c for v in videos for level in LEVELS for c in store.clips.of(v.id, level)],
            "digest": read_digest(store),
            "notes": notes,
            "jobs": store.jobs.all(),
            "vectors": {
                n.id: store.vectors.of(m, [n.id]).tobytes()
                for m in models
                if m.startswith("fake:embedder")
                for n in notes
                if n not in store.vectors.missing(m)
            },
            "frames": {(m, v.id): [a.tobytes() for a in store.frames.of(m, v.id)] for m in models for v in videos},
        }


@pytest.fixture
def kit(folder: Path, tmp_path: Path) -> Kit:
    return Kit(folder, tmp_path / "index")
