"""Bad arguments, fuzzed from the tools' signatures: whatever they are given, nothing but a UsageError of one line."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lvqa.errors import UsageError
from lvqa.tools.find import find
from lvqa.tools.frames import frames
from lvqa.tools.look import look
from lvqa.tools.measure import measure
from lvqa.tools.overview import overview
from lvqa.tools.read import read
from lvqa.tools.search import search
from lvqa.tools.verify import verify
from lvqa.types import Budget, Scope, Span

# A call of each that is sound, with all its arguments.
SOUND: dict[Callable[..., Any], dict[str, Any]] = {
    overview: {"video": "a.mp4"},
    search: {"query": "a red star", "scope": Scope(("a.mp4",)), "k": 3},
    find: {"thing": "red star", "cues": ("sign",), "scope": Scope(("a.mp4",)), "k": 2, "frames": 2, "searcher": "lvqa"},
    read: {"video": "a.mp4", "span": (10, 20), "sources": ("caption",)},
    look: {
        "video": "a.mp4",
        "span": (10, 20),
        "question": "What is there?",
        "times": None,
        "frames": 1,
        "detail": "focus",
        "region": (0, 0, 1, 1),
    },
    measure: {"operator": "count", "events": ["red star"], "scope": Scope(("a.mp4",))},
    frames: {"video": "a.mp4", "times": [1.0], "region": (0, 0, 0.5, 0.5)},
    verify: {"claim": "there is a star", "video": "a.mp4", "span": (20, 21)},
}
NUMBERS = st.one_of(st.integers(-3, 70), st.integers(), st.floats(), st.booleans())
TEXTS = st.one_of(st.text(), st.sampled_from(["", " ", "a.mp4", "*", "../a.mp4", "\0", "\ud800", "count"]))
PLAIN = st.one_of(st.none(), NUMBERS, TEXTS, st.binary(max_size=3))
JUNK = st.one_of(
    PLAIN,
    st.lists(PLAIN, max_size=5),
    st.lists(NUMBERS, max_size=5),
    st.lists(TEXTS, max_size=12),
    st.tuples(NUMBERS, NUMBERS),
    st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    st.dictionaries(TEXTS, PLAIN, max_size=2),
    st.builds(object),
    st.builds(lambda a, b: Span(a, a + b), st.floats(0, 1e9), st.floats(1e-3, 1e9)),
    st.builds(lambda names, span: Scope(tuple(names), span), st.lists(PLAIN, max_size=2), st.one_of(st.none(), PLAIN)),
)


def test_every_argument_is_fuzzed():
    for tool, sound in SOUND.items():
        assert list(inspect.signature(tool).parameters) == ["bench", *sound]


@pytest.mark.parametrize("tool", SOUND, ids=lambda tool: tool.__name__)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_nothing_but_a_usage_error_comes_out(bench, tool, data):
    sound = SOUND[tool]
    chosen = data.draw(st.lists(st.sampled_from(sorted(sound)), min_size=1, max_size=2, unique=True))
    junk = {name: data.draw(JUNK, label=name) for name in chosen}
    made = bench(budget=Budget(frames=4, vlm_calls=4))
    said = ""
    try:
        told = tool(made, **{**sound, **junk}).to_dict()
    except UsageError as error:
        told, said = {}, str(error)
    assert said.isprintable()
    assert bool(said) != bool(told)
    assert json.loads(json.dumps(told)) == told
    assert made.ledger.cost.frames <= 4


@pytest.mark.parametrize("tool", SOUND, ids=lambda tool: tool.__name__)
def test_a_sound_call_is_answered(bench, tool):
    assert tool(bench(), **SOUND[tool]).to_dict()


@pytest.mark.parametrize("operator", ["order", "overlap", "before_after"])
def test_two_events_are_enough_to_compare(bench, operator):
    told = measure(bench(), operator, ["red star", "blue ring"], Scope(("a.mp4",)))
    assert told.events == ("red star", "blue ring")


@pytest.mark.parametrize(
    ("tool", "bad", "says"),
    [
        (read, {"video": "c.mp4"}, "there is no video 'c.mp4'"),
        (read, {"span": (70, 80)}, "lies outside of a.mp4; name a stretch in 00:00:00-00:01:00"),
        (read, {"span": (20, 10)}, r"such as \[10, 20\]"),
        (read, {"sources": ["smell"]}, "there is no source 'smell'; there are: caption"),
        (search, {"query": " "}, "the query is empty; write one"),
        (search, {"k": 0}, "k is a whole number from 1 to 50; got 0"),
        (look, {"times": [1.0]}, "name a stretch or times, not both"),
        (look, {"region": (0.5, 0, 0.2, 1)}, "left, top, right and bottom"),
        (look, {"frames": 25}, "from 1 to 24"),
        (measure, {"operator": "order"}, "order takes 2 events; got 1"),
        (measure, {"operator": "overlap"}, "overlap takes 2 events; got 1"),
        (measure, {"operator": "before_after"}, "before_after takes 2 events; got 1"),
        (measure, {"operator": "sum"}, "the operator is one of count, first"),
        (frames, {"times": [60.0]}, "60 s lies outside of a.mp4"),
        (verify, {"claim": 3}, "the claim is no text"),
        (find, {"searcher": "x"}, "there is no searcher 'x'"),
    ],
)
def test_an_error_says_what_to_write_instead(bench, tool, bad, says):
    with pytest.raises(UsageError, match=says):
        tool(bench(), **{**SOUND[tool], **bad})
