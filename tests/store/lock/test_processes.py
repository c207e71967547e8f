"""Several processes and threads at one index: the lock, kills, readers beside a writer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lvqa.errors import StoreLocked
from lvqa.store import Store
from lvqa.types import Note, Span, Video

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and fork")

WRITER = """
import sys, pathlib
from lvqa.store import Store
from lvqa.types import Note, Span, Video
store = Store.open(pathlib.Path(sys.argv[1]), write=True)
{body}
print("ready", flush=True)
sys.stdin.read()
"""


class Child:
    """A Python process that holds a store and waits."""

    def __init__(self, index_dir: Path, body: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER.format(body=body), str(index_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.end()

    def end(self) -> None:
        self.process.communicate()


def test_the_second_writer_is_told_who_holds_the_lock(index_dir: Path):
    child = Child(index_dir)
    try:
        with pytest.raises(StoreLocked, match=rf"process {child.process.pid} on \S+ since .*; wait"):
            Store.open(index_dir, write=True)
        with Store.open(index_dir) as reader:
            assert reader.videos.all() == []
    finally:
        child.kill()
    # No lock outlives its holder.
    with Store.open(index_dir, write=True) as store:
        assert store.videos.all() == []


def test_two_writers_in_one_process(index_dir: Path):
    with Store.open(index_dir, write=True), pytest.raises(StoreLocked, match=f"process {os.getpid()}"):
        Store.open(index_dir, write=True)
    Store.open(index_dir, write=True).close()


def test_a_lock_file_of_garbage_still_locks(index_dir: Path):
    with Store.open(index_dir, write=True):
        (index_dir / "lock").write_text("{")
        with pytest.raises(StoreLocked, match="another process"):
            Store.open(index_dir, write=True)


def test_a_forked_worker_does_not_keep_the_lock(index_dir: Path, tmp_path: Path):
    """The parent of a forked worker dies; the worker lives on."""
    code = """
import os, pathlib, sys
from lvqa.store import Store
store = Store.open(pathlib.Path(sys.argv[1]), write=True)
if os.fork() == 0:
    print("forked", flush=True)
    sys.stdin.read()
os._exit(0)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(index_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    assert parent.stdout.readline() == "forked\n"
    assert parent.wait() == 0
    Store.open(index_dir, write=True).close()
    parent.stdin.close()
    assert parent.stdout.read() == ""  # the worker has ended, too


HALF = """
store.videos.put(Video("new", "new.mp4", "h", 10.0))
store.connections.connection.execute("PRAGMA cache_size = 5")  # so that pages reach the log before the commit
block = store.atomic()
block.__enter__()
store.notes.put([Note(f"n{i}", "old", None, Span(i, i + 1), "half " + "x" * 3000, "caption") for i in range(500)])
store.notes.delete(["kept"])
store.vectors.put("m", ["n1"], [[1.0, 0.0]])
"""


def test_a_kill_inside_a_transaction_leaves_the_old_state(index_dir: Path):
    with Store.open(index_dir, write=True) as store:
        store.videos.put(Video("old", "old.mp4", "h", 1000.0))
        store.notes.put([Note("kept", "old", None, Span(0, 1), "kept", "caption")])
    child = Child(index_dir, HALF)
    child.kill()
    with Store.open(index_dir, write=True) as store:
        assert [note.id for note in store.notes.select()] == ["kept"]
        assert sorted(video.id for video in store.videos.all()) == ["new", "old"]
        assert store.notes.search("half", 3) == []
        assert store.counts()["embeddings"] == 0
        check(store)


def check(store: Store) -> None:
    """SQLite's own checks: the file, the references, the full-text index against the notes."""
    assert store.connections.rows("PRAGMA integrity_check") == [("ok",)]
    assert store.connections.rows("PRAGMA foreign_key_check") == []
    with store.atomic():
        store.connections.write("INSERT INTO notes_fts(notes_fts, rank) VALUES ('integrity-check', 1)")


def test_readers_see_whole_transactions_while_a_writer_writes(index_dir: Path, make):
    """Each transaction replaces all notes of the video and says how many in each; a mixture would show."""
    rounds, size = 25, 10
    failures: list[BaseException] = []
    seen: set[str] = set()
    done = threading.Event()
    writer = Store.open(index_dir, write=True)

    def generation(n: int) -> list[Note]:
        return [make.note(f"round{n} word", "a", start_s=float(i)) for i in range(size)]

    def write() -> None:
        try:
            for n in range(rounds):
                new = generation(n)
                with writer.atomic():
                    writer.notes.delete([note.id for note in writer.notes.select()])
                    writer.notes.put(new)
                    writer.vectors.put("m", [note.id for note in new], make.vectors(size, seed=n))
        except BaseException as error:
            failures.append(error)
        finally:
            done.set()

    def read(store: Store) -> None:
        query = make.vectors(1, seed=99)[0]
        try:
            while True:
                last = done.is_set()
                for ids in (
                    [note.id for note in store.notes.select()],
                    [note_id for note_id, _ in store.notes.search("word", 50)],
                    [note_id for note_id, _ in store.vectors.search("m", query, 50)],
                ):
                    assert len(ids) in (0, size)
                    rounds_seen = {by_id[note_id] for note_id in ids}
                    assert len(rounds_seen) <= 1, rounds_seen
                    seen.update(rounds_seen)
                if last:
                    return
        except BaseException as error:
            failures.append(error)

    by_id = {note.id: note.text for n in range(rounds) for note in generation(n)}
    with writer, Store.open(index_dir) as other:
        writer.videos.put(make.video("a"))
        threads = [threading.Thread(target=read, args=(store,)) for store in (writer, writer, other, other)]
        threads.append(threading.Thread(target=write))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert f"round{rounds - 1} word" in seen
        check(writer)


def test_threads_that_write_take_turns(store: Store, make):
    store.videos.put(make.video("a", duration_s=1e6))

    def write(worker: int) -> None:
        for i in range(20):
            with store.atomic():
                store.notes.put([make.note(f"w{worker} first{i}", start_s=float(i))])
                store.notes.put([make.note(f"w{worker} second{i}", start_s=float(i))])

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.notes.select()) == 160


def test_a_reader_s_snapshot_holds_while_others_commit(index_dir: Path, make):
    with Store.open(index_dir, write=True) as writer, Store.open(index_dir) as reader:
        make.filled(writer, videos=1)
        assert len(reader.vectors.search("emb", make.vectors(1)[0], 99)) == 20
        with reader.connections.reading():
            before = reader.notes.select()
            writer.videos.remove("v0")
            assert reader.notes.select() == before
            assert len(reader.notes.search("thing0", 99)) == 3
            assert len(reader.vectors.search("emb", make.vectors(1)[0], 99)) == 20
        assert reader.notes.select() == []
        assert reader.vectors.search("emb", make.vectors(1)[0], 99) == []


def test_connections_of_finished_threads_are_closed(store: Store):
    for _ in range(5):
        thread = threading.Thread(target=store.videos.all)
        thread.start()
        thread.join()
    assert len(store.connections._holders) == 1
