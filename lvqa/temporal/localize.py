"""From candidates to intervals: is the thing there, since when, until when. The temporal zoom, as searches (`Course`).

A candidate is looked at; where the thing is there, its interval's ends are bracketed by steps that double, and the
brackets halved until two neighbouring frames disagree or the resolution is reached: about 2 log2(length / resolution)
looks. This module knows no budget but the answers that are None.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from lvqa.temporal.looks import Course, LookReply, LookRequest
from lvqa.temporal.presence import Candidate
from lvqa.temporal.rules import RULES, agreed
from lvqa.types import Span


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch in which something holds: mean P(yes) over the `looks` frames on which it did.

    `sharp` says that both ends were found, to the resolution asked for.
    """

    video_id: str
    span: Span
    yes: float
    looks: int
    sharp: bool = True

    @property
    def support(self) -> float:
        """How far to trust it, in [0, 1]: a frame may be misread, three in a row hardly are."""
        return self.yes * agreed(self.looks)


@dataclass(frozen=True, slots=True)
class Measured:
    """An interval whose length was measured, and how sure the length is, in [0, 1]."""

    interval: Interval
    sure: float


@dataclass(slots=True)
class Localized:
    """What a search came to: intervals in order of time, how many candidates were refused, how many were left.

    `doubt` is the highest P(yes) of a refused candidate, `left` the number of candidates not looked at, `starved` says
    that the budget ended the search.
    """

    intervals: list[Interval] = field(default_factory=list)
    refused: list[Candidate] = field(default_factory=list)
    doubt: float = 0.0
    left: int = 0
    starved: bool = False


def localize(
    phrase: str,
    candidates: Sequence[Candidate],
    bounds: Callable[[str], Span],
    *,
    most: int = 1,
    patience: int = 8,
    width: int = 2,
    resolution_s: float = RULES.coarse_s,
    frame_s: Callable[[str], float] = lambda video_id: 0.0,
) -> Course[Localized]:
    """Look at candidates, best first, until `most` intervals are found or `patience` in a row are refused.

    Args:
        phrase: the thing.
        candidates: of one or several videos, best first.
        bounds: the part of a video that may be looked at.
        most: intervals wanted.
        patience: refusals in a row that end the search.
        width: candidates that are looked at in one batch while nothing is found.
        resolution_s: to which the ends are found; infinity for not at all.
        frame_s: the time between two frames of a video.
    """
    found = Localized()
    queue = list(candidates)
    in_a_row = 0
    while queue and len(found.intervals) < most and in_a_row < patience:
        batch = queue[: max(1, min(width, patience - in_a_row))]
        del queue[: len(batch)]
        seen = yield [LookRequest(c.video_id, c.time_s, phrase) for c in batch]
        for candidate, one in zip(batch, seen, strict=True):
            if one is None:
                found.starved = True
                queue.insert(0, candidate)
            elif one.yes < RULES.yes:
                in_a_row += 1
                found.refused.append(candidate)
                found.doubt = max(found.doubt, one.yes)
            elif not _inside(candidate, found.intervals) and len(found.intervals) < most:
                frame = frame_s(candidate.video_id)
                interval = yield from boundaries(
                    LookRequest(candidate.video_id, one.pts_s, phrase),
                    one,
                    bounds(candidate.video_id),
                    resolution_s=resolution_s,
                    frame_s=frame,
                )
                if interval.looks == 1:
                    beside: list[float] | None = yield from _beside(interval, one, phrase, frame)
                    if beside == []:
                        in_a_row += 1
                        found.refused.append(candidate)
                        found.doubt = max(found.doubt, RULES.unconfirmed * one.yes)
                        continue
                    found.starved = found.starved or beside is None
                    sure = [interval.yes, *(beside or ())]
                    interval = replace(interval, yes=sum(sure) / len(sure), looks=len(sure))
                in_a_row = 0
                found.intervals = joined([*found.intervals, interval])
        queue = [c for c in queue if not _inside(c, found.intervals)]
        if found.starved:
            break
    found.left = len(queue)
    return found


def _beside(interval: Interval, seen: LookReply, phrase: str, frame_s: float) -> Course[list[float] | None]:
    """P(yes) of those of the two neighbours of the one frame that shows a thing that show it too; None without budget.

    What is on one frame alone is misread.
    """
    step = max(frame_s, RULES.fine_s)
    asks = [LookRequest(interval.video_id, max(0.0, seen.pts_s + sign * step), phrase) for sign in (-1, 1)]
    beside = yield asks
    if any(one is None for one in beside):
        return None
    return [one.yes for one in beside if one is not None and one.pts_s != seen.pts_s and one.yes >= RULES.yes]


def boundaries(
    ask: LookRequest,
    seen: LookReply,
    bounds: Span,
    *,
    resolution_s: float = RULES.fine_s,
    frame_s: float = 0.0,
    reach_s: float = RULES.reach_s,
    known: tuple[float | None, float | None] = (None, None),
    holds: Callable[[LookReply], bool] = lambda seen: seen.yes >= RULES.yes,
    sureness: Callable[[LookReply], float] = lambda seen: seen.yes,
) -> Course[Interval]:
    """Find the ends of the stretch around a frame in which something holds.

    Args:
        ask: what was asked about the frame; asked of others with another time.
        seen: what was seen there.
        bounds: no frame outside is looked at.
        resolution_s: where a bracket is no longer than this its halving ends; infinity for no look at all.
        frame_s: the time between two frames; 0 where it is not known.
        reach_s: the ends are not looked for any further away.
        known: times before and after at which it does not hold, where they are known.
        holds: whether a look says that it holds.
        sureness: how surely, in [0, 1].
    """
    sure, least_s = [sureness(seen)], max(frame_s, 0.05)
    # For both directions: the last time at which it holds, the first at which it does not, the step to come.
    inner: list[float] = [seen.pts_s, seen.pts_s]
    outer: list[float | None] = list(known)
    ends = (bounds.start_s, max(bounds.start_s, bounds.end_s - least_s))
    steps = [RULES.first_step_s] * 2
    open_ = [resolution_s != float("inf")] * 2
    touched = [False, False]
    starved = False
    while any(open_):
        turns = []
        for k, sign in ((0, -1), (1, 1)):
            if not open_[k]:
                continue
            far = outer[k]
            if far is None:
                if abs(inner[k] - ends[k]) <= least_s or abs(inner[k] - seen.pts_s) >= reach_s:
                    open_[k], touched[k] = False, True
                    continue
                at = inner[k] + sign * steps[k]
                turns.append((k, max(at, ends[0]) if sign < 0 else min(at, ends[1])))
                steps[k] *= 2
            elif abs(far - inner[k]) <= max(resolution_s, 1.05 * frame_s):
                open_[k] = False
            else:
                turns.append((k, (far + inner[k]) / 2))
        if not turns:
            break
        answers = yield [LookRequest(ask.video_id, at, ask.about, ask.says, ask.crop) for _, at in turns]
        for (k, at), one in zip(turns, answers, strict=True):
            if one is None:
                starved, open_[k] = True, False
                continue
            if one.pts_s in (inner[k], outer[k]):
                # The same frame again: the two sides are neighbours, or there is nothing further out.
                open_[k] = outer[k] is None and at != ends[k]
                touched[k] = at == ends[k]
                continue
            if holds(one):
                inner[k] = one.pts_s
                sure.append(sureness(one))
            else:
                outer[k] = one.pts_s
    start = inner[0] if outer[0] is None else _between(outer[0], inner[0], inner[0], frame_s)
    end = inner[1] + (frame_s or 0.25)
    if outer[1] is not None:
        end = _between(inner[1], outer[1], outer[1], frame_s)
    if touched[0] and inner[0] - ends[0] <= least_s:
        start = bounds.start_s
    if touched[1] and ends[1] - inner[1] <= least_s:
        end = bounds.end_s
    sharp = not starved and resolution_s != float("inf")
    span = Span(start, max(end, start + 0.05))
    return Interval(ask.video_id, span, sum(sure) / len(sure), len(sure), sharp)


def measure(phrase: str, interval: Interval, bounds: Span, frame_s: float, *, gone: bool = False) -> Course[Measured]:
    """How long an interval is, from a look at every frame (or every `fine_s`) in and around it.

    Each pair of a first and a last frame explains what was seen on all of them more or less well; lengths are weighed
    by that. A single misread frame changes the likeliest length seldom, and always its weight.

    Args:
        phrase: the thing.
        interval: about where it is.
        bounds: the part of the video that may be looked at.
        frame_s: the time between two frames.
        gone: the thing is not there in the interval, and there around it.
    """
    step = max(frame_s, RULES.fine_s)
    start_s, end_s = interval.span.start_s - RULES.margin_s, interval.span.end_s + RULES.margin_s
    n = int((end_s - start_s) / step) + 1
    times = [start_s + k * step + step / 2 for k in range(n)]
    seen = yield [LookRequest(interval.video_id, t, phrase) for t in times if bounds.contains(t)]
    by_time = {one.pts_s: (1 - one.yes if gone else one.yes) for one in seen if one is not None}
    if len(by_time) < RULES.least_measured or any(one is None for one in seen):
        return Measured(interval, RULES.unmeasured)
    times = sorted(by_time)
    chances = [min(RULES.trust, max(1 - RULES.trust, by_time[t])) for t in times]
    weigh = [math.log(p / (1 - p)) for p in chances]
    rows = [(sum(weigh[i:j]), i, j) for i in range(len(times)) for j in range(i + 1, len(times) + 1)]
    top, i, j = max(rows, key=lambda row: (row[0], row[2] - row[1]))
    total = sum(math.exp(w - top) for w, _, _ in rows)
    same = sum(math.exp(w - top) for w, a, b in rows if b - a == j - i)
    end_s = times[j] if j < len(times) else times[-1] + step
    yes = sum(chances[i:j]) / (j - i)
    return Measured(Interval(interval.video_id, Span(times[i], end_s), yes, j - i), same / total)


def joined(intervals: Sequence[Interval], gap_s: float = 0.0) -> list[Interval]:
    """Intervals in order of video and time, those that touch as one."""
    made: list[Interval] = []
    for one in sorted(intervals, key=lambda i: (i.video_id, i.span)):
        last = made[-1] if made else None
        if last is not None and last.video_id == one.video_id and one.span.start_s - last.span.end_s <= gap_s:
            n = last.looks + one.looks
            yes = (last.yes * last.looks + one.yes * one.looks) / n
            made[-1] = Interval(one.video_id, last.span.hull(one.span), yes, n, last.sharp and one.sharp)
        else:
            made.append(one)
    return made


def _inside(candidate: Candidate, intervals: Sequence[Interval]) -> bool:
    return any(i.video_id == candidate.video_id and i.span.contains(candidate.time_s) for i in intervals)


def _between(low: float, high: float, exact: float, frame_s: float) -> float:
    """Where an end lies between two times: at `exact` for neighbouring frames, half way else."""
    return exact if high - low <= 1.2 * frame_s else (low + high) / 2
