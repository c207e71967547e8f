"""Where in a video a thing may be, before any frame is looked at: by captions, speech, cues and the visual channel.

A caption tells of a thing where all words of the thing stand in one of its comma-separated phrases. The visual channel
tells of it where the cosine of its phrase with the frames stands out from this video's own distribution: from the
median of the whole video, and from the seconds around (which takes away what is there all the time). Both are robust
z-scores (median and MAD). The scores of candidates order them and mean nothing more. This module looks at no frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from lvqa.language.words import names, with_article
from lvqa.models.base import ImageEmbedder
from lvqa.models.replies import encode_query
from lvqa.store import Filter, Store
from lvqa.temporal.rules import RULES
from lvqa.types import Note, Span
from lvqa.zoom.across import searchable
from lvqa.zoom.salience import peaks, salience

Series = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A time at which a thing may be there (or gone), and how much speaks for it."""

    video_id: str
    time_s: float
    score: float
    by: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """What of a video could have hidden a short event: the spacing in seconds of what was seen of all of it.

    `share` is that part of the video of which anything is known.
    """

    spacing_s: float
    share: float


Proposals = Callable[[str, str, Span], list[Candidate]]


@dataclass(slots=True)
class Presence:
    """What the index knows about where things are; reads each video's notes and vectors once a question.

    Args:
        store: the index, open for reading.
        image_embedder: reads the visual channel; without it there is none.
        filter: the only videos, time and sources that may be used.
        cues: things that tend to be near what is looked for.
        proposals: another searcher's candidates, in place of those of the index: takes a video's id, a phrase, and the
            part of the video that they have to lie in; best first.
    """

    store: Store
    image_embedder: ImageEmbedder | None = None
    filter: Filter | None = None
    cues: tuple[str, ...] = ()
    proposals: Proposals | None = None
    _notes: dict[str, list[Note]] = field(default_factory=dict)
    _frames: dict[str, tuple[Series, npt.NDArray[np.float32]]] = field(default_factory=dict)
    _queries: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)

    def path(self, video_id: str) -> str:
        """The path of a video, relative to the archive's folder; its id where it is gone."""
        video = self.store.videos.get(video_id)
        return video.path if video is not None else video_id

    def within(self, video_id: str) -> Span:
        """The part of a video that may be used."""
        video = self.store.videos.get(video_id)
        return searchable(video.duration_s if video is not None else 1.0, self.filter)

    def captions(self, video_id: str) -> list[Note]:
        """What was written about the pictures of a video, in order of time."""
        return [note for note in self._all(video_id) if note.source in ("caption", "imported")]

    def series(self, video_id: str, phrase: str) -> tuple[Series, Series]:
        """Times in seconds and cosines with a phrase, float64 (n,) each; empty without a visual channel."""
        embedder = self.image_embedder
        if embedder is None:
            return np.zeros(0), np.zeros(0)
        if video_id not in self._frames:
            span = self.filter.span if self.filter is not None else None
            self._frames[video_id] = self.store.frames.of(embedder.name, video_id, span)
        times, vectors = self._frames[video_id]
        if not len(times):
            return np.zeros(0), np.zeros(0)
        if phrase not in self._queries:
            self._queries[phrase] = encode_query(embedder, [with_article(phrase)])[0]
        return times, (vectors @ self._queries[phrase]).astype(np.float64)

    def candidates(self, video_id: str, phrase: str, within: Span | None = None) -> list[Candidate]:
        """Times at which a thing may be there, best first; as another searcher has it, where one was asked for."""
        if self.proposals is not None:
            return self.proposals(video_id, phrase, within or self.within(video_id))
        times, cosines = self.series(video_id, phrase)
        score = salience(times, cosines)
        said = [n for n in self._all(video_id) if n.source == "speech" and names(n.text, phrase, whole=True)]
        noted = [(n.span, RULES.caption, "caption") for n in self.captions(video_id) if names(n.text, phrase)]
        before = [Span(max(0.0, n.span.start_s - RULES.said_after_s), n.span.end_s) for n in said]
        noted += [(span, RULES.speech, "speech") for span in before]
        cued = [n.span for n in self.captions(video_id) if any(names(n.text, cue) for cue in self.cues)]
        for span, bonus in [*((span, bonus) for span, bonus, _ in noted), *((span, RULES.cue) for span in cued)]:
            inside = (times >= span.start_s) & (times < span.end_s)
            score[inside] += bonus
        best = peaks(times, score, RULES.candidates)
        found = [Candidate(video_id, float(times[i]), float(score[i]), "frames") for i in best]
        # A caption's own frame may be any of its clip: its middle comes after what the visual channel prefers.
        found += [Candidate(video_id, span.middle_s, bonus, by) for span, bonus, by in noted]
        if not len(times):
            found += [Candidate(video_id, t, 0.0, "spread") for t in spread(self.within(video_id))]
        limit = within or self.within(video_id)
        kept = [c for c in found if limit.contains(c.time_s)]
        return sorted(kept, key=lambda c: (-c.score, c.time_s))[: RULES.candidates]

    def coverage(self, video_id: str) -> Coverage:
        """How closely the visual channel saw a video; captions, where there is none, by their clips."""
        span = self.within(video_id)
        times, _ = self.series(video_id, "thing")
        if len(times) > 1:
            share = min(1.0, (times[-1] - times[0] + np.median(np.diff(times))) / span.duration_s)
            return Coverage(float(np.median(np.diff(times))), float(share))
        notes = self.captions(video_id)
        if not notes:
            return Coverage(float("inf"), 0.0)
        seconds = [note.span.duration_s for note in notes]
        return Coverage(float(np.median(seconds)), min(1.0, sum(seconds) / span.duration_s))

    def _all(self, video_id: str) -> list[Note]:
        if video_id not in self._notes:
            wanted = replace(self.filter or Filter(), video_ids=frozenset({video_id}))
            notes = [n for n in self.store.notes.select(wanted) if n.source != "summary"]
            self._notes[video_id] = sorted(notes, key=lambda n: (n.span, n.id))
        return self._notes[video_id]


def apart_first(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Candidates, best first, those near a better one of their video behind all others.

    Frames of one shot stand out together: what one of them does not show its neighbours seldom do.
    """
    first: list[Candidate] = []
    rest: list[Candidate] = []
    for one in sorted(candidates, key=lambda c: (-c.score, c.video_id, c.time_s)):
        beside = any(one.video_id == c.video_id and abs(one.time_s - c.time_s) < RULES.apart_s for c in first)
        (rest if beside else first).append(one)
    return [*first, *rest]


def spread(span: Span, n: int = RULES.spread) -> Sequence[float]:
    """n times of a span, each halving what the earlier ones left open (van der Corput)."""
    shares = [int(f"{k:05b}"[::-1], 2) / 32 for k in range(n)]
    return [span.start_s + (share + 1 / 64) * span.duration_s for share in shares]
