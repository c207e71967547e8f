"""Copies a live archive: one snapshot of the database, whatever is written to it meanwhile, and what lies beside it.

SQLite's online backup inside one read transaction: a writer goes on, and the copy is of the moment at which it began.
The copy is checked, row by row, before it takes its name, so that a damaged archive never stands among good copies. The
search indexes are not copied; the next `index` builds them anew. To go back to a copy, move the index folder away and
copy the copy to its place; the copy itself also serves as `--archive DIR`. Knows files and SQLite, no rows.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lvqa.errors import StoreError
from lvqa.store.commits import COMMITS_FILE, note_commits
from lvqa.store.database import Connections, connect
from lvqa.store.exchange.part_folder import full_disk, part_folder
from lvqa.store.faults import explain, explained
from lvqa.store.health.check import damage
from lvqa.store.opening import DATABASE_FILE, schema_version

# Free pages between two looks at whether to stop: 16 MiB.
_STEP_PAGES = 1024
# Beside the database: what is one, and what is a plain file.
_DATABASES = ("chats.db",)
_FILES = ("settings.toml",)


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What was copied where; `bytes` is the size of the copy."""

    folder: str
    files: tuple[str, ...]
    bytes: int


def backup(index_dir: Path, out: Path, *, on_step: Callable[[int, int], None] | None = None) -> BackupReport:
    """Copy the archive whose index lies in `index_dir` to a folder that is not there yet.

    Args:
        index_dir: the folder that holds `archive.db`; nothing in it is changed, nor is an older schema brought forward.
        out: the folder of the copy, there whole or not at all.
        on_step: told how many pages are left, and of how many.

    Raises:
        UsageError: `out` is there; StoreError: there is no index, it is damaged, the disk is full;
        StoreVersionError: the index was written by a newer lvqa.
    """
    path = index_dir / DATABASE_FILE
    if not schema_version(path):
        raise StoreError(f"no index in {index_dir}; run lvqa index on the folder of videos first")
    with part_folder(out) as part:
        connections = Connections(path, write=False)
        try:
            with connections.reading():
                connections.value("SELECT count(*) FROM sqlite_master")  # now the snapshot is taken
                _copy(connections.connection, part / DATABASE_FILE, path, out, on_step)
        finally:
            connections.close()
        note_commits(part, _check(part / DATABASE_FILE, path))
        for name in _DATABASES:
            if (index_dir / name).is_file():
                with explained(index_dir / name):
                    source = connect(index_dir / name, "mode=ro")
                with closing(source):
                    _copy(source, part / name, index_dir / name, out, None)
        for name in _FILES:
            if (index_dir / name).is_file():
                shutil.copy2(index_dir / name, part / name)
        copied = [name for name in (DATABASE_FILE, COMMITS_FILE, *_DATABASES, *_FILES) if (part / name).exists()]
        sizes = {name: (part / name).stat().st_size for name in copied}
    return BackupReport(str(out), tuple(sizes), sum(sizes.values()))


def _copy(
    source: sqlite3.Connection, to: Path, path: Path, out: Path, on_step: Callable[[int, int], None] | None
) -> None:
    with closing(connect(to, "mode=rwc")) as target:
        try:
            # The folder is synced when all is in it.
            target.execute("PRAGMA synchronous = OFF")
            source.backup(
                target,
                pages=_STEP_PAGES,
                progress=None if on_step is None else lambda _, left, total: on_step(left, total),
                sleep=0,
            )
            found = target.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorname", "").startswith("SQLITE_FULL"):
                raise full_disk(out) from error
            if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
                raise _damaged(path, str(error)) from error
            raise explain(error, path) from error
    if found != ("ok",):
        raise _damaged(path, str(found[0]).splitlines()[-1])


def _check(copy: Path, path: Path) -> int:
    """Read the copy through; returns how often the database had been committed. Raises StoreError for damage."""
    with closing(connect(copy, "mode=rw")) as connection:
        try:
            wrong = damage(connection)
            counted = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'commits'").fetchone()[0]
            commits = connection.execute("SELECT max(n) FROM commits").fetchone()[0] if counted else 0
        except sqlite3.Error as error:
            raise _damaged(path, str(error)) from error
    if wrong:
        raise _damaged(path, wrong)
    return int(commits or 0)


def _damaged(path: Path, how: str) -> StoreError:
    return StoreError(
        f"{path} is damaged ({how}), so no copy was made; keep the copies of before, and run lvqa check --repair on "
        "its folder of videos"
    )
