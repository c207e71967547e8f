"""What a question says about when, put to an archive: where its anchors are, which notes it points at, how likely each.

This module knows relations and the store; it ranks nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lvqa.language.times import Relation
from lvqa.recall.candidates import Candidates, Values
from lvqa.recall.lookups import StoreLookups
from lvqa.recall.time_priors import anchor_prior, anchor_window, ordinal_prior, position_prior, position_window
from lvqa.store import Filter
from lvqa.types import Note, Span

# Videos whose seconds are looked through for what a question points at, and notes taken of each.
_MOST_VIDEOS = 4
_MOST_NOTES = 48
_MOST_ANCHORS = 3
# How far apart the cosines of an anchor lie, in standard deviations a nat: captions tell seconds apart but weakly.
_SHARPNESS = 0.5


class Timing:
    """One question's relation to time, in one archive."""

    def __init__(self, relation: Relation, lookups: StoreLookups, wanted: Filter) -> None:
        self._relation = relation
        self._lookups = lookups
        self._wanted = wanted

    @property
    def widens(self) -> bool:
        """Whether it points at times whose notes need not be like the question."""
        return self._relation.position is not None or bool(self._relation.anchor)

    def pointed_at(self, video_ids: Sequence[str]) -> list[Note]:
        """Notes at the times that the question points at, in the first of these videos."""
        found: dict[str, Note] = {}
        for video_id in video_ids[:_MOST_VIDEOS]:
            for start_s, end_s in self._windows(video_id):
                allowed = self._allowed(video_id, start_s, end_s)
                notes = self._lookups.store.notes.select(allowed) if allowed is not None else []
                # Evenly thinned: a tenth of an hour of captions is too much to weigh one by one.
                step = max(1, -(-len(notes) // _MOST_NOTES))
                found.update((note.id, note) for note in notes[::step])
        return list(found.values())

    def _windows(self, video_id: str) -> list[tuple[float, float]]:
        relation = self._relation
        duration_s = self._lookups.duration_s(video_id)
        windows = []
        if relation.position is not None and duration_s > 0:
            windows.append(position_window(relation.position, duration_s))
        if relation.order is not None:
            windows += [anchor_window(relation.order, note.span.middle_s) for note in self._anchors(video_id)]
        return windows

    def _anchors(self, video_id: str) -> list[Note]:
        """The notes of a video nearest to the anchor's description."""
        lookups = self._lookups
        only = replace(self._wanted, video_ids=frozenset({video_id}))
        if lookups.embedder is not None:
            vector = lookups.vector(self._relation.anchor)
            found = lookups.store.vectors.search(lookups.embedder.name, vector, _MOST_ANCHORS, only)
        else:
            found = lookups.store.notes.search(self._relation.anchor, _MOST_ANCHORS, only)
        return list(lookups.notes(note_id for note_id, _ in found).values())

    def _allowed(self, video_id: str, start_s: float, end_s: float) -> Filter | None:
        start_s, end_s = max(0.0, start_s), max(0.0, end_s)
        if end_s <= start_s:
            return None
        span: Span | None = Span(start_s, end_s)
        if self._wanted.span is not None:
            span = self._wanted.span.intersection(Span(start_s, end_s))
        return None if span is None else replace(self._wanted, video_ids=frozenset({video_id}), span=span)

    def prior(self, chosen: Candidates, within: Values) -> Values:
        """Factors (n,) for candidates whose probability within their video is `within` (n,) so far."""
        factors = np.ones(len(chosen))
        for number, video_id in enumerate(chosen.video_ids):
            rows = np.flatnonzero(chosen.videos == number)
            times_s = chosen.middles_s[rows]
            relation = self._relation
            if relation.position is not None:
                duration_s = max(self._lookups.duration_s(video_id), float(chosen.ends_s[rows].max()))
                factors[rows] *= position_prior(relation.position, np.clip(times_s / duration_s, 0.0, 1.0))
            if relation.order is not None and len(rows) > 1:
                factors[rows] *= self._near_anchor(chosen, rows.tolist(), times_s)
            if relation.ordinal is not None:
                shares = within[rows] * factors[rows]
                factors[rows] *= ordinal_prior(relation.ordinal, times_s, shares / max(shares.sum(), 1e-300))
        return factors

    def _near_anchor(self, chosen: Candidates, rows: Sequence[int], times_s: Values) -> Values:
        relation, lookups = self._relation, self._lookups
        assert relation.order is not None
        notes = [chosen.notes[row] for row in rows]
        if lookups.embedder is not None:
            anchor = lookups.vector(relation.anchor)
            found = lookups.vectors(notes)
            near = np.array([float(vector @ anchor) if vector is not None else -1.0 for vector in found])
            near = (near - near.mean()) / max(float(near.std()), 0.02)
        else:
            from lvqa.recall.relevance import lexical_closeness

            near = 4.0 * np.array([lexical_closeness(relation.anchor, note.text) for note in notes])
        weights = np.exp(_SHARPNESS * (near - near.max()))
        return anchor_prior(relation.order, times_s, times_s, weights / weights.sum())
