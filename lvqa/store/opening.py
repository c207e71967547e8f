"""Brings the database of an index folder to where a Store can use it: made, checked, migrated, and counted on.

Knows schemas and the lock, no rows of any table.
"""

from __future__ import annotations

import logging
import re
import sqlite3
import time
from pathlib import Path

from lvqa.errors import StoreError, StoreFull, StoreLocked, StoreVersionError
from lvqa.store.commits import note_commits, read_commits
from lvqa.store.database import PAGE_BYTES, Connections, connect
from lvqa.store.disk import finish, mended_path
from lvqa.store.faults import explained
from lvqa.store.lock.writer import WriterLock
from lvqa.store.schema import APPLICATION_ID, SCHEMA_VERSION

DATABASE_FILE = "archive.db"
LOCK_FILE = "lock"
_PATIENCE_S = 10.0
_APPLIED = "_sqlite_migrations"  # where sqlite-utils notes which migrations ran
_log = logging.getLogger("lvqa.store")


def check_there(index_dir: Path, *, create: bool) -> None:
    """Raise StoreError where the folder's database is gone or empty and there was one, or may not be made.

    With `create`, the folder is made where it is not there.
    """
    path = index_dir / DATABASE_FILE
    with explained(index_dir):
        if path.exists() and path.stat().st_size:
            return
        if read_commits(index_dir):
            raise StoreError(
                f"the index {path} is {'empty' if path.exists() else 'gone'}, and there was one: put a backup "
                f"in its place, or delete {index_dir} and run lvqa index again"
            )
        if not path.exists() and not create:
            raise StoreError(f"no index in {index_dir}; run lvqa index on the folder of videos first")
        index_dir.mkdir(parents=True, exist_ok=True)


def migrate(path: Path, lock: WriterLock) -> None:
    """Finish a repair that was interrupted and bring the database to the newest schema, holding the lock meanwhile.

    Raises StoreLocked where another process goes on writing, StoreError where the folder may not be written.
    """
    deadline, version = time.monotonic() + _PATIENCE_S, 0
    while mended_path(path).exists() or (version := schema_version(path)) < SCHEMA_VERSION:
        borrowed = not lock.held
        if borrowed:
            try:
                lock.acquire()
            except StoreLocked:
                # Its holder has only just opened the index and is about to do the same.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
                continue
            except StoreError as error:
                if not version or isinstance(error, StoreFull):
                    raise
                raise StoreError(
                    f"the index {path} is of an older lvqa (schema {version}, now {SCHEMA_VERSION}) and cannot be "
                    "brought up to date where it is, for it may not be written; copy it with lvqa backup FOLDER DIR "
                    "and give --archive DIR, or change the permissions"
                ) from error
        try:
            with explained(path):
                finish(path)
                make_database(path)
        finally:
            if borrowed:
                lock.release()


def make_database(path: Path) -> None:
    """Make an empty database of the newest schema, or bring one there. Raises sqlite3.Error."""
    from sqlite_utils import Database

    from lvqa.store.migrations import MIGRATIONS

    connection = connect(path, "mode=rwc")
    try:
        # Both are of effect before the first table only.
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        # Before any table: a kill between the bookkeeping table of the migrations and the first of ours would leave
        # what looks like somebody else's database.
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        MIGRATIONS.apply(Database(connection, execute_plugins=False))
    except sqlite3.Error:
        connection.close()
        raise
    connection.close()


def schema_version(path: Path) -> int:
    """The schema version of the file, 0 for none or an empty one; changes nothing.

    Raises StoreError for a file that is not ours or contradicts itself, StoreVersionError for one of a newer lvqa.
    """
    if not path.exists():
        return 0
    with explained(path), path.open("rb") as file:
        head = file.read(72)
    if head[68:72] == APPLICATION_ID.to_bytes(4, "big"):
        # A database that is not opened stays as it is to the byte.
        _refuse_newer(path, int.from_bytes(head[60:64], "big"))
    connections = Connections(path, write=False)
    try:
        version = int(connections.value("PRAGMA user_version"))
        ours = connections.value("PRAGMA application_id") == APPLICATION_ID
        tables = {row[0] for row in connections.rows("SELECT name FROM sqlite_master")}
        applied = []
        if ours and _APPLIED in tables:
            applied = connections.rows(f"SELECT name FROM {_APPLIED} WHERE migration_set = 'lvqa'")
    finally:
        connections.close()
    if not ours and tables:
        raise StoreError(f"{path} is a database, but no index of lvqa; move it away, or use --archive DIR")
    numbers = {_number(str(row[0])) for row in applied}
    _refuse_newer(path, max([version, *numbers]))
    if numbers != set(range(1, version + 1)):
        raise StoreError(
            f"the index {path} is damaged: its header says schema {version}, its list of migrations {len(numbers)}; "
            "run lvqa check --repair on its folder of videos"
        )
    return version


def _number(migration: str) -> int:
    """The schema that a migration such as `m005_checks` makes; one that is not named so is none of this lvqa."""
    known = re.match(r"m(\d{3})_", migration)
    return int(known[1]) if known else SCHEMA_VERSION + 1


def _refuse_newer(path: Path, version: int) -> None:
    if version > SCHEMA_VERSION:
        raise StoreVersionError(
            f"the index {path} has schema {version}, this lvqa knows {SCHEMA_VERSION}; "
            f"update lvqa, or delete {path.parent} and run lvqa index again"
        )


def reconcile(connections: Connections, index_dir: Path) -> None:
    """Warn where the database has lost commits that the file beside it knows of, and set that file to what there is."""
    have, noted = int(connections.value("SELECT coalesce(max(n), 0) FROM commits")), read_commits(index_dir)
    if noted > have:
        _log.warning(
            "the last %d of %d commits to %s are lost: its log was damaged or taken away, or an older copy was put "
            "here; what they held is made again",
            noted - have,
            noted,
            connections.path,
        )
        note_commits(index_dir, have)
