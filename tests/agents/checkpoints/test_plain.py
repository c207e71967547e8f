"""What travels in a checkpoint is JSON of lvqa's own classes, and comes back as it was."""

from __future__ import annotations

import json
import typing
from dataclasses import is_dataclass

import numpy as np
import pytest
from langgraph.types import Send
from pydantic import BaseModel

from lvqa.agents import state, steps
from lvqa.agents.checkpoints.plain import CLASSES, PlainJson, dumps, loads
from lvqa.errors import StoreError
from lvqa.types import Answer, Budget, Cost, Hit, Note, Question, Span
from lvqa.zoom.base import Round, Trace

NOTE = Note("n", "v", None, Span(0.1, 1 / 3), "a cat \ud83d\n", "caption")
TRACE = Trace("lvqa", "v", 9.0, ("cat",), 1, [Round("look", (0.5,), (None,), ((0.25,),))], 1, {"cat": 1 / 7})
VALUES = [
    None,
    [1, 0.1, "a", (True, None), [(), {}]],
    {"plain": {1: "by number", ("a", 2): 3.5}, "!": "no class"},
    Hit("a.mp4", NOTE, 0.5, {"text": -0.1}, Span(0, 2)),
    state.initial(),
    state.Plan(kind="when", sub_questions=("who?", {"text": "where is {0}?"}), between=(1.0, 2.5)),
    Send("sub", (state.SubAnswer(0, "who?", "who?"), "who", Budget(seconds=0.1))),
    steps.ZoomStep("lvqa", (), (("a.mp4", TRACE),)),
    steps.SubQuestionStep(state.SubAnswer(0, "who?", answer=Answer("she", None, 0.5, cost=Cost(1, 2, seconds=0.1)))),
    Question("who?", ("a", "b"), budget=Budget(3)),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_as_it_was(value: object) -> None:
    serde = PlainJson()
    kind, raw = serde.dumps_typed(value)
    back = serde.loads_typed((kind, raw))
    assert kind == "json"
    json.loads(raw)
    assert (type(back), back) == (type(value), value)
    assert repr(back) == repr(value), "lists and tuples, whole numbers and floats, stay what they are"


def test_numbers_of_numpy_are_numbers() -> None:
    assert loads(dumps([np.float32(0.5), np.int64(3), np.float64(0.1)])) == [0.5, 3, 0.1]


def classes_of(kind: object) -> set[type]:
    """The dataclasses and models that a value of a type may hold."""
    found: set[type] = set()
    if isinstance(kind, type) and kind.__name__ not in ("list", "tuple") and kind not in found:
        if issubclass(kind, BaseModel):
            held = [field.annotation for field in kind.model_fields.values()]
        elif is_dataclass(kind):
            held = list(typing.get_type_hints(kind).values())
        else:
            return found
        return {kind}.union(*(classes_of(one) for one in held if kind is not one))
    return found.union(*(classes_of(one) for one in typing.get_args(kind)))


def test_all_that_the_state_may_hold_is_known() -> None:
    made = {name for kind in typing.get_type_hints(state.State).values() for name in classes_of(kind)}
    told = {kind for kind in vars(steps).values() if isinstance(kind, type) and is_dataclass(kind)}
    told |= {getattr(steps, name) for name in steps.__all__}
    assert {state.Plan, state.SubAnswer, Hit, Question} <= made
    for kind in made.union(*(classes_of(step) for step in told)):
        assert CLASSES.get(kind.__name__) is kind, kind


class Foreign:
    pass


@pytest.mark.parametrize("value", [Foreign(), {"a": [Foreign()]}, {1, 2}, b"bytes"])
def test_what_cannot_be_read_again_is_not_written(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be kept in a checkpoint"):
        dumps(value)


SPAN = {"start_s": 0.0, "end_s": 1.0}
HOSTILE = [
    "",
    "not JSON",
    "[" * 100_000,
    b"\xff\xfe\x00",
    '{"!": "os.system", "of": {"command": "true"}}',
    '{"!": "Popen", "of": {"args": "true"}}',
    '{"!": ["Span"], "of": {}}',
    '{"!": "Span", "of": [0, 1]}',
    '{"!": "Step", "of": {"unparsed": false}}',
    '{"!": "tuple", "of": {"a": 1}}',
    '{"!": "pairs", "of": [1]}',
    '{"!": "Send", "of": ["sub"]}',
    json.dumps({"!": "Span", "of": {**SPAN, "more": 1}}),
    json.dumps({"!": "Span", "of": {"start_s": 5.0, "end_s": 1.0}}),
    json.dumps({"!": "Span", "of": {**SPAN, "end_s": "late"}}),
    json.dumps({"!": "Keyframe", "of": {"video_id": {"!": "Span", "of": SPAN}, "time_s": 0.0, "score": 0.0}}),
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_anything_else_is_refused_in_a_line(text: str | bytes) -> None:
    with pytest.raises(StoreError) as raised:
        loads(text)
    assert str(raised.value).count("\n") == 0


def test_what_is_pickled_is_not_read() -> None:
    with pytest.raises(StoreError, match="'pickle'"):
        PlainJson().loads_typed(("pickle", b"cos\nsystem\n(S'true'\ntR."))
