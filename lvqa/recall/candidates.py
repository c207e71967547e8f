"""The notes that a search weighs against each other, as arrays: times, videos, sources, log-odds.

This module knows neither how they were found nor what is chosen of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lvqa.types import SOURCES, Note

Values = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Notes in the order of path, time and id, and what is known of each: arrays (n,).

    `videos` numbers the videos among them, in the order of `video_ids`; `scores` are log-odds in nats by words and
    meaning, `seen` those by the frames behind a note (-inf where none was proposed), `certain` the part of a literal
    match, which counts in full wherever the note lies.
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

    @property
    def middles_s(self) -> Values:
        """The middle of each note, in seconds."""
        return (self.starts_s + self.ends_s) / 2

    def __len__(self) -> int:
        return len(self.notes)

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
        ordered = sorted(notes, key=lambda n: (paths[n.video_id], n.span.start_s, n.id))
        video_ids = list(dict.fromkeys(note.video_id for note in ordered))
        number = {video_id: n for n, video_id in enumerate(video_ids)}
        return cls(
            ordered,
            video_ids,
            np.array([number[note.video_id] for note in ordered], np.int64),
            np.array([note.span.start_s for note in ordered]),
            np.array([note.span.end_s for note in ordered]),
            np.array([SOURCES.index(note.source) for note in ordered], np.int64),
            np.array([scores[note.id] for note in ordered]),
            np.array([seen.get(note.id, -np.inf) for note in ordered]),
            np.array([certain.get(note.id, 0.0) for note in ordered]),
        )
