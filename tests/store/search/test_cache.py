"""The FAISS files may vanish, break or go stale at any time; search is right all the same."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from lvqa.store import Store
from lvqa.store.search.vector_cache import CacheFile

pytest.importorskip("faiss")


@pytest.fixture
def saved(index_dir: Path, make) -> Path:
    """An index with its caches written."""
    with Store.open(index_dir, write=True) as store:
        make.filled(store, videos=3, notes=40)
        search(store, make)
    return index_dir


def search(store: Store, make) -> list[object]:
    query = make.vectors(1, seed=9)[0]
    return [store.vectors.search("emb", query, 15), store.frames.search("img", query, 15)]


@pytest.fixture
def wanted(saved: Path, make, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What search gives without any cache."""
    with monkeypatch.context() as patch:
        patch.setattr("lvqa.store.search.vector_index.faiss_installed", lambda: False)
        with Store.open(saved) as store:
            return search(store, make)


def file_of(index_dir: Path, kind: str = "notes", model: str = "emb") -> CacheFile:
    return CacheFile(index_dir, kind, model)


def test_the_cache_is_used_when_it_is_right(saved, make, wanted, monkeypatch):
    monkeypatch.setattr("lvqa.store.search.vector_index.VectorIndex._append_new", lambda self: 0)
    with Store.open(saved) as store:
        assert search(store, make) == wanted


def delete(file: CacheFile) -> None:
    file.path.unlink()


def delete_sidecar(file: CacheFile) -> None:
    file.sidecar.unlink()


def delete_folder(file: CacheFile) -> None:
    shutil.rmtree(file.path.parent)


def truncate(file: CacheFile) -> None:
    os.truncate(file.path, file.path.stat().st_size // 2)


def empty(file: CacheFile) -> None:
    os.truncate(file.path, 0)


def garbage(file: CacheFile) -> None:
    file.path.write_bytes(os.urandom(file.path.stat().st_size))


def one_bit(file: CacheFile) -> None:
    raw = bytearray(file.path.read_bytes())
    raw[len(raw) // 2] ^= 4
    file.path.write_bytes(raw)


def garbage_that_is_vouched_for(file: CacheFile) -> None:
    import hashlib

    raw = file.path.read_bytes()[:40] + os.urandom(500)
    about = json.loads(file.sidecar.read_text())
    file.path.write_bytes(raw)
    file.sidecar.write_text(json.dumps({**about, "bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}))


def broken_sidecar(file: CacheFile) -> None:
    file.sidecar.write_text("[1, 2")


def list_sidecar(file: CacheFile) -> None:
    file.sidecar.write_text("[1, 2]")


def of_another_model(file: CacheFile) -> None:
    other = CacheFile(file.path.parent.parent, "frames", "img")
    shutil.copy(other.path, file.path)
    shutil.copy(other.sidecar, file.sidecar)


def a_folder_in_its_place(file: CacheFile) -> None:
    file.path.unlink()
    file.path.mkdir()


@pytest.mark.parametrize(
    "harm",
    [
        delete,
        delete_sidecar,
        delete_folder,
        truncate,
        empty,
        garbage,
        one_bit,
        garbage_that_is_vouched_for,
        broken_sidecar,
        list_sidecar,
        of_another_model,
        a_folder_in_its_place,
    ],
)
def test_a_harmed_cache_changes_nothing(saved, make, wanted, harm):
    harm(file_of(saved))
    with Store.open(saved) as store:
        assert search(store, make) == wanted
    with Store.open(saved) as store:
        assert search(store, make) == wanted


def test_a_harmed_cache_is_mended(saved, make, wanted):
    truncate(file_of(saved))
    with Store.open(saved) as store:
        search(store, make)
    about = json.loads(file_of(saved).sidecar.read_text())
    assert about["bytes"] == file_of(saved).path.stat().st_size


def test_a_cache_from_before_a_change_is_stale(saved, make):
    old = {path: path.read_bytes() for path in (saved / "vectors").iterdir()}
    with Store.open(saved, write=True) as store:
        store.videos.remove("v1")
        ids = [note.id for note in store.notes.select()][:5]
        store.vectors.put("emb", ids, make.vectors(5, seed=77))
        new = search(store, make)
    for path, raw in old.items():
        path.write_bytes(raw)
    with Store.open(saved) as store:
        assert search(store, make) == new
        assert all(note_id in {note.id for note in store.notes.select()} for note_id, _ in new[0])


def test_an_older_database_put_back_beside_a_newer_cache(saved, make, wanted):
    old = (saved / "archive.db").read_bytes()
    with Store.open(saved, write=True) as store:
        ids = [note.id for note in store.notes.select()]
        store.vectors.put("emb", ids, make.vectors(len(ids), seed=5))
        search(store, make)
    (saved / "archive.db").write_bytes(old)
    with Store.open(saved) as store:
        assert search(store, make) == wanted


def test_a_cache_that_cannot_be_written_is_done_without(index_dir, make, monkeypatch):
    import faiss

    def full(*args: object) -> None:
        raise RuntimeError("write error: No space left on device")

    monkeypatch.setattr(faiss, "write_index", full)
    with Store.open(index_dir, write=True) as store:
        make.filled(store)
        assert len(search(store, make)[0]) == 15
    assert list((index_dir / "vectors").iterdir()) == []


def test_caches_of_models_that_are_gone_are_swept(saved, make):
    (saved / "vectors" / "notes-x.faiss.1234.tmp").write_text("half")
    os.utime(saved / "vectors" / "notes-x.faiss.1234.tmp", (0, 0))
    with Store.open(saved, write=True) as store:
        store.vectors.put("new", [note.id for note in store.notes.select()], make.vectors(120))
        store.vectors.drop("new")
        store.vectors.search("new", make.vectors(1)[0], 3)
    left = {path.name for path in (saved / "vectors").iterdir()}
    files = [file_of(saved, "notes", "new"), file_of(saved, "frames", "img")]
    assert left == {path.name for file in files for path in (file.path, file.sidecar)}


def test_a_large_change_is_saved_at_once(index_dir, make, monkeypatch):
    monkeypatch.setattr("lvqa.store.search.vector_index.LARGE", 50)
    with Store.open(index_dir, write=True) as store:
        make.filled(store)
        search(store, make)
        assert file_of(index_dir).sidecar.exists()
