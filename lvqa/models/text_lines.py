"""Lines of text as they stand in a picture: the rows and the blocks that they make. Knows places, and no model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from lvqa.models.base import Frame

# Lines belong together whose gap, below or beside one another, is at most so many heights of the higher one, and those
# below one another only if they begin or are centred as near to some line of the block: bullets of a slide and a
# terminal's lines do, one left empty too; the title of its window, a channel's logo and the lower third do not.
_APART = 2.0


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line as read: its text, a score in [0, 1], and the box (x0, y0, x1, y1) in pixels."""

    text: str
    score: float
    xyxy: tuple[float, float, float, float]


@runtime_checkable
class LineReader(Protocol):
    """A TextReader that also tells where each line stands, and how sure it is."""

    @property
    def name(self) -> str:
        """The spec it was loaded from."""
        ...

    def read(self, frames: Sequence[Frame]) -> list[str]:
        """As `TextReader.read`."""
        ...

    def read_lines(self, frames: Sequence[Frame]) -> list[list[TextLine]]:
        """The lines of each frame, in any order. Raises ModelError."""
        ...


class LinePool(LineReader, Protocol):
    """A LineReader over processes of its own."""

    def close(self) -> None:
        """End them."""
        ...


@runtime_checkable
class Parallel(Protocol):
    """A reader that can read in several processes."""

    def parallel(self, processes: int) -> LinePool:
        """One that reads the same in so many processes."""
        ...


def rows_of(lines: Iterable[TextLine]) -> list[str]:
    """Lines in reading order: those side by side become one row, in which columns are parted by a space."""
    rows: list[list[TextLine]] = []
    for line in sorted(lines, key=lambda line: (line.xyxy[1] + line.xyxy[3]) / 2):
        middle = (line.xyxy[1] + line.xyxy[3]) / 2
        if rows:
            first = rows[-1][0]
            # The middles of neighbours in a row lie within half of the smaller one's height.
            reach = min(first.xyxy[3] - first.xyxy[1], line.xyxy[3] - line.xyxy[1]) / 2
            if abs((first.xyxy[1] + first.xyxy[3]) / 2 - middle) <= reach:
                rows[-1].append(line)
                continue
        rows.append([line])
    return [" ".join(line.text for line in sorted(row, key=lambda line: line.xyxy[0])) for row in rows]


def blocks_of(lines: Sequence[TextLine]) -> list[list[TextLine]]:
    """Lines parted into those that stand together, as a reader sees them; blocks and their lines in reading order."""
    blocks: list[list[TextLine]] = []
    for line in sorted(lines, key=lambda line: (line.xyxy[1], line.xyxy[0], line.text)):
        near = [block for block in blocks if _joins(line, block)]
        blocks = [block for block in blocks if not any(block is one for one in near)]
        blocks.append([other for block in near for other in block] + [line])
    return sorted(blocks, key=lambda block: (block[0].xyxy[1], block[0].xyxy[0], block[0].text))


def stacked(text: str) -> list[TextLine]:
    """The lines of a text that says nothing of their places: one below the other, an empty line parts two blocks."""
    lines: list[TextLine] = []
    top = 0.0
    for line in text.splitlines():
        if line.strip():
            lines.append(TextLine(line, 1.0, (0.0, top, float(len(line)), top + 1.0)))
        top += 1.0 if line.strip() else _APART + 1.0
    return lines


def _joins(line: TextLine, block: Sequence[TextLine]) -> bool:
    """Whether a line belongs to a block above or beside it: near one of its lines, and aligned with one."""
    (left, top, right, bottom), below = line.xyxy, False
    for x0, y0, x1, y1 in (other.xyxy for other in block):
        reach = _APART * max(bottom - top, y1 - y0)
        down, across = max(top, y0) - min(bottom, y1), max(left, x0) - min(right, x1)
        if across <= reach and down < 0:
            return True
        below = below or (down <= reach and across < 0)
    return below and any(
        min(abs(left - x0), abs(left + right - x0 - x1) / 2) <= _APART * max(bottom - top, y1 - y0)
        for x0, y0, x1, y1 in (other.xyxy for other in block)
    )
