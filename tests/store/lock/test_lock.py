"""The writer's lock: who holds it, waiting for it, file systems without locks, lock files that were deleted."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lvqa.errors import StoreError, StoreLocked
from lvqa.store import Store
from lvqa.store.lock import holder, writer
from lvqa.store.lock.holder import Holder
from lvqa.store.lock.writer import WriterLock

fcntl = pytest.importorskip("fcntl", reason="Windows has neither flock nor fork")


def _refuse(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(fd: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)


def _dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_message_says_who_what_and_since_when(tmp_path: Path):
    first = WriterLock(tmp_path / "lock", "index")
    first.acquire()
    with pytest.raises(StoreLocked) as caught:
        WriterLock(tmp_path / "lock").acquire()
    assert re.fullmatch(
        rf"{re.escape(str(tmp_path))} is being written by process {os.getpid()} on \S+ \(lvqa index\) since \d\d:\d\d, "
        r"\d+ (?:s|min) ago; wait until it has finished, add --wait, or end it",
        str(caught.value),
    )
    assert first.held
    first.release()
    again = WriterLock(tmp_path / "lock")
    again.acquire()
    again.release()
    again.release()


def test_how_long_ago_is_said_in_the_unit_that_fits():
    who = Holder(7, "h", "index", since=1_000_000.0)
    clock = time.strftime("%H:%M", time.localtime(1_000_000))
    for later_s, said in ((5, "5 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (3 * 3600, "3 h")):
        assert who.describe(1_000_000 + later_s) == f"process 7 on h (lvqa index) since {clock}, {said} ago"
    date = time.strftime("%Y-%m-%d %H:%M", time.localtime(1_000_000))
    assert who.describe(1_000_000 + 60 * 3600) == f"process 7 on h (lvqa index) since {date}, 2 days ago"
    # A clock that was set back, and the lock file of an older lvqa.
    assert who.describe(0) == "process 7 on h (lvqa index)"
    assert Holder.parse('{"pid": 7, "host": "h"}') == Holder(7, "h")


@pytest.mark.parametrize(
    "text", ["", "{", "7", "null", '{"pid": "x", "host": "h"}', '{"pid": 1, "host": 2}', '{"pid": -1, "host": "h"}']
)
def test_what_is_no_holder_is_none(text: str):
    assert Holder.parse(text) is None


def test_a_name_that_would_move_the_cursor_is_defused():
    read = Holder.parse(json.dumps({"pid": 1, "host": "a\x1b[2J" + "x" * 500}))
    assert read is not None
    assert "\x1b" not in read.host
    assert len(read.host) == 100


def test_a_reused_pid_is_told_apart(monkeypatch: pytest.MonkeyPatch):
    me = Holder.me()
    assert me.alive() is True
    assert Holder(me.pid, me.host, started="another boot:1", space=me.space).alive() is False
    assert Holder(_dead_pid(), me.host, space=me.space).alive() is False
    assert Holder(1, "elsewhere", space=me.space).alive() is None
    assert Holder(1, me.host, space="another container").alive() is None
    monkeypatch.setattr(holder, "started", lambda pid: "")  # /proc may hide the processes of others
    assert me.alive() is True


def test_a_child_that_nobody_waits_for_has_ended():
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and keeps its number
    me = Holder.me()
    assert Holder(process.pid, me.host, space=me.space).alive() is False
    process.wait()


def test_waiting_takes_the_lock_when_its_holder_has_finished(tmp_path: Path):
    index_dir = tmp_path / "index"
    told: list[str] = []
    first = Store.open(index_dir, write=True, doing="import")

    def on_wait(holder: str) -> None:
        told.append(holder)
        first.close()

    with Store.open(index_dir, write=True, wait_s=math.inf, on_wait=on_wait) as second:
        assert second.videos.all() == []
    (said,) = told
    assert f"process {os.getpid()} on " in said
    assert "(lvqa import) since " in said


class Clock:
    """A clock that only moves when somebody sleeps by it."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


def test_waiting_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    clock, told = Clock(), []
    with Store.open(tmp_path / "index", write=True):
        monkeypatch.setattr(writer, "time", clock)
        with pytest.raises(StoreLocked, match="add --wait"):
            Store.open(tmp_path / "index", write=True, wait_s=7.0, on_wait=told.append)
    assert len(told) == 1
    assert sum(clock.slept) == pytest.approx(7.0)
    assert clock.slept[0] < clock.slept[5] <= 1.0


def test_waiting_goes_on_for_as_long_as_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first, clock = WriterLock(tmp_path / "lock"), Clock()
    first.acquire()

    def sleep(seconds: float) -> None:
        Clock.sleep(clock, seconds)
        if len(clock.slept) == 500:
            first.release()

    monkeypatch.setattr(clock, "sleep", sleep)
    monkeypatch.setattr(writer, "time", clock)
    second = WriterLock(tmp_path / "lock")
    second.acquire(math.inf)
    assert second.held
    second.release()


def test_a_reader_needs_no_lock(tmp_path: Path):
    with Store.open(tmp_path / "index", write=True), Store.open(tmp_path / "index") as reader:
        assert reader.videos.all() == []


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks_is_refused(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _refuse(monkeypatch, number)
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path / "index", write=True)
    assert str(caught.value) == (
        f"the file system of {tmp_path / 'index'} has no locks ({os.strerror(number)}), so no index can be written "
        "there; put the index elsewhere with --archive DIR, on a local disk"
    )
    assert not (tmp_path / "index" / "archive.db").exists()


def test_another_error_is_no_lack_of_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _refuse(monkeypatch, errno.EIO)
    with pytest.raises(StoreError, match="cannot use"):
        WriterLock(tmp_path / "lock").acquire()


def test_a_forked_child_leaves_its_parent_s_lock_alone(tmp_path: Path):
    one = WriterLock(tmp_path / "lock", "index")
    one.acquire()
    child = os.fork()
    if child == 0:
        held = one.held
        one.release()
        os._exit(held)
    assert os.waitpid(child, 0)[1] == 0
    with pytest.raises(StoreLocked, match=rf"process {os.getpid()} on \S+ \(lvqa index\)"):
        WriterLock(tmp_path / "lock").acquire()
    one.release()


def test_a_lock_file_that_was_deleted_is_noticed(tmp_path: Path):
    """Another process may hold a new file of that name by now."""
    with Store.open(tmp_path, write=True) as store:
        with store.atomic():
            store.meta.set("a", "b")
        (tmp_path / "lock").unlink()
        with pytest.raises(StoreLocked, match="was deleted"), store.atomic():
            raise AssertionError("not reached")
        with Store.open(tmp_path, write=True) as other:
            with other.atomic():
                other.meta.set("a", "c")
            with pytest.raises(StoreLocked, match="was deleted"):
                store.meta.set("a", "d")
        assert other.index_dir == tmp_path
    with Store.open(tmp_path) as reader:
        assert reader.meta.get("a") == "c"


def test_the_lock_file_of_an_older_lvqa_names_its_holder(tmp_path: Path):
    me = Holder.me("index")
    with (tmp_path / "lock").open("w") as file:
        file.write(f"{me.to_json()}\n")
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(StoreLocked, match=rf"process {me.pid} on \S+ \(lvqa index\)"):
            WriterLock(tmp_path / "lock").acquire()


def test_a_lock_that_was_given_back_names_nobody(tmp_path: Path):
    one = WriterLock(tmp_path / "lock", "index")
    one.acquire()
    assert Holder.parse((tmp_path / "lock").read_text()) is not None
    one.release()
    assert (tmp_path / "lock").read_text() == ""


HOLDER = """
import sys
from pathlib import Path
from lvqa.store import WriterLock
lock = WriterLock(Path(sys.argv[1]), "index")
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_killed_holder_leaves_no_lock(tmp_path: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with pytest.raises(StoreLocked, match=f"process {process.pid} on "):
        WriterLock(tmp_path / "lock").acquire()
    process.kill()
    process.communicate()
    mine = WriterLock(tmp_path / "lock")
    mine.acquire()
    mine.release()
