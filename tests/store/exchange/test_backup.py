"""Copies of a live archive: whole, of one moment, never of damage, and never half."""

from __future__ import annotations

import importlib.util
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import lvqa.store.exchange.backup as module
from lvqa.errors import StoreError, StoreVersionError, UsageError
from lvqa.eval.lab.snapshot import differences, snapshot
from lvqa.store import Store, check_index
from lvqa.store.exchange.backup import backup
from lvqa.store.health.check import damage

WRITER = """
import sys, pathlib
from lvqa.store import Store
from lvqa.types import Note, Span
import numpy as np
with Store.open(pathlib.Path(sys.argv[1]), write=True) as store:
    k = 0
    while True:
        with store.atomic():
            notes = [Note(f"w{k}-{i}", "v0", None, Span(k, k + 1), "text " * 400, "seen") for i in range(7)]
            store.notes.put(notes)
            store.vectors.put("emb", [n.id for n in notes], np.ones((7, 8), np.float32))
        k += 1
        if k in (3, 200):
            print("begun", flush=True)
"""


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy disk takes its time to sync."""
    monkeypatch.setattr("lvqa.store.exchange.part_folder.os.fsync", lambda fd: None)


@pytest.fixture
def filled(index_dir: Path, make) -> Path:
    with Store.open(index_dir, write=True) as store:
        make.filled(store)
    return index_dir


def test_a_copy_has_all_rows_and_serves_as_an_archive(filled: Path, tmp_path: Path):
    (filled / "settings.toml").write_text('profile = "text"\n')
    (filled / "settings.toml").chmod(0o600)
    chats = sqlite3.connect(filled / "chats.db")
    chats.execute("CREATE TABLE said (text)")
    chats.execute("INSERT INTO said VALUES ('hello')")
    chats.commit()
    steps: list[tuple[int, int]] = []
    report = backup(filled, tmp_path / "deep" / "copy", on_step=lambda left, total: steps.append((left, total)))
    copy = tmp_path / "deep" / "copy"
    assert report.files == ("archive.db", "commits", "chats.db", "settings.toml")
    assert sorted(path.name for path in copy.iterdir()) == sorted(report.files)
    assert report.bytes == sum(path.stat().st_size for path in copy.iterdir())
    assert steps[-1][0] == 0
    assert steps[-1][1] == (copy / "archive.db").stat().st_size // 16384
    assert differences(snapshot(filled), snapshot(copy)) == []
    assert sqlite3.connect(copy / "chats.db").execute("SELECT text FROM said").fetchall() == [("hello",)]
    assert (copy / "settings.toml").stat().st_mode & 0o777 == 0o600
    assert check_index(copy) == []
    with Store.open(copy, write=True) as store:
        assert store.connections.value("PRAGMA journal_mode") == "wal"
        assert store.notes.search("thing0", 3)
        store.videos.remove("v0")
    # And back again, as the README says.
    back = backup(copy, tmp_path / "back")
    assert len(snapshot(Path(back.folder)).tables["videos"]) == 2
    chats.close()


def test_what_is_not_in_the_file_yet_is_in_the_copy(filled: Path, tmp_path: Path, make):
    """The last commits are in the log, and another thread of this process is in the middle of a transaction."""
    with Store.open(filled, write=True) as store:
        store.videos.put(make.video("new"))
        with store.atomic():
            store.videos.put(make.video("half"))
            import threading

            thread = threading.Thread(target=backup, args=(filled, tmp_path / "copy"))
            thread.start()
            thread.join()
    with Store.open(tmp_path / "copy") as copy:
        assert [video.id for video in copy.videos.all()] == ["new", "v0", "v1", "v2"]


def test_one_snapshot_while_another_process_writes(filled: Path, tmp_path: Path, monkeypatch):
    """The writer goes on between the steps, and the copy does not begin again with each of its commits."""
    monkeypatch.setattr(module, "_STEP_PAGES", 1)
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(filled)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "begun\n"
        began: list[int] = []

        def step(left: int, total: int) -> None:
            began.append(total)
            if len(began) == 2:
                assert process.stdout is not None
                process.stdout.readline()  # two hundred commits later

        backup(filled, tmp_path / "copy", on_step=step)
        assert len(set(began)) == 1
        assert len(began) == began[0]
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
    with Store.open(tmp_path / "copy") as copy, Store.open(filled) as grown:
        notes = copy.counts()["notes"]
        assert (notes - 60) % 7 == 0
        assert notes == copy.counts()["embeddings"] <= 60 + 200 * 7
        assert notes < grown.counts()["notes"]
        assert damage(copy.connections.connection) == ""


def test_what_is_there_stays(filled: Path, tmp_path: Path):
    (tmp_path / "copy").mkdir()
    (tmp_path / "file").write_text("mine")
    for name in ("copy", "file"):
        with pytest.raises(UsageError, match="is there already and stays as it is"):
            backup(filled, tmp_path / name)
    with pytest.raises(UsageError, match="is there already"):
        backup(filled, filled)
    assert not list((tmp_path / "copy").iterdir())
    assert not list(tmp_path.glob("*.part"))


def test_there_must_be_an_index(tmp_path: Path):
    with pytest.raises(StoreError, match="run lvqa index"):
        backup(tmp_path / "nothing", tmp_path / "copy")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_no_half_copy(filled: Path, tmp_path: Path, monkeypatch):
    connect = module.connect

    def small(path: Path, options: str) -> sqlite3.Connection:
        connection = connect(path, options)
        if options == "mode=rwc":
            connection.execute("PRAGMA page_size = 16384")
            connection.execute("PRAGMA max_page_count = 9")
        return connection

    monkeypatch.setattr(module, "connect", small)
    with pytest.raises(StoreError, match=r"is full and .*copy was not written; free some space"):
        backup(filled, tmp_path / "copy")
    monkeypatch.undo()
    assert not list(tmp_path.glob("copy*"))
    backup(filled, tmp_path / "copy")


LIMITED = """
import pathlib, resource, signal, sys
from lvqa.errors import StoreError
from lvqa.store.exchange.backup import backup
from lvqa.store import check_index
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    backup(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
except StoreError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
def test_a_disk_that_takes_only_so_much(filled: Path, tmp_path: Path):
    size = (filled / "archive.db").stat().st_size
    for limit in (0, 100_000, size - 1):
        code = [sys.executable, "-c", LIMITED, str(filled), str(tmp_path / "copy"), str(limit)]
        said = subprocess.run(code, capture_output=True, text=True, check=True).stdout.splitlines()
        assert len(said) == 1, said
        assert not list(tmp_path.glob("copy*"))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE notes SET text = 'forged' WHERE n = 5",
        "UPDATE frames SET vector = zeroblob(32) WHERE n = 3",
        "DELETE FROM notes WHERE n = 5",
        "DELETE FROM videos WHERE id = 'v1'",
    ],
)
def test_damaged_rows_are_not_copied(filled: Path, tmp_path: Path, sql: str):
    connection = sqlite3.connect(filled / "archive.db")
    if sql.startswith("DELETE FROM notes"):
        connection.execute("DROP TRIGGER notes_tally_delete")
    connection.execute(sql)
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match=r"is damaged \(.*\), so no copy was made; keep the copies of before"):
        backup(filled, tmp_path / "copy")
    assert not list(tmp_path.glob("copy*"))


def test_damaged_pages_are_not_copied(filled: Path, tmp_path: Path):
    connection = sqlite3.connect(filled / "archive.db")
    root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'notes_filter'").fetchone()[0]
    connection.close()
    with (filled / "archive.db").open("r+b") as file:
        file.seek((root - 1) * 16384)
        file.write(os.urandom(200))
    with pytest.raises(StoreError, match=r"is damaged \(.*\), so no copy was made"):
        backup(filled, tmp_path / "copy")
    assert not list(tmp_path.glob("copy*"))


def test_damaged_chats_are_named(filled: Path, tmp_path: Path):
    (filled / "chats.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match=r"chats.db is damaged"):
        backup(filled, tmp_path / "copy")
    assert not list(tmp_path.glob("copy*"))


def test_an_older_archive_is_copied_as_it_is(tmp_path: Path):
    path = Path(__file__).parents[1] / "test_old_archives.py"
    spec = importlib.util.spec_from_file_location("old_archives", path)
    assert spec is not None
    assert spec.loader is not None
    old = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(old)
    then = old.unpack(tmp_path / "index", 3, killed=True)
    backup(tmp_path / "index", tmp_path / "copy")
    for name in ("index", "copy"):
        connection = sqlite3.connect(tmp_path / name / "archive.db")
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)
        connection.close()
    old.check_rows(tmp_path / "copy", then["rows"])
    with Store.open(tmp_path / "copy", write=True) as store:
        old.check_sound(store)


def test_one_from_the_future_is_refused(filled: Path, tmp_path: Path):
    connection = sqlite3.connect(filled / "archive.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreVersionError, match="update lvqa"):
        backup(filled, tmp_path / "copy")
    assert not list(tmp_path.glob("copy*"))
