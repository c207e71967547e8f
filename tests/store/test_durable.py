"""What must be on the disk before something else may count on it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lvqa.store import Store
from lvqa.store.search.bundle import Subject, checked, writing

_FULL = 2


def test_every_commit_is_synced(store: Store, index_dir: Path):
    assert store.connections.value("PRAGMA synchronous") == _FULL
    with Store.open(index_dir) as reader:
        assert reader.connections.value("PRAGMA synchronous") == _FULL


def test_index_files_are_flushed_before_they_take_their_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    done: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def flushed(fd: int) -> None:
        done.append(Path(os.readlink(f"/proc/self/fd/{fd}")).name)  # noqa: PTH115
        fsync(fd)

    def renamed(path: Path, target: Path) -> Path:
        done.append("renamed")
        return rename(path, target)

    if not Path("/proc/self/fd").exists():
        pytest.skip("open files have no names here")
    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "rename", renamed)
    subject = Subject("notes", "m")
    with writing(tmp_path, subject) as draft:
        (draft.folder / "data").write_bytes(b"x" * 1000)
    assert sorted(done[:-1]) == sorted(["data", "manifest.json", draft.folder.name])
    assert done[-1] == "renamed"
    assert done[-2] == draft.folder.name  # after its files: their names are in it
    assert checked(tmp_path, subject, draft.stamp, {}) is not None
