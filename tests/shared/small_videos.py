"""Small real videos, archives indexed with fakes, and the command line run in this process, as fixtures.

A room's conftest takes those that it wants, as it does those of `kitchen.py`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lvqa import Archive
from lvqa.cli import main
from lvqa.demo_footage import text_card
from lvqa.eval.lab.footage_writer import write_video
from lvqa.models.profiles import Models

LIGHT = ("--profile", "text", "--ocr", "none", "--asr", "none", "--embedder", "none")


def video(path: Path, *cards: str, said: Sequence[tuple[float, float, str]] = (), card_s: int = 2) -> Path:
    frames = [text_card(text, (160, 90)) for text in cards or ("card",) for _ in range(card_s * 4)]
    write_video(path, frames, fps=4)
    if said:
        times = [[f"00:00:{t:06.3f}".replace(".", ",") for t in (start, end)] for start, end, _ in said]
        cues = [f"{n}\n{a} --> {b}\n{said[n][2]}\n" for n, (a, b) in enumerate(times)]
        path.with_suffix(".srt").write_text("\n".join(cues))
    return path


@pytest.fixture(scope="session")
def make_video() -> Callable[..., Path]:
    return video


@pytest.fixture
def light() -> tuple[str, ...]:
    """Options that make a command load no model at all."""
    return LIGHT


@dataclass
class Done:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def lvqa(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run a command line in this process."""

    def run(*argv: str | Path) -> Done:
        capsys.readouterr()
        status = main([str(a) for a in argv])
        captured = capsys.readouterr()
        return Done(status, captured.out, captured.err)

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two videos with speech."""
    place = tmp_path / "videos"
    place.mkdir()
    video(
        place / "kitchen.mp4", "red", "blue", "green",
        said=[(0, 2, "She opens the fridge."), (2, 4, "She takes out a carton of milk."), (4, 6, "She pours a glass.")],
    )  # fmt: skip
    video(place / "garden.mp4", "one", "two", said=[(0.5, 2, "The dog digs up a bone."), (2, 3.5, "A cat watches.")])
    return place


@pytest.fixture
def models() -> Models:
    from lvqa.models.fake import FakeEmbedder

    return Models.of(embedder=FakeEmbedder())


@pytest.fixture
def archive(folder: Path, models: Models) -> Archive:
    """The folder, indexed."""
    made = Archive(folder, models=models, profile="text")
    made.index()
    return made


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own are closed to others, by every run of it anew."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)
