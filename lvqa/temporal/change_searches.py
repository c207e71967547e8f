"""Where a thing that stays may be gone for a moment, be like another, or be elsewhere; and the gap itself.

What the programs of `changes` look for. This module knows no question.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lvqa.language.words import names, parts, says
from lvqa.temporal.localize import Interval, boundaries
from lvqa.temporal.looks import Course, LookRequest
from lvqa.temporal.presence import Candidate, Presence
from lvqa.temporal.rules import RULES
from lvqa.types import Note, Span
from lvqa.zoom.salience import AROUND_S, against_around, peaks, running_median, salience


@dataclass(slots=True)
class ChangePresence(Presence):
    """What the index knows about where things are, and when they change."""

    @classmethod
    def of(cls, presence: Presence) -> ChangePresence:
        """The same presence, where it is one that tells of changes; else one that does, over the same index."""
        if isinstance(presence, ChangePresence):
            return presence
        return cls(presence.store, presence.image_embedder, presence.filter, presence.cues, presence.proposals)

    def runs(self, video_id: str, phrase: str) -> list[Span]:
        """Stretches in which captions tell of a thing again and again, the middle of the first to that of the last."""
        found: list[Span] = []
        for note in self.captions(video_id):
            if names(note.text, phrase):
                if found and note.span.start_s - found[-1].end_s <= RULES.run_s:
                    found[-1] = found[-1].hull(note.span)
                else:
                    found.append(note.span)
        return found

    def dips(self, video_id: str, phrase: str, other: str = "") -> list[Candidate]:
        """Times at which a thing that is there around them may be gone, or be like `other` instead, best first."""
        times, cosines = self.series(video_id, phrase)
        spans = [
            Span(max(0.0, run.start_s - RULES.around_run_s), run.end_s + RULES.around_run_s)
            for run in self.runs(video_id, phrase)
        ]
        if not len(times):
            noted = [n for n in self.captions(video_id) if any(s.overlaps(n.span) for s in spans)]
            gone = [n for n in noted if not names(n.text, phrase)]
            return [Candidate(video_id, n.span.middle_s, RULES.caption, "caption") for n in gone]
        score = -against_around(times, cosines)
        if other:
            score = score + salience(*self.series(video_id, other))
        inside = np.zeros(len(times), bool)
        for span in spans:
            inside |= (times >= span.start_s) & (times < span.end_s)
        usual = running_median(times, cosines, AROUND_S)
        # Where captions miss the thing, the frames around may still tell that it is there.
        level = np.median(usual[inside]) if inside.any() else np.quantile(usual, RULES.usual)
        score = score + np.where(inside, RULES.in_run, 0.0) + np.where(usual >= level, RULES.as_usual, 0.0)
        best = peaks(times, score, RULES.candidates)
        found = [Candidate(video_id, float(times[i]), float(score[i]), "frames") for i in best]
        return sorted(found, key=lambda c: (-c.score, c.time_s))[: RULES.candidates]

    def shifts(self, video_id: str, phrase: str) -> list[tuple[float, float, float]]:
        """Times (before, after) between which captions put a thing elsewhere while the rest stays; and how much stays.

        Best first. Where captions tell of no change, the first and last caption of each run, with 0.
        """
        found: list[tuple[float, float, float]] = []
        notes = [(n, parts(n.text)) for n in self.captions(video_id)]
        last: tuple[Note, list[str]] | None = None
        for note, mine in notes:
            if not any(says(part, phrase) for part in mine):
                continue
            if last is not None and note.span.start_s - last[0].span.end_s <= RULES.run_s:
                here = [part for part in mine if says(part, phrase)]
                there = [part for part in last[1] if says(part, phrase)]
                rest, before = set(mine) - set(here), set(last[1]) - set(there)
                if here != there:
                    alike = (1 + len(rest & before)) / (1 + len(rest | before))
                    found.append((last[0].span.middle_s, note.span.middle_s, alike))
            last = (note, mine)
        found.sort(key=lambda row: (-row[2], row[0]))
        ends = [
            (r.start_s + RULES.inside_s, max(r.end_s - RULES.inside_s, r.start_s + 1.5 * RULES.inside_s), 0.0)
            for r in self.runs(video_id, phrase)
        ]
        return found + ends


def gap(phrase: str, at: Candidate, bounds: Span, *, frame_s: float = 0.0) -> Course[Interval | None]:
    """The stretch around a time in which a thing is not there though it is before and after; None where it is not so.

    None too where the budget ends before that is known.
    """
    (first,) = yield [LookRequest(at.video_id, at.time_s, phrase)]
    if first is None or first.yes >= RULES.gone:
        return None
    around = Span(
        max(bounds.start_s, first.pts_s - RULES.gap_reach_s), min(bounds.end_s, first.pts_s + RULES.gap_reach_s)
    )
    # A cheap look at both sides before the ends are found.
    sides = yield from _sides(LookRequest(at.video_id, first.pts_s, phrase), around)
    if sides is None:
        return None
    found = yield from boundaries(
        LookRequest(at.video_id, first.pts_s, phrase),
        first,
        bounds,
        frame_s=frame_s,
        known=sides,
        holds=lambda seen: seen.yes < RULES.gone,
        sureness=lambda seen: 1 - seen.yes,
    )
    return found


def _sides(ask: LookRequest, around: Span) -> Course[tuple[float, float] | None]:
    """Times before and after at which the thing is there, by steps that double; None where there are none in reach."""
    found: list[float | None] = [None, None]
    step = 1.0
    while None in found:
        turns = []
        for k, sign in ((0, -1), (1, 1)):
            if found[k] is None:
                at = ask.time_s + sign * step
                if not around.start_s <= at < around.end_s:
                    return None
                turns.append((k, at))
        answers = yield [LookRequest(ask.video_id, at, ask.about) for _, at in turns]
        for (k, _), one in zip(turns, answers, strict=True):
            if one is None:
                return None
            if one.yes >= RULES.gone:
                found[k] = one.pts_s
        step *= 2
    before, after = found
    assert before is not None
    assert after is not None
    return before, after
