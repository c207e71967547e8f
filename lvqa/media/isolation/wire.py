"""What the process that decodes and the one that asks it send each other: headers, each with its raw bytes.

A header is one message of `multiprocessing.connection`, JSON text; where it says `bytes`, so many follow as they are:
read straight into the array that is given out, a frame is copied once and not three times. Nothing is ever pickled:
only `send_bytes` and `recv_bytes` are used. Knows no video and no process.
"""

from __future__ import annotations

import json
import os
from multiprocessing.connection import Connection
from typing import Any

Header = dict[str, Any]

MOST_HEADER_BYTES = 1 << 20


def pack(header: Header) -> bytes:
    """A header as text."""
    return json.dumps(header).encode()


def unpack(text: bytes) -> Header:
    """A header as it was packed. Raises ValueError for anything else."""
    try:
        header = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(header, dict):
        raise ValueError("not an object")
    return header


def send(link: Connection, header: Header, data: memoryview | None = None) -> None:
    """Send a header, and the bytes that belong to it (a flat view of bytes); waits until there is room."""
    if data is None:
        link.send_bytes(pack(header))
        return
    link.send_bytes(pack({**header, "bytes": data.nbytes}))
    while data:
        data = data[os.write(link.fileno(), data) :]


def fill(link: Connection, room: memoryview) -> None:
    """Fill `room` (a flat view of bytes) with bytes that follow a header. Raises EOFError where there are fewer."""
    while room:
        count = os.readv(link.fileno(), [room])
        if not count:
            raise EOFError
        room = room[count:]
