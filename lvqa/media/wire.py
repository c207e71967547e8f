"""How the process that decodes and the one that asked it talk: JSON headers, each with its raw bytes. Knows no video.

    message = length of the header (4 bytes) + length of the bytes (4 bytes) + header (JSON) + bytes

The asking side trusts nothing that it reads: lengths are checked before memory is taken for them.
"""

from __future__ import annotations

import json
import os
import struct
from typing import Any

Header = dict[str, Any]

PREFIX = struct.Struct("<II")
MOST_HEADER_BYTES = 1 << 20


def pack(header: Header, size: int = 0) -> bytes:
    """A message without its bytes, of which `size` follow."""
    text = json.dumps(header).encode()
    return PREFIX.pack(len(text), size) + text


def unpack(text: bytes) -> Header:
    """A header as it was packed. Raises ValueError for anything else."""
    try:
        header = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(header, dict):
        raise ValueError("not an object")
    return header


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write everything to a pipe that blocks."""
    left = memoryview(data).cast("B")
    while left:
        left = left[os.write(fd, left) :]


def read_all(fd: int, size: int) -> bytes | None:
    """Read so many bytes from a pipe that blocks; None where it ends before."""
    parts: list[bytes] = []
    while size:
        part = os.read(fd, size)
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
