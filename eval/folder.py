"""The folder of a long measurement: that it is ours, and what its results depend on. Knows no measurement."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path

import lvqa
from lvqa.errors import UsageError


def claim(folder: Path, mark: str, text: str = "", stale: Sequence[str] = ()) -> None:
    """Make a folder ours by a file called `mark`, or refuse one that holds something else.

    Where the mark stood with another text, the files named in `stale` are dropped first. Raises UsageError.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a folder with --dir")
    others = sorted(p.name for p in folder.iterdir() if not p.name.startswith(".")) if folder.is_dir() else []
    path = folder / mark
    if others and not path.is_file():
        raise UsageError(f"{folder} holds other files, such as {others[0]}; name an empty folder with --dir")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.is_file() and path.read_text() != text:
            for name in stale:
                (folder / name).unlink(missing_ok=True)
        path.write_text(text)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written ({error.strerror or error}); name another with --dir") from error


def code_hash(rooms: Sequence[str], suffixes: Collection[str], seed: bytes = b"") -> str:
    """16 hex digits of `seed` and of the files with these endings in rooms of the package."""
    digest = hashlib.sha256(seed)
    package = Path(lvqa.__file__).parent
    for path in sorted(p for room in rooms for p in (package / room).resolve().rglob("*") if p.is_file()):
        if path.suffix in suffixes:
            digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
