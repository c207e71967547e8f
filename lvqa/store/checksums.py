"""A checksum in every row, so that a bit that flipped on the disk is found. Knows what is summed, not what it means.

SQLite checks the shape of its pages, not their content. A row's `sum` is over all its columns but `n` (which the unique
index of every table holds a second time, so that SQLite's own check covers it) and is written in the statement that
writes the row, by the SQL function `lvqa_sum` of our connections.
"""

from __future__ import annotations

import hashlib
import sqlite3
import struct
from collections.abc import Sequence

# The columns of each table in the order in which they are summed.
SUMMED: dict[str, tuple[str, ...]] = {
    "videos": ("id", "path", "content_hash", "duration_s", "width", "height", "fps", "codec", "has_audio", "probe"),
    "files": ("path", "video", "size", "mtime_ns"),
    "clips": ("id", "video", "start_s", "end_s", "level"),
    "notes": ("id", "video", "clip", "start_s", "end_s", "level", "text", "source", "model", "prompt_hash"),
    "jobs": ("video", "path", "stage", "key", "status", "progress_s", "reason", "spec", "blank"),
    "meta": ("key", "value"),
    "embeddings": ("model", "note", "dim", "vector"),
    "frames": ("model", "video", "time_s", "dim", "vector"),
}
# What came to a table's rows later, with the schema that it came with and what it was before.
LATER: dict[str, tuple[str, int, str]] = {"videos": ("probe", 6, "")}
_INT64 = 1 << 63


def row_sum(*values: object) -> int:
    """64 bits over the values of a row, as a signed integer.

    2 counts as 2.0, as in a REAL column, and a text as its bytes: damaged text may not be text any more.
    """
    digest = hashlib.blake2b(digest_size=8)
    for value in values:
        if isinstance(value, float) and value.is_integer() and abs(value) < _INT64:
            value = int(value)
        if value is None:
            digest.update(b"n")
        elif isinstance(value, int):
            digest.update(b"i" + int(value).to_bytes(16, "little", signed=True))
        elif isinstance(value, float):
            digest.update(b"f" + struct.pack("<d", value))
        else:
            raw = value.encode() if isinstance(value, str) else bytes(value)  # type: ignore[call-overload]
            digest.update(b"b" + len(raw).to_bytes(8, "little") + raw)
    return int.from_bytes(digest.digest(), "little", signed=True)


def register(connection: sqlite3.Connection) -> None:
    """Give a connection the function `lvqa_sum`."""
    connection.create_function("lvqa_sum", -1, row_sum, deterministic=True)


def summed(table: str, schema: int) -> tuple[str, ...]:
    """The columns of a table that are summed in a database of that schema, from 5 on."""
    later, since, _ = LATER.get(table, ("", 0, ""))
    return tuple(column for column in SUMMED[table] if column != later or schema >= since)


def checked_sum(table: str, columns: Sequence[str] = ()) -> str:
    """The SQL of a row's sum that also works where a text is damaged; over `columns` of an older schema."""
    return f"lvqa_sum({', '.join(_raw(column) for column in columns or SUMMED[table])})"


def _raw(column: str) -> str:
    return f"CASE typeof({column}) WHEN 'text' THEN CAST({column} AS BLOB) ELSE {column} END"


def sum_of(table: str, **instead: str) -> str:
    """The SQL of a row's sum; `instead` gives other expressions than the column's name."""
    return f"lvqa_sum({', '.join(instead.get(column, column) for column in SUMMED[table])})"


def insert(table: str) -> str:
    """The SQL that inserts a row of all summed columns, in that order, with its sum."""
    columns = SUMMED[table]
    holes = ", ".join(f"?{number}" for number in range(1, len(columns) + 1))
    return f"INSERT INTO {table}({', '.join(columns)}, sum) VALUES ({holes}, lvqa_sum({holes}))"


def upsert(table: str, conflict: str) -> str:
    """The SQL that inserts a row, or brings the one that conflicts up to date."""
    known = conflict.partition(")")[0].strip("( ").split(", ")
    sets = ", ".join(f"{column} = excluded.{column}" for column in (*SUMMED[table], "sum") if column not in known)
    return f"{insert(table)} ON CONFLICT {conflict} DO UPDATE SET {sets}"
