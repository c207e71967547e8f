"""The searchers on the bench, what of the index each may read, and scores that are remembered from search to search.

Whole seconds of a video are looked at again and again by nine searchers at four budgets: what was scored once is not
scored again, and still paid for. What a look takes is measured on those that are made.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from lvqa.errors import UsageError
from lvqa.media.files import locate
from lvqa.types import Note, Span, Video
from lvqa.zoom import FrameScorer, Query, SearchBudget, SearchResult, make_searcher
from lvqa.zoom.arrays import Scores
from lvqa.zoom.footage import Footage, Frames, StoreChannel
from lvqa.zoom.looking import evenly
from lvqa.zoom.scorers import Scorers, Yes

if TYPE_CHECKING:
    from lvqa.archive.archive import Archive
    from lvqa.zoom.arrays import Crop


_PRIMED = 16


@dataclass(frozen=True, slots=True)
class SearchSystem:
    """A searcher, and which part of the index it reads: the visual channel, captions and speech, both or none.

    Without `cues` it is told the target alone.
    """

    name: str
    searcher: str
    channel: bool = True
    notes: bool = False
    cues: bool = True


SYSTEMS = (
    SearchSystem("uniform", "uniform", channel=False),
    SearchSystem("bolt", "bolt"),
    SearchSystem("aks", "aks"),
    SearchSystem("qframe", "qframe"),
    SearchSystem("maxinfo", "maxinfo"),
    SearchSystem("videotree", "videotree"),
    SearchSystem("gens", "gens", channel=False),
    SearchSystem("tstar", "tstar", channel=False),
    SearchSystem("lvqa", "lvqa", notes=True),
    SearchSystem("lvqa, frames only", "lvqa"),
    SearchSystem("lvqa, captions only", "lvqa", channel=False, notes=True),
    SearchSystem("lvqa, no index", "lvqa", channel=False),
    SearchSystem("tstar, no cues", "tstar", channel=False, cues=False),
    SearchSystem("lvqa, no index, no cues", "lvqa", channel=False, cues=False),
)


def systems_named(names: Sequence[str]) -> tuple[SearchSystem, ...]:
    """The systems of these names, all where none is named. Raises UsageError for a name that is not there."""
    known = {system.name: system for system in SYSTEMS}
    for name in names:
        if name not in known:
            raise UsageError(f"there is no system {name!r}; there are: {'; '.join(known)}")
    return tuple(known[name] for name in names) or SYSTEMS


@dataclass(eq=False)
class Remembered(FrameScorer):
    """A scorer that remembers each phrase on each frame."""

    inner: Yes
    looks: int = 0
    seconds: float = 0.0
    inside_s: float = 0.0
    _known: dict[tuple[float, Crop | None, str], float] = field(default_factory=dict)

    def score_each(self, frames: Frames, phrases: Sequence[str]) -> Scores:
        """What is known, and the rest by the inner scorer."""
        began = time.perf_counter()
        keys = [[(t, crop, p) for p in phrases] for t, crop in zip(frames.times_s, frames.crops, strict=True)]
        fresh = [n for n, row in enumerate(keys) if any(key not in self._known for key in row)]
        for n, row in zip(fresh, self.inner.score_each(frames[fresh], phrases) if fresh else (), strict=True):
            self._known.update(zip(keys[n], (float(value) for value in row), strict=True))
        if fresh:
            self.looks += len(fresh)
            self.seconds += time.perf_counter() - began
        scores = np.array([[self._known[key] for key in row] for row in keys], np.float32)
        self.inside_s += time.perf_counter() - began
        return scores.reshape(len(frames), len(phrases))


@dataclass(frozen=True, slots=True)
class Searched:
    """A search: what was found, the frames that it cost, and its seconds without those of looks."""

    found: SearchResult
    frames: int
    own_s: float


class Bench:
    """All systems over the one video of an indexed archive."""

    def __init__(self, archive: Archive) -> None:
        vision, images = archive.models.vision, archive.models.image_embedder
        assert vision is not None, "a world is indexed with a vision model"
        assert images is not None, "a world is indexed with an image embedder"
        self._archive = archive
        self._scorers = Scorers.of(archive.models)
        self.scorer = Remembered(Yes(vision))
        (self.video,) = archive.store.videos.all()
        self._notes = sorted(archive.store.notes.select(), key=lambda note: (note.span, note.id))
        self._model = images.name
        # What a look takes is known before the first search that makes none.
        with self.footage(SYSTEMS[0]) as footage:
            times = evenly(0.0, self.video.duration_s, _PRIMED)
            self.scorer.score_each(footage.at(times.tolist()), ("red star", "red flag"))

    def search(self, system: SearchSystem, query: Query, frames: int, k: int, seed: int) -> Searched:
        """One search. A frame that is returned and was not looked at costs as much as one that was."""
        query = query if system.cues else replace(query, cues=())
        scorers = Scorers(self._scorers.similarity if system.channel else None, other=self.scorer)
        searcher = make_searcher(system.searcher, scorers)
        began, inside = time.perf_counter(), self.scorer.inside_s
        with self.footage(system) as footage:
            found = searcher.search(footage, query, SearchBudget(k, frames), seed)
        own_s = time.perf_counter() - began - (self.scorer.inside_s - inside)
        looked = {round(t, 3) for one in found.trace.rounds for t in one.times_s} if found.trace.looked else set()
        unseen = [frame for frame in found.keyframes if round(frame.time_s, 3) not in looked]
        # What the budget does not hold any more is not shown to anybody.
        room = max(0, frames - found.trace.looked)
        dropped = set(sorted(unseen, key=lambda frame: (-frame.score, frame.time_s))[room:])
        kept = [frame for frame in found.keyframes if frame not in dropped]
        return Searched(SearchResult(kept, found.trace), found.trace.looked + len(unseen) - len(dropped), own_s)

    def footage(self, system: SearchSystem) -> Footage:
        """The video with what of its index a system may read."""
        video: Video = self.video
        whole = Span(0.0, video.duration_s)
        notes: Sequence[Note] = self._notes if system.notes else ()
        return Footage(
            video.id,
            video.duration_s,
            locate(self._archive.folder, video.path),
            channel=StoreChannel(self._archive.store, self._model, video.id, whole) if system.channel else None,
            notes=notes,
            frame_s=1.0 / video.fps,
        )

    @property
    def look_s(self) -> float:
        """What a look takes, in seconds: decoding, and the VLM's word on each phrase."""
        return self.scorer.seconds / max(1, self.scorer.looks)
