"""Power loss: what a disk may hold, what SQLite is seen to write, and an index that goes on from there."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from lvqa.eval.lab.torture import power, vfs
from lvqa.eval.lab.torture.power import DiskState, PowerTrial, choose, left_on_disk
from lvqa.eval.lab.torture.vfs import Op, recording

needs_sqlite = pytest.mark.skipif(bool(vfs.unavailable()), reason=vfs.unavailable() or "-")


def _left(ops: list[Op], loss: power.Loss, seed: int = 0) -> dict[str, bytes]:
    return left_on_disk(ops, loss, random.Random(seed))


def test_what_was_synced_is_there_and_the_rest_may_be():
    ops = [Op("write", "a", 0, b"one"), Op("sync", "a"), Op("write", "a", 3, b"two"), Op("write", "b", 0, b"new")]
    assert _left(ops, "none") == {"a": b"one"}
    assert _left(ops, "all") == {"a": b"onetwo", "b": b"new"}
    some = {tuple(sorted(_left(ops, "some", seed).items())) for seed in range(50)}
    assert (("a", b"one"), ("b", b"new")) in {tuple((k, v) for k, v in one if v) for one in some}  # in no order
    for seed in range(20):
        torn = _left(ops, "torn", seed)
        assert torn["a"] in (b"one", b"onetwo")
        assert not torn.get("b") or torn["a"] == b"onetwo"  # in order


def test_a_write_is_torn_at_a_sector():
    ops = [Op("write", "a", 0, b"x" * 2000)]
    lengths = {len(_left(ops, "torn", seed).get("a", b"")) for seed in range(100)}
    assert lengths == {0, 512, 1024, 1536}
    for seed in range(20):
        content = _left(ops, "some", seed).get("a", b"").ljust(2000, b"\0")
        assert all(len(set(content[at : at + 512])) == 1 for at in range(0, 2000, 512))


def test_what_was_deleted_may_come_back_until_the_folder_is_synced():
    ops = [Op("write", "a", 0, b"one"), Op("sync", "a"), Op("delete", "a")]
    assert _left(ops, "none") == {"a": b"one"}
    assert _left(ops, "all") == {}
    assert _left([*ops, Op("sync")], "none") == {}


def test_a_file_cut_short_may_be_long_again():
    ops = [Op("write", "a", 0, b"12345"), Op("sync", "a"), Op("truncate", "a", 2)]
    assert _left(ops, "none") == {"a": b"12345"}
    assert _left(ops, "all") == {"a": b"12"}
    assert _left([Op("truncate", "a", 3), Op("write", "a", 5, b"x")], "all") == {"a": b"\0\0\0\0\0x"}


@needs_sqlite
def test_what_sqlite_writes_is_what_the_file_holds(tmp_path: Path):
    ops: list[Op] = []
    with recording(tmp_path, ops):
        connection = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE t(x)")
        for number in range(50):
            connection.execute("INSERT INTO t VALUES (?)", (f"{number} " * 200,))
        before = len(ops)
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (50,)
        assert len(ops) == before  # reading is not told of
        # Every commit was synced: losing all that was not loses nothing.
        for loss in power.LOSSES:
            for name, content in _left(ops, loss).items():
                place = tmp_path / loss
                place.mkdir(exist_ok=True)
                (place / name).write_bytes(content)
        connection.close()
    done = len(ops)
    with sqlite3.connect(tmp_path / "b.db") as other:
        other.execute("CREATE TABLE t(x)")
    other.close()
    assert len(ops) == done
    assert (tmp_path / "a.db").read_bytes() == _left(ops, "all")["a.db"]
    for loss in power.LOSSES:
        reopened = sqlite3.connect(tmp_path / loss / "a.db")
        assert reopened.execute("SELECT count(*) FROM t").fetchone() == (50,)
        reopened.close()


@needs_sqlite
def test_files_elsewhere_are_not_told_of(tmp_path: Path):
    ops: list[Op] = []
    (tmp_path / "below").mkdir()
    with recording(tmp_path, ops):
        for path in (tmp_path / "below" / "a.db", ":memory:"):
            connection = sqlite3.connect(path)
            connection.execute("CREATE TABLE t(x)")
            connection.close()
    assert ops == []


@needs_sqlite
def test_an_index_goes_on_from_what_the_power_left(tmp_path: Path):
    trial = PowerTrial(tmp_path)
    recorded = trial.record()
    assert len(recorded.digests) > 60
    assert len(set(recorded.digests)) > 60  # some commits change nothing
    states = choose(recorded, 8, random.Random(7))
    assert len(states) == 8
    assert [trial.survives(recorded, state, finish=n == 5) for n, state in enumerate(states)] == [""] * 8


@needs_sqlite
def test_an_index_that_lost_commits_is_noticed(tmp_path: Path):
    """As with `synchronous = NORMAL`: the syncs of the log are not there."""
    trial = PowerTrial(tmp_path)
    recorded = trial.record()
    recorded.ops = [op for op in recorded.ops if (op.kind, op.file) != ("sync", "archive.db-wal")]
    marks = [n for n, op in enumerate(recorded.ops) if op.kind == "mark"]
    states = [DiskState(mark + 1, "none", 1) for mark in marks[20:40:5]]
    problems = [trial.survives(recorded, state, finish=False) for state in states]
    assert any("commits had returned, and the rows are those after" in problem for problem in problems)


def test_without_that_sqlite_it_is_skipped(monkeypatch: pytest.MonkeyPatch):
    def missing() -> None:
        raise OSError("no such library")

    monkeypatch.setattr(vfs, "_library", missing)
    (check,) = power.run(short=True, seed=0, say=lambda _: None)
    assert check.ok
    assert "no such library" in check.skipped
