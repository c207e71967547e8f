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
from pathlib import Path

from lvqa.errors import StoreError
from lvqa.store.commits import note_commits
from lvqa.store.faults import explained
from lvqa.store.health.check import check_index
from lvqa.store.health.mend import Mender
from lvqa.store.health.salvage import copy_database, salvage
from lvqa.store.lock.writer import WriterLock
from lvqa.store.opening import DATABASE_FILE, LOCK_FILE
from lvqa.store.replace import finish, flushed, mended_path
from lvqa.store.search.bundle import FOLDER
from lvqa.store.store import Store

DAMAGED_FOLDER = "damaged"


def repair_index(index_dir: Path) -> list[str]:
    """Mend the index in a folder; returns a line for everything that was done or lost, empty where nothing was wrong.

    Raises StoreError where there is nothing to mend it from, StoreLocked while somebody writes.
    """
    findings = check_index(index_dir)
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
            kept = index_dir / DAMAGED_FOLDER / time.strftime("%Y%m%dT%H%M%S", time.gmtime())
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
