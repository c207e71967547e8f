"""The nodes that take a question apart: `decompose` hands out sub-questions when they can be asked, `sub` answers one.

Those that need nothing of each other are answered side by side, each from its share of what is left of the budget, and
told in the order of the plan. The whole goes on with what was found: as facts in a chat model's prompts, and for rules
as where to look. How a sub-question is answered is the graph's; this module knows no other node.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from langgraph.runtime import Runtime
from langgraph.types import Command, Send

from lvqa.agents.rules.decompose import moment, named_thing, narrowed, split
from lvqa.agents.rules.plan import by_rules, unlike
from lvqa.agents.state import HOLE, Context, State, SubAnswer, SubQuestion
from lvqa.agents.steps import NarrowStep, SubQuestionStep, VerifyStep
from lvqa.errors import ModelError
from lvqa.prompts import for_prompt
from lvqa.recall import Retriever
from lvqa.types import Budget

SUB, NEXT = "sub", "recall"
_PUT_IN = 200
Task = tuple[SubAnswer, str, Budget]  # a sub-question not answered yet, what is searched for, and the budget


def decompose(state: State, runtime: Runtime[Context]) -> Command[str]:
    """Send every sub-question that can be asked now; with none left, go on with the whole."""
    context, subs = runtime.context, state["plan"].sub_questions
    if context.eyes is not None:
        context.eyes.gather()
    done, barred = {sub.place: sub for sub in state["subs"]}, list[SubAnswer]()
    whole = {n for n, sub in enumerate(subs) if unlike([context.question.text, sub.text])[1:] == []}  # asked at the end
    for n, sub in enumerate(subs):
        if n not in done and any(k in whole or (k in done and done[k].answer.abstained) for k in sub.needs):
            done[n] = SubAnswer(n, sub.text, reason="what it needs was not answered")
            barred.append(done[n])
    told = {step.sub.place for step in state["steps"] if isinstance(step, SubQuestionStep)}
    changes: dict[str, Any] = {"subs": barred}
    changes["steps"] = [SubQuestionStep(done[n]) for n in sorted(done) if n not in told]
    waiting = [n for n in range(len(subs)) if n not in done and n not in whole]
    if ready := [n for n in waiting if all(k in done for k in subs[n].needs)]:
        budget = context.ledger.share(len(waiting) + 1, len(ready))
        return Command(update=changes, goto=[Send(SUB, _task(n, subs[n], done, budget)) for n in ready])
    parts = split(context.asked)
    if parts is not None and parts.sub_questions == subs:
        found = narrowed(parts, list(done.values()), context.question)
        if found is not None:
            rest = by_rules(found.text, context.options)
            # "What happens?" asks for a summary of the whole, and here for the course of a stretch.
            kind = "action" if rest.kind == "summary" and found.scope.between is not None else rest.kind
            changes |= {"narrowed": found, "plan": rest.model_copy(update={"kind": kind})}
            changes["steps"] += [NarrowStep(found.text, found.scope.videos, found.scope.between)]
    return Command(update=changes, goto=NEXT)


def _task(place: int, sub: SubQuestion, done: Mapping[int, SubAnswer], budget: Budget) -> Task:
    """A sub-question with the answers that it needs: what they name in its holes, and each on a line behind it."""
    said = {k: for_prompt(done[k].answer.text, _PUT_IN).rstrip(" .") for k in sub.needs}
    asked = {k: done[k].asked.partition("\n")[0] for k in sub.needs}
    things = {k: named_thing(asked[k], done[k].answer.text) for k in sub.needs}
    named = {k: for_prompt(thing, _PUT_IN).rstrip(" .") for k, thing in things.items()}

    def put_in(hole: re.Match[str]) -> str:
        earlier = done.get(k := int(hole[1]))
        when = moment(earlier.asked, earlier.answer, sub.text[: hole.start()]) if earlier is not None else ""
        return when or named.get(k, "")

    wording = HOLE.sub(put_in, sub.text)
    known = [f"known: {for_prompt(asked[k], _PUT_IN)} {said[k]}" for k in sub.needs]
    return SubAnswer(place, sub.text, "\n".join([wording, *known])), wording, budget


def sub(task: Any, runtime: Runtime[Context], run: Callable[[Context], State]) -> dict[str, Any]:
    """Answer one sub-question, a `Task`, as `run`, the graph, answers any, from a ledger of its own."""
    (asked, wording, budget), context, own = task, runtime.context, runtime.context.retriever
    ledger = context.ledger.part(budget)
    part = replace(
        context,
        question=replace(context.question, text=asked.asked, options=(), budget=budget),
        ledger=ledger,
        eyes=context.eyes.part(ledger) if context.eyes is not None else None,
        retriever=Retriever(context.store, own.embedder, own.image_embedder),
        wording=wording,
        part=True,
    )
    try:
        ended = run(part)
    except ModelError as error:  # the others, and the whole, may do without it
        return {"subs": [replace(asked, reason=str(error))], "cost": replace(part.ledger.cost, seconds=0.0)}
    part.ledger.resume(ended["cost"], ended["spent"])
    answer, last = ended["answer"], ended["steps"][-1]
    assert answer is not None, "the graph ends with an answer"
    claims = last.claims if isinstance(last, VerifyStep) and not answer.abstained else ()
    kept = {note_id for one in claims if one.kept for note_id in one.claim.note_ids}
    items = tuple(item for item in ended["items"] if item.note.id in kept)
    answer = replace(answer, cost=part.ledger.cost, steps=tuple(ended["steps"]))
    # Of the seconds, those of the whole count: others may be answered at the same time.
    return {"subs": [replace(asked, answer=answer, items=items)], "cost": replace(answer.cost, seconds=0.0)}


def widen(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Look everywhere, for the question as it stands, where nothing was found where the sub-answers pointed."""
    question = runtime.context
    made, steps = by_rules(question.asked, question.options), [NarrowStep(question.asked)]
    return {"plan": made, "narrowed": None, "answer": None, "round": 0, "missing": [], "items": [], "steps": steps}
