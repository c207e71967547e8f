"""Saves what can still be read of a damaged database into a new one. Knows tables, not what their rows are for.

A page that cannot be read takes its rows with it and no others: rows are asked for by ranges of their numbers, and a
range that fails is halved, and what cannot be read is leapt over. The damaged files are only read, from a copy.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lvqa.store.database import PAGE_BYTES, connect
from lvqa.store.schema import APPLICATION_ID
from lvqa.store.sums import SUMMED, insert, row_sum

# In the order of their references. `meta` and `files` have no number of their own.
_TABLES = ("meta", "videos", "files", "clips", "notes", "jobs", "embeddings", "frames")
_NUMBER = {"meta": "", "files": "rowid"}
_STEP = 1 << 12
# Beyond the last row that can be told of, as far as this is looked for more.
_BEYOND = 1 << 16
_MOST = 1 << 40
# What the header of every archive holds: damage to these alone would make all of it unreadable.
_HEADER = {
    0: b"SQLite format 3\0" + PAGE_BYTES.to_bytes(2, "big") + bytes((2, 2, 0, 64, 32, 32)),
    44: (4).to_bytes(4, "big"),
    56: (1).to_bytes(4, "big"),
    68: APPLICATION_ID.to_bytes(4, "big"),
}


@dataclass(slots=True)
class Salvaged:
    """How many rows of each table were saved, and what each video had of each kind by the tallies that were left."""

    rows: dict[str, int] = field(default_factory=dict)
    tallies: list[tuple[int, str, int]] = field(default_factory=list)
    commits: int = 0


def copy_database(path: Path, folder: Path) -> Path:
    """Copy a database with its log, so that reading it changes nothing. Raises OSError."""
    for suffix in ("", "-wal"):
        source = path.with_name(path.name + suffix)
        if source.exists():
            shutil.copy2(source, folder / source.name)
    return folder / path.name


def salvage(damaged: Path, into: Path) -> Salvaged:
    """Copy every sound row of a database into the empty archive at `into`. Raises sqlite3.Error for the latter only."""
    found = Salvaged()
    source, target = _open(damaged), connect(into, "mode=rw")
    try:
        target.execute("PRAGMA foreign_keys = OFF")
        target.execute("BEGIN")
        for table in _TABLES:
            found.rows[table] = 0
            for number, values in _sound(source, table):
                found.rows[table] += _put(target, table, number, values)
        found.tallies = [row for row in _some(source, "SELECT video, kind, count FROM tallies") if _is_tally(row)]
        found.commits = max(
            [row[0] for row in _some(source, "SELECT n FROM commits") if isinstance(row[0], int)] or [1]
        )
        # Numbers that were given must not be given again: files on disk may still go by them.
        for row in _some(source, "SELECT name, seq FROM sqlite_sequence"):
            if row[0] in SUMMED and isinstance(row[1], int):
                target.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (row[1], row[0]))
        target.execute("UPDATE commits SET n = ?", (found.commits,))
        target.execute("COMMIT")
    finally:
        target.close()
        if source is not None:
            source.close()
    return found


def _open(path: Path) -> sqlite3.Connection | None:
    try:
        with path.open("r+b") as file:
            for at, value in _HEADER.items():
                file.seek(at)
                file.write(value)
        source = connect(path, "mode=rw")
        # Text that is no text any more fails its checksum, and must not end the reading of the others.
        source.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        source.execute("PRAGMA writable_schema = ON")
        source.execute("PRAGMA cell_size_check = ON")
        return source
    except (OSError, sqlite3.Error):
        return None


def _sound(source: sqlite3.Connection | None, table: str) -> Iterator[tuple[int | None, tuple[Any, ...]]]:
    """The rows whose checksum is right, with their number."""
    columns = SUMMED[table]
    number = _NUMBER.get(table, "n")
    sql = f"SELECT {number or 'NULL'}, {', '.join(columns)}, sum FROM {table}"
    rows = _ranged(source, table, f"{sql} WHERE {number} BETWEEN ? AND ? ORDER BY 1") if number else _some(source, sql)
    for row in rows:
        values = tuple(row[1:-1])
        try:
            sound = row[-1] == row_sum(*values)
        except (TypeError, ValueError, OverflowError):
            continue
        if sound:
            yield row[0], values


def _ranged(source: sqlite3.Connection | None, table: str, sql: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a table, by rising number, without those on pages that cannot be read."""
    if source is None:
        return
    low, last = 1, _last(source, table)
    while low <= last:
        high = min(low + _STEP - 1, last)
        rows = _between(source, sql, low, high)
        while rows is None and high > low:
            high = (low + high) // 2
            rows = _between(source, sql, low, high)
        if rows is None:
            low = _beyond(lambda number: _between(source, sql, number, number) is not None, low, last)
        else:
            yield from rows
            low = high + 1


def _between(source: sqlite3.Connection, sql: str, low: int, high: int) -> list[tuple[Any, ...]] | None:
    try:
        return source.execute(sql, (low, high)).fetchall()
    except (sqlite3.Error, sqlite3.Warning, MemoryError):
        return None


def _beyond(readable: Callable[[int], bool], low: int, last: int) -> int:
    """The first number behind a stretch that cannot be read, which begins at `low`; found by doubling and halving."""
    step = 1
    while low + step <= last and not readable(low + step):
        step *= 2
    bad, good = low + step // 2, min(low + step, last + 1)
    while good - bad > 1:
        middle = (bad + good) // 2
        if middle <= last and readable(middle):
            good = middle
        else:
            bad = middle
    return good


def _last(source: sqlite3.Connection, table: str) -> int:
    """The highest number that a row of the table may have."""
    number = _NUMBER.get(table, "n")
    known = [*_some(source, f"SELECT max({number}) FROM {table}"), *_some(source, f"SELECT count(*) FROM {table}")]
    known += [(row[1],) for row in _some(source, "SELECT name, seq FROM sqlite_sequence") if row[0] == table]
    return max([0, *(row[0] for row in known if isinstance(row[0], int) and row[0] < _MOST)]) + _BEYOND


def _some(source: sqlite3.Connection | None, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query up to where it fails."""
    rows: list[tuple[Any, ...]] = []
    if source is None:
        return rows
    with suppress(sqlite3.Error, sqlite3.Warning, MemoryError):
        rows.extend(map(tuple, source.execute(sql)))
    return rows


def _put(target: sqlite3.Connection, table: str, number: int | None, values: tuple[Any, ...]) -> int:
    sql = insert(table)
    if number is not None and table != "files":
        at = len(values) + 1
        sql = sql.replace("(", "(n, ", 1).replace("VALUES (", f"VALUES (?{at}, ", 1)
        values = (*values, number)
    try:
        return target.execute(sql, values).rowcount
    except sqlite3.IntegrityError:
        return 0  # a second row of the same id: the first stands


def _is_tally(row: tuple[Any, ...]) -> bool:
    return isinstance(row[0], int) and isinstance(row[1], str) and isinstance(row[2], int)
