"""How an index's notes of the screen compare with what was shown."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

from lvqa.eval.lab.screen.everyday import OnScreen

# A note tells a text where so much of both is the same, letter by letter, OCR noise and the other lines there apart.
ALIKE = 0.8
COVERED = 0.9
LONG_S = 2.0
MOST_NOTES = 1.15

Held = tuple[str, float, float, str]


@dataclass(frozen=True, slots=True)
class Followed:
    """Notes and texts of the videos whose text is known; the notes of the others; long texts that no note covers."""

    notes: int
    texts: int
    elsewhere: int
    missed: list[tuple[OnScreen, float]] = field(default_factory=list)

    @property
    def notes_a_text(self) -> float:
        """Notes for each distinct text."""
        return self.notes / self.texts if self.texts else 0.0

    @property
    def passed(self) -> bool:
        """Whether both bounds hold."""
        return not self.missed and self.notes_a_text <= MOST_NOTES


def notes_of(index_dir: Path) -> list[Held]:
    """The notes of the screen of an index, of any schema: (path, start, end, text)."""
    with closing(sqlite3.connect(index_dir / "archive.db")) as connection:
        return connection.execute(
            "SELECT v.path, t.start_s, t.end_s, t.text FROM notes t JOIN videos v ON v.n = t.video "
            "WHERE t.source = 'screen' ORDER BY 1, 2, 3"
        ).fetchall()


def footage_s(index_dir: Path) -> float:
    """How long the videos of an index are in all."""
    with closing(sqlite3.connect(index_dir / "archive.db")) as connection:
        return float(connection.execute("SELECT sum(duration_s) FROM videos").fetchone()[0])


def compare(notes: Sequence[Held], truth: Sequence[OnScreen], silent: Sequence[str] = ()) -> Followed:
    """Notes against what was shown; videos of `silent` show nothing, so that each of their notes is one too many."""
    known = {shown.video for shown in truth} | set(silent)
    here = [note for note in notes if note[0] in known]
    distinct = {(shown.video, shown.text) for shown in truth}
    missed = []
    for shown in truth:
        if shown.end_s - shown.start_s >= LONG_S:
            covered = max(
                (_covers(note, shown) for note in here if note[0] == shown.video and alike(note[3], shown.text)),
                default=0.0,
            )
            if covered < COVERED:
                missed.append((shown, covered))
    return Followed(len(here), len(distinct), len(notes) - len(here), missed)


def alike(note: str, text: str) -> bool:
    """Whether a note tells a text."""
    one, other = ["".join(c for c in given.casefold() if c.isalnum()) for given in (note, text)]
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= ALIKE


def _covers(note: Held, shown: OnScreen) -> float:
    both_s = min(note[2], shown.end_s) - max(note[1], shown.start_s)
    return max(0.0, both_s) / (shown.end_s - shown.start_s)
