"""VideoAgent's later rounds (arXiv 2403.10517): into which stretches between the frames seen so far to look, and where.

The chat model says what is lacking in which of them; where it is not to be had, or nothing could be described, each
lacks what the question asks for. This module describes no frame itself, and answers nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from lvqa.agents.baselines.described import Surveyed, describe
from lvqa.agents.options import options_block
from lvqa.agents.rules.numbers import LOOKING
from lvqa.agents.state import Context, State
from lvqa.agents.structured import ask_for
from lvqa.errors import ModelError
from lvqa.language.words import declarative, with_article
from lvqa.models.replies import encode_query
from lvqa.prompts import fence, for_prompt, load
from lvqa.tools.ledger import BudgetSpent
from lvqa.types import Keyframe, Note, Span, Video, format_time
from lvqa.zoom.across import searchable

Values = npt.NDArray[np.float64]


class Need(BaseModel):
    """A segment to look into, by number from 1, and what for."""

    segment: int
    look_for: str


class NeedsReply(BaseModel):
    """The chat model's reply when it is asked which stretches lack something that the question needs."""

    needs: list[Need] = Field(max_length=8)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one video of which nothing was seen yet."""

    video_id: str
    span: Span


def lacking(state: State, context: Context, videos: Sequence[Video], surveyed: Surveyed) -> None:
    """The nearest frame of each segment that is said to lack something; none where the VLM fails at it."""
    segments = between(context, videos, state["looked"])
    if not segments:
        return
    needs = _needs(context, segments, state["seen"], surveyed)
    chosen: list[Keyframe] = []
    for segment, look_for in needs[: LOOKING.needs]:
        times, near = _similarity(context, segment.video_id, look_for, segment.span)
        at = float(times[int(near.argmax())]) if len(times) else segment.span.middle_s
        chosen.append(Keyframe(segment.video_id, at, float(near.max(initial=0.0))))
    unseen = {(frame.video_id, frame.time_s): frame for frame in chosen}
    try:
        surveyed.add(describe(context, list(unseen.values())))
    except ModelError as error:  # there is something to answer from
        surveyed.failed.append(str(error))


def between(context: Context, videos: Sequence[Video], looked: Sequence[Keyframe]) -> list[Segment]:
    """The stretches between the frames that were looked at, in order of video and time, each at least a second."""
    found = []
    for video in videos:
        whole = searchable(video.duration_s, context.filter)
        at = sorted(frame.time_s for frame in looked if frame.video_id == video.id)
        ends = [whole.start_s, *at, whole.end_s]
        found += [Segment(video.id, Span(a, b)) for a, b in pairwise(ends) if b - a >= LOOKING.segment_s]
    return found


def _needs(
    context: Context, segments: Sequence[Segment], seen: Sequence[Note], surveyed: Surveyed
) -> list[tuple[Segment, str]]:
    chat = context.models.chat
    if chat is not None and seen:
        prompt = load("lacking")
        listed = _in_order(context, segments, seen)
        filled = prompt.fill(
            question=fence(context.question.text), options=options_block(context.options), seen=fence(listed)
        )

        def wrong(reply: NeedsReply) -> list[str]:
            return [f"there is no segment {n.segment}" for n in reply.needs if not 1 <= n.segment <= len(segments)]

        try:
            reply = ask_for(chat, context.ledger, filled, NeedsReply, wrong).value
        except (BudgetSpent, ModelError) as error:  # ReplyError too: by rule
            surveyed.fail(error)
        else:
            known = [need for need in reply.needs if 1 <= need.segment <= len(segments)]
            return [(segments[need.segment - 1], need.look_for or declarative(context.asked)) for need in known]
    wanted = declarative(context.asked) or context.asked

    def nearest(segment: Segment) -> float:
        return float(_similarity(context, segment.video_id, wanted, segment.span)[1].max(initial=0.0))

    ranked = sorted(segments, key=lambda s: (-nearest(s), -s.span.duration_s, s.video_id, s.span))
    return [(segment, wanted) for segment in ranked]


def _similarity(context: Context, video_id: str, wanted: str, span: Span) -> tuple[Values, Values]:
    """Times and cosines of the visual channel in a span; empty without one."""
    embedder = context.models.image_embedder
    if embedder is None:
        return np.zeros(0), np.zeros(0)
    times, vectors = context.store.frames.of(embedder.name, video_id, span)
    if not len(times):
        return np.zeros(0), np.zeros(0)
    query = encode_query(embedder, [with_article(wanted)])[0]
    return times, (vectors @ query).astype(np.float64)


def _in_order(context: Context, segments: Sequence[Segment], seen: Sequence[Note]) -> str:
    lines = [
        (context.retriever.path(n.video_id), n.span.start_s, f"{format_time(n.span.start_s)} {for_prompt(n.text, 300)}")
        for n in seen
    ]
    lines += [
        (context.retriever.path(s.video_id), s.span.start_s + 1e-6, f"segment {k}: {s.span} of which nothing was seen")
        for k, s in enumerate(segments, 1)
    ]
    return "\n".join(f"{for_prompt(path, 120)} {text}" for path, _, text in sorted(lines))
