"""A video's own time, which runs without a break, against the clock of its file, which may start again or jump."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from lvqa.types.times import format_time


@dataclass(frozen=True, slots=True)
class ClockPiece:
    """A stretch of a video throughout which its file's clock runs on; it ends where the next one begins.

    Attributes:
        start_s: where it begins in the video, in seconds from its start.
        file_s: what the file's time stamps say there, in seconds.
        packet: how many packets of the film stand before it in the file.
        wall_s: the time of day there, in seconds since 1970 UTC; None where the file does not tell.
    """

    start_s: float
    file_s: float
    packet: int = 0
    wall_s: float | None = None


Clock = tuple[ClockPiece, ...]


def clock_of(rows: Iterable[Sequence[float | None]]) -> Clock:
    """A clock from rows of its pieces' fields, as in JSON. Raises ValueError, TypeError for what is none."""
    pieces: list[ClockPiece] = []
    for start_s, file_s, packet, wall_s in rows:
        if start_s is None or file_s is None or packet is None:
            raise ValueError("a piece of a clock needs its times")
        wall = None if wall_s is None else float(wall_s)
        pieces.append(ClockPiece(float(start_s), float(file_s), int(packet), wall))
    if any(a.start_s > b.start_s or a.packet > b.packet for a, b in pairwise(pieces)):
        raise ValueError("the pieces of a clock follow one another")
    return tuple(pieces)


def clock_rows(clock: Clock) -> list[list[float | None]]:
    """The fields of a clock's pieces, for JSON."""
    return [[piece.start_s, piece.file_s, piece.packet, piece.wall_s] for piece in clock]


def clock_lines(clock: Clock, duration_s: float) -> list[str]:
    """A line for each piece of a clock that does not run through, and one for the time of day where that is known."""
    lines: list[str] = []
    if len(clock) > 1:
        ends = [piece.start_s for piece in clock[1:]] + [max(duration_s, clock[-1].start_s)]
        for piece, end_s in zip(clock, ends, strict=True):
            stamp_s = abs(piece.file_s)
            sign = "-" if piece.file_s < 0 else ""
            lines.append(
                f"{format_time(piece.start_s)}-{format_time(end_s)} is {sign}{format_time(stamp_s, milliseconds=True)} "
                f"and on by the file's clock{_wall(piece)}"
            )
    elif clock and (wall := _wall(clock[0])):
        lines.append(f"{format_time(clock[0].start_s)} is{wall.removeprefix(',')}")
    return lines


def _wall(piece: ClockPiece) -> str:
    if piece.wall_s is None:
        return ""
    return f", {datetime.fromtimestamp(piece.wall_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
