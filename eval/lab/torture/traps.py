"""Files that were made to catch a reader: pictures too small and too large, rates and lengths that cannot be, bombs.

Each is named for what it is. Knows formats and no reader.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np

from lvqa.eval.lab.footage_writer import write_video
from lvqa.media import Frame

HUGE = 16000  # the largest square that FFmpeg decodes, within some pixels
_SPARSE_BYTES = 10 << 30
_PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{}\n#EXT-X-ENDLIST\n"


def make_traps(folder: Path, good: Path) -> list[str]:
    """Write every trap into a folder; `good` is a sound MP4. Returns their names."""
    names = [name for name, make in _TRAPS.items() if make(folder / name, good) is not False]
    return sorted(names)


def _plain(count: int = 20, size: tuple[int, int] = (96, 64)) -> list[Frame]:
    return [np.full((size[1], size[0], 3), (k * 9 % 255, 90, 160), np.uint8) for k in range(count)]


def _encode(path: Path, codec: str, size: tuple[int, int], pts: list[int], base: Fraction, **more: Any) -> None:
    """Plain grey pictures of a size, at those ticks."""
    with av.open(str(path), "w", format=more.get("format")) as container:
        stream: Any = container.add_stream(codec, rate=more.get("rate", 10), options=more.get("options", {}))
        stream.width, stream.height = size
        stream.pix_fmt = more.get("pix_fmt", "yuv420p")
        stream.codec_context.time_base = base
        stream.time_base = base
        picture = av.VideoFrame(*size, stream.pix_fmt)
        for plane in picture.planes:
            plane.update(b"\x80" * plane.buffer_size)
        for tick in pts:
            picture.pts, picture.time_base = tick, base
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def _tiny(path: Path, good: Path) -> None:
    _encode(path, "ffv1", (1, 1), list(range(20)), Fraction(1, 10), pix_fmt="bgr0")


def _thin(path: Path, good: Path) -> None:
    _encode(path, "ffv1", (16384, 1), list(range(20)), Fraction(1, 10), pix_fmt="bgr0")


def _huge(path: Path, good: Path) -> None:
    # FFV1 and the like take gigabytes to encode at this size; PNG of one colour takes a row at a time.
    _png_video(path, HUGE, HUGE, 2)


def _too_huge(path: Path, good: Path) -> None:
    _png_video(path, 16384, 16384, 2)


def _bomb(path: Path, good: Path) -> None:
    _png_video(path, 30000, 30000, 30)


def _png_video(path: Path, width: int, height: int, frames: int) -> None:
    """QuickTime with the same PNG picture again and again; some 0.1 % of its size in memory."""
    packed = zlib.compressobj(9)
    row = bytes(1 + width)
    body = b"".join(packed.compress(row) for _ in range(height)) + packed.flush()
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
            (b"IDAT", body),
            (b"IEND", b""),
        )
    )
    with av.open(str(path), "w", format="mov") as container:
        stream: Any = container.add_stream("png", rate=10)
        stream.width, stream.height = 64, 64  # what the container says; each picture says its own size
        stream.pix_fmt = "rgb24"
        for k in range(frames):
            packet = av.Packet(png)
            packet.stream, packet.time_base, packet.pts, packet.dts = stream, Fraction(1, 10), k, k
            packet.is_keyframe = True
            container.mux(packet)


def _fast(path: Path, good: Path) -> None:
    _encode(path, "libx264", (96, 64), list(range(3000)), Fraction(1, 1000), rate=1000)


def _no_rate(path: Path, good: Path) -> None:
    """An MP4 whose every frame lasts nothing: all counts of ticks are 0."""
    data = bytearray(good.read_bytes())
    at = data.find(b"stts")
    while at >= 0:
        entries = struct.unpack_from(">I", data, at + 8)[0]
        for k in range(min(entries, 1000)):
            struct.pack_into(">I", data, at + 16 + 8 * k, 0)
        at = data.find(b"stts", at + 1)
    path.write_bytes(data)


def _scaled(path: Path, good: Path, *, ticks: int) -> None:
    """An MP4 whose clocks tick so often a second: never, or once, which makes hours of three seconds."""
    data = bytearray(good.read_bytes())
    for mark in (b"mvhd", b"mdhd"):
        at = data.find(mark)
        while at >= 0:
            struct.pack_into(">I", data, at + 16, ticks)
            at = data.find(mark, at + 1)
    path.write_bytes(data)


def _no_keyframes(path: Path, good: Path) -> None:
    """A transport stream without its first second, so without the only keyframe."""
    write_video(path, _plain(40), fps=10, gop=1000)
    data = path.read_bytes()
    path.write_bytes(data[: 188 * 3] + data[(len(data) // 188 // 3) * 188 :])


def _endless(path: Path, good: Path) -> None:
    _encode(path, "libx264", (96, 64), [*range(10), 2 * 10**9], Fraction(1, 1000), options={"bf": "0"})


def _hours(path: Path, good: Path) -> None:
    """Two frames a hundred hours apart."""
    _encode(path, "libx264", (96, 64), [0, 360_000_000], Fraction(1, 1000), rate=10, options={"bf": "0"})


def _negative(path: Path, good: Path) -> None:
    _encode(path, "libx264", (96, 64), list(range(-5000, 5000, 100)), Fraction(1, 1000), rate=10)


def _points_back(path: Path, good: Path) -> None:
    """An MP4 with a table of a million samples, all of which lie in the same few bytes."""
    data = bytearray(good.read_bytes())
    at = data.find(b"stsz")
    struct.pack_into(">II", data, at + 8, 1, 1_000_000)
    at = data.find(b"stts")
    struct.pack_into(">III", data, at + 8, 1, 1_000_000, 1)
    at = data.find(b"stsc")
    struct.pack_into(">IIII", data, at + 8, 1, 1, 1_000_000, 1)
    path.write_bytes(data)


def _playlist(path: Path, good: Path) -> None:
    path.write_text(_PLAYLIST.format(good.absolute()))


def _pipe(path: Path, good: Path) -> bool:
    if not hasattr(os, "mkfifo"):
        return False
    os.mkfifo(path)
    return True


def _sparse(path: Path, good: Path) -> None:
    with path.open("wb") as file:
        file.write(good.read_bytes())
        file.truncate(_SPARSE_BYTES)


def _sparse_empty(path: Path, good: Path) -> None:
    with path.open("wb") as file:
        file.truncate(_SPARSE_BYTES)


def _subtitles(path: Path, good: Path) -> None:
    """A sound video beside a subtitle file that makes naive patterns search for ever."""
    path.write_bytes(good.read_bytes() + b"\0")
    body = "<v " * 60_000 + "{\\" * 60_000 + "<" + "b." * 60_000
    path.with_suffix(".srt").write_text(f"1\n00:00:00,100 --> 00:00:01,000\n{body}\n")


def _loud(path: Path, good: Path) -> None:
    """Sound whose header promises one sample a second."""
    write_video(path, _plain(), fps=10, codec="mpeg4", audio=True)
    data = bytearray(path.read_bytes())
    at = data.find(b"auds")
    struct.pack_into("<II", data, at + 20, 1, 1)
    at = data.find(b"strf", at)
    struct.pack_into("<II", data, at + 12, 1, 2)
    path.write_bytes(data)


_TRAPS: dict[str, Callable[[Path, Path], Any]] = {
    "1x1.mkv": _tiny,
    "16384x1.mkv": _thin,
    "16000x16000.mov": _huge,
    "16384x16384.mov": _too_huge,
    "bomb-30000x30000.mov": _bomb,
    "1000-fps.mkv": _fast,
    "no-ticks-a-frame.mp4": _no_rate,
    "no-ticks-a-second.mp4": partial(_scaled, ticks=0),
    "one-tick-a-second.mp4": partial(_scaled, ticks=1),
    "no-keyframes.ts": _no_keyframes,
    "endless.mkv": _endless,
    "hundred-hours.mkv": _hours,
    "negative-times.mkv": _negative,
    "points-back.mp4": _points_back,
    "playlist.mp4": _playlist,
    "pipe.mp4": _pipe,
    "sparse.mp4": _sparse,
    "sparse-empty.mkv": _sparse_empty,
    "subtitles.mp4": _subtitles,
    "slow-sound.avi": _loud,
    "empty.mp4": lambda path, good: path.write_bytes(b"") and None,
    "zero.mp4": lambda path, good: path.symlink_to("/dev/zero"),
    "random.mp4": lambda path, good: path.symlink_to("/dev/urandom"),
    "loop.mkv": lambda path, good: path.symlink_to(path),
    "dangling.webm": lambda path, good: path.symlink_to("nowhere.webm"),
    "zeros.avi": lambda path, good: path.write_bytes(bytes(1 << 20)) and None,
    "text.ts": lambda path, good: path.write_text("no video\n" * 1000) and None,
}
