"""Texts of the screen over time: what stands there is one text with its stretch, however often it is read.

The lines of a reading are parted into blocks by where they stand: a channel's logo is one, the lower third another, a
terminal's lines are one. A block is followed from reading to reading as long as it is equal up to OCR noise. One whose
lines change is another text from then on, with all its lines, since that is what a person sees there; but what changes
faster than it can be read (a clock, lines that scroll by, what is being typed) is one text, which holds each line once.
Blocks that come and go together, as title, bullets and footer of a slide, are one text, but for what runs. Knows lines
and times; no frames, no models, no store.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lvqa.indexers.stages.screen import Reading
from lvqa.indexers.stages.screen_noise import akin, equal_rows, grown, is_noise, letters
from lvqa.indexers.stages.screen_watch import ScreenChange
from lvqa.models.text_lines import TextLine, blocks_of, rows_of
from lvqa.types import Span

# A text that stands so long stands by itself, and one not read for so long is gone: two readings a second apart.
STANDS_S = 2.0
# What runs is cut after so long: a day of a burnt-in clock is no one text.
RUNS_S = 60.0
_EPS = 1e-6


@dataclass(frozen=True, slots=True)
class ScreenText:
    """A text and its stretch: from the last frame that did not show it yet to the first that shows it no more."""

    span: Span
    text: str


@dataclass(slots=True, eq=False)
class _Standing:
    """A block that stands: from when, since when with these lines, gone since when if so, what ran by before."""

    start_s: float
    since_s: float
    lines: Reading
    gone_s: float | None = None
    ran: list[str] = field(default_factory=list)

    @property
    def rows(self) -> list[str]:
        return rows_of(self.lines)

    def see(self, block: Reading) -> None:
        """It is read again: the reading that is surer stays, of equal ones the longer."""
        self.gone_s = None
        self.lines = max(self.lines, block, key=lambda lines: (_sure(lines), letters(rows_of(lines))))

    def run(self, block: Reading, since_s: float) -> None:
        """It shows other lines already: those that went are remembered."""
        rows = rows_of(block)
        self.ran += [row for row in self.rows if row not in self.ran and not any(grown(row, new) for new in rows)]
        self.gone_s, self.since_s, self.lines = None, since_s, block


class ScreenTracks:
    """The texts of one video, reading by reading, in time order."""

    def __init__(self) -> None:
        self._tracks: list[_Standing] = []

    def read(self, change: ScreenChange, lines: Reading) -> list[ScreenText]:
        """Take a reading of what stands there since a change; returns what is over."""
        since_s = change.since_s
        over = self._over(since_s - STANDS_S + _EPS)
        blocks = [tuple(block) for block in blocks_of(lines)]
        for track in self._tracks:
            same = next((block for block in blocks if equal_rows(track.rows, rows_of(block))), None)
            if same is not None:
                track.see(same)
                blocks.remove(same)
            elif track.gone_s is None:
                track.gone_s = since_s
        for block in blocks:
            running = next((track for track in self._tracks if self._runs(track, block, since_s)), None)
            if running is not None:
                running.run(block, since_s)
            else:
                self._tracks.append(_Standing(change.from_s, since_s, block))
        return over

    def end(self, end_s: float) -> list[ScreenText]:
        """The video has ended: what was left."""
        for track in self._tracks:
            track.gone_s = end_s if track.gone_s is None else track.gone_s
        return self._over(end_s)

    @property
    def state(self) -> list[Any]:
        """What stands, as JSON holds it."""
        return [
            [t.start_s, t.since_s, [[line.text, line.score, *line.xyxy] for line in t.lines], t.gone_s, t.ran]
            for t in self._tracks
        ]

    @classmethod
    def of(cls, state: Sequence[Any]) -> ScreenTracks:
        """Tracks that go on from a state. Raises ValueError, TypeError for what is none."""
        tracks = cls()
        for start_s, since_s, lines, gone_s, ran in state:
            read = tuple(TextLine(text, score, (x0, y0, x1, y1)) for text, score, x0, y0, x1, y1 in lines)
            tracks._tracks.append(_Standing(start_s, since_s, read, gone_s, list(ran)))
        return tracks

    @staticmethod
    def _runs(track: _Standing, block: Reading, since_s: float) -> bool:
        """Whether a block is what a track turned into that has just gone, before its lines had stood for a while."""
        return (
            track.gone_s == since_s
            and since_s - track.since_s < STANDS_S - _EPS
            and since_s - track.start_s < RUNS_S
            and akin(track.rows, rows_of(block))
        )

    def _over(self, until_s: float) -> list[ScreenText]:
        """Take out what was gone by a time; blocks that came and went together are one text."""
        over = [track for track in self._tracks if track.gone_s is not None and track.gone_s <= until_s]
        together: defaultdict[tuple[float, float], list[TextLine]] = defaultdict(list)
        texts = []
        for track in over:
            start_s, gone_s = track.start_s, track.gone_s or 0.0
            if self._misread(track):
                continue
            if track.ran and gone_s - track.since_s >= STANDS_S - _EPS:
                # It ran and then stood: what stood is a text like any other.
                texts.append((start_s, track.since_s, track.ran))
                start_s = track.since_s
            elif track.ran:
                texts.append((start_s, gone_s, [*track.ran, *track.rows]))
                continue
            together[start_s, gone_s].extend(track.lines)
        texts += [(*stretch, rows_of(lines)) for stretch, lines in together.items()]
        self._tracks = [track for track in self._tracks if track not in over]
        return [
            ScreenText(Span(start_s, end_s), "\n".join(rows))
            for start_s, end_s, rows in sorted(texts)
            if end_s > start_s and not is_noise(rows, end_s - start_s >= STANDS_S - _EPS)
        ]

    def _misread(self, track: _Standing) -> bool:
        """Whether a text that was read for a moment is another one, which stood before and after it, read badly."""
        gone_s = track.gone_s or 0.0
        return gone_s - track.since_s < STANDS_S - _EPS and any(
            other is not track
            and other.start_s <= track.start_s
            and (other.gone_s is None or other.gone_s > gone_s)
            and akin(other.rows, track.rows)
            for other in self._tracks
        )


def _sure(lines: Reading) -> float:
    """The mean score of the letters, rounded: what differs by less is not surer."""
    counts = [(letters([line.text]), line.score) for line in lines]
    return round(sum(n * score for n, score in counts) / max(1, sum(n for n, _ in counts)), 2)
