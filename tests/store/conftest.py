"""An empty index to write to, and rows to put into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lvqa.store import Store, note_id
from lvqa.types import Clip, Note, Source, Span, Video


class Make:
    """Small rows, told apart by little."""

    def video(self, name: str = "a", duration_s: float = 100.0) -> Video:
        return Video(name, f"{name}.mp4", f"hash-{name}", duration_s, 640, 360, 29.97, "h264", True)

    def clip(self, video: str = "a", start_s: float = 0.0, length_s: float = 4.0, level: str = "clip") -> Clip:
        return Clip.of(video, Span(start_s, start_s + length_s), level)  # type: ignore[arg-type]

    def note(
        self,
        text: str,
        video: str = "a",
        start_s: float = 0.0,
        length_s: float = 4.0,
        source: Source = "caption",
        clip: Clip | None = None,
    ) -> Note:
        span = clip.span if clip is not None else Span(start_s, start_s + length_s)
        made_by = ("fake:vlm", "p1") if source == "caption" else ("", "")
        return Note(
            note_id(video, source, span, *made_by, text), video, clip.id if clip else None, span, text, source, *made_by
        )

    def vectors(self, n: int, dim: int = 8, seed: int = 0) -> np.ndarray:
        rows = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def filled(self, store: Store, videos: int = 3, notes: int = 20, dim: int = 8, model: str = "emb") -> list[Note]:
        """Videos v0, v1, ... with a captioned clip every 4 s, a vector for each note and one a second."""
        every: list[Note] = []
        with store.atomic():
            for v in range(videos):
                store.videos.put(self.video(f"v{v}"))
                store.files.put(f"v{v}.mp4", f"v{v}", 10, 20)
                clips = [self.clip(f"v{v}", 4.0 * i) for i in range(notes)]
                texts = [f"thing{i % 7} number{i} of video{v}" for i in range(notes)]
                own = [self.note(text, f"v{v}", clip=clip) for text, clip in zip(texts, clips, strict=True)]
                store.clips.put(clips)
                store.notes.put(own)
                store.vectors.put(model, [note.id for note in own], self.vectors(notes, dim, seed=v))
                times = [float(t) for t in range(notes)]
                store.frames.put("img", f"v{v}", times, self.vectors(notes, dim, seed=100 + v))
                every += own
        return every


@pytest.fixture
def make() -> Make:
    return Make()


@pytest.fixture
def index_dir(tmp_path: Path) -> Path:
    return tmp_path / "videos" / ".lvqa"


@pytest.fixture
def store(index_dir: Path) -> Iterator[Store]:
    with Store.open(index_dir, write=True) as opened:
        yield opened


@pytest.fixture(params=["faiss", "numpy"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Search through FAISS, and as if it were not installed; both without the short cut for few rows."""
    monkeypatch.setattr("lvqa.store.search.vector_bank.FEW", 0)
    if request.param == "numpy":
        monkeypatch.setattr("lvqa.store.search.vector_index.faiss_installed", lambda: False)
    else:
        pytest.importorskip("faiss")
    return str(request.param)
