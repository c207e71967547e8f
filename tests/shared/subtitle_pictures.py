"""Writes subtitles that are pictures: PGS (.sup and packets), and the units of VobSub."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

# Of a picture's numbers: nothing, letters, what is around them.
NOTHING, LETTER, OUTLINE = 0, 1, 2
# Luma, Cr, Cb, opacity of each number.
WHITE_ON_BLACK = {0: (16, 128, 128, 0), 1: (235, 128, 128, 255), 2: (16, 128, 128, 255)}
LANGUAGES = {"en": "eng", "de": "ger", "ru": "rus"}


def plane(text: str, pixels: int = 36, outline: int = 3) -> Any:
    """A text as numbers of colours."""
    font = ImageFont.load_default(pixels)
    draw = ImageDraw.Draw(Image.new("L", (1, 1)))
    left, top, right, bottom = draw.multiline_textbbox((0, 0), text, font, stroke_width=outline)
    image = Image.new("L", (round(right - left) + 8, round(bottom - top) + 8), NOTHING)
    draw = ImageDraw.Draw(image)
    draw.fontmode = "1"
    at = (4 - left, 4 - top)
    if outline:
        draw.multiline_text(at, text, OUTLINE, font, stroke_width=outline, stroke_fill=OUTLINE, align="center")
    draw.multiline_text(at, text, LETTER, font, align="center")
    return np.asarray(image).copy()


def bar(number: int) -> Any:
    """A picture that `bar_number` tells from others: the wider, the higher its number."""
    picture = np.full((20, 60 + 20 * number), OUTLINE, np.uint8)
    picture[6:14, 6:-6] = LETTER
    return picture


def bar_number(image: Any) -> int:
    """The number of a bar as it is read."""
    columns = np.flatnonzero((image.max(axis=2) > 128).any(axis=0))
    return round(((columns[-1] + 1 - columns[0]) / 2 - 48) / 20) if len(columns) else -1


def pgs(
    number: int,
    objects: Sequence[tuple[int, int, Any]],
    colours: dict[int, tuple[int, int, int, int]] | None = None,
    *,
    state: int = 0x80,
    size: tuple[int, int] = (1280, 720),
) -> list[tuple[int, bytes]]:
    """The segments of a display set: (kind, body) each; `objects` are (x, y, plane)."""
    colours = WHITE_ON_BLACK if colours is None else colours
    shown = b"".join(struct.pack(">HBBHH", i, 0, 0, x, y) for i, (x, y, _) in enumerate(objects))
    segments = [(0x16, struct.pack(">HHBHBBBB", *size, 16, number, state, 0, 0, len(objects)) + shown)]
    if objects:
        window = b"".join(struct.pack(">BHHHH", i, x, y, *p.shape[::-1]) for i, (x, y, p) in enumerate(objects))
        segments.append((0x17, bytes([len(objects)]) + window))
        segments.append((0x14, b"\0\0" + b"".join(struct.pack(">BBBBB", i, *c) for i, c in colours.items())))
        for i, (_, _, picture) in enumerate(objects):
            data = struct.pack(">HH", *picture.shape[::-1]) + b"".join(map(_pgs_line, picture))
            segments.append((0x15, struct.pack(">HBB", i, 0, 0xC0) + len(data).to_bytes(3, "big") + data))
    return [*segments, (0x80, b"")]


def sup(sets: Iterable[tuple[float, list[tuple[int, bytes]]]]) -> bytes:
    """A .sup file of display sets: (seconds, segments) each."""
    return b"".join(
        b"PG" + struct.pack(">IIBH", round(at_s * 90000), 0, kind, len(body)) + body
        for at_s, segments in sets
        for kind, body in segments
    )


def packed(segments: list[tuple[int, bytes]]) -> bytes:
    """A display set as one packet of a container."""
    return b"".join(struct.pack(">BH", kind, len(body)) + body for kind, body in segments)


def cues(*stretches: tuple[float, float, Any], **more: Any) -> list[tuple[float, list[tuple[int, bytes]]]]:
    """Display sets that show each picture, and nothing behind it: (begin, end, plane) in seconds."""
    found = []
    for number, (begin_s, end_s, picture) in enumerate(stretches):
        found += [(begin_s, pgs(number, [(100, 600, picture)], **more)), (end_s, pgs(number, []))]
    return found


def vobsub(picture: Any, seconds: float, numbers: Sequence[int] = (0, 1, 2, 3)) -> bytes:
    """A unit of VobSub that shows a picture for some seconds; `numbers` are those of the header's colours."""
    height, width = picture.shape
    top, bottom = (b"".join(map(_vobsub_line, picture[first::2])) for first in (0, 1))
    at = 4 + len(top) + len(bottom)
    area = (10 << 12 | 10 + width - 1).to_bytes(3, "big") + (400 << 12 | 400 + height - 1).to_bytes(3, "big")
    pairs = bytes([numbers[3] << 4 | numbers[2], numbers[1] << 4 | numbers[0]]), bytes([0xFF, 0xF0])
    first = b"\x03" + pairs[0] + b"\x04" + pairs[1] + b"\x05" + area
    first += b"\x06" + struct.pack(">HH", 4, 4 + len(top)) + b"\x01\xff"
    last = at + 4 + len(first)
    steps = struct.pack(">HH", 0, last) + first + struct.pack(">HH", round(seconds * 90000 / 1024), last) + b"\x02\xff"
    return struct.pack(">HH", 4 + len(top) + len(bottom) + len(steps), at) + top + bottom + steps


def with_pictures(path: Path, film: Path, *tracks: tuple[str, str, int, Sequence[tuple[float, bytes]]]) -> Path:
    """Put tracks of pictures into a film: (codec, language, disposition, packets by seconds) each."""
    with av.open(str(film)) as source, av.open(str(path), "w") as out:
        video = out.add_stream_from_template(source.streams.video[0])
        waiting = []
        for codec, language, marks, units in tracks:
            if codec == "pgssub":  # which FFmpeg writes nowhere, and copies
                template = av.open(io.BytesIO(sup([(0.0, pgs(0, []))])), format="sup").streams[0]
                stream: Any = out.add_stream_from_template(template)
            else:
                stream = out.add_stream(codec)
            stream.metadata["language"] = LANGUAGES.get(language, language)
            stream.disposition = av.stream.Disposition(marks)
            for at_s, data in units:
                packet = av.Packet(data)
                packet.stream, packet.time_base = stream, Fraction(1, 1000)
                packet.pts = packet.dts = round(at_s * 1000)
                waiting.append((at_s, packet))
        waiting.sort(key=lambda one: one[0], reverse=True)
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                while waiting and waiting[-1][0] <= float(packet.dts * packet.time_base):
                    out.mux(waiting.pop()[1])
                packet.stream = video
                out.mux(packet)
        while waiting:
            out.mux(waiting.pop()[1])
    return path


def _runs(line: Any, longest: int) -> Iterable[tuple[int, int]]:
    changes = [0, *(np.flatnonzero(np.diff(line)) + 1).tolist(), len(line)]
    for begin, end in pairwise(changes):
        for at in range(begin, end, longest):
            yield int(line[begin]), min(longest, end - at)


def _pgs_line(line: Any) -> bytes:
    out = bytearray()
    for number, count in _runs(line, 16383):
        if number and count == 1:
            out.append(number)
        else:
            flag = (0x80 if number else 0) | (0x40 if count > 63 else 0)
            out += bytes([0, flag | count >> 8, count & 255]) if count > 63 else bytes([0, flag | count])
            out += bytes([number]) if number else b""
    return bytes(out) + b"\0\0"


def _vobsub_line(line: Any) -> bytes:
    nibbles: list[int] = []
    for number, count in _runs(line, 255):
        size = 1 if count < 4 else 2 if count < 16 else 3 if count < 64 else 4
        nibbles += [(count << 2 | number) >> 4 * place & 15 for place in range(size)][::-1]
    nibbles += [0] * (len(nibbles) % 2)
    return bytes(high << 4 | low for high, low in zip(nibbles[::2], nibbles[1::2], strict=True))
