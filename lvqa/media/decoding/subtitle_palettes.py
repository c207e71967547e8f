"""How bright and how opaque the colours of subtitles that are pictures are: PGS, VobSub, DVB and XSUB.

PyAV gives the colours' numbers and keeps what they stand for to itself, so that is read here, from the same packets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Colours = npt.NDArray[np.uint8]

_PALETTE = re.compile(rb"palette:\s*((?:[0-9a-fA-F]{6}[,\s]+){15}[0-9a-fA-F]{6})")
_XSUB_HEAD = 41
# The most steps of a VobSub's program that are followed; one has two.
_MOST_STEPS = 32
# What each command of that program takes, in bytes.
_VOBSUB_COMMANDS = {0x00: 0, 0x01: 0, 0x02: 0, 0x03: 2, 0x04: 2, 0x05: 6, 0x06: 4}


class Palette(Protocol):
    """The colours that the packets of one track have given so far."""

    def feed(self, packet: bytes) -> None:
        """Take in the next packet; what is damaged leaves the colours as they are."""
        ...

    def colours(self, rect: Any) -> Colours:
        """Of a picture of the last packet: (256, 2), luma and opacity of each colour's number."""
        ...


class _Pgs:
    def __init__(self) -> None:
        self._palettes: dict[int, Colours] = {}
        self._current = 0

    def feed(self, packet: bytes) -> None:
        at = 0
        while at + 3 <= len(packet):
            kind, size = packet[at], int.from_bytes(packet[at + 1 : at + 3], "big")
            body = packet[at + 3 : at + 3 + size]
            at += 3 + size
            if kind == 0x16 and len(body) > 9:
                if body[7]:  # all before it is forgotten
                    self._palettes.clear()
                self._current = body[9]
            elif kind == 0x14 and len(body) > 1:
                palette = self._palettes.setdefault(body[0], np.zeros((256, 2), np.uint8))
                entries = np.frombuffer(body[2 : 2 + len(body[2:]) // 5 * 5], np.uint8).reshape(-1, 5)
                palette[entries[:, 0]] = entries[:, [1, 4]]

    def colours(self, rect: Any) -> Colours:
        found = self._palettes.get(self._current)
        return found if found is not None else _guessed(range(1, 256))


class _VobSub:
    """Four colours, each one of sixteen that the track's header gives; where it gives none, guessed by their order."""

    def __init__(self, header: bytes) -> None:
        match = _PALETTE.search(header)
        self._lumas = [_luma(*bytes.fromhex(code.decode())) for code in re.split(rb"[,\s]+", match[1])] if match else []
        self._numbers: Sequence[int] = (0, 1, 2, 3)
        self._opacities: Sequence[int] = (0, 15, 15, 15)
        self._data = b""

    def feed(self, packet: bytes) -> None:
        self._data = self._data + packet if len(self._data) < _size(self._data) else packet
        if len(self._data) < _size(self._data):
            return
        at = int.from_bytes(self._data[2:4], "big")
        for _ in range(_MOST_STEPS):
            following = int.from_bytes(self._data[at + 2 : at + 4], "big")
            self._run(at + 4)
            if following <= at:
                return
            at = following

    def _run(self, at: int) -> None:
        while (length := _VOBSUB_COMMANDS.get(command := self._data[at] if at < len(self._data) else 0xFF)) is not None:
            pair = self._data[at + 1 : at + 3]
            if command in (0x03, 0x04) and len(pair) > 1:
                values = (pair[1] & 15, pair[1] >> 4, pair[0] & 15, pair[0] >> 4)
                if command == 0x03:
                    self._numbers = values
                elif any(values):  # one that fades out ends with nothing
                    self._opacities = values
            at += 1 + length

    def colours(self, rect: Any) -> Colours:
        shown = [number for number in range(4) if self._opacities[number]]
        found = _guessed(shown)
        for number in range(4):
            if self._lumas:
                found[number, 0] = self._lumas[self._numbers[number]]
            found[number, 1] = self._opacities[number] * 17
        return found


class _Dvb:
    def __init__(self) -> None:
        self._tables: dict[tuple[int, int], Colours] = {}
        self._regions: dict[tuple[int, int], int] = {}
        self._last = 0

    def feed(self, packet: bytes) -> None:
        at = 2 if packet[:2] == b"\x20\x00" else 0
        while at + 6 <= len(packet) and packet[at] == 0x0F:
            kind, size = packet[at + 1], int.from_bytes(packet[at + 4 : at + 6], "big")
            body = packet[at + 6 : at + 6 + size]
            at += 6 + size
            if kind == 0x11 and len(body) > 7:
                wide, high = (int.from_bytes(body[place : place + 2], "big") for place in (2, 4))
                self._regions[wide, high] = self._last = body[7]
            elif kind == 0x12 and len(body) > 1:
                self._table(body)

    def _table(self, body: bytes) -> None:
        at = 2
        while at + 4 <= len(body):
            number, flags = body[at], body[at + 1]
            first, second = body[at + 2], body[at + 3]
            whole = flags & 1
            if whole and at + 6 > len(body):
                return
            luma = first if whole else first & 0xFC
            through = body[at + 5] if whole else second << 6 & 0xC0
            at += 6 if whole else 4
            for flag, size in ((0x80, 4), (0x40, 16), (0x20, 256)):
                if flags & flag and number < size:
                    table = self._tables.setdefault((body[0], size), _dvb_default(size))
                    table[number] = (luma, 255 - through) if luma else (0, 0)

    def colours(self, rect: Any) -> Colours:
        size = 4 if rect.nb_colors <= 4 else 16 if rect.nb_colors <= 16 else 256
        number = self._regions.get((rect.width, rect.height), self._last)
        found = self._tables.get((number, size))
        return found if found is not None else _dvb_default(size)


class _Xsub:
    def __init__(self, *, opacities: bool) -> None:
        self._opacities = opacities
        self._found = _guessed(range(1, 4))

    def feed(self, packet: bytes) -> None:
        colours = packet[_XSUB_HEAD : _XSUB_HEAD + 12]
        if len(colours) == 12:
            self._found[:4, 0] = [_luma(*colours[at : at + 3]) for at in range(0, 12, 3)]
        opacities = packet[_XSUB_HEAD + 12 : _XSUB_HEAD + 16]
        if self._opacities and len(opacities) == 4:
            self._found[:4, 1] = list(opacities)

    def colours(self, rect: Any) -> Colours:
        return self._found


_BY_CODEC: dict[str, Callable[[bytes, str], Palette]] = {
    "pgssub": lambda header, tag: _Pgs(),
    "dvdsub": lambda header, tag: _VobSub(header),
    "dvbsub": lambda header, tag: _Dvb(),
    "xsub": lambda header, tag: _Xsub(opacities=tag == "DXSA"),
}
PICTURE_CODECS = frozenset(_BY_CODEC)
"""The codecs of subtitles that are pictures, by FFmpeg's names of what decodes them."""


def palette_of(codec: str, header: bytes, tag: str) -> Palette:
    """The palette of a track, before its first packet; `header` and `tag` are those of the codec."""
    return _BY_CODEC[codec](header, tag)


def _guessed(shown: Sequence[int]) -> Colours:
    """Colours of which nothing is known: the more luminous, the lower their number; those not `shown` see-through."""
    found = np.zeros((256, 2), np.uint8)
    for place, number in enumerate(shown):
        found[number] = (255 - 255 * place // max(1, len(shown) - 1), 255)
    return found


def _dvb_default(size: int) -> Colours:
    """The colours of ETSI EN 300 743, section 10, where a stream gives none."""
    found = np.zeros((256, 2), np.uint8)
    for number, colour in enumerate(_dvb_colours(size)):
        found[number] = colour
    return found


def _dvb_colours(size: int) -> Iterator[tuple[int, int]]:
    def mixed(number: int, one: int, four: int, more: int) -> int:
        reds = (more + (one if number & bit else 0) + (four if number & bit << 4 else 0) for bit in (1, 2, 4))
        return _luma(*reds)

    yield 0, 0
    if size == 4:
        yield from ((255, 255), (0, 255), (127, 255))
    elif size == 16:
        yield from ((mixed(number % 8, 255 if number < 8 else 127, 0, 0), 255) for number in range(1, 16))
    else:
        yield from ((mixed(number, 255, 0, 0), 63) for number in range(1, 8))
        for number in range(8, 256):
            if number & 0x80:
                yield mixed(number, 43, 85, 0 if number & 8 else 127), 255
            else:
                yield mixed(number, 85, 170, 0), 127 if number & 8 else 255


def _luma(red: int, green: int, blue: int) -> int:
    return (299 * red + 587 * green + 114 * blue) // 1000


def _size(data: bytes) -> int:
    return int.from_bytes(data[:2], "big")
