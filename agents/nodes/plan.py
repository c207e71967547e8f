"""The first node: a question becomes a plan of what to look for: by the chat model, the models' planner, or rules.

This module knows the question and its options, and nothing of the archive.
"""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from lvqa.agents.baselines.presets import preset
from lvqa.agents.options import options_block
from lvqa.agents.planner import planner_of
from lvqa.agents.rules.numbers import READING
from lvqa.agents.rules.plan import by_rules, checked, unlike
from lvqa.agents.state import Context, Plan, State
from lvqa.agents.steps import PlanStep
from lvqa.agents.structured import ask_for
from lvqa.errors import ReplyError, TooLong
from lvqa.prompts import fence, load
from lvqa.tools.ledger import BudgetSpent


def plan(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Plan with the chat model; by rules where there is none, its budget is spent, or its replies do not parse.

    Where the models carry a planner in a chat model's place, it plans the questions that it reads.
    """
    context = runtime.context
    rules = by_rules(context.asked, context.options)
    made, by, reason, unparsed = rules, "rules", "", False
    how = preset(context.agent)
    if context.models.chat is not None and how.plans:
        try:
            prompt = load("plan")
            filled = prompt.fill(question=fence(context.question.text), options=options_block(context.options))
            reply = ask_for(context.models.chat, context.ledger, filled, Plan)
            made, by = joined(reply.value, rules, context.words, bool(context.options)), f"chat {prompt.hash}"
        except BudgetSpent as spent:
            reason = spent.reason
        except ReplyError:
            reason, unparsed = "the chat model's plan did not parse, twice", True
        except TooLong as error:
            reason = str(error)
    elif (planner := planner_of(context.models)) is not None:
        planned = planner.plan(context.question.text, context.options)
        if planned is not None:
            made, by = joined(planned, rules, context.words, bool(context.options)), "planner"
    if context.part or how.retrieval != "recall":
        made = made.model_copy(update={"sub_questions": ()})
    return {
        "plan": made,
        "surveys": how.retrieval != "recall",
        "round": 0,
        "missing": [],
        "steps": [PlanStep(made, by, reason, unparsed=unparsed)],
    }


def joined(made: Plan, rules: Plan, question: str, with_options: bool) -> Plan:
    """The model's plan, with the question itself searched too, and what no model has to find: options and times.

    What the model says to compute, and the time that it names, are checked against the question.
    """
    phrases = [rules.phrases[0], *made.phrases, *(rules.phrases[1:] if with_options or not made.phrases else ())]
    plan = made.model_copy(
        update={
            "phrases": tuple(unlike(phrases))[: READING.phrases],
            "between": made.between if _is_within(made.between, rules.between) else rules.between or made.between,
            "named": bool(made.targets),
            "events": made.events or rules.events,
            "compute": (made.compute or rules.compute) if made.events else rules.compute,
        }
    )
    return checked(plan, question)


def _is_within(one: tuple[float, float] | None, other: tuple[float, float] | None) -> bool:
    """Whether both are there, and the first lies in the second: the same time, named more closely."""
    return one is not None and other is not None and other[0] <= one[0] and one[1] <= other[1]
