"""Evenly spaced frames: the centres of k equal parts. The baseline that every search must beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lvqa.zoom.base import Query, SearchBudget, SearchResult
from lvqa.zoom.footage import Footage
from lvqa.zoom.keyframe_selection import keyframes
from lvqa.zoom.looking import evenly, start


@dataclass(frozen=True, slots=True)
class Uniform:
    """Looks at nothing and knows nothing; its `seed` changes nothing."""

    name: str = "uniform"

    def search(self, video: Footage, query: Query, budget: SearchBudget, seed: int = 0) -> SearchResult:
        """`budget.k` frames, or every frame of a video that has fewer."""
        trace = start(self.name, video, query)
        within = video.within
        frames = max(1, round(within.duration_s / video.step_s))
        times = evenly(within.start_s, within.end_s, min(budget.k, frames))
        trace.stopped = "all frames are chosen at once"
        return SearchResult(keyframes(video, times, np.ones(len(times)), budget), trace)
