"""A scripted chat model that plans as `prompts/plan.md` asks, by the world's grammar, from the question's text alone.

It answers nothing: to every other prompt it says that the notes do not tell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from langchain_core.messages import BaseMessage

from lvqa.eval.lab.wordings.planner import WorldPlanner
from lvqa.models.fake import FakeChat
from lvqa.prompts import load

_FENCED = re.compile(r"```data\n(.*?)\n```", re.DOTALL)
_OPTION = re.compile(r"^[A-Z]\d*\. (.*)$", re.MULTILINE)
_FIELDS = ("kind", "sub_questions", "targets", "cues", "phrases", "between", "events", "compute")
_NOTHING = {"sentences": [], "choice": "A", "confidence": 0.0, "missing": []}


def plan_of(question: str, options: Sequence[str] = ()) -> str:
    """The plan of a question by the world's grammar, as the JSON that `prompts/plan.md` asks for.

    What stands behind its first line is known, and asks nothing.
    """
    plan = WorldPlanner().plan(question.partition("\n")[0], options)
    if plan is None:
        return json.dumps({"kind": "other"})
    return plan.model_dump_json(include={*_FIELDS, "attribute", "negated", "across"})


def planning_chat() -> FakeChat:
    """The chat model; its plans are those of `WorldPlanner`, and empty for a question that no rule reads."""

    def reply(messages: Sequence[BaseMessage]) -> str:
        prompt = str(messages[-1].text)
        if not prompt.endswith(load("plan").text.rsplit("}}", 1)[1].strip()):
            return json.dumps(_NOTHING)
        question, *options = _FENCED.findall(prompt)
        return plan_of(question, _OPTION.findall(options[0]) if options else ())

    return FakeChat(reply, name="scripted:planner")
