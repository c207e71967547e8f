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
from typing import Any

import numpy as np
import numpy.typing as npt
from langgraph.runtime import Runtime
from pydantic import BaseModel, Field

from lvqa.agents.baselines.described import Surveyed, describe
from lvqa.agents.baselines.presets import preset
from lvqa.agents.baselines.segments import lacking
from lvqa.agents.evidence import scaled_cosines
from lvqa.agents.options import options_block
from lvqa.agents.rules.numbers import LOOKING
from lvqa.agents.state import Context, State
from lvqa.agents.steps import SurveyStep
from lvqa.agents.structured import ask_for
from lvqa.errors import ModelError
from lvqa.language.words import declarative
from lvqa.media.files import present
from lvqa.prompts import fence, for_prompt, load
from lvqa.recall.relevance import lexical_closeness
from lvqa.store import Filter
from lvqa.tools.ledger import BudgetSpent
from lvqa.types import Hit, Keyframe, Note, Video
from lvqa.zoom.across import is_searchable, searchable
from lvqa.zoom.looking import evenly
from lvqa.zoom.scorers import Scorers
from lvqa.zoom.searchers.videotree import VideoTree, breadth, depth

Values = npt.NDArray[np.float64]


class RatingsReply(BaseModel):
    """VideoTree's ratings, 1 to 3, by number of description."""

    ratings: dict[int, int] = Field(min_length=1)


def survey(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Gather the notes of a baseline; in VideoAgent's later rounds, those of what was lacking."""
    context = runtime.context
    how = preset(context.agent)
    videos = _videos(context)
    surveyed = Surveyed()
    hits: list[Hit] = []
    if how.retrieval == "captions":
        hits = captions(context, how.notes)
    elif how.retrieval == "tree":
        tree(context, videos, surveyed)
    elif how.retrieval == "segments" and state["round"]:
        lacking(state, context, videos, surveyed)
    elif videos:
        evenly_spaced(context, videos, LOOKING.first_looks if how.retrieval == "segments" else None, surveyed)
    notes = surveyed.notes
    step = SurveyStep(
        how.name,
        tuple((context.retriever.path(note.video_id), note) for note in notes),
        len(hits) if how.retrieval == "captions" else None,
        len({note.video_id for note in [*notes, *(hit.note for hit in hits)]}),
        tuple(dict.fromkeys(surveyed.failed)),
        tuple(context.ledger.spent),
        unparsed=surveyed.unparsed,
    )
    return {
        "hits": hits,
        "seen": notes,
        "looked": surveyed.looked,
        "items": [],
        "tried": list(state["missing"]),
        "round": state["round"] + 1,
        "steps": [step],
    }


def captions(context: Context, most: int) -> list[Hit]:
    """The captions and the speech of all videos, in order of path and time, evenly thinned to `most`."""
    wanted = context.filter or Filter(level="clip")
    read = [n for n in context.store.notes.select(wanted) if n.source in ("caption", "imported", "speech")]
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


def evenly_spaced(context: Context, videos: Sequence[Video], most: int | None, surveyed: Surveyed) -> None:
    """Evenly spaced frames of all videos, described: `most` of them, or all that the budget holds."""
    left = min(context.ledger.frames_left, context.ledger.calls_left)
    if left < (most or 1):
        context.ledger.note_short(most or 1)
    surveyed.add(describe(context, spread(context, videos, left if most is None else min(most, left))))


def tree(context: Context, videos: Sequence[Video], surveyed: Surveyed) -> None:
    """Descriptions of the frames of VideoTree's tree, over the visual channel of all videos."""
    embedder = context.models.image_embedder
    rows: list[tuple[str, float]] = []
    parts = []
    for video in videos if embedder is not None else ():
        assert embedder is not None
        span = searchable(video.duration_s, context.filter)
        times, vectors = context.store.frames.of(embedder.name, video.id, span)
        rows += [(video.id, float(time)) for time in times]
        parts += [vectors.astype(np.float64)] if len(times) else []
    if not parts:
        if videos:
            evenly_spaced(context, videos, None, surveyed)
        surveyed.failed.append("the index has no visual channel, so frames are evenly spaced")
        return
    features = np.concatenate(parts)
    described: dict[int, Note] = {}
    tried: set[int] = set()
    fails: list[ModelError] = []

    def look(wanted: Sequence[int]) -> None:
        fresh = {rows[row]: row for row in map(int, wanted) if row not in tried}
        if fails:
            return
        try:
            found = describe(context, [Keyframe(video_id, time_s, 0.0) for video_id, time_s in fresh])
        except ModelError as error:
            if not described:
                raise
            fails.append(error)  # there is something to answer from
            return
        surveyed.add(found)
        tried.update(fresh[frame.video_id, frame.time_s] for frame in found.looked)
        described.update({fresh[note.video_id, note.span.start_s]: note for note in found.notes})

    def rate(centres: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        look(centres.tolist())
        known = [row for row in centres.tolist() if row in described]
        ratings = dict(zip(known, _ratings(context, [described[row] for row in known], surveyed), strict=True))
        return np.array([ratings.get(row, 1) for row in centres.tolist()], np.int64)

    paper = VideoTree(Scorers())
    labels, centres, ratings = breadth(
        features, rate, width=paper.width, widest=paper.widest, threes=paper.threes, seed=context.seed
    )
    below, worth = depth(features, labels, centres, ratings, branch=paper.branch)
    look([int(below[k]) for k in np.argsort(-worth, kind="stable")])
    surveyed.notes = [described[row] for row in sorted(described)]
    surveyed.failed += map(str, fails)


def _ratings(context: Context, notes: Sequence[Note], surveyed: Surveyed) -> list[int]:
    chat = context.models.chat
    if chat is not None and notes:
        prompt = load("relevance")
        listed = "\n".join(f"{n}. {for_prompt(note.text, 300)}" for n, note in enumerate(notes, 1))
        filled = prompt.fill(
            question=fence(context.question.text),
            options=options_block(context.options),
            descriptions=fence(listed),
            ids=f"1 to {len(notes)}",
        )

        def wrong(reply: RatingsReply) -> list[str]:
            lacking = [n for n in range(1, len(notes) + 1) if n not in reply.ratings]
            beyond = [n for n, rating in reply.ratings.items() if rating not in (1, 2, 3)]
            return [f"no rating of description {n}" for n in lacking] + [
                f"a rating of {n} beyond 1 to 3" for n in beyond
            ]

        try:
            reply = ask_for(chat, context.ledger, filled, RatingsReply, wrong).value
        except (BudgetSpent, ModelError) as error:  # ReplyError too: by rule
            surveyed.fail(error)
        else:
            return [min(3, max(1, reply.ratings.get(n, 1))) for n in range(1, len(notes) + 1)]
    phrases = [declarative(context.asked), *(f"{context.asked} {option}" for option in context.options)]
    near = scaled_cosines(context, phrases, notes).max(axis=1, initial=0.0)
    words = [max(lexical_closeness(phrase, note.text) for phrase in phrases) for note in notes]
    close = [max(float(a), b) for a, b in zip(near, words, strict=True)]
    return [1 + (value >= LOOKING.rated_two) + (value >= LOOKING.rated_three) for value in close]


def _videos(context: Context) -> list[Video]:
    """The videos that may be looked at, by path, those whose file is there."""
    known = sorted(context.videos, key=lambda video: video.path)
    return [v for v in known if is_searchable(v, context.filter) and present(context.folder, v.path)]
