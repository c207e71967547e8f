"""The zoom node: which seconds to look at, by a searcher started from what recall found.

Only where there is a VLM, a file to decode and budget left. This module decodes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from langgraph.runtime import Runtime

from lvqa.agents.state import Context, State
from lvqa.agents.zoom import Region, SearchRequest
from lvqa.prompts import answers
from lvqa.render import count
from lvqa.store import Filter
from lvqa.types import Hit, Keyframe, Span, Step, Video

# Of what is left, the share that the rounds still to come may look at; the rest is for verification.
LOOK_SHARE = 0.75
MIN_GAP_S = 1.0
# A cut seldom falls where a caption's clip ends: look a little beyond both ends.
MARGIN_S = 0.5
_MOST_HITS = 12
_LEAST_SCORE = 1e-9
_LEAST_SHARE = 0.05
_MOST_UNRECALLED = 16


def zoom(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Choose this round's keyframes; none, with the reason in the step, where looking is not possible."""
    context = runtime.context
    if context.models.vision is None:
        return _none("there is no model that looks at frames")
    if not answers("inspect", context.models.prompt_set):
        return _none("the vision model answers no questions but its own short ones")
    rounds_left = max(1, context.settings.rounds - state["round"] + 1)
    left = min(context.ledger.frames_left, context.ledger.calls_left * context.settings.frames_per_clip)
    k = math.ceil(left * LOOK_SHARE / rounds_left)
    if k <= 0:
        context.ledger.note_spent("frames")
        return _none("the budget leaves no frame to look at")
    hits = state["hits"]
    videos, missing = _videos(context, hits)
    if not videos:
        return _none("no video file of what was recalled is there", missing_files=missing)
    request = SearchRequest(
        regions=[region for region in regions(hits) if region.video_id in videos],
        durations_s={video.id: video.duration_s for video in videos.values()},
        k=k,
        explore=context.settings.explore,
        seed=context.seed,
        within=context.filter.span if context.filter is not None else None,
        taken=state["looked"],
        min_gap_s=MIN_GAP_S,
        frame_scores=_frame_scores(context, list(videos), state["plan"].phrases),
    )
    chosen = context.searcher.search(request)
    away = sum(frame.score == 0 for frame in chosen)
    where = count(len({f.video_id for f in chosen}), "video")
    summary = f"{count(len(chosen), 'keyframe')} in {where}, {away} of them exploring"
    times = [
        {"video": videos[f.video_id].path, "time_s": round(f.time_s, 3), "score": round(f.score, 4)} for f in chosen
    ]
    data = {"searcher": context.searcher.name, "keyframes": times, "missing_files": missing}
    return {"keyframes": chosen, "steps": [Step("zoom", summary, data)]}


def regions(hits: Sequence[Hit]) -> list[Region]:
    """The stretches of hits, those that touch joined; a region's score is the probability of its hits.

    Hits that are far less probable than the best one are no regions: those seconds are for exploring.
    """
    found: list[Region] = []
    for hit in hits[:_MOST_HITS]:
        score = max(hit.score, _LEAST_SCORE)
        if score < _LEAST_SHARE * hits[0].score:
            continue
        span = Span(max(0.0, hit.span.start_s - MARGIN_S), hit.span.end_s + MARGIN_S)
        video_id = hit.note.video_id
        touching = [r for r in found if r.video_id == video_id and r.span.gap_s(span) == 0]
        for region in touching:
            span, score = span.hull(region.span), score + region.score
            found.remove(region)
        found.append(Region(video_id, span, score))
    return sorted(found, key=lambda r: (-r.score, r.video_id, r.span))


def _videos(context: Context, hits: Sequence[Hit]) -> tuple[dict[str, Video], list[str]]:
    """The videos worth searching whose file is there, by id, and the paths of those whose file is not."""
    ids = list(dict.fromkeys(hit.note.video_id for hit in hits[:_MOST_HITS]))
    known: Sequence[Video | None] = [context.store.get_video(video_id) for video_id in ids]
    if not ids:
        allowed = context.filter.video_ids if context.filter is not None else None
        known = [v for v in context.store.videos() if allowed is None or v.id in allowed][:_MOST_UNRECALLED]
    there: dict[str, Video] = {}
    missing: list[str] = []
    for video in known:
        if video is not None and (context.folder / video.path).is_file():
            there[video.id] = video
        elif video is not None:
            missing.append(video.path)
    return there, missing


def _frame_scores(context: Context, video_ids: list[str], phrases: Sequence[str]) -> list[Keyframe]:
    embedder = context.models.image_embedder
    if embedder is None or not phrases:
        return []
    allowed = Filter(frozenset(video_ids), context.filter.span if context.filter is not None else None)
    vector = embedder.encode_query([phrases[min(1, len(phrases) - 1)]])[0]
    return context.store.search_frames(embedder.name, vector, 4 * context.settings.budget_frames, allowed)


def _none(reason: str, **data: Any) -> dict[str, Any]:
    return {"keyframes": [], "steps": [Step("zoom", f"nothing to look at: {reason}", {"keyframes": [], **data})]}
