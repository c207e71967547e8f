"""An archive that was exported and taken in elsewhere: indexing goes on from it, with the videos or without them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lvqa.errors import UsageError
from lvqa.eval.lab.snapshot import differences, snapshot
from lvqa.indexers import run_index
from lvqa.models.fake import FakeVision
from lvqa.settings import Settings
from lvqa.store import Store, export_archive, imported_video_ids, merge_export

RED, GREEN, BLUE = (255, 0, 0), (0, 160, 0), (0, 0, 255)


@pytest.fixture
def moved(kit: Any, shots: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three indexed videos, exported, and taken into an empty index in `tmp_path/moved`."""
    monkeypatch.setattr("lvqa.store.exchange.part_folder.os.fsync", lambda fd: None)
    kit.settings["summaries"] = "extractive"
    shots("a.mp4", (RED, 5), (GREEN, 5))
    shots(os.fsdecode(b"b\xff.mp4"), (BLUE, 6))
    shots("c.mp4", (GREEN, 4), (RED, 4))
    (kit.folder / "broken.mp4").write_bytes(b"nothing")
    kit.run()
    with kit.store() as store:
        export_archive(store, tmp_path / "export")
    with Store.open(tmp_path / "moved", write=True) as store:
        merge_export(store, tmp_path / "export")
    kit.vision = FakeVision()
    return tmp_path / "moved"


def index(kit: Any, folder: Path, index_dir: Path) -> Any:
    folder.mkdir(exist_ok=True)
    with Store.open(index_dir, write=True) as store:
        return run_index(folder, store, kit.models(), Settings(**kit.settings))


def test_the_same_folder_has_nothing_to_do(kit: Any, moved: Path):
    assert differences(snapshot(kit.index_dir), snapshot(moved)) == []
    report = index(kit, kit.folder, moved)
    assert (report.indexed, report.unchanged, report.removed, len(report.failed)) == (0, 3, [], 1)
    assert kit.looked() == report.clips == report.notes == report.embeddings == 0
    assert differences(snapshot(kit.index_dir), snapshot(moved)) == []
    with Store.open(moved) as store:
        assert imported_video_ids(store) == frozenset()  # they are here


def test_without_the_videos_nothing_is_lost(kit: Any, moved: Path, tmp_path: Path):
    for _ in range(2):
        report = index(kit, tmp_path / "empty", moved)
        assert (report.indexed, report.removed, report.clips) == (0, [], 0)
    held = snapshot(moved)
    assert held.vectors.keys() == snapshot(kit.index_dir).vectors.keys()
    assert {row[0] for row in held.tables["videos"]} == {row[0] for row in snapshot(kit.index_dir).tables["videos"]}
    with Store.open(moved) as store:
        assert [hit for hit, _ in store.notes.search("blue", 1)]


def test_a_video_that_appears_is_known(kit: Any, moved: Path, tmp_path: Path, shots: Callable[..., Path]):
    elsewhere_folder = tmp_path / "there"
    elsewhere_folder.mkdir()
    shutil.copy(kit.folder / "a.mp4", elsewhere_folder / "renamed.mp4")
    shutil.copy(shots("new.mp4", (RED, 4)), elsewhere_folder / "c.mp4")  # the name of another
    report = index(kit, elsewhere_folder, moved)
    assert (report.indexed, report.unchanged, report.removed, report.failed) == (1, 1, [], [])
    assert kit.looked() == 1  # the new one
    with Store.open(moved) as store:
        known = {video.id: video.path for video in store.videos.all()}
        (first,) = [name for name, path in known.items() if path == "renamed.mp4"]
        assert len(known) == 4
        assert len(imported_video_ids(store)) == 2
        assert first not in imported_video_ids(store)
        assert store.files.get("a.mp4") is None
    # From now on it is like any other: gone is gone.
    (elsewhere_folder / "renamed.mp4").unlink()
    report = index(kit, elsewhere_folder, moved)
    assert report.removed == ["renamed.mp4"]
    with Store.open(moved) as store:
        assert store.videos.get(first) is None
        assert len(store.videos.all()) == 3


def test_an_open_job_goes_on_there(kit: Any, shots: Callable[..., Path], tmp_path: Path, monkeypatch):
    monkeypatch.setattr("lvqa.store.exchange.part_folder.os.fsync", lambda fd: None)
    shots("a.mp4", *[(RED, 4), (GREEN, 4), (BLUE, 4), (RED, 4)])
    kit.vision = FakeVision(lambda request, left=[2]: 1 / 0 if (left.append(left.pop() - 1) or left[0] < 0) else "seen")
    assert len(kit.run().failed) == 1
    with kit.store() as store:
        export_archive(store, tmp_path / "export")
    with Store.open(tmp_path / "moved", write=True) as store:
        merge_export(store, tmp_path / "export")
    kit.vision = FakeVision("seen")
    assert index(kit, kit.folder, tmp_path / "moved").indexed == 1
    assert kit.looked() == 2
    kit.vision = FakeVision("seen")
    kit.run()
    assert differences(snapshot(kit.index_dir), snapshot(tmp_path / "moved")) == []


def test_a_folder_that_lost_its_videos_still_says_so(kit: Any, moved: Path):
    """What was here once is not elsewhere: an empty mount point must not look like an import."""
    index(kit, kit.folder, moved)
    for path in kit.folder.iterdir():
        path.unlink()
    with pytest.raises(UsageError, match="is the disk mounted"):
        index(kit, kit.folder, moved)
