"""What models write where a form was asked for, and what becomes of it: one wrong field never voids the rest."""
# ruff: noqa: E501 - the forms stand as they come

from __future__ import annotations

from typing import Any

import pytest

from lvqa.agents.citations import AnswerReply
from lvqa.agents.nodes.answer import ScoresReply
from lvqa.agents.nodes.compute import RowsReply
from lvqa.agents.nodes.survey import RatingsReply
from lvqa.agents.nodes.verify import Verdicts
from lvqa.agents.state import Plan
from lvqa.agents.structured import ask_for, parse, readable
from lvqa.models.fake import FakeChat
from lvqa.models.thoughts import without_thoughts
from lvqa.tools.ledger import Ledger
from lvqa.types import Budget

SAID = {"sentences": [{"text": "She opens it.", "evidence": [3]}], "choice": "A", "confidence": 0.95, "missing": []}
RIGHT = AnswerReply.model_validate(SAID)
SENTENCES = '"sentences": [{"text": "She opens it.", "evidence": [3]}]'

# An answer as models write it; all of these mean the same.
ANSWERS = {
    "as asked": f'{{{SENTENCES}, "choice": "A", "confidence": 0.95, "missing": []}}',
    "in a fence": f'```json\n{{{SENTENCES}, "choice": "A", "confidence": 0.95}}\n```',
    "in a fence without a language": f'```\n{{{SENTENCES}, "choice": "A", "confidence": 0.95}}\n```',
    "with a preamble": f'Sure! Here is the JSON you asked for:\n{{{SENTENCES}, "choice": "A", "confidence": 0.95}}',
    "with words behind it": f'{{{SENTENCES}, "choice": "A", "confidence": 0.95}}\nLet me know if [1] is wrong.',
    "trailing commas": f'{{{SENTENCES[:-1]},], "choice": "A", "confidence": 0.95,}}',
    "quotes of Python": "{'sentences': [{'text': 'She opens it.', 'evidence': [3]}], 'choice': 'A', 'confidence': 0.95}",
    "None of Python": f'{{{SENTENCES}, "choice": "A", "confidence": 0.95, "missing": None}}',
    "a comment": f'{{{SENTENCES}, // the note\n "choice": "A", "confidence": 0.95}}',
    "names without quotes": '{sentences: [{text: "She opens it.", evidence: [3]}], choice: "A", confidence: 0.95}',
    "cut at length": f'{{{SENTENCES}, "choice": "A", "confidence": 0.95, "missing": [',
    "a brace too few": f'{{{SENTENCES}, "choice": "A", "confidence": 0.95',
    "per cent": f'{{{SENTENCES}, "choice": "A", "confidence": "95 %"}}',
    "per cent without a sign": f'{{{SENTENCES}, "choice": "A", "confidence": "95 percent"}}',
    "out of ten": f'{{{SENTENCES}, "choice": "A", "confidence": "9.5/10"}}',
    "a number as text": f'{{{SENTENCES}, "choice": "A", "confidence": "0.95"}}',
    "a comma in the number": f'{{{SENTENCES}, "choice": "A", "confidence": "0,95"}}',
    "a word for the number": f'{{{SENTENCES}, "choice": "A", "confidence": "very high"}}',
    "the number in a list": f'{{{SENTENCES}, "choice": "A", "confidence": [0.95]}}',
    "a letter in an object": f'{{{SENTENCES}, "choice": {{"letter": "A"}}, "confidence": 0.95}}',
    "a letter in a list": f'{{{SENTENCES}, "choice": ["A"], "confidence": 0.95}}',
    "a citation as text": '{"sentences": [{"text": "She opens it.", "evidence": "[3]"}], "choice": "A", "confidence": 0.95}',
    "citations as texts": '{"sentences": [{"text": "She opens it.", "evidence": ["[3]"]}], "choice": "A", "confidence": 0.95}',
    "a citation alone": '{"sentences": [{"text": "She opens it.", "evidence": 3}], "choice": "A", "confidence": 0.95}',
    "a note named": '{"sentences": [{"text": "She opens it.", "evidence": "note 3"}], "choice": "A", "confidence": 0.95}',
    "one sentence without its list": '{"sentences": {"text": "She opens it.", "evidence": [3]}, "choice": "A", "confidence": 0.95}',
    "names in capitals": '{"Sentences": [{"Text": "She opens it.", "Evidence": [3]}], "Choice": "A", "Confidence": 0.95}',
    "fields that nobody asked for": f'{{"reasoning": "hm", {SENTENCES}, "choice": "A", "confidence": 0.95}}',
    "wrapped": f'{{"answer": {{{SENTENCES}, "choice": "A", "confidence": 0.95}}}}',
    "twice the same": f'{{{SENTENCES}, "choice": "A", "confidence": 0.95}}\n{{{SENTENCES}, "choice": "A", "confidence": 0.95}}',
    "behind a thought": f'<think>{{"confidence": 0.1}}</think>{{{SENTENCES}, "choice": "A", "confidence": 0.95}}',
    "behind a thought that the prompt opened": f'{{"confidence": 0.1}}</think>{{{SENTENCES}, "choice": "A", "confidence": 0.95}}',
    "missing as one text": f'{{{SENTENCES}, "choice": "A", "confidence": 0.95, "missing": ""}}',
}


@pytest.mark.parametrize("form", list(ANSWERS))
def test_an_answer_is_read_however_it_is_written(form: str) -> None:
    found, wrong = parse(without_thoughts(ANSWERS[form]), AnswerReply)
    assert (found, wrong) == (RIGHT, "")


# What cannot be meant in one way is none.
REFUSED = {
    "two that differ": '{"choice": "A", "confidence": 0.9} or {"choice": "B", "confidence": 0.9}',
    "no object": "The answer is A.",
    "numbers alone": "[3] [4]",
    "a sentence inside what is broken": '{"sentences": [{"text": "She opens it.", "evidence": [3]}]',
    "an object with other fields": '{"foo": 1, "bar": 2}',
}


@pytest.mark.parametrize("form", list(REFUSED))
def test_what_is_no_answer_is_not_taken_for_one(form: str) -> None:
    assert parse(REFUSED[form], AnswerReply)[0] is None


# A plan, field by field.
PLANS: dict[str, tuple[str, dict[str, Any]]] = {
    "a kind in capitals": ('{"kind": "Count"}', {"kind": "count"}),
    "a kind with a hyphen": ('{"kind": "before-after"}', {"kind": "before_after"}),
    "one text for a list": ('{"targets": "a dog"}', {"targets": ("a dog",)}),
    "null for a list": ('{"kind": "count", "targets": null}', {"kind": "count", "targets": ()}),
    "none as text": ('{"kind": "count", "compute": "none", "between": "null"}', {"kind": "count", "compute": None}),
    "times as texts": ('{"between": ["10", "20.5"]}', {"between": (10.0, 20.5)}),
    "a truth as text": ('{"kind": "count", "negated": "no"}', {"kind": "count", "negated": False}),
    "sub-questions as texts": ('{"sub_questions": ["Who is it?"]}', {"sub_questions.0.text": "Who is it?"}),
    "an operator in capitals": ('{"compute": "COUNT"}', {"compute": "count"}),
    "a plan in a plan": ('{"plan": {"kind": "count"}}', {"kind": "count"}),
}


@pytest.mark.parametrize("form", list(PLANS))
def test_a_plan_is_read_field_by_field(form: str) -> None:
    text, right = PLANS[form]
    plan, wrong = parse(text, Plan)
    assert plan is not None, wrong
    for name, value in right.items():
        found: Any = plan
        for part in name.split("."):
            found = found[int(part)] if part.isdecimal() else getattr(found, part)
        assert found == value


# Other forms, and what they come to.
OTHERS: dict[str, tuple[type[Any], str, Any]] = {
    "scores": (ScoresReply, '{"scores": {"A": 0.9, "B": "10 %"}}', {"A": (0.9, None), "B": (0.1, None)}),
    "scores in words": (ScoresReply, '{"scores": {"A": "high", "B": "low"}}', {"A": (0.85, None), "B": (0.15, None)}),
    "scores in rows": (
        ScoresReply,
        '{"scores": [{"letter": "A", "support": 1, "note": "[4]"}, {"letter": "B", "support": "0%"}]}',
        {"A": (1, 4), "B": (0, None)},
    ),
    "scores with notes": (
        ScoresReply,
        '{"scores": {"A": {"note": "[7]", "support": "medium"}, "b": {"note": "none", "support": "low"}}}',
        {"A": (0.5, 7), "b": (0.15, None)},
    ),
    "ratings": (RatingsReply, '{"ratings": {"1": "3", "2": 1}}', {1: 3, 2: 1}),
    "rows without their name": (
        RowsReply,
        '[{"event": 1, "notes": [4]}, {"event": "2", "notes": "5"}]',
        [(1, [4]), (2, [5])],
    ),
    "one row": (RowsReply, '{"rows": {"event": 1, "notes": 4, "sure": "high"}}', [(1, [4])]),
    "verdicts": (Verdicts, '{"verdicts": [{"claim": "1", "support": "80%"}]}', [(1, 0.8)]),
    "no verdicts": (Verdicts, '{"verdicts": null}', []),
}


@pytest.mark.parametrize("form", list(OTHERS))
def test_other_forms_are_read_too(form: str) -> None:
    schema, text, right = OTHERS[form]
    found, wrong = parse(text, schema)
    assert found is not None, wrong
    value = next(iter(found.model_dump().values()))
    if schema is ScoresReply:
        value = {row["letter"]: (row["support"], row["note"]) for row in value}
    elif isinstance(value, list):
        value = [tuple(row.values())[:2] for row in value]
    assert value == right


# Wrong in one place: the rest is used, and what is wrong is told.
PARTLY: dict[str, tuple[type[Any], str, dict[str, Any], str]] = {
    "a kind that there is not": (
        Plan,
        '{"kind": "colour", "targets": ["a dog"]}',
        {"kind": "other", "targets": ("a dog",)},
        "kind",
    ),
    "a stretch that runs back": (
        Plan,
        '{"kind": "count", "between": [9, 3]}',
        {"kind": "count", "between": None},
        "between",
    ),
    "an operator that there is not": (
        Plan,
        '{"kind": "when", "compute": "mean"}',
        {"kind": "when", "compute": None},
        "compute",
    ),
    "a row without notes": (
        RowsReply,
        '{"rows": [{"event": 1, "notes": []}, {"event": 2, "notes": [5]}]}',
        {"rows.0.event": 2},
        "rows.0.notes",
    ),
    "a verdict beyond": (
        Verdicts,
        '{"verdicts": [{"claim": 1, "support": 7}, {"claim": 2, "support": 1}]}',
        {"verdicts.0.claim": 2},
        "verdicts.0.support",
    ),
}


@pytest.mark.parametrize("form", list(PARTLY))
def test_one_wrong_field_does_not_void_the_rest(form: str) -> None:
    schema, text, right, told = PARTLY[form]
    assert parse(text, schema)[0] is None
    found = readable(text, schema)
    assert found is not None
    value, complaints = found
    assert told in complaints[0]
    for name, wanted in right.items():
        held: Any = value
        for part in name.split("."):
            held = held[int(part)] if part.isdecimal() else getattr(held, part)
        assert held == wanted
    chat = FakeChat([text, text])
    asked = ask_for(chat, Ledger(Budget()), "Plan!", schema)
    assert (asked.value, asked.repaired) == (value, True)
    assert len(chat.calls) == 2


def test_of_two_objects_none_is_used_in_parts() -> None:
    quoted = 'The note says {"kind": "count", "targets": ["a cat"]}, but: {"kind": "colour", "targets": ["a dog"]}'
    assert readable(quoted, Plan) is None
