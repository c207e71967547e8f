"""The survey node: how the baselines come to the notes that they reason on, each in its paper's way.

LLoVi (arXiv 2312.17235) reads all captions in order of time. `uniform` describes frames evenly spaced. VideoAgent
(2403.10517) describes five such frames, and in up to three rounds the frame of a segment between those seen that comes
nearest to what is said to be lacking there. VideoTree (2405.19209) describes the frames nearest the centres of 8 to 32
clusters of the visual channel until four are rated highly relevant, and then more of the relevant clusters. Several
videos are one sequence, in order of path. Every description is charged; where the budget ends, the survey does.

Where there is no chat model, what it would say is said by rule: what is lacking is the question itself, and a
description is as relevant as it is close to it. This module answers nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from langgraph.runtime import Runtime
from pydantic import BaseModel, Field

from lvqa.agents.budget import BudgetSpent
from lvqa.agents.described import describe
from lvqa.agents.evidence import scaled_cosines
from lvqa.agents.plan import options_block
from lvqa.agents.presets import preset
from lvqa.agents.recall.relevance import lexical_closeness
from lvqa.agents.state import Context, State
from lvqa.agents.structured import ask_for
from lvqa.agents.words import declarative, with_article
from lvqa.agents.zoom.across import searchable
from lvqa.agents.zoom.looking import evenly
from lvqa.agents.zoom.videotree import breadth, depth
from lvqa.errors import ModelError
from lvqa.prompts import fence, load, one_line
from lvqa.render import count
from lvqa.store import Filter
from lvqa.types import Hit, Keyframe, Note, Span, Step, Video, format_time

Values = npt.NDArray[np.float64]

FIRST_LOOKS = 5
_MOST_NEEDS = 3
# Closeness of a description to the question from which it is rated 2, and 3, where there is no chat model.
_TWO, _THREE = 0.25, 0.5


class Need(BaseModel):
    """A segment to look into, by number from 1, and what for."""

    segment: int
    look_for: str


class NeedsReply(BaseModel):
    """What VideoAgent's model lacks."""

    needs: list[Need] = Field(max_length=8)


class RatingsReply(BaseModel):
    """VideoTree's ratings, 1 to 3, by number of description."""

    ratings: dict[int, int] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one video of which nothing was seen yet."""

    video_id: str
    span: Span


def survey(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Gather the notes of a baseline; in VideoAgent's later rounds, those of what was lacking."""
    context = runtime.context
    how = preset(context.agent)
    videos = _videos(context)
    troubles: list[str] = []
    hits: list[Hit] = []
    notes: list[Note] = []
    if how.gather == "captions":
        hits = captions(context, how.notes)
    elif how.gather == "tree":
        notes, troubles = tree(context, videos)
    elif how.gather == "segments" and state["round"]:
        notes, troubles = lacking(state, context, videos)
    else:
        left = min(context.ledger.frames_left, context.ledger.calls_left)
        n = min(FIRST_LOOKS, left) if how.gather == "segments" else left
        notes, troubles = describe(context, spread(context, videos, n))
    read = f"{count(len(hits), 'note')} read" if how.gather == "captions" else f"{count(len(notes), 'frame')} described"
    where = count(len({note.video_id for note in [*notes, *(hit.note for hit in hits)]}), "video")
    summary = f"{read} of {where}, as {how.name} does" + "".join(f"; {trouble}" for trouble in troubles)
    rows = [
        {"video": context.retriever.path(n.video_id), "start_s": round(n.span.start_s, 3), "text": n.text}
        for n in notes
    ]
    return {
        "hits": hits,
        "seen": notes,
        "items": [],
        "tried": list(state["missing"]),
        "round": state["round"] + 1,
        "steps": [Step("survey", summary, {"agent": how.name, "described": rows, "troubles": troubles})],
    }


def captions(context: Context, most: int) -> list[Hit]:
    """The captions and the speech of all videos, in order of path and time, evenly thinned to `most`."""
    wanted = context.filter or Filter(level="clip")
    read = [n for n in context.store.notes(wanted) if n.source in ("caption", "imported", "speech")]
    ordered = sorted(read, key=lambda n: (context.retriever.path(n.video_id), n.span, n.id))
    if len(ordered) > most:
        ordered = [ordered[int((k + 0.5) * len(ordered) / most)] for k in range(most)]
    return [Hit(context.retriever.path(note.video_id), note, 1.0, {}) for note in ordered]


def spread(context: Context, videos: Sequence[Video], n: int) -> list[Keyframe]:
    """n times, the centres of equal intervals of all videos one after the other."""
    spans = [searchable(video.duration_s, context.filter) for video in videos]
    if not videos or n <= 0:
        return []
    ends = np.cumsum([span.duration_s for span in spans])
    found = []
    for at in evenly(0.0, float(ends[-1]), n):
        k = min(int(np.searchsorted(ends, at, side="right")), len(videos) - 1)
        begin = float(ends[k]) - spans[k].duration_s
        found.append(Keyframe(videos[k].id, spans[k].start_s + float(at) - begin, 0.0))
    return found


def lacking(state: State, context: Context, videos: Sequence[Video]) -> tuple[list[Note], list[str]]:
    """The nearest frame of each segment that is said to lack something."""
    segments = between(context, videos, state["seen"])
    if not segments:
        return [], []
    needs = _needs(context, segments, state["seen"])
    chosen: list[Keyframe] = []
    for segment, look_for in needs[:_MOST_NEEDS]:
        times, near = _similarity(context, segment.video_id, look_for, segment.span)
        at = float(times[int(near.argmax())]) if len(times) else segment.span.middle_s
        chosen.append(Keyframe(segment.video_id, at, float(near.max(initial=0.0))))
    unseen = {(frame.video_id, frame.time_s): frame for frame in chosen}
    return describe(context, list(unseen.values()))


def between(context: Context, videos: Sequence[Video], seen: Sequence[Note]) -> list[Segment]:
    """The stretches between the frames that were seen, in order of video and time, each at least a second."""
    found = []
    for video in videos:
        whole = searchable(video.duration_s, context.filter)
        at = sorted(note.span.start_s for note in seen if note.video_id == video.id)
        ends = [whole.start_s, *at, whole.end_s]
        found += [Segment(video.id, Span(a, b)) for a, b in pairwise(ends) if b - a >= 1.0]
    return found


def tree(context: Context, videos: Sequence[Video]) -> tuple[list[Note], list[str]]:
    """Descriptions of the frames of VideoTree's tree, over the visual channel of all videos."""
    embedder = context.models.image_embedder
    rows: list[tuple[str, float]] = []
    parts = []
    for video in videos if embedder is not None else ():
        assert embedder is not None
        span = searchable(video.duration_s, context.filter)
        times, vectors = context.store.frame_vectors(embedder.name, video.id, span)
        rows += [(video.id, float(time)) for time in times]
        parts += [vectors.astype(np.float64)] if len(times) else []
    if not parts:
        left = min(context.ledger.frames_left, context.ledger.calls_left)
        notes, troubles = describe(context, spread(context, videos, left))
        return notes, [*troubles, "the index has no visual channel, so frames are evenly spaced"]
    features = np.concatenate(parts)
    described: dict[int, Note] = {}
    troubles = list[str]()

    def look(wanted: Sequence[int]) -> None:
        fresh = {rows[row]: row for row in map(int, wanted) if row not in described}
        notes, wrong = describe(context, [Keyframe(video_id, time_s, 0.0) for video_id, time_s in fresh])
        troubles.extend(wrong)
        described.update({fresh[note.video_id, note.span.start_s]: note for note in notes})

    def rate(centres: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        look(centres.tolist())
        known = [row for row in centres.tolist() if row in described]
        ratings = dict(zip(known, _ratings(context, [described[row] for row in known]), strict=True))
        return np.array([ratings.get(row, 1) for row in centres.tolist()], np.int64)

    labels, centres, ratings = breadth(features, rate, width=8, widest=32, threes=4, seed=context.seed)
    below, worth = depth(features, labels, centres, ratings, branch=4)
    look([int(below[k]) for k in np.argsort(-worth, kind="stable")])
    return [described[row] for row in sorted(described)], list(dict.fromkeys(troubles))


def _needs(context: Context, segments: Sequence[Segment], seen: Sequence[Note]) -> list[tuple[Segment, str]]:
    chat = context.models.chat
    if chat is not None:
        prompt = load("lacking")
        listed = _in_order(context, segments, seen)
        filled = prompt.fill(
            question=fence(context.question), options=options_block(context.options), seen=fence(listed)
        )

        def wrong(reply: NeedsReply) -> list[str]:
            return [f"there is no segment {n.segment}" for n in reply.needs if not 1 <= n.segment <= len(segments)]

        try:
            reply = ask_for(chat, context.ledger, filled, NeedsReply, wrong).value
        except (BudgetSpent, ModelError):  # ReplyError too: by rule
            pass
        else:
            known = [need for need in reply.needs if 1 <= need.segment <= len(segments)]
            return [(segments[need.segment - 1], need.look_for or declarative(context.asked)) for need in known]
    wanted = declarative(context.asked) or context.asked

    def nearest(segment: Segment) -> float:
        return float(_similarity(context, segment.video_id, wanted, segment.span)[1].max(initial=0.0))

    ranked = sorted(segments, key=lambda s: (-nearest(s), -s.span.duration_s, s.video_id, s.span))
    return [(segment, wanted) for segment in ranked]


def _ratings(context: Context, notes: Sequence[Note]) -> list[int]:
    chat = context.models.chat
    if chat is not None and notes:
        prompt = load("relevance")
        listed = "\n".join(f"{n}. {one_line(note.text, 300)}" for n, note in enumerate(notes, 1))
        filled = prompt.fill(
            question=fence(context.question), options=options_block(context.options), descriptions=fence(listed)
        )

        def wrong(reply: RatingsReply) -> list[str]:
            lacking = [n for n in range(1, len(notes) + 1) if n not in reply.ratings]
            beyond = [n for n, rating in reply.ratings.items() if rating not in (1, 2, 3)]
            return [f"no rating of description {n}" for n in lacking] + [
                f"a rating of {n} beyond 1 to 3" for n in beyond
            ]

        try:
            reply = ask_for(chat, context.ledger, filled, RatingsReply, wrong).value
        except (BudgetSpent, ModelError):  # ReplyError too: by rule
            pass
        else:
            return [min(3, max(1, reply.ratings.get(n, 1))) for n in range(1, len(notes) + 1)]
    phrases = [declarative(context.asked), *(f"{context.asked} {option}" for option in context.options)]
    near = scaled_cosines(context, phrases, notes).max(axis=1, initial=0.0)
    words = [max(lexical_closeness(phrase, note.text) for phrase in phrases) for note in notes]
    close = [max(float(a), b) for a, b in zip(near, words, strict=True)]
    return [1 + (value >= _TWO) + (value >= _THREE) for value in close]


def _similarity(context: Context, video_id: str, wanted: str, span: Span) -> tuple[Values, Values]:
    """Times and cosines of the visual channel in a span; empty without one."""
    embedder = context.models.image_embedder
    if embedder is None:
        return np.zeros(0), np.zeros(0)
    times, vectors = context.store.frame_vectors(embedder.name, video_id, span)
    if not len(times):
        return np.zeros(0), np.zeros(0)
    query = embedder.encode_query([with_article(wanted)])[0]
    return times, (vectors @ query).astype(np.float64)


def _in_order(context: Context, segments: Sequence[Segment], seen: Sequence[Note]) -> str:
    lines = [
        (context.retriever.path(n.video_id), n.span.start_s, f"{format_time(n.span.start_s)} {one_line(n.text, 300)}")
        for n in seen
    ]
    lines += [
        (context.retriever.path(s.video_id), s.span.start_s + 1e-6, f"segment {k}: {s.span} of which nothing was seen")
        for k, s in enumerate(segments, 1)
    ]
    return "\n".join(f"{one_line(path, 120)} {text}" for path, _, text in sorted(lines))


def _videos(context: Context) -> list[Video]:
    """The videos that may be looked at, by path, those whose file is there."""
    allowed = context.filter.video_ids if context.filter is not None else None
    known = sorted(context.store.videos(), key=lambda video: video.path)
    return [v for v in known if (allowed is None or v.id in allowed) and (context.folder / v.path).is_file()]
