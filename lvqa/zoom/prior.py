"""Where in a video a target may be, before anything is looked at: what the index says, as a score a moment.

Four witnesses: captions that name the target, speech that does, cues (captions that name them and frames that stand
out for them, within reach), and the visual channel, where a frame stands out for the target. Scores are log-odds up to
a constant that nobody knows; searches need no more. T* (arXiv 2504.02259) starts flat. This module looks at no frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lvqa.language.words import names, roots
from lvqa.types import Note
from lvqa.zoom.arrays import Values
from lvqa.zoom.base import Query
from lvqa.zoom.footage import Footage
from lvqa.zoom.indexed_notes import IndexedNotes
from lvqa.zoom.salience import bounded, nearest, robust_z, salience, within_reach
from lvqa.zoom.scorers import Similarity

CAPTION, SPEECH, CUE = 6.0, 3.0, 3.0
# How far a cue may be from its target, in seconds.
REACH_S = 6.0
# What is said about a thing comes up to so much after it.
SAID_AFTER_S = 2.0
# What recall says counts half beside the words and the frames: two witnesses, not one sum.
_RECALLED = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """Scores at the moments of a video, float64 (n, targets) each; `context` is all but what the frame itself shows.

    Moments are `Footage.moments`: the seconds, and the times between them whose frames the index knows. `informed` says
    that there was an index to read: that not all is flat; `nearby` is what cues add to `context`, (n,).
    """

    moments: Values
    own: Values
    context: Values
    informed: bool
    nearby: Values | None = None


def prior(video: Footage, query: Query, similarity: Similarity | None) -> Prior:
    """What the index says of each target."""
    moments = video.moments
    n, m = len(moments), len(query.targets)
    own, context = np.zeros((n, m)), np.zeros((n, m))
    nearby = _cues(video, query, similarity, moments)
    for j, target in enumerate(query.targets):
        own[:, j] = _seen(video, target, similarity, moments)
        context[:, j] = nearby + CAPTION * _named(video.notes, target, moments) + SPEECH * _said(
            video.notes, target, moments
        )  # fmt: skip
    recalled = _recalled(video, moments)
    if recalled is not None:
        context += recalled[:, None]
    informed = bool(np.ptp(own, axis=0).any() or np.ptp(context, axis=0).any()) if n > 1 else False
    return Prior(moments, own, context, informed, nearby)


def _seen(video: Footage, phrase: str, similarity: Similarity | None, moments: Values) -> Values:
    """How far the frames stand out for a phrase, at the moments; 0 without a visual channel."""
    channel = video.channel
    if similarity is None or channel is None or not similarity.usable(video):
        return np.zeros(len(moments))
    cosines = similarity.of_channel(video, [phrase])[:, 0].astype(np.float64)
    return at_moments(channel.times_s, salience(channel.times_s, cosines), moments)


def _cues(video: Footage, query: Query, similarity: Similarity | None, moments: Values) -> Values:
    """What cues add: the best of them within reach of each second."""
    best = np.zeros(len(moments))
    channel = video.channel
    for cue in query.cues:
        score = CUE * _named(video.notes, cue, moments)
        if similarity is not None and channel is not None and similarity.usable(video):
            # Cues stay a while: what is usual around them says nothing against them.
            cosines = similarity.of_channel(video, [cue])[:, 0].astype(np.float64)
            score = score + at_moments(channel.times_s, bounded(robust_z(cosines)), moments)
        best = np.maximum(best, within_reach(moments, score, REACH_S))
    return best


def _named(notes: Sequence[Note], phrase: str, moments: Values) -> Values:
    """1 at the moments of captions that name a thing, else 0."""
    named = np.zeros(len(moments))
    for note in _holding(notes, phrase):
        if note.source in ("caption", "imported") and names(note.text.lower(), phrase):
            named[_within(moments, note.span.start_s, note.span.end_s)] = 1.0
    return named


def _holding(notes: Sequence[Note], phrase: str) -> Sequence[Note]:
    """The notes that may name a thing: its words' roots stand in them. Of an index, the others are not read."""
    needed = roots(phrase)
    if isinstance(notes, IndexedNotes):
        return notes.holding(needed)
    return [note for note in notes if all(root in note.text.lower() for root in needed)]


def _said(notes: Sequence[Note], phrase: str, moments: Values) -> Values:
    said = np.zeros(len(moments))
    for note in _holding(notes, phrase):
        if note.source == "speech" and names(note.text, phrase, whole=True):
            said[_within(moments, note.span.start_s - SAID_AFTER_S, note.span.end_s)] = 1.0
    return said


def _within(moments: Values, start_s: float, end_s: float) -> slice:
    # A clip between two moments still says something of the one before it.
    low, high = np.searchsorted(moments, [start_s, end_s])
    return slice(max(0, int(low) - (low == high)), int(high))


def _recalled(video: Footage, moments: Values) -> Values | None:
    """Log-odds of recall's regions against a flat belief; None where recall brought none."""
    if not video.regions:
        return None
    total = sum(region.score for region in video.regions)
    share = np.full(len(moments), (1 - _RECALLED) / len(moments))
    for region in video.regions:
        inside = _within(moments, region.span.start_s, region.span.end_s)
        width = inside.stop - inside.start
        if width > 0:
            share[inside] += _RECALLED * region.score / total / width
    return np.asarray(np.log(share * len(moments)), np.float64)


def at_moments(times: Values, values: Values, moments: Values) -> Values:
    """Each second's value: that of the nearest time, 0 where none is within a second."""
    if not len(times):
        return np.zeros(len(moments))
    rows = nearest(times, moments)
    return np.where(np.abs(times[rows] - moments) <= 1.0, values[rows], 0.0)
