"""The clocks of files that an index knows, so that reading a frame does not go through a file again to learn its own.

Kept for the process, whichever part of it reads; a file that changed since is looked into again.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lvqa.types import Clock

_known: dict[Path, tuple[int, int, Clock]] = {}


def remember_clocks(files: Iterable[tuple[Path, int, int, Clock]]) -> None:
    """Take in (absolute path, bytes, time of change in ns, clock) of files."""
    _known.update((path, (size, mtime_ns, clock)) for path, size, mtime_ns, clock in files if clock)


def known_clock(path: Path) -> Clock:
    """The clock of a file as it is now; empty where it is not known."""
    size, mtime_ns, clock = _known.get(path.absolute(), (-1, -1, ()))
    if not clock:
        return ()
    try:
        status = path.stat()
    except OSError:
        return ()
    return clock if (status.st_size, status.st_mtime_ns) == (size, mtime_ns) else ()
