"""How often the database was committed, kept in a file beside it: what tells that commits, or all of it, were lost.

A file that is older than the database is nothing: the process was killed between a commit and its note of it. A
database that is older than the file has lost its log, or was replaced by an earlier copy.
"""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from pathlib import Path

COMMITS_FILE = "commits"
_DIGITS = 16


def read_commits(index_dir: Path) -> int:
    """How many commits the file knows of; 0 where there is none, or it says nothing."""
    try:
        written = (index_dir / COMMITS_FILE).read_bytes()
        return int(written[:_DIGITS]) if written == _line(int(written[:_DIGITS])) else 0
    except (OSError, ValueError):
        return 0


def note_commits(index_dir: Path, count: int) -> None:
    """Write the count into the file; a write that fails is left to the next commit."""
    with suppress(OSError):
        fd = os.open(index_dir / COMMITS_FILE, os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        try:
            os.write(fd, _line(count))
        finally:
            os.close(fd)


def _line(count: int) -> bytes:
    """The count and its checksum, always as long: the one before is written over."""
    digits = f"{count:0{_DIGITS}d}"
    return f"{digits} {zlib.crc32(digits.encode()):08x}\n".encode()
