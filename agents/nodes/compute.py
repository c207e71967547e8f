"""The compute node: which notes tell of which event, as rows, and what an operator over time makes of them.

The chat model (or, without one, how close notes come to an event) says which notes tell of one happening; counting,
ordering and measuring is `lvqa.temporal.operators`'. What is computed goes into the answer's prompt, and with the
answer to the user, rows and all. This module writes no answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
from langchain_core.language_models import BaseChatModel
from langgraph.runtime import Runtime
from pydantic import BaseModel, Field

from lvqa.agents.citations import lines, number
from lvqa.agents.evidence import pool, scaled_cosines
from lvqa.agents.rules.policies import policy
from lvqa.agents.state import Context, Item, State
from lvqa.agents.structured import ask_for
from lvqa.errors import ModelError, ReplyError
from lvqa.phrasing import count
from lvqa.prompts import fence, for_prompt, load
from lvqa.recall.relevance import lexical_closeness
from lvqa.temporal.operators import compute as run_operator
from lvqa.temporal.operators import distinct
from lvqa.tools.ledger import BudgetSpent
from lvqa.types import EventRow, Step

# A note tells of an event, by rule, from this closeness on, and from this share of the closest one's.
_LEAST, _SHARE = 0.35, 0.75


class RowReply(BaseModel):
    """A happening as the chat model writes it: numbers of an event and of notes."""

    event: int
    notes: list[int] = Field(min_length=1)
    sure: float = Field(default=1.0, ge=0, le=1)


class RowsReply(BaseModel):
    """All happenings that the chat model found."""

    rows: list[RowReply]


def compute(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Find the rows of the plan's events and compute on them; nothing where the plan asks for nothing."""
    context, plan = runtime.context, state["plan"]
    reads_all = policy(plan.kind).reads == "all"
    items = pool(state, context, len(state["hits"])) if reads_all else pool(state, context)
    if plan.compute is None or not plan.events or not items:
        return {"items": items, "computed": [], "steps": [Step("compute", "nothing to compute", {})]}
    events = list(plan.events)
    chat, data, note = context.models.chat, dict[str, Any](), ""
    by = "rules"
    rows: list[list[EventRow]] = []
    if chat is not None:
        try:
            rows, data = by_chat(context, chat, events, items)
            by = "chat"
        except BudgetSpent as spent:
            note = f"; {spent.reason}, so by rule"
        except ModelError as error:  # ReplyError too
            note, data = f"; {error}", {"unparsed": isinstance(error, ReplyError)}
    if by == "rules":
        rows = by_rules(context, events, items)
    found = run_operator(plan.compute, [distinct(row) for row in rows])
    counts = ", ".join(f"{count(len(row), 'row')} of {for_prompt(e, 60)}" for e, row in zip(events, rows, strict=True))
    said = for_prompt(found.text, 160) if found is not None else "the notes do not tell"
    summary = f"{plan.compute.replace('_', ' ')}: {said} ({counts}), by {by}{note}"
    data = {"by": by, "operator": plan.compute, **data, "rows": [r.to_dict() for row in rows for r in row]}
    return {
        "items": items,
        "computed": [found] if found is not None else [],
        "steps": [Step("compute", summary, data)],
    }


def by_chat(
    context: Context, chat: BaseChatModel, events: Sequence[str], items: Sequence[Item]
) -> tuple[list[list[EventRow]], dict[str, Any]]:
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

    parsed = ask_for(chat, context.ledger, rows_prompt(events, numbered), RowsReply, complaints)
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
    return found, {"prompt": load("rows").hash, "repaired": parsed.repaired, "dropped_rows": dropped}


def rows_prompt(events: Sequence[str], numbered: Mapping[int, Item]) -> str:
    """What the chat model is asked for the happenings of events."""
    listed = "\n".join(f"{n}. {for_prompt(event, 200)}" for n, event in enumerate(events, 1))
    return load("rows").fill(events=fence(listed), notes=fence(lines(numbered)))


def by_rules(context: Context, events: Sequence[str], items: Sequence[Item]) -> list[list[EventRow]]:
    """The rows of each event: the notes that come close to it, each a row."""
    notes = [item.note for item in items]
    dense = np.clip(scaled_cosines(context, events, notes), 0.0, 1.0)
    lexical = np.array([[lexical_closeness(event, note.text) for event in events] for note in notes])
    near = np.maximum(dense, lexical)
    found = []
    for n, event in enumerate(events):
        bar = max(_LEAST, _SHARE * float(near[:, n].max(initial=0.0)))
        found.append(
            [
                EventRow(event, item.video, item.note.span, float(near[k, n]), (item.note.id,))
                for k, item in enumerate(items)
                if near[k, n] >= bar and item.note.source != "summary"
            ]
        )
    return found
