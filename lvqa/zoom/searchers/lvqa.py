"""The search of this library: T*'s belief, started from the index, updated by Bayes' rule, stopped when it is enough.

What T* (arXiv 2504.02259) draws by, the index knows to a good part before anything is looked at: captions, speech, cues
and the visual channel (`prior`). Each look then moves the belief of its surroundings: what was not seen is less
probable near by, a cue makes its target more probable, and where it gets warm moments between the seconds are added,
down to the frame rate. Looks go where the belief is highest, a stated share where nobody looked; a target counts once
a second frame beside the first shows it too, and what is half seen is looked at in crops. The search ends when all
targets are confirmed, when the budget is spent, or when a look promises less than it costs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lvqa.types import Keyframe
from lvqa.zoom.arrays import Mask, Rows, Values
from lvqa.zoom.base import Query, SearchBudget, SearchResult, Trace
from lvqa.zoom.belief import Belief, BeliefRules
from lvqa.zoom.footage import Footage
from lvqa.zoom.keyframe_selection import best, keyframes, quantiles
from lvqa.zoom.looking import Looker, in_stretches, start
from lvqa.zoom.prior import prior
from lvqa.zoom.scorers import Scorers
from lvqa.zoom.searchers.tstar import CROPS

# Two times a target is seen that lie further apart than this are two occasions.
OCCASION_S = 5.0
# The second frame that confirms a target lies this far from the first, or a frame.
_BESIDE_S = 0.25
# No frame that was not confirmed has a higher score.
_UNCONFIRMED = 0.49
_SAME_S = 1e-3
# Moments whose beliefs differ by less than this are as good as each other.
_CHANCE = 0.1
_REACH_S = 8.0
# The looks of the first stage; each further one doubles all that were made.
_FIRST_STAGE = 8
_SPENT = "the budget is spent"


@dataclass(frozen=True, slots=True)
class Lvqa:
    """The search of this module.

    Args:
        scorers: `similarity` reads the index, `look` looks; without the second the belief alone chooses.
        explore: the share of looks, and of frames chosen without a look, that goes where nothing speaks for it.
        batch: most looks in a round; rounds begin with 2 and double while nothing is found.
        occasions: how many times each target is wanted, at least `OCCASION_S` apart.
        fill: whether frames that were not confirmed fill up `budget.k`; else they do only where a target is missing.
        warm: the presence from which a frame that does not show a target is looked at in crops.
        look_cost: the search ends when no look promises more than so many times what one would of which nothing is
            known; 0 for searching to the end of the budget. Without an index it never ends so.
        confirm: whether a second frame has to show a target.
        sure: the presence on both from which they suffice; below, a crop has to show it too.
        rules: how belief moves.
    """

    scorers: Scorers
    explore: float = 0.1
    batch: int = 8
    occasions: int = 1
    fill: bool = False
    warm: float = 0.1
    look_cost: float = 1.0
    confirm: bool = True
    sure: float = 0.995
    rules: BeliefRules = field(default_factory=BeliefRules)
    name: str = "lvqa"

    def search(self, video: Footage, query: Query, budget: SearchBudget, seed: int = 0) -> SearchResult:
        """At most `budget.k` frames: those that show the targets first, then the most probable."""
        trace = start(self.name, video, query)
        known = prior(video, query, self.scorers.similarity)
        # Similarity alone confirms nothing that it said before: with an index the belief has it all.
        scorer = self.scorers.eye if known.informed else self.scorers.look
        scorer = scorer if video.path is not None else None
        finest = video.step_s if scorer is not None else 1.0
        belief = Belief(query, known, self.rules, finest, video.within, video.taken, budget.min_gap_s)
        search = _LvqaSearch(self, video, query, budget, trace, belief, seed)
        if scorer is None:
            trace.stopped = "there is nothing to look with: chosen by belief"
        else:
            search.run(Looker(video, query, scorer, budget, trace))
        chosen = search.choose(budget.k)
        shares = search.belief.shares(search.wanted or list(range(len(query.targets))))
        trace.belief = in_stretches(search.belief.by_second(shares))
        return SearchResult(chosen, trace)


@dataclass(eq=False)
class _LvqaSearch:
    rules: Lvqa
    video: Footage
    query: Query
    budget: SearchBudget
    trace: Trace
    belief: Belief
    seed: int
    shown: list[tuple[float, float, int]] = field(default_factory=list)
    """Confirmed sightings: time, presence, target."""
    seen: dict[float, float] = field(default_factory=dict)
    """What every look at a whole frame came to: the best target's presence by time."""
    kept: dict[float, float] = field(default_factory=dict)
    """What the stages before chose without having confirmed it: score by time."""
    cut_off: list[tuple[float, Values]] = field(default_factory=list)
    """Looks that a stage's end left nothing to confirm with, and that the next one confirms: time, presence."""
    half_confirmed: list[tuple[float, float, int]] = field(default_factory=list)
    """What those saw on two frames, and crops were left to refute: sightings where no stage follows."""
    refuted: set[int] = field(default_factory=set)
    """Targets that something was taken for on two frames, and on no crop."""
    size: int = 2
    """The looks of the next round."""

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    @property
    def wanted(self) -> list[int]:
        """The targets of which there may be more."""
        counts = [sum(j == target for _, _, j in self.shown) for target in range(len(self.query.targets))]
        return [j for j, count in enumerate(counts) if count < self.rules.occasions]

    def run(self, looker: Looker) -> None:
        """Look until it is enough, stage by stage: what a search with each stage's budget would return is kept."""
        for most in _stages(self.budget.frames):
            if not self.trace.stopped:
                looker.upto = most
                self._look(looker)
            if most == self.budget.frames:
                for time_s, sure, target in self.half_confirmed:
                    if target not in self.refuted:
                        self._note(time_s, sure, target)
                return
            goes_on = self.trace.stopped == _SPENT and not looker.left
            k, told = min(self.budget.k, most), {t for t, _, _ in self.shown}
            if goes_on:
                # What such a search never looked at is a guess that later looks better.
                self.kept |= dict(self._half_seen()[: max(0, k - len(told))])
                self.trace.stopped = ""
            else:
                self.kept |= {frame.time_s: frame.score for frame in self.choose(k) if frame.time_s not in told}

    def _look(self, looker: Looker) -> None:
        """Look until it is enough, or the stage ends."""
        cut_off, self.cut_off, self.half_confirmed = self.cut_off, [], []
        for time_s, presence in cut_off:
            self._learn(looker, time_s, presence)
        least = self.rules.look_cost * 0.99 * self.belief.flat if self.belief.start.informed else 0.0
        while True:
            if not self.wanted:
                self.trace.stopped = "all targets are confirmed"
                return
            shares = self.belief.shares(self.wanted)
            if not looker.left:
                self.trace.stopped = _SPENT
                return
            promise = float(shares.max(initial=0.0))
            if promise <= least:
                self.trace.stopped = "no look is worth its cost" if promise > 0 else "every moment was looked at"
                return
            rows = self._next(shares, min(self.size, looker.left))
            if not len(rows):
                rows = self._drawn(shares, 1)
            times = self.belief.times_s[rows]
            seen = looker.look(self.video.clip(times), "look", belief=self.belief.by_second(shares))
            if len(seen.rows) < len(rows):
                self.trace.stopped = _SPENT
            before = len(self.shown)
            for time_s, presence in zip(times[seen.rows], seen.presence, strict=True):
                self._learn(looker, float(time_s), presence)
            if self.trace.stopped:
                return
            self.size = 2 if len(self.shown) > before else min(2 * self.size, self.rules.batch)

    def _next(self, shares: Values, n: int) -> Rows:
        """The moments to look at: the most probable, a second apart, and a share where nobody looked."""
        exploring = int(np.floor(n * self.rules.explore + self.rng.random()))
        chosen = self._drawn(shares, n - exploring)
        if exploring:
            open_ = ~self.belief.looked & (self.belief.step_s == 1.0)
            open_[chosen] = False
            chosen = np.unique(np.concatenate([chosen, quantiles(open_.astype(float), exploring, self.rng.random())]))
        return np.sort(chosen)

    def _drawn(self, shares: Values, n: int) -> Rows:
        """The most probable moments, each as if those before it had shown nothing; what is all but equal, by chance."""
        times, rules = self.belief.times_s, self.belief.rules
        left = shares * (1 + _CHANCE * self.rng.random(len(shares)))
        chosen: list[int] = []
        for _ in range(n):
            row = int(left.argmax())
            if not left[row] > 0:
                break
            chosen.append(row)
            low, high = np.searchsorted(times, [times[row] - _REACH_S, times[row] + _REACH_S])
            gap = np.abs(times[low:high] - times[row])
            left[low:high] *= np.where(gap < 1.0 - 1e-6, 1e-6, 1 - np.exp(-gap / rules.length_s))
            left[row] = 0.0
        return np.array(chosen, np.int64)

    def _learn(self, looker: Looker, time_s: float, presence: Values) -> None:
        row = int(np.searchsorted(self.belief.times_s, time_s - 1e-9))
        n, bar = len(self.query.targets), looker.scorer.bar
        clipped = float(self.video.clip(np.array([time_s]))[0])
        half = [j for j in self.wanted if self.rules.warm <= presence[j] < bar]
        whole, refused, in_crops = presence, looker.refused, looker.left >= len(CROPS)
        if half and in_crops:
            crops = looker.look([clipped] * len(CROPS), "crops", crops=CROPS).presence
            presence = np.maximum(presence, crops.max(axis=0, initial=0.0))
        seen = [j for j in self.wanted if presence[j] >= bar]
        kept = presence.copy()
        for j in seen:
            kept[j] = self._confirm(looker, clipped, j, float(presence[j]), in_part=j in half)
        sightings = [(clipped, float(kept[j]), j) for j in seen if kept[j] >= bar]
        self.seen[clipped] = max(self.seen.get(clipped, 0.0), float(kept[:n].max()))
        if looker.refused > refused or (half and not in_crops):
            self.belief.looked[row] = True
            self.cut_off.append((time_s, whole))
            self.half_confirmed += sightings
            return
        for one in sightings:
            self._note(*one)
        self.belief.see(row, kept)
        self.belief.refine(row)

    def _note(self, time_s: float, sure: float, target: int) -> None:
        if any(j == target and abs(t - time_s) < OCCASION_S for t, _, j in self.shown):
            return
        self.shown.append((time_s, sure, target))
        self.trace.found.setdefault(self.query.targets[target], time_s)
        if self.rules.occasions > 1:
            # The same occasion needs no second look.
            near = np.abs(self.belief.times_s - time_s) < OCCASION_S
            self.belief.context[near, target] = -np.inf

    def _confirm(self, looker: Looker, time_s: float, target: int, presence: float, *, in_part: bool) -> float:
        """How sure it is: the mean with the better of the frames beside it; half where no other frame shows it.

        A thing that was seen only on a crop (`in_part`) is looked for on crops of those too. What is not all but
        certain has to be seen on a crop: a thing that is taken for another by what stands around it is not, where less
        of that is seen. A video of one frame needs no other.
        """
        step, bar = max(self.video.step_s, _BESIDE_S), looker.scorer.bar
        beside = [t for t in (time_s - step, time_s + step) if self.video.within.contains(t)]
        if not self.rules.confirm or not beside:
            return presence
        for other in beside:
            there = looker.look([other], "confirm").presence[:, target].max(initial=0.0)
            if there < bar and in_part:
                there = looker.look([other] * len(CROPS), "crops", crops=CROPS).presence[:, target].max(initial=0.0)
            if there < bar:
                continue
            both = (presence + float(there)) / 2
            if both >= self.rules.sure or in_part:
                return both
            crops = looker.look([time_s] * len(CROPS), "crops", crops=CROPS)
            if len(crops.rows) < len(CROPS) or crops.presence[:, target].max() >= bar:
                return both
            self.refuted.add(target)
            return both / 2
        return presence / 2

    def choose(self, k: int) -> list[Keyframe]:
        """At most k keyframes: confirmed ones, half seen ones, those of earlier stages, and the most probable.

        Once no target is missing nothing is added to what is confirmed and what earlier stages chose.
        """
        chosen = dict([(t, p) for t, p, _ in self.shown][:k])
        more = bool(self.rules.fill or self.wanted)
        for time_s, score in [*(self._half_seen() if more else ()), *self.kept.items()]:
            if len(chosen) < k and not self._is_told(time_s):
                chosen.setdefault(time_s, score)
        if more and len(chosen) < k:
            chosen |= dict(self._probable(k - len(chosen), list(chosen)))
        return keyframes(self.video, list(chosen), list(chosen.values()), self.budget)

    def _is_told(self, time_s: float) -> bool:
        """Whether a confirmed frame tells of a time: where each occasion is wanted once, of all that is near it."""
        near = OCCASION_S if self.rules.occasions > 1 else _SAME_S
        return any(abs(time_s - told) < near for told, _, _ in self.shown)

    def _half_seen(self) -> list[tuple[float, float]]:
        """Frames that were looked at and half show something, unconfirmed, best first: time, score below a half."""
        half = sorted((-p, t) for t, p in self.seen.items() if p >= self.rules.warm and not self._is_told(t))
        return [(t, min(_UNCONFIRMED, -p)) for p, t in half]

    def _probable(self, n: int, there: list[float]) -> list[tuple[float, float]]:
        """n moments that nothing was seen at: by belief, then a share where nothing speaks for it; time, score.

        By belief means at evenly spaced quantiles of it: what has more than its part is in, a stretch of which all is
        as probable is covered evenly. None has a score above a half.
        """
        wanted = self.wanted or list(range(len(self.query.targets)))
        times, shares = self.belief.times_s, self.belief.shares(wanted)
        chosen: list[float] = []
        scores: list[float] = []
        exploring = round(self.rules.explore * n)
        apart = max(self.budget.min_gap_s, 1.0 - 1e-6)
        for wave, offset in enumerate((0.5, 0.5, self.rng.random())):
            open_ = _free(times, [*there, *chosen, *self.video.taken], apart) & ~self.belief.looked
            left = n - len(chosen) - (exploring if wave < 2 else 0)
            if wave == 0:
                rows = np.unique(quantiles(np.where(open_, shares, 0.0), left, offset))
            elif wave == 1:
                likely = np.flatnonzero(open_)
                rows = likely[best(times[likely], shares[likely], left, apart)]
            else:
                rows = np.unique(quantiles((open_ & (self.belief.step_s == 1.0)).astype(float), left, offset))
            chosen += [float(t) for t in times[rows]]
            scores += [_UNCONFIRMED * float(s) for s in (shares[rows] if wave < 2 else np.zeros(len(rows)))]
        # Where all was looked at, what showed the most of it.
        for p, t in sorted((-p, t) for t, p in self.seen.items()):
            if len(chosen) < n and all(abs(t - other) >= apart for other in [*there, *chosen]):
                chosen.append(t)
                scores.append(min(_UNCONFIRMED, -p))
        return list(zip(chosen, scores, strict=True))


def _free(times_s: Values, taken: list[float], apart_s: float) -> Mask:
    """Which times, rising, lie at least so far from all that are taken."""
    free = np.ones(len(times_s), bool)
    for t in taken:
        low, high = np.searchsorted(times_s, [t - apart_s + 1e-9, t + apart_s - 1e-9])
        free[low:high] = False
    return free


def _stages(frames: int) -> list[int]:
    """The looks after which a search of so many is asked what it would return: 8, 16, 32, ..., and all of them."""
    stages = []
    most = _FIRST_STAGE
    while most < frames:
        stages.append(most)
        most *= 2
    return [*stages, frames]
