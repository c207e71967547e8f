"""Every place where words stand, and no other."""

from __future__ import annotations

import pytest

from lvqa.recall import places
from lvqa.store import Filter, Store
from lvqa.types import Span


@pytest.fixture
def said(folder, fill, note):
    texts = [
        ("v-film", 0, 5, "Budget: the trip to Lisbon", "speech"),
        ("v-film", 5, 9, "the budget is cut", "caption"),
        ("v-film", 20, 25, "Budgets are cut", "speech"),
        ("v-kitchen", 1, 2, "BUDGET 2024", "screen"),
        ("v-kitchen", 2, 3, "budget 2024", "screen"),
        ("v-kitchen", 9, 10, "cut the budget", "speech"),
    ]
    with Store.open(folder / "places", write=True) as store:
        fill(store, [note(video, a, b, text, source) for video, a, b, text, source in texts], None)
        yield store


@pytest.mark.parametrize(
    ("query", "starts"),
    [
        ("budget", [5, 0, 9, 1]),
        ('"the budget"', [5, 9]),
        ("cut budget", [5, 9]),
        ("Lisbon", [0]),
        ("budgetary", []),
    ],
)
def test_all_places_and_no_other(said, query: str, starts: list[float]) -> None:
    assert sorted(hit.span.start_s for hit in places(said, query)) == sorted(starts)


def test_equal_texts_are_one_place_and_what_is_chosen_counts(said) -> None:
    (screen,) = places(said, "budget", Filter(sources=frozenset({"screen"})))
    assert screen.passage == Span(1, 3)
    order = [(hit.video, hit.note.source) for hit in places(said, "budget")]
    assert order == sorted(order, key=lambda row: row[0])
