"""The zoom node: which frames to show the VLM, by a searcher that starts from what recall found.

Only where there is a VLM, a file to decode and budget left. Where targets and cues were named by a model (the chat
model's plan, or the VLM that saw 8 frames with the question, as in T*, arXiv 2504.02259), the searcher may look for
them; what only rules took from the question is searched for in the index, since a word is not always a thing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict, Field

from lvqa.agents.state import Context, Plan, State
from lvqa.agents.structured import parse
from lvqa.errors import MediaError, ModelError
from lvqa.language.words import declarative
from lvqa.media.files import present
from lvqa.models.base import VisionRequest
from lvqa.phrasing import count
from lvqa.prompts import answers, fence, load
from lvqa.tools.ledger import Ledger, estimate_tokens
from lvqa.tools.vision_calls import generate
from lvqa.types import Hit, Step, Video
from lvqa.zoom import DEFAULT, Query, SearchBudget, Searcher, make_searcher
from lvqa.zoom.across import Opener, is_searchable, search_videos
from lvqa.zoom.looking import evenly
from lvqa.zoom.scorers import Scorers, Yes

# Of what is left, the share that the rounds still to come may look at; the rest is for verification.
LOOK_SHARE = 0.75
# Of a round's frames, the share that a search may look at on its way; the rest are shown with the question.
SEARCH_SHARE = 0.5
# The same, of the requests that a VLM answers for a search: one for each thing on each frame.
ASKING_SHARE = 0.7
MIN_GAP_S = 1.0
# Of fewer frames left than this many times what naming the targets takes, none is spent on it.
NAMING_FRAMES, NAMING_SHARE = 8, 4
_NAMING_TOKENS = 160
_MOST_HITS = 12
_MOST_UNRECALLED = 16
_MOST_LOOKED_FOR = 3


class Things(BaseModel):
    """What the VLM says to look for."""

    model_config = ConfigDict(frozen=True)

    targets: tuple[str, ...] = Field(default=(), max_length=8)
    cues: tuple[str, ...] = Field(default=(), max_length=8)


def zoom(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Choose this round's keyframes; none, with the reason in the step, where looking is not possible."""
    context = runtime.context
    if context.models.vision is None:
        return _none("there is no model that looks at frames")
    if not answers("inspect", context.models.prompt_set):
        return _none("the vision model answers no questions but its own short ones")
    hits = state["hits"]
    videos, missing = _videos(context, hits)
    if not videos:
        return _none("no video file of what was recalled is there", missing_files=missing)
    scorers = Scorers.of(context.models)
    known = context.retriever.opened
    opener = Opener(context.store, context.folder, context.settings, scorers.similarity, context.filter, known)
    plan, steps = _named(state, context, opener, videos)
    rounds_left = max(1, context.settings.rounds - state["round"] + 1)
    left = min(context.ledger.frames_left, context.ledger.calls_left * context.settings.frames_per_clip)
    k = math.ceil(left * LOOK_SHARE / rounds_left)
    if k <= 0:
        context.ledger.note_no_look()
        spent = ", ".join(context.ledger.spent) or "none of it"
        return _none(f"the budget leaves no frame to look at (spent: {spent})")
    query = Query(
        plan.targets[:_MOST_LOOKED_FOR] if plan.named else (_described(context, plan),),
        plan.cues[:_MOST_LOOKED_FOR] if plan.named else (),
        context.question,
    )
    # A VLM is shown a frame once for each thing that it is asked for.
    each = len(query.things) if isinstance(scorers.look, Yes) else 1
    # What a user asks for by name gets what it needs; ours looks only for things that can be seen.
    looking = plan.named or context.searcher != DEFAULT
    looks = min(int(k * SEARCH_SHARE), int(k * ASKING_SHARE) // each) if looking else 0
    charge, charge_vlm = charge_to(context.ledger, scorers, query), charge_looks(context.ledger, query)
    if not looks and context.searcher == DEFAULT:
        scorers = Scorers(similarity=scorers.similarity)
    searcher = _searcher(context, scorers)
    taken = {video.id: [f.time_s for f in state["looked"] if f.video_id == video.id] for video in videos}
    budget = SearchBudget(k, looks, charge, MIN_GAP_S, charge_vlm)
    parts, troubles = opener.parts(videos, query, hits), list[str]()
    try:
        found = search_videos(
            videos, parts, opener, searcher, query, budget, context.seed, hits=hits, taken=taken, troubles=troubles
        )
    except ModelError as error:
        return {**_none(str(error)), "steps": [*steps, *_none(str(error))["steps"]]}
    paths = {video.id: video.path for video in videos}
    looked = sum(one.trace.looked for one in found)
    ranked = sorted((f for one in found for f in one.keyframes), key=lambda f: (-f.score, f.video_id, f.time_s))
    chosen = sorted(ranked[: max(1, k - looked * each)], key=lambda f: (f.video_id, f.time_s))
    where = count(len({f.video_id for f in chosen}), "video")
    summary = f"{count(len(chosen), 'keyframe')} in {where} by {searcher.name}, {looked} looked at on the way"
    summary += "".join(f"; {trouble}" for trouble in troubles)
    times = [{"video": paths[f.video_id], "time_s": round(f.time_s, 3), "score": round(f.score, 4)} for f in chosen]
    searches = [{"video": paths[one.trace.video_id], **one.trace.to_dict()} for one in found]
    data = {"searcher": searcher.name, "keyframes": times, "searches": searches, "missing_files": missing}
    changes: dict[str, Any] = {"keyframes": chosen, "steps": [*steps, Step("zoom", summary, data)]}
    return changes if plan == state["plan"] else {**changes, "plan": plan}


def charge_to(ledger: Ledger, scorers: Scorers, query: Query) -> Callable[[int], int]:
    """What tells a question's ledger of a search's looks: calls where a VLM makes them, else frames alone."""
    return charge_looks(ledger, query) if isinstance(scorers.look, Yes) else ledger.take_frames


def charge_looks(ledger: Ledger, query: Query) -> Callable[[int], int]:
    """What tells a question's ledger of frames that the VLM looks at, each in a request for each thing."""
    asked = sum(estimate_tokens(thing) + 40 for thing in query.things)

    def charge(frames: int) -> int:
        granted = ledger.take_vision([1] * frames, requests=len(query.things))
        ledger.add_tokens(granted * asked, granted * len(query.things))
        return granted

    return charge


def _searcher(context: Context, scorers: Scorers) -> Searcher:
    if not isinstance(context.searcher, str):
        return context.searcher
    own = {"explore": context.settings.explore, "fill": True} if context.searcher == DEFAULT else {}
    return make_searcher(context.searcher, scorers, **own)


def _described(context: Context, plan: Plan) -> str:
    """What is searched for where no model named things: the question as a caption would put it."""
    return plan.phrases[min(1, len(plan.phrases) - 1)] if plan.phrases else declarative(context.asked) or context.asked


def _named(state: State, context: Context, opener: Opener, videos: Sequence[Video]) -> tuple[Plan, list[Step]]:
    """The plan with the targets and cues that the VLM names after 8 frames, where no model named any before."""
    plan, vision, ledger = state["plan"], context.models.vision, context.ledger
    able = vision is not None and context.models.chat is None and answers("targets", context.models.prompt_set)
    if plan.named or not able or ledger.frames_left < NAMING_SHARE * NAMING_FRAMES:
        return plan, []
    assert vision is not None
    prompt = load("targets")
    try:
        with opener(videos[0], state["hits"]) as footage:
            times = evenly(footage.within.start_s, footage.within.end_s, NAMING_FRAMES)
            images = list(footage.at(footage.clip(times).tolist()).images())
        if not ledger.take_vision([len(images)]):
            return plan, []
        filled = prompt.fill(frames=len(images), question=fence(context.question))
        (reply,) = generate(vision, ledger, [VisionRequest(images, filled, _NAMING_TOKENS)])
    except (MediaError, ModelError) as error:
        return plan, [Step("zoom", str(error), {})]
    things, wrong = parse(str(reply), Things)
    if things is None or not things.targets:
        reason = f": {wrong}" if things is None else ""
        data = {"prompt": prompt.hash, "unparsed": things is None}
        return plan, [Step("zoom", f"the vision model named no targets{reason}", data)]
    made = plan.model_copy(update={"targets": things.targets, "cues": things.cues, "named": True})
    named = ", ".join(things.targets) + (f"; near {', '.join(things.cues)}" if things.cues else "")
    data = {"prompt": prompt.hash, "targets": list(things.targets), "cues": list(things.cues)}
    return made, [Step("zoom", f"looking for {named}, by the vision model", data)]


def _videos(context: Context, hits: Sequence[Hit]) -> tuple[list[Video], list[str]]:
    """The videos worth searching whose file is there, and the paths of those whose file is not."""
    ids = list(dict.fromkeys(hit.note.video_id for hit in hits[:_MOST_HITS]))
    known: Sequence[Video | None] = [context.store.videos.get(video_id) for video_id in ids]
    if not ids:
        allowed = context.filter.video_ids if context.filter is not None else None
        known = [v for v in context.store.videos.all() if allowed is None or v.id in allowed][:_MOST_UNRECALLED]
    known = [video for video in known if video is not None and is_searchable(video, context.filter)]
    there = [video for video in known if video is not None and present(context.folder, video.path)]
    missing = [video.path for video in known if video is not None and video not in there]
    return there, missing


def _none(reason: str, **data: Any) -> dict[str, Any]:
    return {"keyframes": [], "steps": [Step("zoom", f"nothing to look at: {reason}", {"keyframes": [], **data})]}
