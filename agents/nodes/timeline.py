"""The timeline node: questions about time are answered by small programs, without a chat model.

The plan of such a question is its `TemporalQuery`, which the models' planner reads; the steps say what was asked, what
was looked at and what came of it. What it finds travels on as notes of this question (`seen`), claims that cite them
and a draft whose confidence is final.
"""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from lvqa.agents.rules.numbers import LOOKING
from lvqa.agents.state import Claim, Context, Draft, Item, State
from lvqa.agents.steps import LoggedLook, TimelineAnswerStep, TimelineLooksStep, TimelineQueryStep
from lvqa.agents.temporal_query import eyes_of, planner_of, presence_of, query_of, videos_of
from lvqa.store import note_id
from lvqa.temporal.inquiry import Inquiry
from lvqa.temporal.localize import Interval
from lvqa.temporal.looks import Viewer
from lvqa.temporal.options import match
from lvqa.temporal.programs import solve
from lvqa.temporal.query import TemporalQuery
from lvqa.temporal.result import Result
from lvqa.tools.eyes import run
from lvqa.types import Computation, EventRow, Note, Step

_OPERATORS = {
    "count_events": "count",
    "order": "order",
    "before_after": "before_after",
    "first_last": "first",
    "duration": "duration",
}


def timeline(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Run the question's program: a draft with its evidence, or one that says that nothing was found."""
    context = runtime.context
    planner, query, vision = planner_of(context.models), query_of(context), context.models.vision
    assert planner is not None, "there is no query without a planner"
    assert query is not None, "the graph comes here with a query alone"
    assert vision is not None, "there is no query without a vision model"
    videos = videos_of(context, query)
    steps: list[Step] = [TimelineQueryStep(query, tuple(context.retriever.path(video) for video in videos))]
    eyes = eyes_of(context, vision)
    presence = presence_of(context, state["plan"].cues)
    looker: Viewer = eyes
    if state["surveys"]:
        presence, looker = planner.reading(presence, _described(state), context.settings.budget_frames)
    inquiry = Inquiry(query, context.options, presence, looker, videos)
    result = run(solve(inquiry, planner.program), looker.look)
    looks = tuple(LoggedLook(**look) for look in eyes.log)
    steps.append(TimelineLooksStep(looks, tuple(eyes.failed), tuple(context.ledger.spent)))
    items, draft = draft_of(context, result)
    computed = _computed(context, query, result)
    shown = tuple((item.video, item.note.span) for item in items)
    found = bool(draft.claims)
    steps.append(TimelineAnswerStep(draft.text, draft.choice, draft.own or 0.0, shown, result.why, found))
    return {"items": items, "draft": draft, "computed": computed, "steps": steps}


def _described(state: State) -> dict[str, list[Note]]:
    """What a baseline read of each video, in order of time: its descriptions, and the captions that it read."""
    given: dict[str, list[Note]] = {}
    notes = [hit.note for hit in state["hits"] if hit.note.source != "speech"] + state["seen"]
    for note in sorted(notes, key=lambda note: (note.span, note.id)):
        given.setdefault(note.video_id, []).append(note)
    return given


def _computed(context: Context, query: TemporalQuery, result: Result) -> list[Computation]:
    """What a program that counts, orders, compares or measures made of which intervals."""
    operator = _OPERATORS.get(query.op)
    if operator is None or not result.found or not result.shown:
        return []
    path = context.retriever.path
    rows = tuple(EventRow(text, path(one.video_id), one.span, min(1.0, one.support)) for one, text in result.shown)
    return [Computation(query.side if operator == "first" else operator, result.text, rows)]


def draft_of(context: Context, result: Result) -> tuple[list[Item], Draft]:
    """A program's result as notes of this question and a draft that cites them."""
    # What comes first shows the answer itself.
    shown = [*result.shown, *result.refused]
    kept = [_item(context, one, text, 1.0 if n == 0 else LOOKING.beside) for n, (one, text) in enumerate(shown)]
    items = list({item.note.id: item for item in kept}.values())
    if not result.found:
        return items, Draft("", None, (), own=result.confidence, by="timeline")
    choice, sure = result.choice, result.confidence
    if context.options and choice is None and result.value is not None:
        choice, fit = match(result.value, context.options)
        sure *= fit
    if context.options and choice is None:
        return items, Draft("", None, (), own=0.0, by="timeline")
    text = context.options[choice] if choice is not None else result.text
    claims = tuple(Claim(i.note.text, (i.note.id,), i.closeness) for i in items)
    claims = claims or (Claim(result.text, (), sure),)
    return items, Draft(text, choice, claims, own=min(1.0, sure), closeness=sure, by="timeline")


def _item(context: Context, interval: Interval, text: str, share: float) -> Item:
    model = context.models.names["vision"]
    made = note_id(interval.video_id, "seen", interval.span, model, "", text)
    note = Note(made, interval.video_id, None, interval.span, text, "seen", model)
    return Item(note, context.retriever.path(interval.video_id), 0.0, share * interval.support)
