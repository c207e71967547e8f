"""The file that chats are kept in: its connection, what is ours in it, and what goes wrong, as one line.

Everything is stored as JSON. Knows the tables of LangGraph's SqliteSaver by name, and no conversation.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from langgraph.checkpoint.sqlite import SqliteSaver

from lvqa.errors import StoreError, StoreVersionError

CHATS_FILE = "chats.db"
APPLICATION_ID = 0x6C767163  # "lvqc", in the header of the file
FORMAT = 1
_BUSY_S = 10.0
_COLUMNS = "thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata"


class PlainJson:
    """The checkpointer's serializer: JSON and nothing else, neither pickle nor the names of classes."""

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """As `("json", bytes)`. Raises TypeError for what is no plain JSON."""
        return "json", json.dumps(obj, default=_only_errors).encode()

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """From what `dumps_typed` made. Raises StoreError for anything else."""
        kind, raw = data
        if kind != "json":
            raise StoreError(f"a chat is stored as {kind!r}, which lvqa does not read; forget it, or delete chats.db")
        try:
            return json.loads(raw)
        except ValueError as error:
            raise StoreError(f"a chat cannot be read ({error}); forget it, or delete chats.db") from error


def _only_errors(obj: Any) -> str:
    # LangGraph notes the error that ended a node.
    if isinstance(obj, BaseException):
        return repr(obj)
    raise TypeError(f"{type(obj).__name__} is no plain JSON")


def connect(path: Path) -> tuple[sqlite3.Connection, str]:
    """A connection that may write, and an empty text; else one to a copy in memory, and why.

    Raises StoreError for a file that holds something else, StoreVersionError for that of a newer lvqa, sqlite3.Error.
    """
    if path.is_dir():
        raise StoreError(f"{path} is a folder, where the chats should be a file; move it away")
    try:
        connection = _open(f"{path.absolute().as_uri()}?mode=rwc")
        try:
            connection.execute("BEGIN IMMEDIATE")
            _claim(connection, path)
            connection.execute("COMMIT")
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


def _copy(path: Path) -> sqlite3.Connection:
    """The chats of a file that cannot be written, in memory."""
    memory = _open("file::memory:")
    SqliteSaver(memory, serde=PlainJson()).setup()
    # Where the folder cannot be written either, SQLite reads a file in WAL mode only as one that nobody changes.
    for mode in ("mode=ro", "mode=ro&immutable=1") if path.is_file() else ():
        with suppress(sqlite3.OperationalError), closing(_open(f"{path.absolute().as_uri()}?{mode}")) as source:
            _check(source, path)
            rows = source.execute(f"SELECT {_COLUMNS} FROM checkpoints").fetchall()  # noqa: S608
            memory.executemany(f"INSERT INTO checkpoints ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)  # noqa: S608
            memory.commit()
            break
    return memory


def _open(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=_BUSY_S, check_same_thread=False)


def _claim(connection: sqlite3.Connection, path: Path) -> None:
    """Mark a new file as ours; raise StoreError for one that is not."""
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    _check(connection, path)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise StoreError(f"{path} holds something else than chats of lvqa; move it away, and chats begin anew")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > FORMAT:
        raise StoreVersionError(f"the chats in {path} are of a newer lvqa (format {version}); update lvqa to read them")


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
