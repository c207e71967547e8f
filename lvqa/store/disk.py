"""Files that must be on the disk, and a database that takes the place of another so that a kill cannot spoil it.

The new file is whole and on the disk before it is called `archive.db.mended`; from then on whoever opens the index
finishes what is left: the old log goes, which belongs to the old file, and the new file takes its name.
Knows no tables.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

LOGS = ("-wal", "-shm")


def flush(path: Path) -> None:
    """Return once a file, or the names in a folder, are on the disk. Raises OSError."""
    try:
        # Windows syncs only what may be written.
        fd = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    except PermissionError:
        if path.is_file():
            raise
        return  # Windows opens no folders
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sha256_of(path: Path) -> str:
    """The SHA-256 of all of a file, 64 hex digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def mended_path(path: Path) -> Path:
    """The name of a database that is to take the place of the one at `path`, until it has."""
    return path.with_name(f"{path.name}.mended")


def finish(path: Path) -> None:
    """Let a mended database take its place, if there is one. Only the writer may. Raises OSError."""
    mended = mended_path(path)
    if mended.exists():
        for suffix in LOGS:
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        mended.replace(path)
        flushed(path)


def flushed(path: Path) -> Path:
    """Flush a file and its folder to the disk, and return the file. Raises OSError."""
    flush(path)
    flush(path.parent)
    return path
