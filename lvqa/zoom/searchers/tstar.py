"""T* (LV-Haystack, CVPR 2025, arXiv 2504.02259): temporal search by grids, a belief over seconds, and confirmation.

State over the video's seconds: a score, whether it was visited, a belief. Each round draws g x g unvisited seconds by
belief and looks at them at full size, where the paper lays them out as one picture; a second's score is its best
thing's confidence times weight. High scores spread to neighbours as s / (1 + distance); a smoothing spline through all
scores is the new belief. A target that a frame half shows is read again on crops of it before it counts. Ends when all
targets are confirmed or the budget is spent.

Unlike the released code: belief is proportional to score (to a power), with a stated share of exploration, where that
one squeezes it through a sigmoid until a hot second is 1.03 times as likely as a cold one; each target is confirmed by
itself; all looks, crops too, are paid for; draws are seeded; the best frames are returned, not a draw.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lvqa.errors import UsageError
from lvqa.zoom.arrays import Crop, Mask, Rows, Values
from lvqa.zoom.base import Query, SearchBudget, SearchResult, Trace
from lvqa.zoom.footage import Footage
from lvqa.zoom.keyframe_selection import best, keyframes
from lvqa.zoom.looking import Looker, in_stretches, start
from lvqa.zoom.scorers import Scorers

# Crops that overlap, the corners and the middle, so that nothing is cut in two by all of them.
CROPS: tuple[Crop, ...] = (
    (0.0, 0.0, 0.6, 0.6),
    (0.4, 0.0, 1.0, 0.6),
    (0.0, 0.4, 0.6, 1.0),
    (0.4, 0.4, 1.0, 1.0),
    (0.2, 0.2, 0.8, 0.8),
)
_MOST_POINTS = 4096


@dataclass(frozen=True, slots=True)
class TStar:
    """The search as the paper describes it.

    Args:
        scorers: `look` reads the seconds.
        grid: the root of the number of seconds that a round draws: the side of the paper's grid.
        reach_s: how far high scores spread, in seconds.
        explore: the share of each draw that goes by even chance.
        power: of the score in the belief; 1 is proportional.
        warm: the score from which one is high, and a second that does not show a target is looked at in crops.
        smoothing: of the spline (its lambda).
    """

    scorers: Scorers
    grid: int = 4
    reach_s: int = 5
    explore: float = 0.2
    power: float = 1.0
    warm: float = 0.2
    smoothing: float = 1.0
    name: str = "tstar"

    def search(self, video: Footage, query: Query, budget: SearchBudget, seed: int = 0) -> SearchResult:
        """The `budget.k` best of the seconds that were visited, none a second from a better one."""
        scorer = self.scorers.look
        if scorer is None:
            raise UsageError("tstar looks at frames; name a model that does with --detector or --vision")
        trace = start(self.name, video, query)
        state = _TStarState(video, query, trace, Looker(video, query, scorer, budget, trace), self)
        rng = np.random.default_rng(seed)
        while not trace.stopped:
            drawn = state.draw(self.grid**2, rng)
            if not len(drawn):
                trace.stopped = "every second was looked at"
            elif not state.visit(drawn):
                trace.stopped = "the budget is spent"
            elif len(trace.found) == len(query.targets):
                trace.stopped = "all targets are confirmed"
        visited = np.flatnonzero(state.visited)
        trace.belief = in_stretches(state.belief)
        times, scores = state.seconds[visited], state.scores[visited]
        rows = best(times, scores, budget.k, max(budget.min_gap_s, 1.0 - 1e-6), video.taken)
        return SearchResult(keyframes(video, times[rows], scores[rows], budget), trace)


@dataclass(eq=False)
class _TStarState:
    video: Footage
    query: Query
    trace: Trace
    looker: Looker
    rules: TStar
    seconds: Values = field(init=False)
    scores: Values = field(init=False)
    spread: Values = field(init=False)
    visited: Mask = field(init=False)
    belief: Values = field(init=False)

    def __post_init__(self) -> None:
        self.seconds = self.video.seconds
        n = len(self.seconds)
        self.scores, self.spread = np.zeros(n), np.zeros(n)
        self.visited = np.zeros(n, bool)
        self.belief = np.full(n, 1.0 / n)

    def draw(self, most: int, rng: np.random.Generator) -> Rows:
        """Seconds that were not visited, by belief, without replacement, in order of time."""
        open_ = np.flatnonzero(~self.visited)
        n = min(most, len(open_))
        if not n:
            return open_
        # The n first of arrivals at rates of the belief: draws without replacement, in one pass (Efraimidis 2006).
        arrivals = rng.exponential(size=len(open_)) / (self.belief[open_] + 1e-12)
        drawn = open_[np.argpartition(arrivals, n - 1)[:n]]
        return np.sort(drawn).astype(np.int64)

    def visit(self, rows: Rows) -> bool:
        """Look at seconds, confirm what they show, and believe anew; False where the budget ended."""
        seen = self.looker.look(self.seconds[rows], "grid", belief=self.belief)
        there = rows[seen.rows]
        self.visited[there] = True
        self.scores[there] = (seen.presence * self.query.weights).max(axis=1, initial=0.0)
        for row, presence in zip(there, seen.presence, strict=True):
            self._confirm(int(row), presence)
        self._believe(there)
        return len(there) == len(rows)

    def _confirm(self, row: int, presence: Values) -> None:
        n = len(self.query.targets)
        bar, targets = self.looker.scorer.bar, self.query.targets
        hopeful = [j for j in range(n) if targets[j] not in self.trace.found and presence[j] >= self.rules.warm]
        if not hopeful:
            return
        time_s = float(self.seconds[row])
        if any(self.rules.warm <= presence[j] < bar for j in hopeful):
            crops = self.looker.look([time_s] * len(CROPS), "crops", crops=CROPS).presence
            presence = np.maximum(presence, crops.max(axis=0, initial=0.0))
        self.scores[row] = float((presence * self.query.weights).max())
        for j in hopeful:
            if presence[j] >= bar:
                self.trace.found[targets[j]] = time_s

    def _believe(self, fresh: Rows) -> None:
        reach = self.rules.reach_s
        for row in fresh[self.scores[fresh] >= self.rules.warm]:
            low, high = max(0, row - reach), min(len(self.seconds), row + reach + 1)
            near = self.scores[row] / (1.0 + np.abs(np.arange(low, high) - row))
            self.spread[low:high] = np.maximum(self.spread[low:high], near)
        fitted = np.maximum(self._spline(), 0.0) ** self.rules.power
        fitted[self.visited] = 0.0
        open_ = ~self.visited
        even = open_ / max(1, int(open_.sum()))
        total = float(fitted.sum())
        share = self.rules.explore if total > 1e-9 else 1.0
        self.belief = (1 - share) * fitted / max(total, 1e-12) + share * even

    def _spline(self) -> Values:
        """A smoothing spline through what was scored and what its neighbours lend; what they lend, where few are."""
        from scipy.interpolate import make_smoothing_spline

        known = np.flatnonzero(self.visited | (self.spread > 0))
        if len(known) < 5 or len(known) > _MOST_POINTS:
            return self.spread.copy()
        values = np.where(self.visited[known], self.scores[known], self.spread[known])
        spline = make_smoothing_spline(self.seconds[known], values, lam=self.rules.smoothing)
        low, high = known[0], known[-1] + 1
        fitted = np.zeros(len(self.seconds))
        # Beyond the outermost scores a spline only guesses.
        fitted[low:high] = spline(self.seconds[low:high])
        return np.minimum(fitted, 1.0)
