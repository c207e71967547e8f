from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lvqa.errors import StoreError
from lvqa.eval.lab.snapshot import differences, snapshot
from lvqa.store import JobRow, Store
from lvqa.types import Clip, Note, Span, Video


def _write(
    index: Path, *, text: str = "a red kettle", tilt: float = 0.0, notes: int = 2, progress_s: float = 8.0
) -> Path:
    video = Video("v", "a.mp4", "hash", 8.0)
    clip = Clip.of("v", Span(0, 8))
    with Store.open(index, write=True) as store, store.atomic():
        store.videos.put(video)
        store.files.put("a.mp4", "v", 10, 20)
        store.clips.put([clip])
        made = [Note(f"n{i}", "v", clip.id, Span(i, i + 1), text, "caption", "fake") for i in range(notes)]
        store.notes.put(made)
        vector = np.array([[1.0, tilt, 0.0]], np.float32)
        store.vectors.put("fake:e", ["n0"], vector)
        store.frames.put("fake:i", "v", [0.0, 1.0], np.eye(2, dtype=np.float32))
        store.jobs.put(JobRow("v", "a.mp4", "caption", "key", "done", progress_s))
    return index


def test_the_same_work_is_the_same_whatever_the_order(tmp_path: Path):
    first = snapshot(_write(tmp_path / "a"))
    assert len(first) == 1 + 1 + 1 + 2 + 1 + 3
    assert differences(first, snapshot(_write(tmp_path / "b"))) == []


def test_a_rounding_error_is_no_difference(tmp_path: Path):
    assert differences(snapshot(_write(tmp_path / "a")), snapshot(_write(tmp_path / "b", tilt=1e-7))) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"text": "a blue kettle"}, "notes: 2 missing"),
        ({"notes": 1}, "notes: 1 missing"),
        ({"notes": 3}, "notes: 1 too many"),
        ({"tilt": 0.1}, "vectors: another one of ('note', 'fake:e', 'n0')"),
        ({"progress_s": 4.0}, "jobs: 1 missing"),
    ],
)
def test_every_change_is_told(tmp_path: Path, change: dict[str, object], said: str):
    lines = differences(snapshot(_write(tmp_path / "a")), snapshot(_write(tmp_path / "b", **change)))
    assert any(said in line for line in lines), lines


def test_no_index_is_an_error(tmp_path: Path):
    with pytest.raises(StoreError, match="no index"):
        snapshot(tmp_path)
