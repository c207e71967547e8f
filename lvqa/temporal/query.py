"""Whether a question is answered by a program over time, and which videos it is about. Runs no program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lvqa.eval.lab.wordings.parse import Query, parse
from lvqa.models.choose import TIMELINE

if TYPE_CHECKING:
    from lvqa.agents.state import Context


def query_of(context: Context) -> Query | None:
    """The question as a program; None where another way has to answer it.

    That is so with a chat model, without a vision model, and for questions that the rules do not read.
    """
    if context.models.specs["chat"] != TIMELINE or context.models.vision is None:
        return None
    allowed = context.filter.video_ids if context.filter is not None else None
    paths = [video.path for video in context.store.videos.all() if allowed is None or video.id in allowed]
    return parse(context.question, context.options, paths)


def videos_of(context: Context, query: Query) -> tuple[str, ...]:
    """The ids of the videos that the question names, in its order; of all that may be used where it names none."""
    allowed = context.filter.video_ids if context.filter is not None else None
    ids = {v.path: v.id for v in context.store.videos.all() if allowed is None or v.id in allowed}
    return tuple(ids[path] for path in query.videos) or tuple(ids.values())
