"""Finding by looking: where in the videos something is to be seen, as times that a model looked at.

Recall says which videos, a searcher (`lvqa.zoom`) where in them; unlike the agent it answers no question.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lvqa.errors import MediaError, UsageError
from lvqa.media.files import present
from lvqa.tools.arguments import integer, shown, texts
from lvqa.tools.rules import RULES
from lvqa.tools.vision_calls import charge_looks, charge_to
from lvqa.tools.workbench import Workbench
from lvqa.types import Hit, Keyframe, Scope, Sighting, Video
from lvqa.zoom import DEFAULT, SEARCHERS, Query, SearchBudget, Searcher, SearchResult, make_searcher
from lvqa.zoom.across import Opener, search_videos
from lvqa.zoom.scorers import Scorers

# More than anybody wants; what is told of a result is `RULES.hits`.
_MOST_THINGS, _MOST_FRAMES = 100, 1_000_000


@dataclass(frozen=True, slots=True)
class FindResult:
    """What a search through an archive came to: sightings, each video's search, the cost.

    `failed` has a line for each video that could not be read, `left_out` one for each that was not looked at. Where
    anything was seen, they are what was seen; else the times that are most likely.
    """

    query: Query
    sights: tuple[Sighting, ...]
    searches: tuple[tuple[str, SearchResult], ...]
    frames: int
    seconds: float
    failed: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What was searched for, where it was seen, in how many looks, and what was not looked at."""
        return {
            "targets": list(self.query.targets),
            "cues": list(self.query.cues),
            "sightings": [sight.to_dict() for sight in self.sights[: RULES.hits]],
            "frames": self.frames,
            "left_out": list(self.left_out),
        }


def find(
    bench: Workbench,
    thing: str | Sequence[str],
    cues: Sequence[str] = (),
    scope: Scope | None = None,
    *,
    k: int = 10,
    frames: int | None = None,
    searcher: str | Searcher | None = None,
) -> FindResult:
    """Search an archive's videos for times at which a thing, or one of several, is to be seen.

    Args:
        bench: its image embedder reads the index, its detector or vision model looks.
        thing: as a caption would name it.
        cues: what tends to be near, and is easier to spot.
        scope: the only videos and time that may be searched.
        k: most sightings.
        frames: most frames looked at, in place of the setting `budget_frames`; never more than the ledger has.
        searcher: a name, or a searcher, in place of the settings'.

    Raises UsageError for bad arguments, an unknown searcher, or where no model can search; ModelError; and MediaError
    where no video can be read.
    """
    began = time.monotonic()
    query = Query(texts(thing, "thing to find", _MOST_THINGS), texts(cues, "cue", _MOST_THINGS) if cues else ())
    k = integer(k, "k", 1, _MOST_FRAMES)
    most = bench.settings.budget_frames if frames is None else integer(frames, "frames", 0, _MOST_FRAMES)
    folder, bench = bench.folder, bench.narrowed(scope)
    scorers = Scorers.of(bench.models)
    if scorers.similarity is None and scorers.look is None:
        raise UsageError(
            "there is no model that finds things in frames; name one: --image-embedder, --vision, --profile"
        )
    known = bench.videos
    videos = [video for video in known if present(folder, video.path)]
    if not videos:
        raise UsageError(f"none of the videos' files is below {folder}; there is nothing to look at")
    hits = bench.retriever.search(" ".join(query.targets), bench.settings.top_k, bench.filter)
    chosen: Searcher
    if searcher is None or isinstance(searcher, str):
        chosen = named(searcher or bench.settings.searcher, scorers, k)
    elif callable(getattr(searcher, "search", None)):
        chosen = searcher
    else:
        raise UsageError(f"a searcher is one of {', '.join(SEARCHERS)}; got {shown(searcher)}")
    failed = [f"{video.path} is not there to look at" for video in known if not present(folder, video.path)]
    away = len(failed)
    found = sought(bench, videos, query, chosen, scorers, k, most, hits=hits, failed=failed)
    if len(failed) > away and not found:
        raise MediaError(failed[away])
    paths = {video.id: video.path for video in videos}
    sights = [Sighting(paths[f.video_id], f.time_s, f.score, was_seen(one, f)) for one in found for f in one.keyframes]
    # What is only likely is of use where nothing was seen.
    sights = [sight for sight in sights if sight.seen] or sights
    sights.sort(key=lambda sight: (not sight.seen, -sight.score, sight.video, sight.time_s))
    searches = tuple((paths[one.trace.video_id], one) for one in found)
    looked, seconds = sum(one.trace.looked for one in found), time.monotonic() - began
    searched = {video for video, _ in searches}
    left_out = [*failed, *(f"{v.path} was not searched" for v in videos if v.path not in searched)]
    if bench.ledger.spent:
        left_out.append(f"budget spent: {', '.join(bench.ledger.spent)}")
    return FindResult(query, tuple(sights), searches, looked, seconds, tuple(failed[away:]), tuple(left_out))


def sought(
    bench: Workbench,
    videos: Sequence[Video],
    query: Query,
    searcher: Searcher,
    scorers: Scorers,
    k: int,
    looks: int,
    *,
    hits: Sequence[Hit],
    taken: Mapping[str, Sequence[float]] | None = None,
    failed: list[str],
) -> list[SearchResult]:
    """Search videos for at most k frames with so many looks, which are charged; those that recall brought get more.

    `taken` are times by video that are not wanted again; a line for each video that cannot be read goes into `failed`.
    Raises ModelError, UsageError.
    """
    opened, frames = bench.retriever.opened, bench.frames
    opener = Opener(bench.store, bench.folder, bench.settings, scorers.similarity, bench.filter, opened, frames)
    charge, charge_vlm = charge_to(bench.ledger, scorers, query), charge_looks(bench.ledger, query)
    budget, parts = SearchBudget(k, looks, charge, RULES.apart_s, charge_vlm), opener.parts(videos, query, hits)
    return search_videos(
        videos, parts, opener, searcher, query, budget, bench.seed, hits=hits, taken=taken, failed=failed
    )


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
