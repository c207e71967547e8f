"""The notes that a search weighs against each other, as arrays: times, videos, sources, log-odds.

This module knows neither how they were found nor what is chosen of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lvqa.types import SOURCES, Note, Span

Values = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]


_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Candidates:
    """Notes in the order of path, time and id, and what is known of each: arrays (n,).

    Notes of a video that say the same one after the other are one row: the first of them, from its start to the last's
    end; those behind which a frame was found are rows by themselves.

    `videos` numbers the videos among them, in the order of `video_ids`; `scores` are log-odds in nats by words and
    meaning, `seen` those by the frames behind a note (-inf where none was proposed), `certain` the part of a literal
    match, which counts in full wherever the note lies; `runs` numbers the runs of notes that say the same.
    """

    notes: Sequence[Note]
    video_ids: Sequence[str]
    videos: Positions
    starts_s: Values
    ends_s: Values
    kinds: Positions
    scores: Values
    seen: Values
    certain: Values
    runs: Positions

    @property
    def middles_s(self) -> Values:
        """The middle of each note, in seconds."""
        return (self.starts_s + self.ends_s) / 2

    def __len__(self) -> int:
        return len(self.notes)

    def stretch(self, row: int) -> Span | None:
        """The stretch of notes that say the same, None for a note that stands alone."""
        span = Span(float(self.starts_s[row]), float(self.ends_s[row]))
        return span if span != self.notes[row].span else None

    @classmethod
    def of(
        cls,
        notes: Sequence[Note],
        scores: Mapping[str, float],
        seen: Mapping[str, float],
        certain: Mapping[str, float],
        paths: Mapping[str, str],
    ) -> Candidates:
        """Put notes in order; `scores`, `seen` and `certain` are by note id, `paths` by video id."""
        every = sorted(notes, key=lambda n: (paths[n.video_id], n.span.start_s, n.id))
        # A note behind which a frame was found says more of when than the others of its run: it stands by itself.
        rows = [(n, part) for n, run in enumerate(runs_of(every)) for part in _parted(run, seen)]
        rows.sort(key=lambda row: (paths[row[1][0].video_id], row[1][0].span.start_s, row[1][0].id))
        scores = {part[0].id: max(scores[note.id] for note in part) for _, part in rows}
        ordered = [part[0] for _, part in rows]
        video_ids = list(dict.fromkeys(note.video_id for note in ordered))
        number = {video_id: n for n, video_id in enumerate(video_ids)}
        return cls(
            ordered,
            video_ids,
            np.array([number[note.video_id] for note in ordered], np.int64),
            np.array([note.span.start_s for note in ordered]),
            np.array([max(note.span.end_s for note in part) for _, part in rows]),
            np.array([SOURCES.index(note.source) for note in ordered], np.int64),
            np.array([scores[note.id] for note in ordered]),
            np.array([seen.get(note.id, -np.inf) for note in ordered]),
            np.array([certain.get(note.id, 0.0) for note in ordered]),
            np.array([n for n, _ in rows], np.int64),
        )


def runs_of(ordered: Sequence[Note]) -> list[list[Note]]:
    """Notes, in order of video and time, with those together that say the same one after the other.

    One after the other: of one video and source, with no longer a pause between than the longer of both lasts, and a
    second at least. What others say meanwhile does not count.
    """
    runs: list[list[Note]] = []
    last: dict[tuple[str, str, str], list[Note]] = {}
    for note in ordered:
        key = (note.video_id, note.source, " ".join(note.text.casefold().split()))
        run = last.get(key)
        pause_s = note.span.start_s - max(n.span.end_s for n in run) if run is not None else 0.0
        if run is not None and pause_s <= max(_PAUSE_S, note.span.duration_s, run[-1].span.duration_s):
            run.append(note)
        else:
            last[key] = [note]
            runs.append(last[key])
    return runs


def _parted(run: Sequence[Note], seen: Mapping[str, float]) -> list[list[Note]]:
    alone = [[note] for note in run if note.id in seen]
    rest = [note for note in run if note.id not in seen]
    return [*([rest] if rest else []), *alone]
