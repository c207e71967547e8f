"""Small videos in several container formats, and ways to harm their bytes. Knows containers' marks, and no reader.

Everything is drawn from a random generator, so that a seed gives the same files again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lvqa.eval.lab.footage_writer import write_video
from lvqa.media import Frame

_FPS = 10
_CUES = ((0.2, 1.4, "the first line"), (1.6, 2.8, "<i>the second</i> line"))
# What a length, a count, a time or an offset is turned into.
_EXTREMES = (
    b"\x00\x00\x00\x00",
    b"\x00\x00\x00\x01",
    b"\x01\x00\x00\x00",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x80\x00\x00\x00",
    b"\xff\xff\xff\xff",
    b"\x00\x01\x00\x00",
    b"\x00\xff\xff\xff",
)
_MOV = (b"mvhd", b"mdhd", b"tkhd", b"elst", b"stts", b"ctts", b"stsz", b"stsc", b"stco", b"stss", b"stsd", b"avc1")
_MATROSKA = tuple(
    bytes.fromhex(mark)
    for mark in (
        *("4489", "2ad7b1", "e7", "18538067", "a3", "23e383", "1c53bb6b", "b0", "ba", "1549a966", "1654ae6b", "d7"),
        *("83", "a1", "9b", "bb", "1f43b675", "1a45dfa3", "63a2", "b5", "9f"),
    )
)
_RIFF = (b"RIFF", b"avih", b"strh", b"strf", b"idx1", b"movi", b"00dc", b"01wb", b"LIST", b"vids", b"auds")
_TS = (b"\x47\x41\x00", b"\x00\x00\x01\xe0", b"\x00\x00\x01\xc0", b"\x47\x40\x00", b"\x47\x01", b"\x47\x50\x00")
_FLV = (b"FLV", b"onMetaData", b"duration", b"\x09\x00", b"\x08\x00", b"\x12\x00", b"filesize", b"framerate")


@dataclass(frozen=True, slots=True)
class Seed:
    """A sound video that mutants are made of. `marks` stand before its lengths, counts, offsets and times."""

    name: str
    marks: tuple[bytes, ...]
    codec: str = "libx264"
    more: dict[str, Any] = field(default_factory=dict)


SEEDS = (
    Seed("full.mp4", _MOV, more={"audio": True, "subtitles": _CUES}),
    Seed("hevc.mp4", _MOV, "libx265"),
    Seed("vp9.mp4", _MOV, "libvpx-vp9", {"audio": True}),
    Seed("full.mkv", _MATROSKA, more={"audio": True, "subtitles": _CUES}),
    Seed("mpeg4.mkv", _MATROSKA, "mpeg4", {"pts": [k * k / 200 for k in range(30)]}),
    Seed("vp9.webm", _MATROSKA, "libvpx-vp9", {"audio": True, "subtitles": _CUES}),
    Seed("vp8.webm", _MATROSKA, "libvpx"),
    Seed("full.avi", _RIFF, "mpeg4", {"audio": True}),
    Seed("h264.avi", _RIFF),
    Seed("full.ts", _TS, more={"audio": True, "start_s": 3.0}),
    Seed("mpeg2.ts", _TS, "mpeg2video", {"fps": 25}),
    Seed("full.flv", _FLV, more={"audio": True}),
    Seed("h264.flv", _FLV),
    Seed("rotated.mov", _MOV, more={"rotation": 90, "audio": True}),
)


def make_seeds(folder: Path) -> dict[str, bytes]:
    """The bytes of every seed, by name; some three seconds of moving blocks each."""
    found: dict[str, bytes] = {}
    for seed in SEEDS:
        options: dict[str, Any] = {"fps": _FPS, "gop": 8, **seed.more}
        path = write_video(folder / seed.name, _frames(30), codec=seed.codec, **options)
        found[seed.name] = path.read_bytes()
        path.unlink()
    return found


def _frames(count: int) -> Iterator[Frame]:
    for k in range(count):
        frame = np.full((64, 96, 3), (40 + 5 * k, 80, 200 - 5 * k), np.uint8)
        frame[16:48, 2 * k : 2 * k + 32] = (220, 220, 40) if k // 10 % 2 else (20, 160, 60)
        yield frame


@dataclass(frozen=True, slots=True)
class Mutant:
    """A harmed file: what it is called, what was done, and its bytes."""

    name: str
    kind: str
    data: bytes


def mutate(seeds: dict[str, bytes], count: int, seed: int) -> Iterator[Mutant]:
    """So many mutants, all kinds of harm and all seeds in turn."""
    draw = random.Random(seed)
    kinds = list(KINDS)
    for number in range(count):
        kind, source = kinds[number % len(kinds)], SEEDS[(number // len(kinds)) % len(SEEDS)]
        data = KINDS[kind](source, seeds, draw)
        stem, suffix = source.name.split(".")
        yield Mutant(f"{number:04d}-{kind}-{stem}.{suffix}", kind, data)


def _cut(source: Seed, seeds: dict[str, bytes], draw: random.Random) -> bytes:
    data = seeds[source.name]
    return data[: draw.randrange(1, len(data))]


def _flip(source: Seed, seeds: dict[str, bytes], draw: random.Random) -> bytes:
    data = bytearray(seeds[source.name])
    for _ in range(round(10 ** draw.uniform(0, 3))):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return bytes(data)


def _flip_head(source: Seed, seeds: dict[str, bytes], draw: random.Random) -> bytes:
    # Most of a file is pictures: what is read first deserves more than its share.
    data = bytearray(seeds[source.name])
    begin = data.find(b"moov") if b"moov" in data else 0
    for _ in range(round(10 ** draw.uniform(0, 1.7))):
        data[begin + draw.randrange(min(2000, len(data) - begin))] ^= 1 << draw.randrange(8)
    return bytes(data)


def _swap(source: Seed, seeds: dict[str, bytes], draw: random.Random) -> bytes:
    other = seeds[draw.choice([seed.name for seed in SEEDS if seed.name != source.name])]
    data = seeds[source.name]
    size = min(round(10 ** draw.uniform(0.6, 3.3)), len(data) - 1, len(other))
    return other[:size] + data[size if draw.random() < 0.7 else 0 :]


def _lie(source: Seed, seeds: dict[str, bytes], draw: random.Random) -> bytes:
    data = bytearray(seeds[source.name])
    for _ in range(draw.randint(1, 6)):
        places = _places(data, draw.choice(source.marks))
        if not places:
            continue
        place = draw.choice(places)
        at = place + draw.choice((-4, 0, 0, 4, 8, 12, 16, 20, draw.randrange(32)))
        value = draw.choice(_EXTREMES) if draw.random() < 0.7 else draw.randbytes(4)
        value = value[: draw.choice((1, 2, 4, 4))]
        if 0 <= at <= len(data) - len(value):
            data[at : at + len(value)] = value
    return bytes(data)


def _places(data: bytearray, mark: bytes) -> list[int]:
    places: list[int] = []
    at = data.find(mark)
    while at >= 0 and len(places) < 200:
        places.append(at + len(mark))
        at = data.find(mark, at + 1)
    return places


def _splice(source: Seed, seeds: dict[str, bytes], draw: random.Random) -> bytes:
    data = seeds[source.name]
    at = draw.randrange(len(data))
    garbage = draw.randbytes(round(10 ** draw.uniform(0, 4)))
    return data[:at] + garbage + data[at + (len(garbage) if draw.random() < 0.5 else 0) :]


def _repeat(source: Seed, seeds: dict[str, bytes], draw: random.Random) -> bytes:
    data = seeds[source.name]
    begin = draw.randrange(len(data))
    end = min(len(data), begin + round(10 ** draw.uniform(1, 4)))
    return data[:end] + data[begin:end] * draw.randint(1, 20) + data[end:]


def _blank(source: Seed, seeds: dict[str, bytes], draw: random.Random) -> bytes:
    data = bytearray(seeds[source.name])
    for _ in range(draw.randint(1, 4)):
        begin = draw.randrange(len(data))
        end = min(len(data), begin + round(10 ** draw.uniform(0, 3.5)))
        data[begin:end] = bytes(end - begin)
    return bytes(data)


def _shuffle(source: Seed, seeds: dict[str, bytes], draw: random.Random) -> bytes:
    data = seeds[source.name]
    size = draw.choice((188, 512, 1024, 4096))
    blocks: Sequence[bytes] = [data[at : at + size] for at in range(0, len(data), size)]
    order = list(range(len(blocks)))
    for _ in range(draw.randint(1, 4)):
        a, b = draw.randrange(len(order)), draw.randrange(len(order))
        order[a], order[b] = order[b], order[a]
    return b"".join(blocks[k] for k in order)


KINDS: dict[str, Callable[[Seed, dict[str, bytes], random.Random], bytes]] = {
    "cut": _cut,
    "flip": _flip,
    "lie": _lie,
    "swap": _swap,
    "head": _flip_head,
    "splice": _splice,
    "repeat": _repeat,
    "blank": _blank,
    "shuffle": _shuffle,
    "lie2": _lie,
}
