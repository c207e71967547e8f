"""What a search believes: for each target, how probable it is that each moment shows it, and that none does.

Moments are the video's seconds and, where it gets warm, moments between them (a step halves down to the frame rate).
A moment's weight is what its own frame shows in the index, what the index says of its surroundings, and what was seen
near it since. Weights of one target, with a mass for "nowhere", are its belief. This module looks at nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lvqa.types import Span
from lvqa.zoom.arrays import Mask, Values
from lvqa.zoom.base import Query
from lvqa.zoom.prior import Prior

_NO_CUE = 0.2
_SAME_S = 1e-3


@dataclass(frozen=True, slots=True)
class BeliefRules:
    """How belief moves.

    Args:
        length_s: how long a target is thought to stay; not seeing it says less, by exp(-distance / length), further on.
        cue_reach_s: how far a cue that was seen raises its surroundings, likewise.
        cue_gain: by how much at most.
        cue_miss: by how much of a moment's weight it tells against a target that no cue is there.
        target_gain: by how much at most a target that was all but seen raises its surroundings.
        between: the weight of a moment between two seconds, beside what the seconds' surroundings say.
        nowhere: the mass of "nowhere", as a share of all weights at first.
    """

    length_s: float = 1.5
    cue_reach_s: float = 8.0
    cue_gain: float = 8.0
    cue_miss: float = 0.5
    target_gain: float = 8.0
    between: float = 0.25
    nowhere: float = 0.25


@dataclass(eq=False)
class Belief:
    """Of one search. Arrays are by moment, in order of time: (n,) and (n, targets).

    Moments lie in `within`, and none within `gap_s` of a time that was `taken` is looked at.
    """

    query: Query
    start: Prior
    rules: BeliefRules
    finest_s: float
    within: Span
    taken: Sequence[float] = ()
    gap_s: float = 0.0
    times_s: Values = field(init=False)
    own: Values = field(init=False)
    context: Values = field(init=False)
    step_s: Values = field(init=False)
    cue: Values = field(init=False)
    told: Values = field(init=False)
    looked: Mask = field(init=False)
    nowhere: Values = field(init=False)
    top: Values = field(init=False)

    def __post_init__(self) -> None:
        self.times_s = self.start.moments.copy()
        self.own, self.context = self.start.own.copy(), self.start.context.copy()
        # A moment between two seconds that the index knows is one that `refine` would have added.
        whole = np.abs(self.times_s - np.round(self.times_s)) < _SAME_S
        self.step_s = np.where(whole | (np.arange(len(whole)) == 0), 1.0, 0.5)
        self.cue = np.zeros(len(self.times_s))
        self.told = np.zeros(len(self.times_s)) if self.start.nearby is None else self.start.nearby.copy()
        self.looked = np.zeros(len(self.times_s), bool)
        for other in self.taken:
            self.looked |= np.abs(self.times_s - other) < max(self.gap_s, _SAME_S)
        scores = self.own + self.context
        self.top = scores.max(axis=0)
        self.nowhere = self.rules.nowhere * np.exp(scores - self.top).sum(axis=0)

    def weights(self) -> Values:
        """Each moment's weight for each target, (n, targets); 0 where it was looked at."""
        weights: Values = np.exp(self.own + self.context + self.cue[:, None] - self.top)
        weights[self.looked] = 0.0
        return weights

    def shares(self, wanted: list[int]) -> Values:
        """How probable it is that a moment shows one of the wanted targets that is still to be found, (n,)."""
        weights = self.weights()[:, wanted]
        total = weights.sum(axis=0) + self.nowhere[wanted]
        return np.asarray((weights / np.maximum(total, 1e-300)).sum(axis=1), np.float64)

    def see(self, row: int, presence: Values) -> None:
        """Learn from a look at a moment: presence of each thing, (things,)."""
        rules, n = self.rules, len(self.query.targets)
        at = float(self.times_s[row])
        self.looked[row] = True
        reach = 4 * max(rules.length_s, rules.cue_reach_s)
        low, high = np.searchsorted(self.times_s, [at - reach, at + reach])
        gap = np.abs(self.times_s[low:high] - at)
        same = np.exp(-gap / rules.length_s)
        change = np.zeros((high - low, n))
        for j in range(n):
            p = float(presence[j])
            change[:, j] += np.log1p(rules.target_gain * p * same) + np.log1p(-(1 - p) * np.minimum(same, 0.98))
        if len(presence) > n:
            p = float(presence[n:].max())
            # What every frame shows a little of is no cue: it would draw all looks to where some were already.
            p = max(0.0, p - _NO_CUE) / (1 - _NO_CUE)
            near = np.exp(-gap / rules.cue_reach_s)
            change += np.log1p(-rules.cue_miss * (1 - p) * same)[:, None]
            # A cue that many frames show, and the index tells of too, is one cue.
            more = np.log1p(rules.cue_gain * p * near) - np.maximum(self.told[low:high], 0.0)
            self.cue[low:high] = np.maximum(self.cue[low:high], more)
        self.context[low:high] += change

    def refine(self, row: int) -> None:
        """Add the two moments half a step beside one, as far as the frame rate allows and none is there."""
        step = float(self.step_s[row]) / 2
        if step < 0.99 * self.finest_s:
            return
        at = float(self.times_s[row])
        for time_s in (at - step, at + step):
            place = int(np.searchsorted(self.times_s, time_s))
            near = self.times_s[max(0, place - 1) : place + 1]
            there = (np.abs(near - time_s) < 0.49 * step).any()
            if there or not self.within.contains(time_s) or self._is_taken(time_s):
                continue
            # What its own frame shows nobody knows: only its surroundings speak for it.
            context = self.context[row] + np.log(self.rules.between)
            self.times_s = np.insert(self.times_s, place, time_s)
            self.own = np.insert(self.own, place, 0.0, axis=0)
            self.context = np.insert(self.context, place, context, axis=0)
            self.step_s = np.insert(self.step_s, place, step)
            self.cue = np.insert(self.cue, place, self.cue[row])
            self.told = np.insert(self.told, place, self.told[row])
            self.looked = np.insert(self.looked, place, False)
            row += place <= row

    @property
    def flat(self) -> float:
        """The share of a moment of a target about which nothing is known."""
        return 1.0 / ((1.0 + self.rules.nowhere) * max(1, len(self.start.moments)))

    def _is_taken(self, time_s: float) -> bool:
        return any(abs(time_s - other) < max(self.gap_s, _SAME_S) for other in self.taken)

    def by_second(self, shares: Values) -> Values:
        """Shares of moments, (n,), as those of the whole seconds, (seconds,): what plots show."""
        first_s, n = float(self.start.moments[0]), int((self.step_s == 1.0).sum())
        places = np.clip((self.times_s - first_s).astype(int), 0, n - 1)
        return np.bincount(places, shares, n).astype(np.float64)
