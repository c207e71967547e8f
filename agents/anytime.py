"""The best answer so far, for a run that ends before it is done.

What `verify` would keep of the latest draft, judged by words and rules; where nothing was drafted, what the rules draft
from the notes recalled so far; else an abstention. Calls no model, and runs no node.
"""

from __future__ import annotations

from dataclasses import replace

from lvqa.agents.calibration import calibrated
from lvqa.agents.evidence import pool
from lvqa.agents.nodes.verify import NOT_HERE, check, confidence, final, supported
from lvqa.agents.rules import extractive
from lvqa.agents.state import Context, State, initial
from lvqa.agents.steps import StopStep
from lvqa.models.profiles import Models
from lvqa.recall import Retriever
from lvqa.types import Answer, Step

UNFINISHED = "No answer: stopped before anything was found that supports one"


def answer_now(state: State, context: Context, after: str = "") -> tuple[Answer, Step]:
    """An answer from the latest state, and the step that says so; `after` is the node that ran last, if any.

    Notes that were seen in a look that was not reported yet are lost.
    """
    made, drafted = state["answer"], state["draft"] != initial()["draft"]
    if made is None:  # else verify made it while the run was being stopped
        made = _of_draft(state, context, drafted)
    if made.abstained:  # what was not found may be there: the videos were not searched to the end
        made = replace(made, status="stopped", text=UNFINISHED if made.text == NOT_HERE else made.text)
    return made, StopStep(after, drafted, made.confidence, made.abstained, tuple(context.ledger.spent))


def _of_draft(state: State, context: Context, drafted: bool) -> Answer:
    blind = replace(context, models=Models.of(), eyes=None, retriever=Retriever(context.store, None))
    draft, items = state["draft"], state["items"]
    if not drafted:
        items = pool(state, blind)
        draft, read = extractive.draft(blind, state["plan"], items, state["computed"])
        items = [*items, *read]
    by_id = {item.note.id: item for item in items}
    checked, how, _ = check(blind, draft, by_id)
    kept = supported(checked, how)
    made = final(context, draft, kept, by_id, calibrated(confidence(draft, kept, len(checked)), draft, context))
    return replace(made, computed=tuple(state["computed"]))
