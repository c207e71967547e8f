"""Flash videos that were put behind one another in one file, read as the one that players take the first of them for.

FFmpeg ends at the second header. Without it, the second's packets follow the first's, on a clock that starts again.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from functools import lru_cache
from pathlib import Path

_HEADER = b"FLV\x01"
_HEADER_BYTES, _TAG_BYTES, _BACK_BYTES = 9, 11, 4
_TAGS = (b"\x08", b"\x09", b"\x12")  # sound, pictures, script


def spliced(path: Path) -> SplicedFile | None:
    """A file of several Flash videos without the headers of all but the first; None for any other file."""
    with path.open("rb") as file:
        if file.read(len(_HEADER)) != _HEADER:
            return None
    status = path.stat()
    holes = _headers(path, status.st_size, status.st_mtime_ns)
    return SplicedFile(path, status.st_size, holes) if holes else None


class SplicedFile(io.RawIOBase):
    """A file without some stretches of it, each given as (first byte, number of bytes), in order."""

    def __init__(self, path: Path, size: int, holes: tuple[tuple[int, int], ...]) -> None:
        self._file = path.open("rb")
        self._at = self._begin = 0
        self.name = ""  # FFmpeg would go by it
        # What is left: where each stretch begins in what is read, and in the file.
        self._begins, self._places = [0], [0]
        for first, count in holes:
            self._begins.append(self._begins[-1] + first - self._places[-1])
            self._places.append(first + count)
        self._size = self._begins[-1] + size - self._places[-1]

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go elsewhere, as in any file."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Up to so many bytes: fewer where a stretch ends."""
        part = bisect_right(self._begins, self._at) - 1
        end = self._begins[part + 1] if part + 1 < len(self._begins) else self._size
        count = max(0, end - self._at) if size < 0 else max(0, min(size, end - self._at))
        self._file.seek(self._places[part] + self._at - self._begins[part])
        data = self._file.read(count)
        self._at += len(data)
        return data

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
        super().close()


@lru_cache(maxsize=16)
def _headers(path: Path, size: int, mtime_ns: int) -> tuple[tuple[int, int], ...]:
    """The headers behind the first, found by going from tag to tag; size and time tell that a file changed."""
    found: list[tuple[int, int]] = []
    with path.open("rb") as file:
        at = 0
        while at + _TAG_BYTES <= size:
            file.seek(at)
            head = file.read(_TAG_BYTES)
            if head.startswith(_HEADER):
                count = max(int.from_bytes(head[5:9]), _HEADER_BYTES) + _BACK_BYTES
                file.seek(at + count)
                if file.read(1)[:1] not in _TAGS:
                    break
                if at:
                    found.append((at, count))
                at += count
            elif head[:1] in _TAGS:
                at += _TAG_BYTES + int.from_bytes(head[1:4]) + _BACK_BYTES
            else:
                break
    return tuple(found)
