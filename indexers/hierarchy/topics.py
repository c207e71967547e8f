"""Cuts a video's time into segments of one to three minutes where the topic shifts.

Every time at which a note begins may be a cut; how much speaks for it is TextTiling's depth score over the notes and
SceneTilling's over the frames (`lvqa.indexers.hierarchy.shifts`). Which of them are cut is settled for all at once, by
dynamic programming over cuts no nearer than the least and no farther than the greatest length, where picking the
deepest first would leave rests that fit neither. Knows notes and vectors; no model, no store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lvqa.errors import UsageError
from lvqa.indexers.hierarchy.lexical import lexical_vectors
from lvqa.indexers.hierarchy.shifts import Floats, Piece, Timeline, strengths
from lvqa.models.base import Vectors
from lvqa.types import Note, Source, Span

# What is said and seen tells the topic; most text on a screen (clocks, logos, channels) does not change with it.
WEIGHTS: dict[Source, float] = {"caption": 1.0, "imported": 1.0, "speech": 1.0, "screen": 0.3}
# Beside the strength of a shift in the notes, 1 for a plain one: what frames add, and what an extreme length costs.
FRAMES_SHARE = 0.5
LENGTH_COST = 0.25
_OFF_NOTE = 0.02  # a cut where no note begins
# Units of depth where a video is all alike: of text vectors, and of frames, which crowd more closely.
_LEAST_TEXT, _LEAST_FRAMES = 0.15, 0.05
_BELOW_STD = 0.5


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long a segment may be, in seconds; the greatest is at least twice the least, so that any time can be cut."""

    min_s: float = 60.0
    max_s: float = 180.0

    def __post_init__(self) -> None:
        if not (self.min_s > 0 and self.max_s >= 2 * self.min_s):
            raise UsageError(
                f"segments of {self.min_s:g} to {self.max_s:g} s cannot fill every video; "
                "segment_max_s must be at least twice segment_min_s"
            )

    @property
    def step_s(self) -> float:
        """How finely time is looked at: a second for the usual lengths."""
        return self.min_s / 60

    @property
    def block_s(self) -> float:
        """The seconds before and after a cut that are compared."""
        return self.min_s / 2


# Gives, at every call, the times of frames in seconds, float64 (n,), and their vectors, float32 (n, d), piece by piece.
Frames = Callable[[], Iterable[tuple[Floats, Vectors]]]


def no_frames() -> Iterable[tuple[Floats, Vectors]]:
    """The frames of a video without a visual channel."""
    return ()


def cut_topics(
    duration_s: float,
    notes: Sequence[Note],
    vectors: Vectors | None = None,
    frames: Frames = no_frames,
    lengths: Lengths | None = None,
) -> list[Span]:
    """Segments that cover a video from 0 to its end, in time order.

    Args:
        duration_s: its length in seconds; too short for two segments, it is one.
        notes: of its clips, in any order; may overlap and leave gaps.
        vectors: float32 (n, d), one for each note; without, the notes' words are compared.
        frames: of its visual channel, where it has one.
        lengths: of a segment, 1 to 3 minutes when not given.

    Time is linear in the notes times the cuts that a segment may span.
    """
    lengths = lengths or Lengths()
    if duration_s < 2 * lengths.min_s:
        return [Span(0.0, duration_s)]
    at_s, on_note = _candidates(duration_s, notes, lengths)
    gains = _gains(duration_s, at_s, notes, vectors, frames, lengths) - np.where(on_note, 0.0, _OFF_NOTE)
    return _spans(_best_cuts(at_s, gains, lengths))


def _spans(cuts: Sequence[float]) -> list[Span]:
    return [Span(a, b) for a, b in pairwise(cuts)]


def _candidates(duration_s: float, notes: Sequence[Note], lengths: Lengths) -> tuple[Floats, np.ndarray]:
    """Times that may be cut, 0 and the end among them, and whether a note begins there; one a slot of time."""
    starts = np.unique([note.span.start_s for note in notes if 0 < note.span.start_s < duration_s])
    if len(starts):
        _, first = np.unique(np.floor(starts / lengths.step_s), return_index=True)
        starts = starts[first]
    # Even cuts, which always fit the lengths; and, where nothing begins for long, some more to choose from.
    even = np.linspace(0.0, duration_s, int(np.ceil(duration_s / lengths.max_s - 1e-9)) + 1)
    bounds = np.concatenate([[0.0], starts, [duration_s]])
    gaps = np.diff(bounds)
    fill = [
        np.arange(bounds[i] + lengths.block_s, bounds[i + 1], lengths.block_s)
        for i in np.flatnonzero(gaps > lengths.block_s)
    ]
    at_s = np.unique(np.concatenate([bounds, even, *fill]))
    return at_s, np.isin(at_s, bounds)


def _gains(
    duration_s: float,
    at_s: Floats,
    notes: Sequence[Note],
    vectors: Vectors | None,
    frames: Frames,
    lengths: Lengths,
) -> Floats:
    """What speaks for each cut: the strength of the shift in the notes, and half of that in the frames."""
    gains = np.zeros(len(at_s))
    if notes:
        told = lexical_vectors([note.text for note in notes]) if vectors is None else vectors
        weights = np.array([WEIGHTS.get(note.source, 0.0) for note in notes])
        starts = np.array([note.span.start_s for note in notes])
        ends = np.array([note.span.end_s for note in notes])
        timeline = Timeline(duration_s, lengths.step_s, lambda: [(starts, ends, told, weights)])
        gains += strengths(timeline.similarities(at_s, lengths.block_s), at_s, lengths.block_s, _LEAST_TEXT)
    step_s = 2 * lengths.step_s  # frames are many and wide

    def seen() -> Iterator[Piece]:
        for times, images in frames():
            yield times, times + step_s / 2, images, np.ones(len(times))

    timeline = Timeline(duration_s, step_s, seen)
    # Half the block of the notes: frames show at once that the scene is another one.
    similar = timeline.similarities(at_s, lengths.block_s / 2)
    gains += FRAMES_SHARE * strengths(similar, at_s, lengths.block_s / 2, _LEAST_FRAMES, _BELOW_STD)
    return gains


def _best_cuts(at_s: Floats, gains: Floats, lengths: Lengths) -> list[float]:
    """The cuts with the greatest sum of gains, less what lengths far from the middle cost; of equals, the latest."""
    middle_s, half_s = (lengths.min_s + lengths.max_s) / 2, (lengths.max_s - lengths.min_s) / 2
    slack = 1e-6
    low = np.searchsorted(at_s, at_s - lengths.max_s - slack)
    high = np.searchsorted(at_s, at_s - lengths.min_s + slack, "right")
    best = np.full(len(at_s), -np.inf)
    best[0] = 0.0
    back = np.zeros(len(at_s), np.int64)
    for j in range(1, len(at_s)):
        if low[j] == high[j]:
            continue
        reach = slice(low[j], high[j])
        off = (at_s[j] - at_s[reach] - middle_s) / half_s
        # Rounded, so that which of two equal ways is taken does not hang on the last bit.
        value = np.round(best[reach] - LENGTH_COST * off * off, 9)
        k = int(value.argmax())
        best[j], back[j] = value[k] + gains[j], low[j] + k
    cuts = [len(at_s) - 1]
    while cuts[-1]:
        cuts.append(int(back[cuts[-1]]))
    return [float(at_s[i]) for i in reversed(cuts)]
