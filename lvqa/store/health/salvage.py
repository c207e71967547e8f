"""Saves what can still be read of a damaged database into a new one. Knows tables, not what their rows are for.

A page that cannot be read takes its rows with it and no others: rows are asked for by ranges of their numbers, and a
range that fails is halved, and what cannot be read is leapt over. The damaged files are only read, from a copy.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lvqa.store.checksums import LATER, SUMMED, insert, row_sum
from lvqa.store.database import PAGE_BYTES, connect
from lvqa.store.schema import APPLICATION_ID

# In the order of their references. `meta` and `files` have no number of their own.
_TABLES = ("meta", "videos", "files", "clips", "notes", "jobs", "embeddings", "frames")
_NUMBER = {"meta": "", "files": "rowid"}
_STEP = 1 << 12
# Beyond the last row that can be told of, as far as this is looked for more.
_BEYOND = 1 << 16
_MOST = 1 << 40
# What the header of every archive holds: damage to these alone would make all of it unreadable.
HEADER = {
    0: b"SQLite format 3\0" + PAGE_BYTES.to_bytes(2, "big") + bytes((2, 2, 0, 64, 32, 32)),
    44: (4).to_bytes(4, "big"),
    56: (1).to_bytes(4, "big"),
    68: APPLICATION_ID.to_bytes(4, "big"),
}


@dataclass(slots=True)
class Salvaged:
    """How many rows of each table were saved, and what is known of those that were not.

    `torn` are the tables that could not be read through or held unsound rows. `tallies` say what each video had of each
    kind of row: (video, kind, count), for all videos where `tallies` itself is not torn.
    """

    rows: dict[str, int] = field(default_factory=dict)
    torn: set[str] = field(default_factory=set)
    tallies: list[tuple[int, str, int]] = field(default_factory=list)
    commits: int = 1


def header_is_right(path: Path) -> bool:
    """Whether the parts of the header that never change are as they are in every archive. Raises OSError."""
    with path.open("rb") as file:
        header = file.read(100)
    return all(header[at : at + len(value)] == value for at, value in HEADER.items())


def copy_database(path: Path, folder: Path) -> Path:
    """Copy a database with its log, so that reading it changes nothing. Raises OSError."""
    for suffix in ("", "-wal"):
        source = path.with_name(path.name + suffix)
        if source.exists():
            shutil.copy2(source, folder / source.name)
    return folder / path.name


def salvage(damaged: Path, into: Path) -> Salvaged:
    """Copy every sound row of a database into the empty archive at `into`. Raises sqlite3.Error for the latter only.

    The damaged file is written to: give a copy.
    """
    source, target = _Source(damaged), connect(into, "mode=rw")
    found = Salvaged(torn=source.torn)
    try:
        target.execute("PRAGMA foreign_keys = OFF")
        target.execute("BEGIN")
        for table in _TABLES:
            found.rows[table] = sum(_put(target, table, *row) for row in source.sound(table))
        found.tallies = [row for row in source.some("SELECT video, kind, count FROM tallies", "tallies") if _told(row)]
        commits = source.some("SELECT n FROM commits", "commits")
        found.commits = max([1, *(row[0] for row in commits if isinstance(row[0], int))])
        # Numbers that were given must not be given again: files on disk may still go by them.
        for name, seq in source.sequences().items():
            target.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (seq, name))
        target.execute("UPDATE commits SET n = ?", (found.commits,))
        target.execute("COMMIT")
    finally:
        target.close()
        source.close()
    return found


class _Source:
    """A damaged database, read as far as it goes; `torn` are the tables that it did not go through."""

    def __init__(self, path: Path) -> None:
        self.torn: set[str] = set()
        self._connection: sqlite3.Connection | None = None
        with suppress(OSError, sqlite3.Error):
            with path.open("r+b") as file:
                for at, value in HEADER.items():
                    file.seek(at)
                    file.write(value)
            self._connection = connect(path, "mode=rw")
            # Text that is no text any more fails its checksum, and must not end the reading of the others.
            self._connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
            self._connection.execute("PRAGMA writable_schema = ON")
            self._connection.execute("PRAGMA cell_size_check = ON")

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()

    def some(self, sql: str, table: str, params: Sequence[int] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query on a table, up to where it fails."""
        rows: list[tuple[Any, ...]] = []
        if self._connection is not None:
            with suppress(sqlite3.Error, sqlite3.Warning, MemoryError):
                rows.extend(map(tuple, self._connection.execute(sql, params)))
                return rows
        self.torn.add(table)
        return rows

    def sequences(self) -> dict[str, int]:
        """The highest number that each table has given."""
        rows = self.some("SELECT name, seq FROM sqlite_sequence", "sqlite_sequence")
        return {row[0]: row[1] for row in rows if row[0] in SUMMED and isinstance(row[1], int)}

    def sound(self, table: str) -> Iterator[tuple[int | None, tuple[Any, ...]]]:
        """The rows whose checksum is right, with their number."""
        number = _NUMBER.get(table, "n")
        later, _, before = LATER.get(table, ("", 0, ""))
        there = {row[1] for row in self.some(f"PRAGMA table_info({table})", table)}
        without = bool(later) and bool(there) and later not in there  # of an older schema, whose sums are without it
        columns = [column for column in SUMMED[table] if not without or column != later]
        sql = f"SELECT {number or 'NULL'}, {', '.join(columns)}, sum FROM {table}"
        rows = (
            self._ranged(table, f"{sql} WHERE {number} BETWEEN ? AND ? ORDER BY 1") if number else self.some(sql, table)
        )
        for row in rows:
            values = tuple(row[1:-1])
            with suppress(TypeError, ValueError, OverflowError):
                if row[-1] == row_sum(*values):
                    yield row[0], (*values, before) if without else values
                    continue
            self.torn.add(table)

    def _ranged(self, table: str, sql: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a table, by rising number, without those on pages that cannot be read."""
        low, last = 1, self._last(table)
        while low <= last:
            high = min(low + _STEP - 1, last)
            rows = self._between(table, sql, low, high)
            while rows is None and high > low:
                high = (low + high) // 2
                rows = self._between(table, sql, low, high)
            if rows is None:
                low = _beyond(partial(self._readable, table, sql), low, last)
            else:
                yield from rows
                low = high + 1

    def _readable(self, table: str, sql: str, number: int) -> bool:
        return self._between(table, sql, number, number) is not None

    def _between(self, table: str, sql: str, low: int, high: int) -> list[tuple[Any, ...]] | None:
        with suppress(sqlite3.Error, sqlite3.Warning, MemoryError):
            if self._connection is not None:
                return self._connection.execute(sql, (low, high)).fetchall()
        self.torn.add(table)
        return None

    def _last(self, table: str) -> int:
        """The highest number that a row of the table may have."""
        number = _NUMBER.get(table, "n")
        known = [self.sequences().get(table, 0)]
        for told in (f"max({number})", "count(*)"):
            known += [row[0] for row in self.some(f"SELECT {told} FROM {table}", table) if isinstance(row[0], int)]
        return max(number for number in known if number < _MOST) + _BEYOND


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


def _told(row: tuple[Any, ...]) -> bool:
    return isinstance(row[0], int) and isinstance(row[1], str) and isinstance(row[2], int)
