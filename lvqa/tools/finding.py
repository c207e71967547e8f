"""Finding by looking: where in the videos something is to be seen, as times that a model looked at.

Recall says which videos, a searcher (`lvqa.zoom`) where in them; unlike the agent it answers no question.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lvqa.errors import MediaError, UsageError
from lvqa.media.files import present
from lvqa.recall import Retriever
from lvqa.tools.rules import RULES
from lvqa.types import Keyframe, Sighting
from lvqa.zoom import DEFAULT, Query, SearchBudget, Searcher, SearchResult, make_searcher
from lvqa.zoom.across import Opener, search_videos
from lvqa.zoom.scorers import Scorers

if TYPE_CHECKING:
    from lvqa.models.profiles import Models
    from lvqa.settings import Settings
    from lvqa.store import Filter, Store


@dataclass(frozen=True, slots=True)
class FindResult:
    """What a search through an archive came to: sightings, each video's search, the cost.

    `failed` has a line for each video that could not be read. Where anything was seen, they are what was seen;
    else the times that are most likely.
    """

    query: Query
    sights: tuple[Sighting, ...]
    searches: tuple[tuple[str, SearchResult], ...]
    frames: int
    seconds: float
    failed: tuple[str, ...] = ()


def find(
    query: Query,
    *,
    store: Store,
    models: Models,
    settings: Settings,
    folder: Path,
    filter: Filter | None = None,
    k: int = 10,
    frames: int | None = None,
    seed: int = 0,
    searcher: str | Searcher | None = None,
) -> FindResult:
    """Search an archive's videos for what a query names.

    Args:
        query: what is searched for.
        store: the index, open for reading.
        models: an image embedder reads the index; a detector or a vision model looks.
        settings: `searcher`, `budget_frames` and how frames are read.
        folder: what the videos' paths are relative to.
        filter: the only videos and time that may be searched.
        k: most sightings.
        frames: most frames looked at, in place of the settings' budget.
        seed: same query, seed and models: same sightings.
        searcher: a name, or a searcher, in place of the settings'.

    Raises UsageError for an unknown searcher or where no model can search, ModelError, and MediaError where no video
    can be read.
    """
    began = time.monotonic()
    scorers = Scorers.of(models)
    if scorers.similarity is None and scorers.look is None:
        raise UsageError(
            "there is no model that finds things in frames; name one: --image-embedder, --vision, --profile"
        )
    opener = Opener(store, folder, settings, scorers.similarity, filter)
    allowed = filter.video_ids if filter is not None else None
    videos = [v for v in store.videos.all() if (allowed is None or v.id in allowed) and present(folder, v.path)]
    if not videos:
        raise UsageError(f"none of the videos' files is below {folder}; there is nothing to look at")
    retriever = Retriever(store, models.embedder, models.image_embedder)
    hits = retriever.search(" ".join(query.targets), settings.top_k, filter)
    chosen = searcher if not isinstance(searcher, str | None) else named(searcher or settings.searcher, scorers, k)
    budget = SearchBudget(k, settings.budget_frames if frames is None else frames, min_gap_s=RULES.apart_s)
    parts = opener.parts(videos, query, hits)
    failed: list[str] = []
    found = search_videos(videos, parts, opener, chosen, query, budget, seed, hits=hits, failed=failed)
    if failed and not found:
        raise MediaError(failed[0])
    paths = {video.id: video.path for video in videos}
    sights = [Sighting(paths[f.video_id], f.time_s, f.score, was_seen(one, f)) for one in found for f in one.keyframes]
    # What is only likely is of use where nothing was seen.
    sights = [sight for sight in sights if sight.seen] or sights
    sights.sort(key=lambda sight: (not sight.seen, -sight.score, sight.video, sight.time_s))
    searches = tuple((paths[one.trace.video_id], one) for one in found)
    looked, seconds = sum(one.trace.looked for one in found), time.monotonic() - began
    return FindResult(query, tuple(sights), searches, looked, seconds, tuple(failed))


def named(name: str, scorers: Scorers, occasions: int = 1) -> Searcher:
    """A searcher by name; ours looks for so many occasions of each target. Raises UsageError."""
    return make_searcher(name, scorers, **({"occasions": max(1, occasions)} if name == DEFAULT else {}))


def was_seen(found: SearchResult, frame: Keyframe) -> bool:
    """Whether a look at a keyframe's time showed one of the targets."""
    trace = found.trace
    return any(
        abs(time_s - frame.time_s) <= RULES.same_frame_s and max(presence[: trace.targets], default=0.0) >= RULES.seen
        for one in trace.rounds
        for time_s, presence in zip(one.times_s, one.presence, strict=True)
    )
