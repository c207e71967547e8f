"""Looks at frames for a searcher: each frame and thing once, everything charged, everything in the trace.

A look is a frame, or a crop of one, shown to a scorer; what the scorer reads from the index is free. Where the budget
ends, the rest is not looked at. This module decides nothing about where to look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lvqa.zoom.arrays import Crop, Rows, Scores, Values
from lvqa.zoom.base import FrameScorer, Query, Round, SearchBudget, Trace
from lvqa.zoom.footage import Footage, Frames

_Key = tuple[float, Crop | None]

# Belief is kept in the trace as shares of so many equal stretches.
_STRETCHES = 512


@dataclass(frozen=True, slots=True, eq=False)
class LookedAt:
    """What a batch of looks came to: which rows were looked at, and their scores and presence, (rows, things)."""

    rows: Rows
    times_s: Values
    scores: Scores
    presence: Values


@dataclass(eq=False)
class Looker:
    """One search's eyes: a scorer, a budget and a memory."""

    video: Footage
    query: Query
    scorer: FrameScorer
    budget: SearchBudget
    trace: Trace
    upto: int | None = None
    """Until further notice no more than so many frames are looked at; as many as the budget holds where None."""
    refused: int = 0
    """How many looks were asked for and not made."""
    _known: dict[_Key, npt.NDArray[np.float32]] = field(default_factory=dict)

    @property
    def left(self) -> int:
        """How many more frames may be looked at, as far as the search's own budget goes."""
        most = self.budget.frames if self.upto is None else min(self.upto, self.budget.frames)
        return max(0, most - self.trace.looked)

    def look(
        self,
        times_s: Sequence[float] | Values,
        why: str,
        *,
        crops: Sequence[Crop | None] | None = None,
        belief: Values | None = None,
    ) -> LookedAt:
        """Score frames at times, in order; those that the budget does not hold are left out."""
        times = tuple(float(t) for t in times_s)
        frames = Frames(self.video, times, tuple(crops) if crops is not None else (None,) * len(times))
        keys = list(zip(frames.times_s, frames.crops, strict=True))
        free = self.scorer.covered(frames) if len(frames) else np.zeros(0, bool)
        first: dict[_Key, int] = {}
        for n, key in enumerate(keys):
            if self._known_as(key) is None:
                first.setdefault(key, n)
        paid = [n for n in first.values() if not free[n]]
        taken = paid[: self.take(len(paid))]
        self.refused += len(paid) - len(taken)
        wanted = sorted([n for n in first.values() if free[n]] + taken)
        if wanted:
            scored = self.scorer.score_each(frames[wanted], self.query.things)
            for n, row in zip(wanted, scored, strict=True):
                self._known[keys[n]] = row
                # Another time may show the same frame.
                if (pts_s := self.video.pts_of(keys[n][0])) is not None:
                    self._known[pts_s, keys[n][1]] = row
        found = [self._known_as(key) for key in keys]
        rows = np.array([n for n, one in enumerate(found) if one is not None], np.int64)
        m = len(self.query.things)
        scores = np.array([one for one in found if one is not None], np.float32).reshape(len(rows), m)
        presence = self.scorer.presence(scores, self.video, self.query.things)
        seen = LookedAt(rows, np.array(times)[rows] if len(rows) else np.zeros(0), scores, presence)
        if wanted:
            self.trace.rounds.append(
                Round(
                    why,
                    tuple(times[n] for n in rows),
                    tuple(frames.crops[n] for n in rows),
                    tuple(tuple(float(p) for p in row) for row in presence),
                    () if belief is None else in_stretches(belief),
                )
            )
        return seen

    def series(self, why: str) -> tuple[Values, Scores]:
        """Times, float64 (n,), and combined scores, float32 (n,), of the whole video, a frame a second.

        Read from the index where it covers all of them; else of as many frames, evenly spaced, as the budget holds.
        """
        seconds = self.video.seconds
        frames = self.video.at(seconds.tolist())
        if self.scorer.covered(frames).all():
            return seconds, self.scorer.combine(self.scorer.score_each(frames, self.query.things), self.query)
        most = max(1, min(self.left, len(seconds)))
        seen = self.look(self.video.clip(evenly(self.video.within.start_s, self.video.within.end_s, most)), why)
        return seen.times_s, self.scorer.combine(seen.scores, self.query)

    def remember(self, times_s: Values, scores: Scores) -> None:
        """Take scores, float32 (n, things), of frames that were looked at, and paid for, elsewhere."""
        self._known.update({(float(t), None): row for t, row in zip(times_s, scores, strict=True)})

    def take(self, n: int) -> int:
        """Charge up to n looks, and say how many may be made."""
        n = min(n, self.left)
        own = self.budget.charge_vlm if self.scorer.is_vlm else None
        charge = own or self.budget.charge
        if n and charge is not None:
            n = min(n, charge(n))
        self.trace.looked += n
        return n

    def _known_as(self, key: _Key) -> npt.NDArray[np.float32] | None:
        known = self._known.get(key)
        pts_s = self.video.pts_of(key[0]) if known is None else None
        return known if pts_s is None else self._known.get((pts_s, key[1]))


def evenly(start_s: float, end_s: float, n: int) -> Values:
    """The centres of n equal parts of a stretch, float64 (n,)."""
    return np.asarray(start_s + (np.arange(n) + 0.5) * (end_s - start_s) / max(1, n), np.float64)


def in_stretches(belief: Values) -> tuple[float, ...]:
    """A belief, (n,) of any sum, as shares of at most `_STRETCHES` equal stretches."""
    total = float(belief.sum())
    if not len(belief) or not total > 0:
        return ()
    edges = np.linspace(0, len(belief), min(_STRETCHES, len(belief)) + 1).round().astype(int)
    cumulated = np.concatenate([[0.0], np.cumsum(belief)]) / total
    return tuple(np.diff(cumulated[edges]).tolist())


def start(searcher: str, video: Footage, query: Query) -> Trace:
    """An empty trace."""
    return Trace(searcher, video.video_id, video.duration_s, query.things, len(query.targets))
