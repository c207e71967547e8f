"""A chat model without a mind: it plans by a table, and reads by matching words.

The planner sees `prompts/plan.md` alone, and plans what stands in its table under the question; it has no answer in it.
The reader sees the notes and what is known in the prompt alone. It quotes what is known last, since a plan ends with
the part that answers the whole, else the note that shares most, weighed by rarity, with the question; the note before
it counts half, for what is spoken of by a pronoun, and a note that asks counts half, and one that the question tells as
known. To every other prompt the reply
is empty, so that rules do it.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lvqa.language import content
from lvqa.models.fake import FakeChat

Plans = Mapping[str, Sequence[Mapping[str, Any]]]

# So much of an earlier answer stands in the next question at least.
_TOLD = 150
_FENCED = re.compile(r"```data\n(.*?)\n```", re.DOTALL)
_NOTE = re.compile(r"^\[(\d+)\] (.*?) \d\d:\d\d:\d\d [a-z]+: (.*)$", re.MULTILINE)
_KNOWN = re.compile(r"nothing is known about it: do not guess.*?```data\n(.*?)\n```", re.DOTALL)
_ANSWERED = re.compile(r"^.* - (.*) \(confidence \d\.\d\d\) ((?:\[\d+\])+)$")


def scripted(plans: Plans, plan: Callable[[str], str] = lambda question: "") -> FakeChat:
    """The model; `plans` are the sub-questions of each question, which may be none, `plan` the plan of any other."""

    def reply(messages: Sequence[Any]) -> str:
        text = str(messages[-1].text)
        fenced = _FENCED.findall(text)
        if "Plan how to answer this question" in text and fenced:
            subs = plans.get(fenced[0].strip())
            return plan(fenced[0].strip()) if subs is None else json.dumps({"sub_questions": list(subs)})
        return read(fenced[1], text) if '"sentences"' in text and len(fenced) > 1 else ""

    return FakeChat(reply)


def read(question: str, prompt: str) -> str:
    """The JSON of an answer that quotes what is known last, or the note that shares most with the question."""
    known = _KNOWN.search(prompt)
    answered = _ANSWERED.match(known[1].splitlines()[-1]) if known is not None else None
    if answered is not None:
        return _quoting(answered[1], [int(number) for number in re.findall(r"\d+", answered[2])], 0.9)
    question, _, known_before = question.partition("\n")
    notes = [(int(number), video, said, set(content(said))) for number, video, said in _NOTE.findall(prompt)]
    wanted = set(content(question))
    seen = Counter(word for *_, words in notes for word in words)
    weights = {word: math.log(1 + len(notes) / (1 + seen[word])) for word in wanted}
    scored, before = list[tuple[float, int, int, str]](), ("", set[str]())
    for n, video, said, words in notes:
        # What "he" and "them" are was said just before; what asks does not answer, what is told as known hardly does.
        told = (before[1] if before[0] == video else set()) - words
        near = sum(weights[word] for word in wanted & words) + sum(weights[word] for word in wanted & told) / 2
        weak = said.rstrip().endswith("?") or said[:_TOLD].rstrip(" .") in known_before
        scored.append((near / 2 if weak else near, -len(words), -n, said))
        before = video, words
    best = max(scored, default=(0.0, 0, 0, ""))
    if best[0] <= 0:
        return json.dumps({"sentences": [], "confidence": 0.0})
    return _quoting(best[3], [-best[2]], 0.5 + best[0] / sum(weights.values()) / 2)


def _quoting(said: str, numbers: list[int], sure: float) -> str:
    return json.dumps({"sentences": [{"text": said, "evidence": numbers}], "confidence": round(min(1.0, sure), 3)})
