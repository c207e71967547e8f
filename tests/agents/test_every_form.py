"""The forms in which models of today reply, and what becomes of each where each kind of reply is asked for.

A form is put around the right reply of a kind. What was meant is read, or nothing is; a thought never is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lvqa.agents.citations import AnswerReply
from lvqa.agents.nodes.answer import ScoresReply
from lvqa.agents.nodes.compute import RowsReply
from lvqa.agents.state import Plan
from lvqa.agents.structured import parse, readable
from lvqa.models.base import Reply
from lvqa.models.replies import unthought, usable_caption
from lvqa.models.served.langchain import yes_of_text
from lvqa.models.thoughts import without_thoughts

SENTENCE = "A man in a red coat opens a door."
CORES: dict[str, str] = {
    "caption": SENTENCE,
    "look": SENTENCE,
    "yes or no": "Yes",
    "plan": json.dumps({"kind": "count", "phrases": ["a dog barks"], "between": None, "compute": "count"}),
    "answer": json.dumps({"sentences": [{"text": SENTENCE, "evidence": [3]}], "choice": "B", "confidence": "high"}),
    "options": json.dumps({"scores": [{"letter": letter, "note": 3, "support": "low"} for letter in "AB"]}),
    "rows": json.dumps({"rows": [{"event": 1, "notes": [3, 4], "sure": "high"}]}),
}
JSON = ("plan", "answer", "options", "rows")
SCHEMAS: dict[str, Any] = {"plan": Plan, "answer": AnswerReply, "options": ScoresReply, "rows": RowsReply}

Form = Callable[[str], str]
# What stands in a thought would be read as each kind of reply.
THOUGHT = f"Caption: a cat. No. {json.dumps({'kind': 'order', 'choice': 'A', 'confidence': 0.1, 'rows': []})}"

EVERY: dict[str, Form] = {
    "as asked": lambda core: core,
    "empty lines around": lambda core: f"\n\n  {core}\n\n",
    "lines of Windows": lambda core: f"\r\n{core}\r\n",
    "a byte order mark": lambda core: f"\ufeff{core}",
    "spaces of no width": lambda core: f"\u200b{core}\u200b",
    "behind a thought": lambda core: f"<think>{THOUGHT}</think>{core}",
    "behind an empty thought": lambda core: f"<think>\n\n</think>\n\n{core}",
    "behind a thought that the prompt opened": lambda core: f"{THOUGHT}\n</think>\n\n{core}",
    "behind two thoughts": lambda core: f"<think>{THOUGHT}</think><think>again: {THOUGHT}</think>{core}",
    "behind a thought about thoughts": lambda core: f"<think>A <think> is meant. {THOUGHT}</think>{core}",
    "thinking": lambda core: f"<thinking>{THOUGHT}</thinking>{core}",
    "thought": lambda core: f"<thought>{THOUGHT}</thought>\n{core}",
    "reasoning": lambda core: f"<reasoning>{THOUGHT}</reasoning>\n{core}",
    "Magistral's thought": lambda core: f"[THINK]{THOUGHT}[/THINK]{core}",
    "Kimi's thought": lambda core: f"◁think▷{THOUGHT}◁/think▷{core}",
    "Seed's thought": lambda core: f"<seed:think>{THOUGHT}</seed:think>{core}",
    "the channels of gpt-oss": lambda core: (
        f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>{core}"
    ),
    "a thought in capitals": lambda core: f"<THINK>{THOUGHT}</THINK>{core}",
    "in a fence": lambda core: f"```\n{core}\n```",
    "in a fence behind a thought": lambda core: f"<think>{THOUGHT}</think>\n```\n{core}\n```",
    "a sign of the end left": lambda core: f"{core}<|im_end|>",
}
NOTHING: dict[str, Form] = {
    "nothing": lambda core: "",
    "blanks": lambda core: " \n ",
    "dots": lambda core: "...",
    "a thought alone": lambda core: f"<think>{THOUGHT}</think>",
    "a thought that was cut": lambda core: f"<think>{THOUGHT}",
    "a refusal": lambda core: "I'm sorry, but I can't help with that.",
    "a refusal behind a thought": lambda core: f"<think>{THOUGHT}</think>I'm unable to view images.",
    "a refusal of an AI": lambda core: "As an AI language model, I cannot watch videos.",
}
OF_JSON: dict[str, Form] = {
    "a fence of JSON": lambda core: f"```json\n{core}\n```",
    "a preamble": lambda core: f"Sure! Here is the JSON object:\n\n{core}",
    "words behind": lambda core: f"{core}\n\nI hope this helps!",
    "words around a fence": lambda core: f"Here it is:\n```json\n{core}\n```\nLet me know if you need more.",
    "the word json before": lambda core: f"json\n{core}",
    "a label": lambda core: f"**Answer:** {core}",
    "in tags": lambda core: f"<answer>{core}</answer>",
    "a call of a tool": lambda core: f"<tool_call>\n{core}\n</tool_call>",
    "in a list": lambda core: f"[{core}]",
    "in an object": lambda core: f'{{"result": {core}}}',
    "twice": lambda core: f"{core}\n{core}",
    "a comma too many": lambda core: core[:-1] + ",}",
    "a comma too many in lists": lambda core: core.replace("]", ",]"),
    "quotes of Python": lambda core: core.replace('"', "'"),
    "values of Python": lambda core: core.replace("null", "None"),
    "keys without quotes": lambda core: _bare(core),
    "typographic quotes": lambda core: core.replace('"', "”"),
    "keys in capitals": lambda core: _keys(core, str.upper),
    "keys with a capital": lambda core: _keys(core, str.capitalize),
    "keys with a space": lambda core: _keys(core, lambda key: f" {key} "),
    "a comment": lambda core: core.replace("{", "{ // as asked\n", 1),
    "fields that nobody asked for": lambda core: core.replace("{", '{"reasoning": "I looked at all notes.", ', 1),
    "indented": lambda core: json.dumps(json.loads(core), indent=4),
    "the last brace is missing": lambda core: core[:-1],
}
OF_TEXT: dict[str, Form] = {
    "bold": lambda core: f"**{core}**",
    "in quotes": lambda core: f'"{core}"',
    "an object": lambda core: json.dumps({"answer": core}),
    "a fenced object": lambda core: f"```json\n{json.dumps({'answer': core})}\n```",
}


def _bare(core: str) -> str:
    for key in sorted({key for value in _objects(json.loads(core)) for key in value}, key=len):
        core = core.replace(f'"{key}":', f"{key}:")
    return core


def _keys(core: str, change: Callable[[str], str]) -> str:
    def changed(value: Any, *, named: bool = True) -> Any:
        if isinstance(value, dict):
            return {change(k): changed(v) for k, v in value.items()}
        return [changed(one) for one in value] if isinstance(value, list) else value

    return json.dumps(changed(json.loads(core)))


def _objects(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value, *(one for held in value.values() for one in _objects(held))]
    return [one for held in value for one in _objects(held)] if isinstance(value, list) else []


def read(kind: str, text: str) -> Any:
    """What becomes of a reply: the caption, P(yes), or the form; None for nothing."""
    if kind in ("caption", "look"):
        return usable_caption(unthought(Reply(text)))
    if kind == "yes or no":
        return yes_of_text(without_thoughts(text))
    found, _ = parse(without_thoughts(text), SCHEMAS[kind])
    part = readable(without_thoughts(text), SCHEMAS[kind]) if found is None else None
    return part[0] if part is not None else found


RIGHT = {kind: read(kind, core) for kind, core in CORES.items()}
TABLE = [(form, make, kind) for form, make in EVERY.items() for kind in CORES]
TABLE += [(form, make, kind) for form, make in OF_JSON.items() for kind in JSON]
TABLE += [(form, make, kind) for form, make in OF_TEXT.items() for kind in CORES if kind not in JSON]


def test_the_table_is_large_and_what_is_asked_for_is_read() -> None:
    assert len({**EVERY, **NOTHING, **OF_JSON, **OF_TEXT}) >= 50
    assert RIGHT["caption"] == RIGHT["look"] == SENTENCE
    assert RIGHT["yes or no"] == 1.0
    assert (RIGHT["plan"].kind, RIGHT["plan"].phrases) == ("count", ("a dog barks",))
    assert (RIGHT["answer"].choice, RIGHT["answer"].sentences[0].evidence) == ("B", [3])
    assert [(one.letter, one.note, one.support) for one in RIGHT["options"].scores] == [("A", 3, 0.15), ("B", 3, 0.15)]
    assert RIGHT["rows"].rows[0].notes == [3, 4]


@pytest.mark.parametrize(("form", "make", "kind"), TABLE, ids=[f"{form}-{kind}" for form, _, kind in TABLE])
def test_what_was_meant_is_read(form: str, make: Form, kind: str) -> None:
    assert read(kind, make(CORES[kind])) == RIGHT[kind]


@pytest.mark.parametrize("kind", list(CORES))
@pytest.mark.parametrize("form", list(NOTHING))
def test_nothing_is_read_as_nothing(form: str, kind: str) -> None:
    assert read(kind, NOTHING[form](CORES[kind])) is None
