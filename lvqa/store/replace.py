"""Puts a new database in the place of another in a way that a kill cannot spoil. Knows files, no tables.

The new file is whole and on the disk before it is called `archive.db.mended`; from then on whoever opens the index
finishes what is left: the old log goes, which belongs to the old file, and the new file takes its name.
"""

from __future__ import annotations

from pathlib import Path

from lvqa.store.disk import flush

LOGS = ("-wal", "-shm")


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
