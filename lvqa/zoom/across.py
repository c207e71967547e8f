"""One search through the videos of an archive: which of them, with how much of the budget each.

A video's part follows from what recall and the visual channel say of it; what one search leaves is the next one's.
Opens footage from a store and a folder; knows searchers by their interface alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lvqa.errors import MediaError
from lvqa.media.files import present
from lvqa.store import Filter, Store
from lvqa.types import Hit, Note, Span, Video
from lvqa.zoom.base import Query, SearchBudget, Searcher, SearchResult
from lvqa.zoom.footage import Footage, Region, StoreChannel
from lvqa.zoom.indexed_notes import IndexedNotes
from lvqa.zoom.keyframe_selection import split
from lvqa.zoom.scorers import Similarity

if TYPE_CHECKING:
    from lvqa.media import FrameCache
    from lvqa.settings import Settings

# Beyond so many videos a budget's parts become too small to find anything.
MOST_VIDEOS = 8
# A cut seldom falls where a caption's clip ends: what was recalled reaches a little beyond both ends.
_MARGIN_S = 0.5
_LEAST_SHARE = 0.05
_MOST_HITS = 12
_NEAREST = 64
# Of a video's part: what recall says, what its frames say, and what every video gets.
_BY_HITS, _BY_FRAMES, _EVEN = 0.5, 0.4, 0.1
# A cosine this much higher makes a frame e times as telling: half of what sets the best of a video's frames apart.
_COSINE_UNIT = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Opener:
    """Opens videos of one archive for searching."""

    store: Store
    folder: Path
    settings: Settings
    similarity: Similarity | None = None
    filter: Filter | None = None
    known: dict[str, Sequence[Note]] = field(default_factory=dict)
    """The notes of videos that were opened before with this filter."""
    cache: FrameCache | None = None
    """Where frames are decoded and kept, for all who look at them; each footage has its own when not given."""

    def __call__(self, video: Video, hits: Sequence[Hit] = (), taken: Iterable[float] = ()) -> Footage:
        """One video with all that the index knows of it, within the filter's time; its file may be missing."""
        within = searchable(video.duration_s, self.filter)
        embedder = self.similarity.embedder if self.similarity is not None else None
        if video.id not in self.known:
            wanted = replace(self.filter or Filter(level="clip"), video_ids=frozenset({video.id}))
            self.known[video.id] = IndexedNotes(self.store, wanted)
        return Footage(
            video.id,
            video.duration_s,
            present(self.folder, video.path),
            within=within,
            channel=StoreChannel(self.store, embedder.name, video.id, within) if embedder is not None else None,
            notes=self.known[video.id],
            regions=regions(hits, video.id),
            taken=tuple(taken),
            max_side=self.settings.max_side,
            backend=self.settings.reader,
            frame_s=1.0 / video.fps if video.fps > 0 else 0.0,
            cache=self.cache,
        )

    def parts(self, videos: Sequence[Video], query: Query, hits: Sequence[Hit]) -> dict[str, float]:
        """The share of a budget that each video deserves, by id; all add up to 1."""
        if not videos:
            return {}
        ids = [video.id for video in videos]
        by_hits, by_frames = dict.fromkeys(ids, 0.0), dict.fromkeys(ids, 0.0)
        for hit in hits:
            if hit.note.video_id in by_hits:
                by_hits[hit.note.video_id] += hit.score
        if self.similarity is not None:
            name, vectors = self.similarity.embedder.name, self.similarity.encode(query.targets)
            within = self.filter.span if self.filter is not None else None
            for vector in vectors:
                wanted = Filter(frozenset(ids), within)
                nearest = self.store.frames.search(name, vector, _NEAREST, wanted)
                for frame in nearest:
                    by_frames[frame.video_id] += float(np.exp((frame.score - nearest[0].score) / _COSINE_UNIT))
        seconds = {video.id: video.duration_s for video in videos}
        weighed = [(_BY_HITS, by_hits), (_BY_FRAMES, by_frames), (_EVEN, seconds)]
        told = [(weight, shares) for weight, shares in weighed if sum(shares.values()) > 0]
        whole = sum(weight for weight, _ in told)
        return {
            video_id: sum(weight / whole * shares[video_id] / sum(shares.values()) for weight, shares in told)
            for video_id in ids
        }


def is_searchable(video: Video, filter: Filter | None) -> bool:
    """Whether a filter's time leaves anything of a video."""
    allowed = filter.span if filter is not None else None
    return allowed is None or allowed.start_s < video.duration_s


def searchable(duration_s: float, filter: Filter | None) -> Span:
    """The part of a video of that length that a filter allows; all of it where that leaves nothing."""
    whole = Span(0.0, duration_s)
    allowed = filter.span if filter is not None else None
    return whole if allowed is None else allowed.intersection(whole) or whole


def regions(hits: Sequence[Hit], video_id: str) -> list[Region]:
    """The stretches of a video's hits, those that touch joined; a region's score is the probability of its hits.

    Hits that are far less probable than the best one of all are no regions.
    """
    found: list[Region] = []
    for hit in hits[:_MOST_HITS]:
        score = max(hit.score, 1e-9)
        if hit.note.video_id != video_id or score < _LEAST_SHARE * hits[0].score:
            continue
        span = Span(max(0.0, hit.span.start_s - _MARGIN_S), hit.span.end_s + _MARGIN_S)
        for region in [r for r in found if r.span.gap_s(span) == 0]:
            span, score = span.hull(region.span), score + region.score
            found.remove(region)
        found.append(Region(span, score))
    return sorted(found, key=lambda region: region.span)


def search_videos(
    videos: Sequence[Video],
    parts: Mapping[str, float],
    opener: Opener,
    searcher: Searcher,
    query: Query,
    budget: SearchBudget,
    seed: int = 0,
    *,
    hits: Sequence[Hit] = (),
    taken: Mapping[str, Sequence[float]] | None = None,
    failed: list[str] | None = None,
) -> list[SearchResult]:
    """Search the most promising videos, each with its part of one budget; a search each, the most promising first.

    At least one frame is chosen and looked at in each of them while the budget has as many. A video that cannot be read
    is passed over, and a line about it is added to `failed`. Raises ModelError, UsageError.
    """
    order = sorted(videos, key=lambda video: (-parts.get(video.id, 0.0), video.path))
    chosen = order[: max(1, min(MOST_VIDEOS, budget.k))]
    shares = np.array([max(parts.get(video.id, 0.0), 1e-9) for video in chosen])
    results: list[SearchResult] = []
    left_k, left_frames = budget.k, budget.frames
    for n, video in enumerate(chosen):
        if left_k <= 0:
            break
        # A part of what is left, and one at least, with one kept for each of the others.
        others = len(chosen) - n - 1
        k = max(1, split(left_k, shares[n:])[0]) if left_k > others else 1
        frames = min(left_frames, max(1, split(left_frames, shares[n:])[0])) if left_frames else 0
        part = replace(budget, k=min(k, left_k), frames=frames)
        try:
            with opener(video, hits, (taken or {}).get(video.id, ())) as footage:
                found = searcher.search(footage, query, part, seed)
        except MediaError as error:
            if failed is not None:
                failed.append(str(error))
            continue
        results.append(found)
        left_k -= len(found.keyframes)
        left_frames -= found.trace.looked
    return results
