"""Which program over time a plan asks for, whoever made it, and that it asks for none where its events do not fit."""

from __future__ import annotations

import pytest

from lvqa.agents.rules.programs import query_of
from lvqa.agents.state import Plan
from lvqa.temporal.query import TemporalQuery
from lvqa.types import Span

STAR, RING = "a red star", "a blue ring"
BOTH = (STAR, RING)


@pytest.mark.parametrize(
    ("plan", "query"),
    [
        ({"kind": "existence", "events": [STAR]}, TemporalQuery("existence", ("red star",))),
        ({"kind": "when", "events": [STAR]}, TemporalQuery("when", ("red star",))),
        (
            {"kind": "when", "events": ["the star turns blue"], "between": (10, 20)},
            TemporalQuery("when", ("star",), at=Span(10, 20), change="recolour", to="blue"),
        ),
        (
            {"kind": "attribute", "events": [STAR], "attribute": "shape"},
            TemporalQuery("attribute", ("red star",), aspect="shape"),
        ),
        ({"kind": "place", "events": [STAR], "attribute": "shape"}, TemporalQuery("place", ("red star",))),
        ({"kind": "count", "events": ["cups"]}, TemporalQuery("count_objects", ("cups",))),
        ({"kind": "count", "events": [STAR], "compute": "count"}, TemporalQuery("count_events", ("red star",))),
        ({"kind": "duration", "events": [STAR], "compute": "duration"}, TemporalQuery("duration", ("red star",))),
        (
            {"kind": "existence", "events": BOTH, "compute": "overlap"},
            TemporalQuery("overlap", ("red star", "blue ring")),
        ),
        (
            {"kind": "before_after", "events": BOTH, "compute": "before_after"},
            TemporalQuery("before_after", ("red star", "blue ring"), side="before"),
        ),
        (
            {"kind": "order", "events": BOTH, "compute": "last"},
            TemporalQuery("first_last", ("red star", "blue ring"), side="last"),
        ),
        (
            {"kind": "order", "events": [STAR], "compute": "first"},
            TemporalQuery("first_last", ("red star",), side="first"),
        ),
        ({"kind": "order", "events": BOTH, "compute": "order"}, TemporalQuery("order", ("red star", "blue ring"))),
        ({"kind": "text", "events": ["a poster", STAR]}, TemporalQuery("sign", ("poster", "red star"))),
        (
            {"kind": "comparison", "events": [STAR], "across": "all"},
            TemporalQuery("across", ("red star",), ("b.mp4", "a.mp4"), both="both"),
        ),
    ],
)
def test_a_plan_and_its_program(plan, query):
    videos = ("b.mp4", "a.mp4") if query.op == "across" else ()
    assert query_of(Plan(**plan), "?", (), videos) == query


@pytest.mark.parametrize(
    ("plan", "query"),
    [
        ({"kind": "existence", "events": ["{option}"]}, TemporalQuery("existence", among=True)),
        ({"kind": "existence", "events": ["A red star", "the blue ring"]}, TemporalQuery("existence", among=True)),
        (
            {"kind": "existence", "events": ["{option}"], "negated": True},
            TemporalQuery("existence", among=True, negated=True),
        ),
        (
            {"kind": "before_after", "events": ["{option}", "a bell"], "compute": "before_after"},
            TemporalQuery("before_after", ("bell",), side="before", among=True),
        ),
        (
            {"kind": "before_after", "events": ["a bell", "{option}"], "compute": "before_after"},
            TemporalQuery("before_after", ("bell",), side="after", among=True),
        ),
        (
            {"kind": "order", "events": ["{option}"], "compute": "first"},
            TemporalQuery("first_last", side="first", among=True),
        ),
        ({"kind": "when", "events": [STAR]}, TemporalQuery("when", ("red star",))),
    ],
)
def test_options_may_be_what_is_looked_for(plan, query):
    assert query_of(Plan(**plan), "?", BOTH) == query


def test_of_a_happening_the_question_itself_is_asked():
    plan = Plan(kind="place", events=("she puts the keys down",))
    query = query_of(plan, "Where does she put the keys?")
    assert query == TemporalQuery("place", ("she puts the keys down",), asks="Where does she put the keys?")


@pytest.mark.parametrize(
    ("plan", "options"),
    [
        ({"kind": "existence"}, ()),
        ({"kind": "existence", "events": BOTH}, ()),
        ({"kind": "existence", "events": ["{option}"]}, ()),
        ({"kind": "cause", "events": [STAR]}, ()),
        ({"kind": "action", "events": [STAR]}, ()),
        ({"kind": "comparison", "events": [STAR]}, ()),
        ({"kind": "before_after", "events": [STAR], "compute": "before_after"}, ()),
        ({"kind": "order", "events": [STAR], "compute": "order"}, ()),
        ({"kind": "place", "events": ["{option}"]}, BOTH),
        ({"kind": "text", "events": ["a sign", STAR, RING]}, ()),
    ],
)
def test_without_the_events_that_it_takes_there_is_no_program(plan, options):
    assert query_of(Plan(**plan), "?", options) is None
