"""The zoom node: which frames to show the VLM, by a searcher that starts from what recall found.

Only where there is a VLM, a file to decode and budget left. Where targets and cues were named by a model (the chat
model's plan, or the VLM that saw 8 frames with the question, as in T*, arXiv 2504.02259), the searcher may look for
them; what only rules took from the question is searched for in the index, since a word is not always a thing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict, Field

from lvqa.agents.programs import program_of
from lvqa.agents.rules.numbers import LOOKING
from lvqa.agents.state import Context, Plan, State
from lvqa.agents.steps import NoTargetsStep, TargetsStep, ZoomSkippedStep, ZoomStep
from lvqa.agents.structured import parse
from lvqa.errors import ModelError
from lvqa.language.words import declarative
from lvqa.media.files import present
from lvqa.prompts import fence, load
from lvqa.tools.eyes import Showing
from lvqa.tools.find import sought
from lvqa.tools.rules import RULES as TOOL_RULES
from lvqa.types import Hit, Step, Video
from lvqa.zoom import DEFAULT, Query, Searcher, make_searcher
from lvqa.zoom.across import is_searchable, searchable
from lvqa.zoom.looking import evenly
from lvqa.zoom.scorers import Scorers, Yes

_NAMING_TOKENS = 160


class Things(BaseModel):
    """The VLM's reply when it is asked what to look for: things to find, and things that tend to be near them."""

    model_config = ConfigDict(frozen=True)

    targets: tuple[str, ...] = Field(default=(), max_length=8)
    cues: tuple[str, ...] = Field(default=(), max_length=8)


def zoom(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Choose this round's keyframes; none, with the reason in the step, where looking is not possible."""
    context = runtime.context
    if context.models.vision is None:
        return _skipped("there is no model that looks at frames")
    if not context.models.can_be_asked("inspect"):
        return _skipped("the vision model answers no questions but its own short ones")
    if program_of(state, context) is not None:
        return _skipped("the program over time looks for itself")
    hits = state["hits"]
    videos, missing = _videos(context, hits)
    if not videos:
        return _skipped("no video file of what was recalled is there", missing)
    scorers = Scorers.of(context.models)
    plan, steps = _named(state, context, videos)
    rounds_left = max(1, context.settings.rounds - state["round"] + 1)
    left = min(context.ledger.frames_left, context.ledger.calls_left * context.settings.frames_per_clip)
    k = math.ceil(left * LOOKING.look_share / rounds_left)
    if k <= 0:
        context.ledger.note_no_look()
        spent = ", ".join(context.ledger.spent) or "none of it"
        return _skipped(f"the budget leaves no frame to look at (spent: {spent})")
    query = Query(
        plan.targets[: LOOKING.things] if plan.named else (_described(context, plan),),
        plan.cues[: LOOKING.things] if plan.named else (),
        context.question.text,
    )
    # A VLM is shown a frame once for each thing that it is asked for.
    each = len(query.things) if isinstance(scorers.look, Yes) else 1
    # What a user asks for by name gets what it needs; ours looks only for things that can be seen.
    looking = plan.named or context.searcher != DEFAULT
    looks = min(int(k * TOOL_RULES.search_share), int(k * LOOKING.asking_share) // each) if looking else 0
    if not looks and context.searcher == DEFAULT:
        scorers = Scorers(similarity=scorers.similarity)
    searcher = _searcher(context, scorers)
    taken = {video.id: [f.time_s for f in state["looked"] if f.video_id == video.id] for video in videos}
    failed = list[str]()
    try:
        found = sought(context, videos, query, searcher, scorers, k, looks, hits=hits, taken=taken, failed=failed)
    except ModelError as error:
        return {"keyframes": [], "steps": [*steps, ZoomSkippedStep(str(error))]}
    paths = {video.id: video.path for video in videos}
    looked = sum(one.trace.looked for one in found)
    ranked = sorted((f for one in found for f in one.keyframes), key=lambda f: (-f.score, f.video_id, f.time_s))
    chosen = sorted(ranked[: max(1, k - looked * each)], key=lambda f: (f.video_id, f.time_s))
    step = ZoomStep(
        searcher.name,
        tuple((paths[frame.video_id], frame) for frame in chosen),
        tuple((paths[one.trace.video_id], one.trace) for one in found),
        tuple(failed),
        tuple(missing),
    )
    changes: dict[str, Any] = {"keyframes": chosen, "steps": [*steps, step]}
    return changes if plan == state["plan"] else {**changes, "plan": plan}


def _searcher(context: Context, scorers: Scorers) -> Searcher:
    if not isinstance(context.searcher, str):
        return context.searcher
    own = {"explore": context.settings.explore, "fill": True} if context.searcher == DEFAULT else {}
    return make_searcher(context.searcher, scorers, **own)


def _described(context: Context, plan: Plan) -> str:
    """What is searched for where no model named things: the question as a caption would put it."""
    return plan.phrases[min(1, len(plan.phrases) - 1)] if plan.phrases else declarative(context.asked) or context.asked


def _named(state: State, context: Context, videos: Sequence[Video]) -> tuple[Plan, list[Step]]:
    """The plan with the targets and cues that the VLM names after 8 frames, where no model named any before."""
    plan, eyes, least = state["plan"], context.eyes, LOOKING.naming_share * LOOKING.naming_frames
    able = context.models.chat is None and context.models.can_be_asked("targets")
    if plan.named or eyes is None or not able or context.ledger.frames_left < least:
        return plan, []
    prompt = load("targets")
    within = searchable(videos[0].duration_s, context.filter)
    times = tuple(evenly(within.start_s, within.end_s, LOOKING.naming_frames).tolist())
    filled = prompt.fill(frames=len(times), question=fence(context.question.text))
    try:
        (shown,) = eyes.ask([Showing(videos[0].id, times, filled, _NAMING_TOKENS)])
    except ModelError as error:
        return plan, [NoTargetsStep(str(error))]
    if not shown:
        return plan, [NoTargetsStep(shown.failed)] if shown.failed else []
    things, wrong = parse(shown.text, Things)
    if things is None or not things.targets:
        reason = wrong if things is None else ""
        return plan, [NoTargetsStep(reason, prompt.hash, unparsed=things is None)]
    made = plan.model_copy(update={"targets": things.targets, "cues": things.cues, "named": True})
    return made, [TargetsStep(prompt.hash, things.targets, things.cues)]


def _videos(context: Context, hits: Sequence[Hit]) -> tuple[list[Video], list[str]]:
    """The videos worth searching whose file is there, and the paths of those whose file is not."""
    ids = list(dict.fromkeys(hit.note.video_id for hit in hits[: LOOKING.hits]))
    context.retriever.look_up(ids)
    known: Sequence[Video | None] = [context.retriever.video(video_id) for video_id in ids]
    if not ids:
        known = context.videos[: LOOKING.unrecalled]
    known = [video for video in known if video is not None and is_searchable(video, context.filter)]
    there = [video for video in known if video is not None and present(context.folder, video.path)]
    missing = [video.path for video in known if video is not None and video not in there]
    return there, missing


def _skipped(reason: str, missing: Sequence[str] | None = None) -> dict[str, Any]:
    return {"keyframes": [], "steps": [ZoomSkippedStep(reason, None if missing is None else tuple(missing))]}
