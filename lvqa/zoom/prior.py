"""Where in a video a target may be, before anything is looked at: what the index says, as a score a second.

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
    """Scores at the seconds of a video, float64 (n, targets) each; `context` is all but what the frame itself shows.

    `informed` says that there was an index to read: that not all is flat; `nearby` is what cues add to `context`, (n,).
    """

    seconds: Values
    own: Values
    context: Values
    informed: bool
    nearby: Values | None = None


def prior(video: Footage, query: Query, similarity: Similarity | None) -> Prior:
    """What the index says of each target."""
    seconds = video.seconds
    n, m = len(seconds), len(query.targets)
    own, context = np.zeros((n, m)), np.zeros((n, m))
    nearby = _cues(video, query, similarity, seconds)
    for j, target in enumerate(query.targets):
        own[:, j] = _seen(video, target, similarity, seconds)
        context[:, j] = nearby + CAPTION * _named(video.notes, target, seconds) + SPEECH * _said(
            video.notes, target, seconds
        )  # fmt: skip
    recalled = _recalled(video, seconds)
    if recalled is not None:
        context += recalled[:, None]
    informed = bool(np.ptp(own, axis=0).any() or np.ptp(context, axis=0).any()) if n > 1 else False
    return Prior(seconds, own, context, informed, nearby)


def _seen(video: Footage, phrase: str, similarity: Similarity | None, seconds: Values) -> Values:
    """How far the frames stand out for a phrase, at the seconds; 0 without a visual channel."""
    channel = video.channel
    if similarity is None or channel is None or not similarity.usable(video):
        return np.zeros(len(seconds))
    cosines = similarity.of_channel(video, [phrase])[:, 0].astype(np.float64)
    return at_seconds(channel.times_s, salience(channel.times_s, cosines), seconds)


def _cues(video: Footage, query: Query, similarity: Similarity | None, seconds: Values) -> Values:
    """What cues add: the best of them within reach of each second."""
    best = np.zeros(len(seconds))
    channel = video.channel
    for cue in query.cues:
        score = CUE * _named(video.notes, cue, seconds)
        if similarity is not None and channel is not None and similarity.usable(video):
            # Cues stay a while: what is usual around them says nothing against them.
            cosines = similarity.of_channel(video, [cue])[:, 0].astype(np.float64)
            score = score + at_seconds(channel.times_s, bounded(robust_z(cosines)), seconds)
        best = np.maximum(best, within_reach(seconds, score, REACH_S))
    return best


def _named(notes: Sequence[Note], phrase: str, seconds: Values) -> Values:
    """1 at the seconds of captions that name a thing, else 0."""
    named = np.zeros(len(seconds))
    for note in _holding(notes, phrase):
        if note.source in ("caption", "imported") and names(note.text.lower(), phrase):
            named[_within(seconds, note.span.start_s, note.span.end_s)] = 1.0
    return named


def _holding(notes: Sequence[Note], phrase: str) -> Sequence[Note]:
    """The notes that may name a thing: its words' roots stand in them. Of an index, the others are not read."""
    needed = roots(phrase)
    if isinstance(notes, IndexedNotes):
        return notes.holding(needed)
    return [note for note in notes if all(root in note.text.lower() for root in needed)]


def _said(notes: Sequence[Note], phrase: str, seconds: Values) -> Values:
    said = np.zeros(len(seconds))
    for note in _holding(notes, phrase):
        if note.source == "speech" and names(note.text, phrase, whole=True):
            said[_within(seconds, note.span.start_s - SAID_AFTER_S, note.span.end_s)] = 1.0
    return said


def _within(seconds: Values, start_s: float, end_s: float) -> slice:
    # A clip between two seconds still says something of the one before it.
    low, high = np.searchsorted(seconds, [start_s, end_s])
    return slice(max(0, int(low) - (low == high)), int(high))


def _recalled(video: Footage, seconds: Values) -> Values | None:
    """Log-odds of recall's regions against a flat belief; None where recall brought none."""
    if not video.regions:
        return None
    total = sum(region.score for region in video.regions)
    share = np.full(len(seconds), (1 - _RECALLED) / len(seconds))
    for region in video.regions:
        inside = _within(seconds, region.span.start_s, region.span.end_s)
        width = inside.stop - inside.start
        if width > 0:
            share[inside] += _RECALLED * region.score / total / width
    return np.asarray(np.log(share * len(seconds)), np.float64)


def at_seconds(times: Values, values: Values, seconds: Values) -> Values:
    """Each second's value: that of the nearest time, 0 where none is within a second."""
    if not len(times):
        return np.zeros(len(seconds))
    rows = nearest(times, seconds)
    return np.where(np.abs(times[rows] - seconds) <= 1.0, values[rows], 0.0)
