"""The compute node: which notes tell of which event, as rows, and what an operator over time makes of them.

The chat model (or, without one, how close notes come to an event) says which notes tell of one happening; counting,
ordering and measuring is `lvqa.temporal.operators`'. What is computed goes into the answer's prompt, and with the
answer to the user, rows and all. This module writes no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
from langchain_core.language_models import BaseChatModel
from langgraph.runtime import Runtime
from pydantic import BaseModel, Field

from lvqa.agents.citations import lines, number
from lvqa.agents.evidence import pool, scaled_cosines
from lvqa.agents.rules.numbers import READING
from lvqa.agents.rules.policies import policy
from lvqa.agents.state import Context, Item, State
from lvqa.agents.steps import ComputeSkippedStep, ComputeStep, RowsReading
from lvqa.agents.structured import ask_for
from lvqa.errors import ModelError, ReplyError
from lvqa.prompts import fence, for_prompt, load
from lvqa.recall.relevance import lexical_closeness
from lvqa.temporal.operators import compute as run_operator
from lvqa.temporal.operators import distinct
from lvqa.tools.ledger import BudgetSpent
from lvqa.types import EventRow


class RowReply(BaseModel):
    """A happening as the chat model writes it: numbers of an event and of notes."""

    event: int
    notes: list[int] = Field(min_length=1)
    sure: float = Field(default=1.0, ge=0, le=1)


class RowsReply(BaseModel):
    """The chat model's reply when it is asked which notes tell of which event: a row for each happening."""

    rows: list[RowReply]


def compute(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Find the rows of the plan's events and compute on them; nothing where the plan asks for nothing."""
    context, plan = runtime.context, state["plan"]
    reads_all = policy(plan.kind).reads == "all"
    items = pool(state, context, len(state["hits"])) if reads_all else pool(state, context)
    if plan.compute is None or not plan.events or not items:
        return {"items": items, "computed": [], "steps": [ComputeSkippedStep()]}
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
        rows = by_rules(context, events, items)
    found = run_operator(plan.compute, [distinct(row) for row in rows])
    step = ComputeStep(
        plan.compute, plan.events, tuple(map(tuple, rows)), found, reading, reason, failed, unparsed=unparsed
    )
    return {"items": items, "computed": [found] if found is not None else [], "steps": [step]}


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
    filled = load("rows").fill(events=fence(listed), notes=fence(lines(numbered)))
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
            ids = tuple(item.note.id for item in mine)
            found[row.event - 1].append(EventRow(events[row.event - 1], video, span, row.sure, ids))
    return found, RowsReading(load("rows").hash, parsed.repaired, dropped)


def by_rules(context: Context, events: Sequence[str], items: Sequence[Item]) -> list[list[EventRow]]:
    """The rows of each event: the notes that come close to it, each a row."""
    notes = [item.note for item in items]
    dense = np.clip(scaled_cosines(context, events, notes), 0.0, 1.0)
    lexical = np.array([[lexical_closeness(event, note.text) for event in events] for note in notes])
    near = np.maximum(dense, lexical)
    found = []
    for n, event in enumerate(events):
        bar = max(READING.event, READING.event_share * float(near[:, n].max(initial=0.0)))
        found.append(
            [
                EventRow(event, item.video, item.note.span, float(near[k, n]), (item.note.id,))
                for k, item in enumerate(items)
                if near[k, n] >= bar and item.note.source != "summary"
            ]
        )
    return found
