"""What SQLite and the file system say, as one line that says what happened and what to do. Knows no tables."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lvqa.errors import StoreError, StoreFull

ELSEWHERE = "put the index elsewhere with --archive DIR"


def explain(error: Exception, path: Path) -> StoreError:
    """Turn an error of SQLite or of the operating system about the index at `path` into a StoreError."""
    if isinstance(error, OSError):
        return _explain_os(error, path)
    name = getattr(error, "sqlite_errorname", "") or ""
    folder = path.parent
    # The shared memory of a database is a file, too, and nothing else keeps it from growing.
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")) or "disk is full" in str(error):
        return _full(folder)
    if name.startswith("SQLITE_READONLY"):
        line = f"the index {path} cannot be written (read-only); {ELSEWHERE}, or change the permissions"
    elif name.startswith(("SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        line = f"the index {path} cannot be opened; check the permissions of {folder}, or {ELSEWHERE}"
    elif name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or "malformed" in str(error):
        line = f"the index {path} is damaged ({error}); lvqa check --repair saves what can be read of it"
    elif name.startswith("SQLITE_BUSY") or "locked" in str(error):
        line = f"the index {path} stayed busy with another process; try again when that has finished"
    elif name.startswith("SQLITE_IOERR"):
        line = (
            f"reading or writing the index {path} failed ({error}); check the disk and its free space, then try again"
        )
    else:
        line = f"the index {path} refused an operation ({error}); if it repeats, lvqa check tells what is wrong with it"
    return StoreError(line)


def _full(folder: Path) -> StoreFull:
    return StoreFull(
        f"the disk below {folder} is full; free some space and run the same command again: nothing is lost"
    )


def _explain_os(error: OSError, path: Path) -> StoreError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _full(path if path.is_dir() else path.parent)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreError(f"not allowed to use {path} ({error.strerror}); {ELSEWHERE}, or change the permissions")
    return StoreError(f"cannot use {path} as an index ({error.strerror or error}); {ELSEWHERE}")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Raise what SQLite or the operating system raises inside as a StoreError about the index at `path`."""
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning, OSError) as error:
        raise explain(error, path) from error
