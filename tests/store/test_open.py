"""Opening, migrating, and what goes wrong with disks and files."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from lvqa.errors import StoreError, StoreLocked, StoreVersionError
from lvqa.store import Store
from lvqa.store.migrations import MIGRATIONS
from lvqa.store.schema import APPLICATION_ID, SCHEMA_VERSION


def test_reading_needs_an_index(tmp_path: Path):
    with pytest.raises(StoreError, match="run lvqa index"):
        Store.open(tmp_path / ".lvqa", create=False)
    assert not (tmp_path / ".lvqa").exists()


def test_opening_for_reading_makes_an_index_where_told_to(index_dir: Path):
    with Store.open(index_dir) as store:
        assert store.videos.all() == []
        assert store.counts()["schema"] == SCHEMA_VERSION


def test_what_was_written_is_there_again(index_dir: Path, make):
    with Store.open(index_dir, write=True) as store:
        notes = make.filled(store)
    with Store.open(index_dir, create=False) as store:
        assert store.notes.select() == notes


def test_reading_cannot_write(index_dir: Path, make):
    Store.open(index_dir, write=True).close()
    with Store.open(index_dir) as store:
        with pytest.raises(StoreError, match="opened for reading"):
            store.videos.put(make.video())
        with pytest.raises(StoreError, match="read-only"):
            store.connections.rows("DELETE FROM meta RETURNING key")


def test_writing_needs_a_transaction(store: Store):
    with pytest.raises(StoreError, match=r"inside Store\.atomic"):
        store.connections.write("DELETE FROM notes")


def test_a_closed_store_says_so(index_dir: Path):
    store = Store.open(index_dir)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="was closed"):
        store.videos.all()


def test_a_failed_transaction_leaves_nothing(store: Store, make):
    make.filled(store, videos=1)
    before = store.notes.select()

    def fail() -> None:
        with store.atomic():
            store.notes.delete([before[0].id])
            with store.atomic():
                store.videos.put(make.video("new"))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert store.notes.select() == before
    assert len(store.videos.all()) == 1


def test_an_inner_failure_undoes_only_itself_when_it_is_caught(store: Store, make):
    with store.atomic():
        store.videos.put(make.video("a"))
        with pytest.raises(StoreError):
            store.notes.put([make.note("fine"), make.note("not fine", video="nobody")])
        store.videos.put(make.video("b"))
    assert [video.id for video in store.videos.all()] == ["a", "b"]
    assert store.notes.select() == []


def old_index(path: Path, stop_before: str) -> None:
    """An index as the first lvqa made it, with a video, a clip and a note."""
    path.parent.mkdir(parents=True)
    db = Database(path)
    MIGRATIONS.apply(db, stop_before=stop_before)
    db.execute("INSERT INTO videos VALUES (1, 'v', 'v.mp4', 'h', 10, 0, 0, 0, '', 0)")
    db.execute("INSERT INTO clips VALUES (1, 'c', 1, 0, 4, 'clip')")
    db.execute("INSERT INTO notes VALUES (1, 'n', 1, 1, 0, 4, 'clip', 'she opens the fridge', 'caption', 'm', 'p')")
    db.close()


@pytest.mark.parametrize("stop_before", ["m002_full_text", "m003_vectors"])
@pytest.mark.parametrize("write", [True, False])
def test_an_old_index_is_brought_forward(index_dir: Path, make, stop_before, write):
    old_index(index_dir / "archive.db", stop_before)
    with Store.open(index_dir, create=False, write=write) as store:
        assert [note_id for note_id, _ in store.notes.search("opening", 3)] == ["n"]
        assert store.counts()["schema"] == SCHEMA_VERSION
        assert [note.id for note in store.vectors.missing("m")] == ["n"]
    with Store.open(index_dir, write=True) as store:
        store.vectors.put("m", ["n"], make.vectors(1))
        assert store.vectors.search("m", make.vectors(1)[0], 3)[0][0] == "n"


def test_an_old_index_in_use_is_left_alone(index_dir: Path, monkeypatch):
    from lvqa.store.lock.writer import WriterLock

    monkeypatch.setattr("lvqa.store.opening._PATIENCE_S", 0.1)
    old_index(index_dir / "archive.db", "m002_full_text")
    lock = WriterLock(index_dir / "lock")
    lock.acquire()
    with pytest.raises(StoreLocked, match=f"process {os.getpid()}"):
        Store.open(index_dir)
    lock.release()
    Store.open(index_dir).close()


def test_a_migration_that_fails_leaves_the_old_schema(index_dir: Path, monkeypatch):
    old_index(index_dir / "archive.db", "m002_full_text")
    # The second migration cannot make its table.
    db = sqlite3.connect(index_dir / "archive.db")
    db.execute("CREATE TABLE notes_fts (x)")
    db.commit()
    with pytest.raises(StoreError, match="refused an operation"):
        Store.open(index_dir)
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert db.execute("SELECT count(*) FROM notes").fetchone() == (1,)
    db.execute("DROP TABLE notes_fts")
    db.commit()
    db.close()
    Store.open(index_dir).close()


def test_the_version_counts_the_migrations(store: Store):
    assert len(MIGRATIONS.applied(Database(store.connections.connection))) == SCHEMA_VERSION
    assert MIGRATIONS.pending(Database(store.connections.connection)) == []


def test_an_index_from_the_future_is_refused(index_dir: Path):
    Store.open(index_dir).close()
    db = sqlite3.connect(index_dir / "archive.db")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    db.close()
    for write in (False, True):
        with pytest.raises(StoreVersionError, match="update lvqa"):
            Store.open(index_dir, write=write)
    # The lock was given back.
    db = sqlite3.connect(index_dir / "archive.db")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    db.close()
    Store.open(index_dir, write=True).close()


def test_a_foreign_database_is_refused(index_dir: Path):
    index_dir.mkdir(parents=True)
    db = sqlite3.connect(index_dir / "archive.db")
    db.execute("CREATE TABLE theirs (x)")
    db.close()
    with pytest.raises(StoreError, match="no index of lvqa"):
        Store.open(index_dir, write=True)
    assert sqlite3.connect(index_dir / "archive.db").execute("SELECT count(*) FROM theirs").fetchone() == (0,)


def test_an_empty_file_becomes_an_index(index_dir: Path):
    """A kill between the file's creation and its first table leaves one."""
    index_dir.mkdir(parents=True)
    (index_dir / "archive.db").touch()
    with Store.open(index_dir) as store:
        assert store.connections.value("PRAGMA application_id") == APPLICATION_ID
        assert store.connections.value("PRAGMA journal_mode") == "wal"


@pytest.mark.parametrize("raw", [b"not a database at all" * 400, b"SQLite format 3\0" + os.urandom(9000)])
def test_a_file_of_garbage_is_named(index_dir: Path, raw):
    index_dir.mkdir(parents=True)
    (index_dir / "archive.db").write_bytes(raw)
    with pytest.raises(StoreError, match=r"damaged .*; lvqa check --repair saves what can be read"):
        Store.open(index_dir, write=True)


def test_a_truncated_database_is_named(index_dir: Path, make):
    with Store.open(index_dir, write=True) as store:
        make.filled(store, videos=5, notes=40)
    os.truncate(index_dir / "archive.db", 3 * 16384)
    with pytest.raises(StoreError, match=r"damaged|refused|failed"), Store.open(index_dir) as store:
        store.notes.select()


def test_a_full_disk_loses_nothing(store: Store, make):
    notes = make.filled(store, videos=1)
    pages = store.connections.value("PRAGMA page_count")
    store.connections.connection.execute(f"PRAGMA max_page_count = {pages + 1}")

    def fill() -> None:
        with store.atomic():
            store.videos.put(make.video("big"))
            for i in range(1000):
                store.notes.put([make.note(f"{i} " + "long text " * 500, "big", start_s=float(i))])

    with pytest.raises(StoreError, match=r"disk below .* is full; free some space"):
        fill()
    assert store.notes.select() == notes
    assert [video.id for video in store.videos.all()] == ["v0"]
    store.connections.connection.execute("PRAGMA max_page_count = 1000000")
    make.filled(store, videos=2)
    assert len(store.notes.select()) == 40


def test_writing_on_after_a_full_disk_is_refused(store: Store, make):
    """SQLite may roll the whole transaction back by itself; half of it must not be committed then."""

    def lose_it(*then: str) -> None:
        with store.atomic():
            store.videos.put(make.video("a"))
            store.connections.connection.execute("ROLLBACK")
            for name in then:
                store.videos.put(make.video(name))

    for then in ((), ("b",), ("b", "c")):
        with pytest.raises(StoreError, match="rolled back by an earlier error"):
            lose_it(*then)
        assert store.videos.all() == []


READ_ONLY = """
import sys, os, pathlib
sys.path.insert(0, {root!r})
from lvqa.errors import StoreError
from lvqa.store import Store
import filelock, lvqa.store.search.vector_index
os.setgid(65534); os.setuid(65534)
what, folder = sys.argv[1], pathlib.Path(sys.argv[2])
try:
    with Store.open(folder / ".lvqa", write=what == "write") as store:
        print(len(store.notes.select()), len(store.notes.search("thing0", 99)))
except StoreError as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that everybody can reach; pytest's own are closed to others, again and again."""
    folder = Path(tempfile.mkdtemp(prefix="lvqa-test-"))
    folder.chmod(0o755)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)
    shutil.rmtree(folder)


def unprivileged(what: str, folder: Path) -> str:
    """What somebody who may only read is told: nobody where the tests run as root, else who runs them."""
    code = READ_ONLY.format(root=str(Path(__file__).parents[2]))
    if os.geteuid() != 0:
        code = code.replace("os.setgid(65534); os.setuid(65534)", "")
    done = subprocess.run([sys.executable, "-c", code, what, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")


@posix
def test_a_read_only_folder_needs_another_place_for_its_index(shared: Path):
    folder = shared / "films"
    folder.mkdir()
    folder.chmod(0o555)
    said = unprivileged("write", folder)
    assert said.startswith("StoreError not allowed to use")
    assert "--archive DIR" in said


@posix
def test_an_index_on_read_only_media_is_read(shared: Path, make):
    folder = shared / "films"
    with Store.open(folder / ".lvqa", write=True) as store:
        make.filled(store)
    for path in [folder / ".lvqa", folder]:
        path.chmod(0o555)
    for path in (folder / ".lvqa").iterdir():
        path.chmod(0o444)
    assert unprivileged("read", folder) == "60 9\n"
    assert "--archive DIR" in unprivileged("write", folder)


@posix
def test_an_unfinished_log_on_read_only_media_is_not_overlooked(shared: Path, make):
    folder = shared / "films"
    store = Store.open(folder / ".lvqa", write=True)
    make.filled(store)
    copy = shared / "copy"
    shutil.copytree(folder, copy)
    store.close()
    assert (copy / ".lvqa" / "archive.db-wal").stat().st_size > 0
    for name in ("archive.db-shm", "lock"):
        (copy / ".lvqa" / name).unlink(missing_ok=True)
    for path in (copy / ".lvqa").iterdir():
        path.chmod(0o444)
    (copy / ".lvqa").chmod(0o555)
    said = unprivileged("read", copy)
    assert said.startswith("StoreError")


def test_a_folder_that_is_a_file(tmp_path: Path):
    (tmp_path / "x").write_text("")
    with pytest.raises(StoreError, match=r"cannot use .* as an index"):
        Store.open(tmp_path / "x" / ".lvqa")


def test_odd_folder_names(tmp_path: Path, make):
    for name in ("with space", "per%cent", "q?uery#hash", "quote'\"", "emoji😀", "new\nline", os.fsdecode(b"bad\xff")):
        with Store.open(tmp_path / name / ".lvqa", write=True) as store:
            store.videos.put(make.video())
        with Store.open(tmp_path / name / ".lvqa", create=False) as store:
            assert len(store.videos.all()) == 1
            assert (tmp_path / name / ".lvqa" / "archive.db").exists()


def modules_after(code: str) -> set[str]:
    code += "\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_is_light():
    loaded = modules_after("import lvqa.store")
    assert not loaded & {"numpy", "sqlite_utils", "sqlite3"}


def test_reading_loads_nothing_heavy(index_dir: Path, make):
    with Store.open(index_dir, write=True) as store:
        make.filled(store, videos=1)
    loaded = modules_after(
        f"import lvqa.store, pathlib\nstore = lvqa.store.Store.open(pathlib.Path({str(index_dir)!r}))\n"
        "assert store.notes.search('thing0', 3) and store.counts()\nstore.close()"
    )
    assert not loaded & {"torch", "faiss", "transformers", "pandas", "sqlite_utils", "langchain_core"}


def test_every_promised_name_is_there():
    import lvqa.store as room

    for name in room.__all__:
        assert getattr(room, name) is not None
    with pytest.raises(AttributeError, match="attribute"):
        room.nothing  # noqa: B018
