"""The file that chats are kept in: its table, its connection, what is ours in it, and what goes wrong, as one line.

A row of `turns` is one turn of one chat, as JSON and nothing else: what is read from the file is never unpickled or
imported. A file of the first format, in which LangGraph kept whole conversations, is brought to this one when it is
opened. Knows the form of no turn.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

from lvqa.errors import StoreError, StoreVersionError

CHATS_FILE = "chats.db"
APPLICATION_ID = 0x6C767163  # "lvqc", in the header of the file
FORMAT = 2
_BUSY_S = 10.0
_TABLE = """
    CREATE TABLE IF NOT EXISTS turns (
        chat TEXT NOT NULL,
        number INTEGER NOT NULL,
        at TEXT NOT NULL,
        turn TEXT NOT NULL,
        PRIMARY KEY (chat, number)
    ) WITHOUT ROWID
"""

Row: TypeAlias = tuple[str, int, str, "str | bytes"]
"""A chat's id, a turn's number from 1, when it ended (ISO, UTC), the turn as JSON."""


def connect(path: Path) -> tuple[sqlite3.Connection, str]:
    """A connection that may write, and an empty text; else one to a copy in memory, and why.

    Raises StoreError for a file that holds something else, StoreVersionError for that of a newer lvqa, sqlite3.Error.
    """
    if path.is_dir():
        raise StoreError(f"{path} is a folder, where the chats should be a file; move it away")
    try:
        connection = _open(f"{path.absolute().as_uri()}?mode=rwc")
        try:
            with writing(connection):
                _claim(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
    except sqlite3.OperationalError as error:
        name = getattr(error, "sqlite_errorname", "") or ""
        if not name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
            raise
        notice = f"{path.parent} cannot be written, so this chat is kept in memory and ends with this program"
        return _copy(path), notice
    return connection, ""


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """What is done within is done as a whole or not at all, and by one process at a time."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def parsed(turn: str | bytes) -> Any:
    """A turn's JSON. Raises StoreError for what is none."""
    try:
        return json.loads(turn)
    except (ValueError, RecursionError) as error:  # bytes that are no text, and what is nested without end, too
        raise StoreError(f"a chat cannot be read ({error}); forget it, or delete chats.db") from error


def _copy(path: Path) -> sqlite3.Connection:
    """The chats of a file that cannot be written, in memory."""
    memory = _open("file::memory:")
    memory.execute(_TABLE)
    # Where the folder cannot be written either, SQLite reads a file in WAL mode only as one that nobody changes.
    for mode in ("mode=ro", "mode=ro&immutable=1") if path.is_file() else ():
        with suppress(sqlite3.OperationalError), closing(_open(f"{path.absolute().as_uri()}?{mode}")) as source:
            version = _check(source, path)
            rows = source.execute("SELECT chat, number, at, turn FROM turns") if version > 1 else _of_first(source)
            memory.executemany("INSERT INTO turns VALUES (?, ?, ?, ?)", rows)
            break
    return memory


def _open(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=_BUSY_S, check_same_thread=False, isolation_level=None)


def _claim(connection: sqlite3.Connection, path: Path) -> None:
    """Make a new file ours, and bring an older one to this format; raise StoreError for one that is not ours."""
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    version = _check(connection, path)
    connection.execute(_TABLE)
    if version < FORMAT:
        connection.executemany("INSERT INTO turns VALUES (?, ?, ?, ?)", _of_first(connection))
        for table in ("checkpoints", "writes"):
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")


def _check(connection: sqlite3.Connection, path: Path) -> int:
    """The number of the format that a file has. Raises StoreError for one that is not ours, StoreVersionError."""
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise StoreError(f"{path} holds something else than chats of lvqa; move it away, and chats begin anew")
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > FORMAT:
        raise StoreVersionError(f"the chats in {path} are of a newer lvqa (format {version}); update lvqa to read them")
    return version


def _of_first(connection: sqlite3.Connection) -> list[Row]:
    """The turns of a file of the first format: those of each chat's last checkpoint.

    A chat that cannot be read is one row, its text as it was, so that it can still be listed and forgotten.
    """
    rows: list[Row] = []
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'checkpoints'").fetchone() is None:
        return rows
    last = "SELECT thread_id, max(checkpoint_id), type, checkpoint FROM checkpoints GROUP BY thread_id"
    for chat, _, kind, checkpoint in connection.execute(last).fetchall():
        try:
            held: Any = json.loads(checkpoint) if kind == "json" else None
            at, turns = str(held["ts"]), held["channel_values"]["turns"]
            rows += [(chat, number, at, json.dumps(turn)) for number, turn in enumerate(turns, 1)]
        except (ValueError, TypeError, KeyError, RecursionError):
            rows.append((chat, 1, "", checkpoint if kind == "json" else f"of the kind {kind}"))
    return rows


def explain(error: sqlite3.Error, path: Path) -> StoreError:
    """What SQLite says about the chats at `path`, as what happened and what to do."""
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL"):
        return StoreError(f"the disk below {path.parent} is full; free some space and ask again")
    if name.startswith("SQLITE_BUSY") or "locked" in str(error):
        return StoreError(f"the chats in {path} stayed busy with another process; try again when that has finished")
    if "closed" in str(error):
        return StoreError(f"the chats in {path} were closed; open the archive again")
    return StoreError(f"the chats in {path} cannot be used ({error}); move the file away, and chats begin anew")
