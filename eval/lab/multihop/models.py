"""A chat model without a mind: it plans by a table, and reads by matching words.

The planner sees `prompts/plan.md` alone, and plans what stands in its table under the question; it has no answer in it.
The reader sees the notes and what is known in the prompt alone, and quotes what shares most, weighed by rarity, with
the question. To every other prompt the reply is empty, so that rules do it.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lvqa.language import content
from lvqa.models.fake import FakeChat

Plans = Mapping[str, Sequence[Mapping[str, Any]]]

_FENCED = re.compile(r"```data\n(.*?)\n```", re.DOTALL)
_NOTE = re.compile(r"^\[(\d+)\] (.*?) \d\d:\d\d:\d\d [a-z]+: (.*)$", re.MULTILINE)
_KNOWN = re.compile(r"^(.*) - (.*) \(confidence \d\.\d\d\) ((?:\[\d+\])+)$", re.MULTILINE)


def scripted(plans: Plans) -> FakeChat:
    """The model; `plans` are the sub-questions of each question, which may be none."""

    def reply(messages: Sequence[Any]) -> str:
        text = str(messages[-1].text)
        fenced = _FENCED.findall(text)
        if text.startswith("You plan how to answer") and fenced:
            subs = plans.get(fenced[0].strip())
            return "" if subs is None else json.dumps({"sub_questions": list(subs)})
        return read(fenced[0], text) if '"sentences"' in text and fenced else ""

    return FakeChat(reply)


def read(question: str, prompt: str) -> str:
    """The JSON of an answer that quotes the note, or what is known, that shares most with the question."""
    notes = [(said, [int(number)], said) for number, _, said in _NOTE.findall(prompt)]
    known = [
        (f"{asked} {said}", [int(number) for number in re.findall(r"\d+", marks)], said)
        for asked, said, marks in _KNOWN.findall(prompt)
    ]
    told = list(dict.fromkeys(map(tuple_of, [*notes, *known])))
    wanted = set(content(question))
    if not told or not wanted:
        return json.dumps({"sentences": [], "confidence": 0.0})
    held = [set(content(text)) for text, _, _ in told]
    seen = Counter(word for words in held for word in words)
    weights = {word: math.log(1 + len(told) / (1 + seen[word])) for word in wanted}
    scores = [sum(weights[word] for word in wanted & words) for words in held]
    best = max(range(len(told)), key=lambda n: (scores[n], -len(held[n])))
    share = scores[best] / (sum(weights.values()) or 1.0)
    if share <= 0:
        return json.dumps({"sentences": [], "confidence": 0.0})
    sentence = {"text": told[best][2], "evidence": list(told[best][1])}
    return json.dumps({"sentences": [sentence], "confidence": round(min(1.0, 0.5 + share / 2), 3)})


def tuple_of(one: tuple[str, list[int], str]) -> tuple[str, tuple[int, ...], str]:
    """A thing that is told, so that the same is one."""
    return one[0], tuple(one[1]), one[2]
