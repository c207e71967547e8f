"""A VLM that scores frames itself, in two passes: GenS (arXiv 2503.09146) and QuoTA (arXiv 2503.08689).

The query is decoupled into what to look for (its targets and cues); evenly spaced frames are scored by the probability
of "yes"; the rest of the frames is shared out over the stretches around them in proportion to their scores, and scored
too. The best are returned.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lvqa.zoom.arrays import Values
from lvqa.zoom.base import Query, SearchBudget, SearchResult
from lvqa.zoom.footage import Footage
from lvqa.zoom.keyframe_selection import keyframes, split
from lvqa.zoom.looking import Looker, evenly, start
from lvqa.zoom.scorers import Scorers

# A stretch whose frame showed nothing at all still has this score: nothing is ruled out by one frame.
_LEAST = 0.02


@dataclass(frozen=True, slots=True)
class Gens:
    """`coarse` is the share of the frames that are spaced evenly."""

    scorers: Scorers
    coarse: float = 0.5
    name: str = "gens"

    def search(self, video: Footage, query: Query, budget: SearchBudget, seed: int = 0) -> SearchResult:
        """At most `budget.k` of the frames that were looked at."""
        trace = start(self.name, video, query)
        scorer = self.scorers.yes or self.scorers.look or self.scorers.series
        looker = Looker(video, query, scorer, budget, trace)
        most = min(looker.left, max(1, round(video.within.duration_s / video.step_s)))
        n = min(most, max(1, round(most * self.coarse)))
        times = video.clip(evenly(video.within.start_s, video.within.end_s, n))
        seen = looker.look(times, "coarse")
        looked, scores = [seen.times_s], [_worth(seen.presence, query)]
        if len(seen.rows) == n and looker.left:
            width = video.within.duration_s / n
            parts = split(min(looker.left, most - n), np.maximum(scores[0], _LEAST))
            finer = [_around(float(t), width, part) for t, part in zip(times, parts, strict=True) if part]
            if finer:
                more = looker.look(video.clip(np.concatenate(finer)), "fine", belief=np.maximum(scores[0], _LEAST))
                looked.append(more.times_s)
                scores.append(_worth(more.presence, query))
        trace.stopped = "both passes are done"
        return SearchResult(keyframes(video, np.concatenate(looked), np.concatenate(scores), budget), trace)


def _worth(presence: Values, query: Query) -> Values:
    return np.asarray((presence * query.weights).max(axis=1, initial=0.0), np.float64)


def _around(time_s: float, width: float, n: int) -> Values:
    """n times that part a stretch evenly, without its middle, which was looked at."""
    start_s = time_s - width / 2
    steps = (np.arange(n) + 0.5) / n if n % 2 == 0 else (np.arange(n) + 0.25) / n
    return np.asarray(start_s + steps * width, np.float64)
