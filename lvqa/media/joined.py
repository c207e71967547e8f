"""Whether a second film stands behind the first in a file, where players, and FFmpeg with them, read the first alone.

So it is with MP4 and QuickTime and ASF (WMV) that were joined as bytes (`cat a.mp4 b.mp4`). Other containers are read
on. Looks at the heads of boxes and decodes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

# What has more boxes is looked at no further.
_MOST_HEADS = 200_000
_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_OBJECT_BYTES = 24
_BEGINNINGS = (b"ftyp", b"moov", b"mdat", b"wide", b"pnot")


def second_film(path: Path) -> int:
    """The byte at which a second film begins that is not read; 0 where there is none, or the file cannot be read."""
    try:
        with path.open("rb", buffering=0) as file:
            head = file.read(16)
            for begins, find in _FINDERS:
                if begins(head):
                    return find(file)
    except OSError:
        pass
    return 0


def _mp4(file: BinaryIO) -> int:
    at = begun = 0
    seen: set[bytes] = set()
    first_is_whole = False
    for _ in range(_MOST_HEADS):
        kind, size = _box(file, at)
        if not kind or kind == b"moof":  # of a film in fragments all are read
            return 0
        if kind in _BEGINNINGS:
            if first_is_whole and (not begun or (kind == b"ftyp" and b"moov" not in seen)):
                begun = at
                seen.clear()
            seen.add(kind)
            if begun and b"moov" in seen and seen & {b"ftyp", b"mdat"}:
                return begun
            first_is_whole = first_is_whole or {b"moov", b"mdat"} <= seen
        if not size:  # up to the end
            return 0
        at += size
    return 0


def _box(file: BinaryIO, at: int) -> tuple[bytes, int]:
    """The kind of a box and its size in bytes, 0 for up to the end; no kind where there is none."""
    file.seek(at)
    head = file.read(16)
    size, kind = int.from_bytes(head[:4], "big"), head[4:8]
    least = 8
    if size == 1:
        size, least = int.from_bytes(head[8:16], "big"), 16
    if len(head) < 8 or (size and size < least) or not kind.strip(b"\0"):
        return b"", 0
    return kind, size


def _asf(file: BinaryIO) -> int:
    at = 0
    for _ in range(_MOST_HEADS):
        file.seek(at)
        head = file.read(_OBJECT_BYTES)
        if at and head.startswith(_ASF_HEADER):
            return at
        size = int.from_bytes(head[16:24], "little")
        if len(head) < _OBJECT_BYTES or size < _OBJECT_BYTES:
            return 0
        at += size
    return 0


_FINDERS: tuple[tuple[Callable[[bytes], bool], Callable[[BinaryIO], int]], ...] = (
    (lambda head: head[4:8] in (*_BEGINNINGS, b"free", b"skip"), _mp4),
    (lambda head: head == _ASF_HEADER, _asf),
)
