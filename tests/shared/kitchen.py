"""A small archive made through the Store's own calls, with a real video beside it, as fixtures.

`pythonpath` in pyproject.toml puts this folder where conftests find it; a room's conftest takes the fixtures it wants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvqa.eval.lab.footage_writer import write_video
from lvqa.models.fake import COLOURS, FakeEmbedder
from lvqa.store import Store, note_id
from lvqa.types import Note, Span, Video

# (video id, path, seconds)
VIDEOS = (("v-kitchen", "kitchen.mp4", 24.0), ("v-code", "code.mp4", 40.0), ("v-film", "film.webm", 60.0))
# kitchen.mp4 shows these colours, six seconds each; its captions say so.
SCENES = ("red", "green", "blue", "yellow")
CAPTIONS = (
    "a woman opens the fridge and lifts out a milk carton, the wall is red",
    "she pours milk into a glass beside a green towel",
    "a man in a blue shirt paints a wall",
    "a yellow cat sleeps on the sofa",
)


def make_note(video_id: str, start_s: float, end_s: float, text: str, source: Any = "caption") -> Note:
    span = Span(start_s, end_s)
    return Note(note_id(video_id, source, span, "", "", text), video_id, None, span, text, source)


def notes_of_all() -> list[Note]:
    kitchen = [make_note("v-kitchen", 6 * n, 6 * n + 6, text) for n, text in enumerate(CAPTIONS)]
    said = [make_note("v-kitchen", 7.0, 9.5, "mind the hot stove, it burns", "speech")]
    code = [make_note("v-code", s, s + 1, f"01:00:{s:02d}:00", "screen") for s in range(40)]
    film = [
        make_note("v-film", 0, 12, "a meadow with trees under a clear sky"),
        make_note("v-film", 6, 9, "THE PEACH OPEN MOVIE PROJECT\nPRESENTS", "screen"),
        make_note("v-film", 14, 17, "BIG BUCK\nBUNNY", "screen"),
        make_note("v-film", 17, 20, "BIG BUCK BUNNY", "screen"),
        make_note("v-film", 30, 31, "|l1 ~x", "screen"),
    ]
    return kitchen + said + code + film


@pytest.fixture(scope="session")
def kitchen_mp4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("media") / "kitchen.mp4"
    frames = [np.full((48, 64, 3), COLOURS[colour], np.uint8) for colour in SCENES for _ in range(24)]
    return write_video(path, frames, fps=4)


@pytest.fixture
def embedder() -> FakeEmbedder:
    return FakeEmbedder(256)


@pytest.fixture
def folder(tmp_path: Path, kitchen_mp4: Path) -> Path:
    (tmp_path / "kitchen.mp4").write_bytes(kitchen_mp4.read_bytes())
    return tmp_path


@pytest.fixture
def fill() -> Callable[..., None]:
    """Write notes, and their vectors where an embedder is given, as one transaction."""

    def write(store: Store, notes: Sequence[Note], embedder: FakeEmbedder | None, videos: Any = VIDEOS) -> None:
        with store.atomic():
            for video_id, path, seconds in videos:
                store.videos.put(Video(video_id, path, video_id, seconds))
            store.notes.put(notes)
            if embedder is not None:
                vectors = embedder.encode_document([note.text for note in notes])
                store.vectors.put(embedder.name, [note.id for note in notes], vectors)

    return write


@pytest.fixture
def store(folder: Path, embedder: FakeEmbedder, fill: Callable[..., None]) -> Iterator[Store]:
    with Store.open(folder / ".lvqa", write=True) as made:
        fill(made, notes_of_all(), embedder)
        yield made


@pytest.fixture
def note() -> Callable[..., Note]:
    return make_note
