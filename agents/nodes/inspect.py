"""The inspect node: the VLM is asked the question again, on the keyframes; what it sees becomes notes of this question.

This module chooses no frame and keeps nothing in the store: `seen` notes live as long as the question.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langgraph.runtime import Runtime

from lvqa.agents.citations import known_lines
from lvqa.agents.options import options_block
from lvqa.agents.rules.numbers import LOOKING
from lvqa.agents.state import Context, State, SubAnswer
from lvqa.agents.steps import InspectSkippedStep, InspectStep
from lvqa.errors import ModelError
from lvqa.models.replies import usable_caption
from lvqa.prompts import fence, load
from lvqa.store import note_id
from lvqa.tools.eyes import Showing
from lvqa.tools.look import is_not_visible
from lvqa.types import Keyframe, Note, Span, format_time

REPLY_TOKENS = 128


def inspect(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Ask the VLM about this round's keyframes, group by group, as far as the budget goes."""
    context = runtime.context
    vision, eyes = context.models.vision, context.eyes
    looked = {(frame.video_id, frame.time_s) for frame in state["looked"]}
    fresh = [f for f in state["keyframes"] if (f.video_id, f.time_s) not in looked]
    if vision is None or eyes is None or not fresh or not context.models.can_be_asked("inspect"):
        return {"steps": [InspectSkippedStep()]}
    groups = grouped(fresh, context.settings.frames_per_clip)
    prompt = load("inspect")
    showings = [
        Showing(
            group[0].video_id,
            tuple(frame.time_s for frame in group),
            inspect_prompt(context, state["subs"], len(group), group[0].time_s, group[-1].time_s),
            REPLY_TOKENS,
        )
        for group in groups
    ]
    seen: list[Note] = []
    errors: list[ModelError] = []  # the notes are still there to answer from
    shown = eyes.ask(showings, errors)
    for group, one in zip(groups, shown, strict=True):
        text = usable_caption(one.text) if one else None  # a refusal is no evidence
        if text and not is_not_visible(text):
            video = context.retriever.video(group[0].video_id)
            span = span_of(group, video.duration_s if video is not None else None)
            made = note_id(group[0].video_id, "seen", span, vision.name, prompt.hash, text)
            seen.append(Note(made, group[0].video_id, None, span, text, "seen", vision.name, prompt.hash))
    step = InspectStep(
        prompt.hash,
        sum(len(one.pts_s) for one in shown),
        sum(map(bool, shown)),
        tuple((context.retriever.path(note.video_id), note) for note in seen),
        sum(not one and not one.failed for one in shown),
        tuple(dict.fromkeys([*(one.failed for one in shown if one.failed), *map(str, errors)])),
        tuple(context.ledger.spent),
    )
    return {"seen": seen, "looked": [f for group in groups for f in group], "steps": [step]}


def inspect_prompt(context: Context, subs: Sequence[SubAnswer], frames: int, start_s: float, end_s: float) -> str:
    """What the VLM is asked about frames between two times in seconds, with what sub-questions came to."""
    wanted = "\n".join([context.question.text, *([known_lines(subs, {})] if subs else [])])
    question = fence(wanted) + ("\n\n" + options_block(context.options) if context.options else "")
    return load("inspect").fill(frames=frames, start=format_time(start_s), end=format_time(end_s), question=question)


def grouped(keyframes: Sequence[Keyframe], most: int) -> list[list[Keyframe]]:
    """Keyframes of one video near each other, at most `most` together, in time order; the best-scored group first."""
    groups: list[list[Keyframe]] = []
    for frame in sorted(keyframes, key=lambda f: (f.video_id, f.time_s)):
        last = groups[-1] if groups else None
        if (
            last is not None
            and last[-1].video_id == frame.video_id
            and len(last) < most
            and frame.time_s - last[-1].time_s <= LOOKING.group_gap_s
        ):
            last.append(frame)
        else:
            groups.append([frame])
    return sorted(groups, key=lambda g: (-max(f.score for f in g), g[0].video_id, g[0].time_s))


def span_of(group: Sequence[Keyframe], duration_s: float | None = None) -> Span:
    """The time that keyframes, in time order, stand for; it ends with the video where its length is known."""
    span = Span(group[0].time_s, group[-1].time_s + LOOKING.frame_s)
    return span if duration_s is None else span.clamp(duration_s) or span
