"""Mends what can be mended of an index, and says what could not. Knows no folder of videos and no models.

Damage to the database's shape is mended by saving its sound rows into a new one, which takes its place; the damaged
files are kept beside it. Rows that are lost or changed are dropped, and the stages that wrote them are opened again, so
that the next `lvqa index` writes them anew; what nobody can write anew (imported captions) is told. Caches are deleted.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from lvqa.errors import StoreError, StoreFull, StoreVersionError
from lvqa.store.commits import note_commits, read_commits
from lvqa.store.database import Connections
from lvqa.store.faults import explained
from lvqa.store.health.check import verify
from lvqa.store.health.finding import Finding
from lvqa.store.health.mend import Mender
from lvqa.store.health.replace import finish, flushed, mended_path
from lvqa.store.health.salvage import copy_database, header_is_right, salvage
from lvqa.store.lock.writer import WriterLock
from lvqa.store.search.bundle import FOLDER
from lvqa.store.store import DATABASE_FILE, LOCK_FILE, Store

KEPT = "damaged"


def verify_index(index_dir: Path, *, embedder: str | None = None) -> list[Finding]:
    """All that is wrong with the index in a folder, also where it cannot even be opened. See `verify`.

    Raises StoreError where there never was one; StoreVersionError for one of a newer lvqa; StoreFull where the disk has
    not even room for looking.
    """
    path = index_dir / DATABASE_FILE
    if not path.exists() or not path.stat().st_size:
        noted = read_commits(index_dir)
        if not noted:
            Store.open(index_dir, create=False).close()
        what = "is empty" if path.exists() else "is gone"
        told = f"the database {path} {what}, and with it {noted} commits; its caches cannot bring them back"
        return [Finding("database", told, "backup")]
    try:
        Store.open(index_dir, create=False).close()
        with explained(path):
            if not header_is_right(path):
                return [Finding("database", f"the header of the database {path.name} is damaged")]
    except (StoreFull, StoreVersionError):
        raise
    except StoreError as error:
        return [Finding("database", f"the database cannot be opened ({error.__cause__ or error})")]
    connections = Connections(path, write=False)
    try:
        return verify(connections, index_dir, embedder=embedder)
    finally:
        connections.close()


def repair_index(index_dir: Path) -> list[str]:
    """Mend the index in a folder; returns a line for everything that was done or lost, empty where nothing was wrong.

    Raises StoreError where there is nothing to mend it from, StoreLocked while somebody writes.
    """
    findings = verify_index(index_dir)
    told: list[str] = []
    if any(finding.mend == "backup" for finding in findings):
        raise StoreError(
            f"{findings[0].text}: put a backup in its place, or delete {index_dir} and run lvqa index again"
        )
    if not any(finding.is_damage for finding in findings):
        return told
    anew = any(finding.kind == "database" for finding in findings)
    if anew:
        told += _replace(index_dir)
    with Store.open(index_dir, write=True) as store:
        told += [] if anew else Mender(store).mend()
        shutil.rmtree(index_dir / FOLDER, ignore_errors=True)
        store.build_indexes()
    return told


def _replace(index_dir: Path) -> list[str]:
    """Put a new database with the sound rows of the damaged one in its place; the damaged one is kept."""
    path = index_dir / DATABASE_FILE
    lock = WriterLock(index_dir / LOCK_FILE)
    lock.acquire()
    try:
        with explained(path), tempfile.TemporaryDirectory(dir=index_dir, prefix="repair-") as scratch:
            fresh = Path(scratch, "new")
            Store.open(fresh, write=True).close()
            try:
                found = salvage(copy_database(path, Path(scratch)), fresh / DATABASE_FILE)
            except sqlite3.Error as error:
                raise StoreError(f"what is left of {path} cannot be saved ({error}); put a backup in place") from error
            # Before it takes its place: what was lost is known only now.
            with Store.open(fresh, write=True) as store:
                told = Mender(store).mend(found)
            kept = index_dir / KEPT / time.strftime("%Y%m%dT%H%M%S", time.gmtime())
            kept.mkdir(parents=True, exist_ok=True)
            flushed(copy_database(path, kept))
            flushed(fresh / DATABASE_FILE).replace(mended_path(path))
            finish(path)
            note_commits(index_dir, found.commits)
    finally:
        lock.release()
    rows = ", ".join(f"{count} {table}" for table, count in found.rows.items() if count) or "nothing"
    first = f"the database was made anew from what could be read ({rows}); the damaged one is kept in {kept}"
    return [first, *told]


def describe(findings: Iterable[Finding]) -> list[str]:
    """A line for each finding, with what mends it."""
    how = {"repair": "lvqa verify --repair mends it", "index": "run lvqa index", "backup": "put a backup in its place"}
    return [f"{finding.text}; {how[finding.mend]}" for finding in findings]
