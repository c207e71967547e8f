"""The compute node: what a program over time finds by looking; without eyes, what an operator makes of notes.

Where a vision model can look, the plan's program does (`lvqa.agents.programs`), and what it finds is the draft of an
answer. Else notes that tell of an event are rows. The chat model (or, without one, how close notes come to an event)
says which notes tell of one happening; counting, ordering and measuring is `lvqa.temporal.operators`'. What is computed
goes into the answer's prompt, and with the answer to the user, rows and all.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, cast

from langchain_core.language_models import BaseChatModel
from langgraph.runtime import Runtime
from pydantic import BaseModel, Field

from lvqa.agents.citations import ids, lines, number
from lvqa.agents.evidence import pool
from lvqa.agents.planner import planner_of
from lvqa.agents.programs import (
    computation_of,
    draft_of,
    presence_of,
    program_of,
    result_of,
)
from lvqa.agents.rules.policies import policy
from lvqa.agents.state import NO_DRAFT, Context, Item, State
from lvqa.agents.steps import (
    ComputeSkippedStep,
    ComputeStep,
    LoggedLook,
    ProgramFailedStep,
    ProgramLooksStep,
    ProgramResultStep,
    ProgramStep,
    RowsReading,
)
from lvqa.agents.structured import ask_for
from lvqa.errors import ModelError, ReplyError
from lvqa.prompts import fence, for_prompt, load
from lvqa.temporal.looks import Viewer
from lvqa.temporal.operators import compute as run_operator
from lvqa.temporal.operators import distinct
from lvqa.temporal.query import TemporalQuery
from lvqa.tools.ledger import BudgetSpent
from lvqa.tools.measure import told_by_notes
from lvqa.types import EventRow, Note, Step


class RowReply(BaseModel):
    """A happening as the chat model writes it: numbers of an event and of notes."""

    event: int
    notes: list[int] = Field(min_length=1)
    sure: float = Field(default=1.0, ge=0, le=1)


class RowsReply(BaseModel):
    """The chat model's reply when it is asked which notes tell of which event: a row for each happening."""

    rows: list[RowReply]


def compute(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Run the plan's program, or find the rows of its events and compute on them; nothing where it asks for nothing."""
    context, plan = runtime.context, state["plan"]
    program, steps = program_of(state, context), list[Step]()
    if program is not None:
        try:
            return by_looking(state, context, *program)
        except ModelError as error:  # the notes are still there to answer from
            steps = [ProgramFailedStep(program[0], str(error))]
    if state["surveys"]:
        return {"steps": steps}
    reads_all = policy(plan.kind).reads == "all"
    items = pool(state, context, len(state["hits"])) if reads_all else pool(state, context)
    if plan.compute is None or not plan.events or not items:
        return {"items": items, "computed": [], "draft": NO_DRAFT, "steps": [*steps, ComputeSkippedStep()]}
    events = list(plan.events)
    chat, reading, failed, reason, unparsed = context.models.chat, None, False, "", False
    rows: list[list[EventRow]] = []
    if chat is not None:
        try:
            rows, reading = by_chat(context, chat, events, items)
        except BudgetSpent as spent:
            reason = f"{spent.reason}, so by rule"
        except ModelError as error:  # ReplyError too
            reason, failed, unparsed = str(error), True, isinstance(error, ReplyError)
    if reading is None:
        rows = told_by_notes(context, events, [item.note for item in items])
    found = run_operator(plan.compute, [distinct(row) for row in rows])
    step = ComputeStep(
        plan.compute, plan.events, tuple(map(tuple, rows)), found, reading, reason, failed, unparsed=unparsed
    )
    return {
        "items": items,
        "computed": [found] if found is not None else [],
        "draft": NO_DRAFT,
        "steps": [*steps, step],
    }


def by_looking(state: State, context: Context, query: TemporalQuery, videos: tuple[str, ...]) -> dict[str, Any]:
    """Run a program over time in videos, by their ids: a draft with its evidence, or one that nothing was found for."""
    planner = planner_of(context.models)
    assert context.eyes is not None, "there is no program without a vision model"
    steps: list[Step] = [ProgramStep(query, tuple(map(context.retriever.path, videos)))]
    eyes = context.eyes.fresh()
    presence, viewer = presence_of(context, state["plan"].cues), cast("Viewer", eyes)
    if state["surveys"]:
        assert planner is not None, "a baseline has a program with a planner alone"
        presence, viewer = planner.reading(presence, _described(state), context.settings.budget_frames)
    result = result_of(context, query, videos, presence, viewer)
    looks = tuple(LoggedLook(**look) for look in eyes.log)
    steps.append(ProgramLooksStep(looks, tuple(eyes.failed), tuple(context.ledger.spent)))
    items, draft = draft_of(context, query, result)
    shown = tuple((item.video, item.note.span) for item in items)
    found = bool(draft.claims)
    steps.append(ProgramResultStep(draft.text, draft.choice, draft.measured or 0.0, shown, result.why, found))
    if not found:
        known = {item.note.id for item in items}
        items += [item for item in pool(state, context) if item.note.id not in known]
    return {"items": items, "draft": draft, "computed": computation_of(context, query, result), "steps": steps}


def _described(state: State) -> dict[str, list[Note]]:
    """What a baseline read of each video, in order of time: its descriptions, and the captions that it read."""
    given: dict[str, list[Note]] = {}
    notes = [hit.note for hit in state["hits"] if hit.note.source not in ("speech", "signs")] + state["seen"]
    for note in sorted(notes, key=lambda note: (note.span, note.id)):
        given.setdefault(note.video_id, []).append(note)
    return given


def by_chat(
    context: Context, chat: BaseChatModel, events: Sequence[str], items: Sequence[Item]
) -> tuple[list[list[EventRow]], RowsReading]:
    """The rows of each event as the chat model reads them. Raises BudgetSpent, ReplyError, ModelError."""
    numbered = number(items, len(items))

    def complaints(reply: RowsReply) -> list[str]:
        wrong = []
        for row in reply.rows:
            if not 1 <= row.event <= len(events):
                wrong.append(f"there is no event {row.event}")
            if unknown := [n for n in row.notes if n not in numbered]:
                wrong.append(f"notes {unknown} do not exist")
        return wrong

    listed = "\n".join(f"{n}. {for_prompt(event, 200)}" for n, event in enumerate(events, 1))
    filled = load("rows").fill(
        events=fence(listed), notes=fence(lines(numbered)), ids=ids(numbered), events_ids=f"1 to {len(events)}"
    )
    parsed = ask_for(chat, context.ledger, filled, RowsReply, complaints)
    found: list[list[EventRow]] = [[] for _ in events]
    dropped = 0
    for row in parsed.value.rows:
        cited = [numbered[n] for n in row.notes if n in numbered]
        if not 1 <= row.event <= len(events) or len(cited) < len(row.notes):
            dropped += 1
            continue
        for video in dict.fromkeys(item.video for item in cited):
            mine = [item for item in cited if item.video == video]
            span = reduce(lambda a, b: a.hull(b), (item.note.span for item in mine))
            told_by = tuple(item.note.id for item in mine)
            found[row.event - 1].append(EventRow(events[row.event - 1], video, span, row.sure, told_by))
    return found, RowsReading(load("rows").hash, parsed.repaired, dropped)
