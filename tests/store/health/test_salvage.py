"""What is saved of a damaged database: every sound row, by its number, and word of what was not."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from lvqa.store import JobRow, Store
from lvqa.store.checksums import SUMMED, row_sum
from lvqa.store.database import connect
from lvqa.store.health.salvage import (
    HEADER,
    Salvaged,
    _beyond,
    _put,
    _Source,
    _told,
    copy_database,
    header_is_right,
    salvage,
)

PAGE = 16384


@pytest.fixture
def index(index_dir: Path, make) -> Path:
    with Store.open(index_dir, write=True) as store:
        make.filled(store, videos=4, notes=120, dim=64)
        store.meta.set("some", "thing")
        store.files.put("broken.mp4", "", 1, 2)
        store.jobs.put(JobRow("v0", "v0.mp4", "caption", "key", "done", 9.0, spec="{}", blank=1))
        store.jobs.put(JobRow("", "broken.mp4", "probe", status="failed", reason="no video"))
        store.notes.delete([store.notes.select()[5].id])
    return index_dir


def into(tmp_path: Path) -> Path:
    Store.open(tmp_path / "new", write=True).close()
    return tmp_path / "new" / "archive.db"


def rows_of(path: Path, table: str) -> list[tuple]:
    with connect(path, "mode=ro") as db:
        number = {"meta": "1", "files": "1"}.get(table, "n")
        found = db.execute(f"SELECT {number}, {', '.join(SUMMED[table])}, sum FROM {table} ORDER BY 1, 2, 3").fetchall()
    db.close()
    return found


def leaves(path: Path, table: str) -> list[int]:
    """The pages of a table but for its root."""
    with connect(path, "mode=ro") as db:
        root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
    db.close()
    data = path.read_bytes()
    head = data[(root - 1) * PAGE : root * PAGE]
    assert head[0] == 5, "the table is one page alone"
    cells = [int.from_bytes(head[12 + 2 * k : 14 + 2 * k], "big") for k in range(int.from_bytes(head[3:5], "big"))]
    return [int.from_bytes(head[c : c + 4], "big") for c in cells] + [int.from_bytes(head[8:12], "big")]


def spoil(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(bytes(range(256)))


def test_of_a_sound_database_all_is_saved(index: Path, tmp_path: Path):
    copied = copy_database(index / "archive.db", tmp_path)
    found = salvage(copied, target := into(tmp_path))
    assert found.torn == set()
    assert found.rows == {table: len(rows_of(index / "archive.db", table)) for table in SUMMED}
    for table in SUMMED:
        assert rows_of(target, table) == rows_of(index / "archive.db", table)
    assert (1, "notes caption", 119) in found.tallies
    assert len(found.tallies) == 12
    with connect(index / "archive.db", "mode=ro") as db:
        assert found.commits == db.execute("SELECT n FROM commits").fetchone()[0]
        sequences = db.execute("SELECT * FROM sqlite_sequence ORDER BY name").fetchall()
    db.close()
    with connect(target, "mode=ro") as db:
        assert db.execute("SELECT * FROM sqlite_sequence ORDER BY name").fetchall() == sequences
        assert db.execute("SELECT n FROM commits").fetchone()[0] == found.commits
        assert db.execute("SELECT count(*) FROM notes_fts WHERE notes_fts MATCH 'number3'").fetchone() == (4,)
    db.close()


@pytest.mark.parametrize("which", [0, 1, -1])
@pytest.mark.parametrize("table", ["notes", "frames", "embeddings"])
def test_a_page_takes_its_own_rows_and_no_others(index: Path, tmp_path: Path, table: str, which: int):
    copied = copy_database(index / "archive.db", tmp_path)
    pages = leaves(copied, table)
    assert len(pages) > 2
    before = rows_of(copied, table)
    spoil(copied, pages[which])
    found = salvage(copied, target := into(tmp_path))
    after = rows_of(target, table)
    lost = [row[0] for row in before if row not in after]
    assert set(after) < set(before)
    assert lost == [row[0] for row in before if lost[0] <= row[0] <= lost[-1]]  # one stretch
    assert 0 < len(lost) < 2 * len(before) / len(pages)
    assert found.torn == {table}
    assert found.rows[table] == len(after)


def test_rows_that_changed_are_not_saved(index: Path, tmp_path: Path):
    copied = copy_database(index / "archive.db", tmp_path)
    with sqlite3.connect(copied) as db:
        db.execute("UPDATE clips SET start_s = 7 WHERE n = 3")
        db.execute("UPDATE meta SET value = CAST(x'ff41' AS TEXT) WHERE key = 'some'")
        db.execute("UPDATE files SET sum = 0 WHERE path = 'v1.mp4'")
    db.close()
    found = salvage(copied, target := into(tmp_path))
    assert found.torn == {"clips", "meta", "files"}
    assert [row[0] for row in rows_of(target, "clips")][:3] == [1, 2, 4]
    assert rows_of(target, "meta") == []
    assert len(rows_of(target, "files")) == 4


def test_nothing_can_be_read_of_garbage(tmp_path: Path):
    (tmp_path / "archive.db").write_bytes(b"x" * 99999)
    found = salvage(tmp_path / "archive.db", into(tmp_path))
    assert set(found.rows.values()) == {0}
    assert found.torn >= SUMMED.keys() | {"tallies", "commits"}
    assert (found.tallies, found.commits) == ([], 1)


def test_the_log_is_copied_and_read(index: Path, tmp_path: Path):
    with Store.open(index, write=True) as store:
        store.meta.set("late", "in the log")
        shutil.copytree(index, tmp_path / "killed")
    copied = copy_database(tmp_path / "killed" / "archive.db", tmp_path)
    assert (tmp_path / "archive.db-wal").stat().st_size
    salvage(copied, target := into(tmp_path))
    assert ("late", "in the log") in [row[1:3] for row in rows_of(target, "meta")]


def test_the_header_of_every_archive(index: Path):
    path = index / "archive.db"
    assert header_is_right(path)
    for at, value in HEADER.items():
        data = bytearray(path.read_bytes())
        data[at + len(value) - 1] ^= 4
        (index / "x.db").write_bytes(data)
        assert not header_is_right(index / "x.db")


@pytest.mark.parametrize("last", [1, 2, 3, 7, 8, 9, 40])
def test_leaping_over_what_cannot_be_read(last: int):
    for low in range(1, last + 1):
        for good in range(low + 1, last + 2):
            asked: list[int] = []

            def readable(number: int, good: int = good, asked: list[int] = asked) -> bool:
                asked.append(number)
                return number >= good

            assert _beyond(readable, low, last) == good
            assert all(low < number <= last for number in asked)
            assert len(asked) <= 14


def test_rows_are_put_under_their_number_once(tmp_path: Path):
    with connect(into(tmp_path), "mode=rw") as db:
        db.execute("PRAGMA foreign_keys = OFF")
        assert _put(db, "clips", 17, ("a", 1, 0.0, 2.0, "clip")) == 1
        assert _put(db, "clips", 18, ("a", 1, 0.0, 2.0, "clip")) == 0
        assert _put(db, "files", 9, ("a.mp4", None, 1, 2)) == 1
        assert _put(db, "meta", None, ("k", "v")) == 1
        assert db.execute("SELECT n, id, sum FROM clips").fetchall() == [(17, "a", row_sum("a", 1, 0.0, 2.0, "clip"))]
        assert db.execute("SELECT path FROM files").fetchall() == [("a.mp4",)]
        assert db.execute("SELECT value FROM meta").fetchall() == [("v",)]
    db.close()


def test_only_whole_tallies_count():
    assert _told((1, "clips clip", 3))
    assert not _told((None, "clips clip", 3))
    assert not _told((1, b"clips", 3))
    assert not _told((1, "clips clip", "3"))


def test_a_source_that_cannot_be_opened_gives_nothing(tmp_path: Path):
    source = _Source(tmp_path / "none.db")
    assert source.some("SELECT 1", "notes") == []
    assert list(source.sound("notes")) == []
    assert source.sequences() == {}
    assert source.torn == {"notes", "sqlite_sequence"}
    source.close()
    assert Salvaged().commits == 1


def test_what_a_query_gave_before_it_failed_is_kept(index: Path, tmp_path: Path):
    copied = copy_database(index / "archive.db", tmp_path)
    spoil(copied, leaves(copied, "notes")[-1])
    source = _Source(copied)
    some = source.some("SELECT n FROM notes NOT INDEXED ORDER BY n", "notes")
    assert 0 < len(some) < 479
    assert source.torn == {"notes"}
    assert source.sequences() == {"notes": 480, "embeddings": 480, "frames": 480}
    source.close()
