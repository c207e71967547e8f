"""How often a thing comes: one look at every candidate, then what lies between neighbours, then the ends.

Counting wants all appearances and the ends of none, so its looks go to candidates first, and to those apart from each
other before those beside them. Two sightings of a video are one appearance where everything looked at between them
shows the thing; a sighting that is none too clear has to hold on a crop too, where less of what is around misleads. The
ends are found with what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lvqa.temporal.frame_questions import NOTHING, middle_of
from lvqa.temporal.inquiry import Inquiry
from lvqa.temporal.localize import Interval, Localized, boundaries, joined
from lvqa.temporal.looks import Course, LookReply, LookRequest, alongside
from lvqa.temporal.presence import Candidate, apart_first
from lvqa.temporal.rules import RULES
from lvqa.types import Span


def appearances(inquiry: Inquiry, phrase: str, most: int) -> Course[Localized]:
    """The separate stretches in which a thing is there, in order of video and time: at most `most`."""
    candidates: list[Candidate] = []
    for video in inquiry.videos:
        candidates += inquiry.presence.candidates(video, phrase, inquiry.query.at)
    queue = apart_first(candidates)
    found, in_a_row, patience = Localized(), 0, inquiry.patience(1)
    while queue and len(found.intervals) < most and in_a_row < patience and not found.starved:
        batch = queue[: min(RULES.width, patience - in_a_row)]
        del queue[: len(batch)]
        seen = yield [LookRequest(c.video_id, c.time_s, phrase) for c in batch]
        answered = [(c, one) for c, one in zip(batch, seen, strict=True) if one is not None]
        found.starved = len(answered) < len(batch)
        queue = [c for c, one in zip(batch, seen, strict=True) if one is None] + queue
        sightings: list[Interval | None] = yield from alongside(
            [_sighting(inquiry, c, one, phrase) for c, one in answered]
        )
        for (candidate, one), sighting in zip(answered, sightings, strict=True):
            if sighting is None:
                in_a_row += 1
                found.refused.append(candidate)
                found.doubt = max(found.doubt, one.yes if one.yes < RULES.yes else RULES.unconfirmed * one.yes)
            else:
                in_a_row = 0
                found.intervals = yield from _with(found.intervals, sighting, phrase)
        queue = [c for c in queue if not _is_in(c, found.intervals)]
    found.left = len(queue)
    found.intervals = yield from _ended(inquiry, phrase, found.intervals)
    return found


def _sighting(inquiry: Inquiry, candidate: Candidate, seen: LookReply, phrase: str) -> Course[Interval | None]:
    """What a look at a candidate comes to: a sighting of the thing, or None."""
    if seen.yes < RULES.yes:
        return None
    frame_s = inquiry.frame_s(candidate.video_id) or 0.04
    span = Span(seen.pts_s, seen.pts_s + frame_s)
    return (yield from _twice(Interval(candidate.video_id, span, seen.yes, 1, sharp=False), phrase, frame_s))


def _twice(sighting: Interval, phrase: str, frame_s: float) -> Course[Interval | None]:
    """A sighting with a second frame beside it that shows the thing too; None where neither neighbour does.

    What is on one frame alone is misread. Where the budget has ended the one frame has to do.
    """
    sure, span, unknown = [sighting.yes], sighting.span, False
    for sign in (1, -1):
        at = sighting.span.start_s + sign * max(RULES.fine_s, frame_s)
        (one,) = yield [LookRequest(sighting.video_id, max(0.0, at), phrase)]
        unknown = unknown or one is None
        if one is not None and one.yes >= RULES.yes and one.pts_s != sighting.span.start_s:
            sure.append(one.yes)
            span = span.hull(Span(one.pts_s, one.pts_s + frame_s))
            break
    if len(sure) == 1 and not unknown:
        return None
    if sum(sure) / len(sure) < RULES.clear:
        closer: float | None = yield from _closer(sighting, phrase)
        if closer is None or closer < RULES.yes:
            return None
        sure.append(closer)
    return replace(sighting, span=span, yes=sum(sure) / len(sure), looks=len(sure))


def _closer(sighting: Interval, phrase: str) -> Course[float | None]:
    """P(yes) on the part of the frame where the thing is said to be; 0 where it is said to be nowhere."""
    at = sighting.span.start_s
    (where,) = yield [LookRequest(sighting.video_id, at, f"where is the {phrase}?", says=True)]
    if where is None:
        return None
    if where.text in NOTHING:
        return 0.0
    x, y = middle_of(where.text)
    crop = (max(0.0, x - RULES.half), max(0.0, y - RULES.half), min(1.0, x + RULES.half), min(1.0, y + RULES.half))
    (one,) = yield [LookRequest(sighting.video_id, at, phrase, crop=crop)]
    return None if one is None else one.yes


def _with(intervals: Sequence[Interval], sighting: Interval, phrase: str) -> Course[list[Interval]]:
    """The intervals with a sighting more: a new one, or part of a neighbour that everything between them belongs to."""
    merged = sighting
    kept: list[Interval] = []
    for other in intervals:
        gap_s = other.span.gap_s(merged.span)
        if other.video_id == sighting.video_id and gap_s <= RULES.near_s:
            low = min(other.span.end_s, merged.span.end_s)
            n = int(gap_s / RULES.between_s) if gap_s > RULES.between_s else int(gap_s > RULES.same_s)
            one_piece = True
            for k in range(1, n + 1):
                (one,) = yield [LookRequest(sighting.video_id, low + k * gap_s / (n + 1), phrase)]
                # Where no look is left any more, what lies so near is taken for the same.
                one_piece = one is None or one.yes >= RULES.yes
                if not one_piece:
                    break
            if one_piece:
                looks = merged.looks + other.looks
                yes = (merged.yes * merged.looks + other.yes * other.looks) / looks
                merged = Interval(sighting.video_id, merged.span.hull(other.span), yes, looks, sharp=False)
                continue
        kept.append(other)
    return sorted([*kept, merged], key=lambda i: (i.video_id, i.span))


def _ended(inquiry: Inquiry, phrase: str, intervals: Sequence[Interval]) -> Course[list[Interval]]:
    """The intervals with their ends, for as many as the budget reaches."""
    n = min(len(intervals), inquiry.eyes.left // RULES.counted_ends)
    whole: list[Interval] = yield from alongside([_whole(inquiry, phrase, one) for one in intervals[:n]])
    return joined([*whole, *intervals[n:]])


def _whole(inquiry: Inquiry, phrase: str, one: Interval) -> Course[Interval]:
    (again,) = yield [LookRequest(one.video_id, one.span.start_s, phrase)]
    if again is None or again.yes < RULES.yes:
        return one
    ask = LookRequest(one.video_id, again.pts_s, phrase)
    frame_s = inquiry.frame_s(one.video_id)
    ended: Interval = yield from boundaries(
        ask, again, inquiry.bounds(one.video_id), resolution_s=RULES.coarse_s, frame_s=frame_s
    )
    return replace(ended, span=ended.span.hull(one.span))


def _is_in(candidate: Candidate, intervals: Sequence[Interval]) -> bool:
    at = Span(candidate.time_s, candidate.time_s + 1e-3)
    return any(i.video_id == candidate.video_id and i.span.gap_s(at) <= RULES.same_s for i in intervals)
