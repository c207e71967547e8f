"""The writer's lock: who holds it, waiting for it, file systems without locks, holders that died."""

from __future__ import annotations

import errno
import json
import logging
import math
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lvqa.errors import StoreError, StoreLocked
from lvqa.store import Store
from lvqa.store.lock import holder
from lvqa.store.lock import writer as lock
from lvqa.store.lock.holder import Holder
from lvqa.store.lock.ownerfile import OwnerFile
from lvqa.store.lock.writer import WriterLock

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and fork")

WITHOUT_FLOCK = """
import errno, os, pathlib, sys, time
from lvqa.errors import StoreLocked
from lvqa.store.lock import writer as lock
def refuse(fd):
    raise OSError(errno.EOPNOTSUPP, "no locks here")
lock._try_lock = refuse
"""


@pytest.fixture(params=["flock", "owner file"])
def any_lock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param != "flock":
        _refuse(monkeypatch)
    return str(request.param)


def _refuse(monkeypatch: pytest.MonkeyPatch, number: int = errno.ENOLCK) -> None:
    def refuse(fd: int) -> bool:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(lock, "_try_lock", refuse)


def _dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def _owner(folder: Path, who: Holder, number: int = 1, age_s: float = 0.0) -> Path:
    path = folder / f"lock.owner.{number}"
    path.write_text(who.to_json(), encoding="utf-8")
    then = time.time() - age_s
    os.utime(path, (then, then))
    return path


def test_the_message_says_who_what_and_since_when(any_lock: str, tmp_path: Path):
    first = WriterLock(tmp_path / "lock", "index")
    first.acquire()
    with pytest.raises(StoreLocked) as caught:
        WriterLock(tmp_path / "lock").acquire()
    assert re.fullmatch(
        rf"{re.escape(str(tmp_path))} is being written by process {os.getpid()} on \S+ \(lvqa index\) since \d\d:\d\d, "
        r"\d s ago; wait until it has finished, add --wait, or end it",
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
    me = Holder.me()
    deadline = time.monotonic() + 10
    while Holder(process.pid, me.host, space=me.space).alive() is not False:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.wait()


def test_waiting_takes_the_lock_when_its_holder_has_finished(any_lock: str, tmp_path: Path):
    index_dir = tmp_path / "index"
    told: list[str] = []
    first = Store.open(index_dir, write=True, doing="import")
    threading.Timer(0.3, first.close).start()
    began = time.monotonic()
    with Store.open(index_dir, write=True, wait_s=math.inf, on_wait=told.append) as second:
        assert 0.2 < time.monotonic() - began < 5
        assert second.videos.all() == []
    assert len(told) == 1
    assert f"process {os.getpid()} on " in told[0]
    assert "(lvqa import) since " in told[0]


def test_waiting_ends(any_lock: str, tmp_path: Path):
    with Store.open(tmp_path / "index", write=True):
        began = time.monotonic()
        with pytest.raises(StoreLocked, match="add --wait"):
            Store.open(tmp_path / "index", write=True, wait_s=0.2)
        assert 0.2 <= time.monotonic() - began < 2


def test_a_reader_needs_no_lock(any_lock: str, tmp_path: Path):
    with Store.open(tmp_path / "index", write=True), Store.open(tmp_path / "index") as reader:
        assert reader.videos.all() == []


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_without_locks_of_the_file_system_a_file_is_one(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    _refuse(monkeypatch, number)
    for _ in range(3):
        one = WriterLock(tmp_path / "lock")
        one.acquire()
        with pytest.raises(StoreLocked):
            WriterLock(tmp_path / "lock").acquire()
        one.release()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "lock.owner.3"]
    assert caplog.records == []  # nobody was taken over


def test_another_error_is_no_lack_of_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _refuse(monkeypatch, errno.EIO)
    with pytest.raises(StoreError, match="cannot use"):
        WriterLock(tmp_path / "lock").acquire()


def test_a_dead_holder_of_this_host_is_taken_over_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    _refuse(monkeypatch)
    me = Holder.me()
    _owner(tmp_path, Holder(_dead_pid(), me.host, "index", time.time(), space=me.space))
    one = WriterLock(tmp_path / "lock")
    with caplog.at_level(logging.WARNING, "lvqa.store"):
        one.acquire()
    assert "(lvqa index)" in caplog.text
    assert "took over" in caplog.text
    one.release()


@pytest.mark.parametrize(("age_s", "stale"), [(240, False), (400, True)])
def test_another_host_is_dead_when_it_has_been_silent(
    age_s: float, stale: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _refuse(monkeypatch)
    _owner(tmp_path, Holder(1, "elsewhere", "index"), age_s=age_s)
    one = WriterLock(tmp_path / "lock")
    if not stale:
        with pytest.raises(StoreLocked, match="process 1 on elsewhere"):
            one.acquire()
        return
    one.acquire()
    assert [path.name for path in tmp_path.glob("lock.owner.*")] == ["lock.owner.2"]
    one.release()


def test_a_file_half_written_is_held_until_it_is_old(tmp_path: Path):
    path = _owner(tmp_path, Holder(1, "elsewhere"))
    path.write_text("")
    owner = OwnerFile(tmp_path / "lock")
    assert owner.acquire(Holder.me()) == "another process"
    os.utime(path, (0, 0))
    assert owner.acquire(Holder.me()) is None
    owner.release()


def test_the_holder_shows_that_it_lives_and_notices_that_it_was_taken_for_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _refuse(monkeypatch)
    store = Store.open(tmp_path, write=True)
    held = store._lock
    assert held is not None
    held.release()
    held._owner = OwnerFile(tmp_path / "lock", beat_s=0.02)
    held.acquire()
    mine = tmp_path / "lock.owner.2"
    os.utime(mine, (0, 0))
    deadline = time.monotonic() + 10
    while mine.stat().st_mtime == 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with store.atomic():
        pass
    other = _owner(tmp_path, Holder(1, "elsewhere", "index"), number=3)
    while not held._owner.lost:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(StoreLocked, match="took over"), store.atomic():
        raise AssertionError("not reached")
    store.close()
    assert Holder.parse(other.read_text()) == Holder(1, "elsewhere", "index")


def test_a_lock_of_one_kind_is_seen_by_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One host's mount has locks, another's of the same folder has none."""
    path = _owner(tmp_path, Holder(1, "elsewhere", "index"))
    with pytest.raises(StoreLocked, match="elsewhere"):
        WriterLock(tmp_path / "lock").acquire()
    path.write_text("{}")
    one = WriterLock(tmp_path / "lock")
    one.acquire()
    one.release()


def test_file_systems_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def link(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", link)
    one, two = OwnerFile(tmp_path / "lock"), OwnerFile(tmp_path / "lock")
    assert one.acquire(Holder.me("index")) is None
    assert "(lvqa index)" in str(two.acquire(Holder.me()))
    one.release()
    assert two.acquire(Holder.me()) is None
    assert one.acquire(Holder.me()) is not None
    two.release()


def test_a_slow_process_does_not_make_an_old_number_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It found lock 1 free, slept, and lock 2 was taken, given back and swept by the holder of lock 3 meanwhile."""
    slow = OwnerFile(tmp_path / "lock")
    _owner(tmp_path, Holder(1, "elsewhere"), number=3)
    numbers = iter([1])
    monkeypatch.setattr(slow, "_highest", lambda: next(numbers, 3))
    monkeypatch.setattr(slow, "_read", lambda n, read=slow._read: "{}" if n == 1 else read(n))
    assert slow.acquire(Holder.me()) == "process 1 on elsewhere"
    assert [path.name for path in tmp_path.glob("lock*")] == ["lock.owner.3"]


def test_what_a_kill_left_half_done_is_swept(tmp_path: Path):
    old, new = tmp_path / "lock.a.tmp", tmp_path / "lock.b.tmp"
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    owner = OwnerFile(tmp_path / "lock")
    assert owner.acquire(Holder.me()) is None
    owner.release()
    assert [path.name for path in tmp_path.glob("*.tmp")] == ["lock.b.tmp"]


def test_a_forked_child_leaves_its_parent_s_lock_alone(any_lock: str, tmp_path: Path):
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


RACER = (
    WITHOUT_FLOCK
    + """
folder, go, done = map(pathlib.Path, sys.argv[1:])
for number in range(int(sys.stdin.readline())):
    print("ready", flush=True)
    sys.stdin.readline()
    mine = lock.WriterLock(folder / str(number) / "lock")
    try:
        mine.acquire()
        print("got", flush=True)
    except StoreLocked:
        print("refused", flush=True)
    sys.stdin.readline()
    mine.release()
"""
)


def test_of_two_that_race_for_a_stale_lock_one_gets_it(tmp_path: Path):
    rounds = 200
    me = Holder.me()
    dead = Holder(_dead_pid(), me.host, space=me.space)
    for number in range(rounds):
        (tmp_path / str(number)).mkdir()
        _owner(tmp_path / str(number), dead)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(tmp_path), "", ""],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        for _ in range(2)
    ]

    def tell(text: str) -> None:
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write(f"{text}\n")
            racer.stdin.flush()

    def hear() -> list[str]:
        return [racer.stdout.readline().strip() for racer in racers if racer.stdout is not None]

    tell(str(rounds))
    for _ in range(rounds):
        assert hear() == ["ready", "ready"]
        tell("go")
        assert sorted(hear()) == ["got", "refused"]
        tell("done")
    for racer in racers:
        assert racer.wait(30) == 0
