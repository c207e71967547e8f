"""What several rooms need of files: that they are on the disk, and what they hold, as a digest. Knows no index."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


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
