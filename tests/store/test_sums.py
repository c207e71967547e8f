"""Checksums of rows: what they cover, and that everything written has the right one."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvqa.store import JobRow, Store
from lvqa.store.checksums import SUMMED, checked_sum, insert, register, row_sum, sum_of, upsert
from lvqa.store.database import connect


def wrong(store: Store) -> dict[str, int]:
    return {t: store.connections.value(f"SELECT count(*) FROM {t} WHERE sum IS NOT {checked_sum(t)}") for t in SUMMED}


def test_every_column_but_the_number_is_summed(store: Store):
    for table, columns in SUMMED.items():
        held = [row[1] for row in store.connections.rows(f"PRAGMA table_info({table})")]
        assert sorted(columns) == sorted(set(held) - {"n", "sum"})


def test_whatever_is_written_has_its_sum(store: Store, make):
    notes = make.filled(store)
    store.meta.set("a", "b")
    store.meta.set("a", "c")
    store.files.put("broken.mp4", "", 1, 1 << 62)
    store.jobs.put(JobRow("", "broken.mp4", "probe", status="failed", reason="no"))
    store.jobs.put(JobRow("v0", "v0.mp4", "caption", "k", "pending", 1.5))
    store.jobs.put(JobRow("v0", "v0.mp4", "caption", "k", "done", 3.0, spec="{}", blank=2))
    store.videos.put(make.video("v0", duration_s=7))
    store.notes.put([make.note("imported", "v1", source="imported", clip=make.clip("v1", 4.0))])
    assert wrong(store) == dict.fromkeys(SUMMED, 0)
    store.reset_stage("v1", "segment")
    store.notes.delete([notes[0].id])
    store.videos.remove("v2")
    assert wrong(store) == dict.fromkeys(SUMMED, 0)
    assert store.jobs.get("v0", "caption") == JobRow("v0", "v0.mp4", "caption", "k", "done", 3.0, spec="{}", blank=2)


@pytest.mark.parametrize("table", SUMMED)
def test_a_change_of_any_column_shows(store: Store, make, table: str):
    make.filled(store, videos=1, notes=2)
    store.meta.set("a", "b")
    store.jobs.put(JobRow("v0", "v0.mp4", "caption"))
    first = f"WHERE rowid = (SELECT min(rowid) FROM {table})" if table != "meta" else ""
    for column in SUMMED[table]:
        kind = store.connections.value(f"SELECT typeof({column}) FROM {table}")
        new = {"text": "CAST(x'41FF' AS TEXT)", "blob": "x'00'", "null": "'now'"}.get(kind, f"{column} + 1000")
        connection = store.connections.connection
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("BEGIN")
        connection.execute(f"UPDATE {table} SET {column} = {new} {first}")
        assert wrong(store) == {**dict.fromkeys(SUMMED, 0), table: 1}, column
        connection.execute("ROLLBACK")


VALUES = st.one_of(
    st.none(),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.binary(),
)


@given(st.lists(VALUES, min_size=1, max_size=6))
def test_sums_are_those_of_sqlite_after_a_round_trip(values):
    with sqlite3.connect(":memory:") as db:
        register(db)
        names = [f"c{i}" for i in range(len(values))]
        db.execute(f"CREATE TABLE t ({', '.join(names)})")
        db.execute(f"INSERT INTO t VALUES ({', '.join('?' * len(values))})", values)
        (found,) = db.execute(f"SELECT lvqa_sum({', '.join(names)}) FROM t").fetchone()
    db.close()
    assert found == row_sum(*values)
    assert -(1 << 63) <= found < 1 << 63


@given(st.lists(VALUES, min_size=1, max_size=4), st.lists(VALUES, min_size=1, max_size=4))
def test_other_values_have_other_sums(one, other):
    def plain(values):
        return [v.encode() if isinstance(v, str) else v for v in values]

    if plain(one) == plain(other) and [type(v) for v in plain(one)] == [type(v) for v in plain(other)]:
        assert row_sum(*one) == row_sum(*other)
    elif plain(one) != plain(other):
        assert row_sum(*one) != row_sum(*other)


def test_known_sums_stay():
    """Written down: another way of summing would make every index look damaged."""
    assert row_sum("a", 2, None, 0.5, b"x") == row_sum("a", 2.0, None, 0.5, "x")
    assert row_sum() == row_sum(*())
    assert row_sum("clip", 7, 1.25) == 2372901576235303440
    assert row_sum("ab", "c") != row_sum("a", "bc")
    assert row_sum(1, None) != row_sum(None, 1)


def test_the_sql():
    assert insert("meta") == "INSERT INTO meta(key, value, sum) VALUES (?1, ?2, lvqa_sum(?1, ?2))"
    assert upsert("meta", "(key)") == (
        f"{insert('meta')} ON CONFLICT (key) DO UPDATE SET value = excluded.value, sum = excluded.sum"
    )
    assert "DO UPDATE SET path = excluded.path, key" in upsert("jobs", "(video, stage) WHERE video IS NOT NULL")
    assert sum_of("files", size="-1") == "lvqa_sum(path, video, -1, mtime_ns)"


def test_every_connection_can_sum(tmp_path):
    connection = connect(tmp_path / "x.db", "mode=rwc")
    assert connection.execute("SELECT lvqa_sum('a', 1)").fetchone() == (row_sum("a", 1),)
    connection.close()
