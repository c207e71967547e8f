"""Readers beside a writer: what a reader takes for torn, and a short run of several processes."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from lvqa.eval.lab.torture import readers, stamps
from lvqa.eval.lab.torture.stamps import STAMPED, StampReader, stamp, stamped_video
from lvqa.store import Store


@pytest.fixture
def index_dir(tmp_path: Path) -> Path:
    (tmp_path / "videos").mkdir()
    with Store.open(tmp_path / "index", write=True) as store:
        for number in range(STAMPED):
            stamp(store, number, 7)
    return tmp_path / "index"


def _read(index_dir: Path, times: int = 40) -> stamps.StampsSeen:
    reader = StampReader(index_dir, index_dir.parent / "videos", random.Random(5))
    for _ in range(times):
        reader.read()
    return reader.seen


def test_whole_generations_are_no_tear(index_dir: Path):
    with Store.open(index_dir, write=True) as store:
        stamp(store, 1, 123)  # in the stretch of time that generation 23 had
        store.videos.remove(stamped_video(2).id)
        seen = _read(index_dir, 60)
    assert (seen.reads, seen.errors, seen.torn) == (60, [], [])
    assert 1 < seen.changes <= 4


@pytest.mark.parametrize("lost", ["note", "frame", "clip", "vector"])
def test_half_a_generation_is_a_tear(index_dir: Path, lost: str):
    with Store.open(index_dir, write=True) as store:
        note = next(note for note in store.notes.select() if note.video_id == stamped_video(3).id)
        if lost == "note":
            store.notes.delete([note.id])
        elif lost == "frame":
            with store.atomic():
                store.connections.write("DELETE FROM frames WHERE n = (SELECT max(n) FROM frames)")
        elif lost == "clip":
            assert note.clip_id is not None
            store.clips.delete([note.clip_id])
        else:
            with store.atomic():
                store.connections.write("DELETE FROM embeddings WHERE n = (SELECT max(n) FROM embeddings)")
    seen = _read(index_dir)
    assert seen.errors == []
    assert seen.torn


def test_two_generations_at_once_are_a_tear(index_dir: Path):
    with Store.open(index_dir, write=True) as store:
        old = [note for note in store.notes.select() if note.video_id == stamped_video(0).id]
        stamp(store, 0, 8)
        store.clips.put([stamps.Clip(str(n.clip_id), n.video_id, n.span) for n in old])
        store.notes.put(old)
    assert any("generations" in problem for problem in _read(index_dir).torn)


def test_what_cannot_be_read_is_an_error(index_dir: Path):
    (index_dir / "archive.db").write_bytes(b"no database at all" * 100)
    seen = _read(index_dir, 3)
    assert len(seen.errors) == 3
    assert "StoreError" in seen.errors[0]


@pytest.mark.slow
def test_readers_beside_a_writer(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(readers, "SHORT_READERS", 2)
    monkeypatch.setattr(readers, "SHORT_SECONDS", 3.0)
    checks = readers.run(short=True, seed=2, say=lambda _: None)
    assert [check.problems for check in checks] == [[], [], [], []]
    assert all(check.ok for check in checks)
    assert "2 readers, 3 s" in checks[0].detail


def test_a_reader_that_dies_is_told_of():
    class Dead:
        def result(self) -> object:
            raise readers.LvqaError("a process ended with status 9 and said nothing")

    problems: list[str] = []
    assert readers._results([Dead()], problems) == []  # type: ignore[list-item]
    assert problems == ["a process ended with status 9 and said nothing"]
