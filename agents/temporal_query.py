"""Whether a question is answered by a program over time, which videos it is about, and what such a program works with.

Runs no program.
"""

from __future__ import annotations

from typing import cast

from lvqa.agents.state import Context
from lvqa.models.base import VisionModel
from lvqa.models.profiles import Models
from lvqa.temporal.planner import QuestionPlanner
from lvqa.temporal.presence import Presence
from lvqa.temporal.query import TemporalQuery
from lvqa.tools.eyes import Eyes
from lvqa.tools.proposals import SearcherProposals
from lvqa.zoom import DEFAULT


def planner_of(models: Models) -> QuestionPlanner | None:
    """The planner that the models carry, which takes the place of a chat model; None with a chat model."""
    return cast("QuestionPlanner | None", models.planner) if models.reasons_by_rule else None


def query_of(context: Context) -> TemporalQuery | None:
    """The question as a program; None where another way has to answer it.

    That is so with a chat model, without a planner or a vision model, and for questions that the planner does not read.
    """
    planner = planner_of(context.models)
    if planner is None or context.models.vision is None:
        return None
    return planner.plan(context.question.text, context.options, [video.path for video in context.videos])


def videos_of(context: Context, query: TemporalQuery) -> tuple[str, ...]:
    """The ids of the videos that the question names, in its order; of all that may be used where it names none."""
    ids = {video.path: video.id for video in context.videos}
    return tuple(ids[path] for path in query.videos) or tuple(ids.values())


def presence_of(context: Context, cues: tuple[str, ...]) -> Presence:
    """What the index knows about where things are; where another searcher was asked for, that one proposes."""
    proposals = SearcherProposals(
        context.searcher,
        context.store,
        context.models,
        context.settings,
        context.folder,
        context.ledger,
        context.filter,
        cues,
        context.seed,
        context.frames,
    )
    own = context.searcher == DEFAULT
    return Presence(context.store, context.models.image_embedder, context.filter, cues, None if own else proposals)


def eyes_of(context: Context, vision: VisionModel) -> Eyes:
    """The question's eyes, with a log of their own."""
    if context.eyes is not None:
        return context.eyes.fresh()
    return Eyes(vision, context.ledger, context.folder, context.settings, context.retriever.path, context.frames)
