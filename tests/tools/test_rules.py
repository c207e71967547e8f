"""Each number of the tools, by what changes at its edge."""

from __future__ import annotations

from typing import Any

import pytest

from lvqa.models.fake import FakeDetector
from lvqa.models.profiles import Models
from lvqa.recall import Retriever
from lvqa.settings import Settings
from lvqa.tools import Workbench
from lvqa.tools.find import find, was_seen
from lvqa.tools.ledger import Ledger
from lvqa.tools.proposals import SearcherProposals
from lvqa.types import Budget, Keyframe, Span
from lvqa.zoom import Query, SearchBudget, SearchResult, frame_cache
from lvqa.zoom.base import Round, Trace


@pytest.mark.parametrize(
    ("presence", "off_s", "seen"), [(0.5, 0.0, True), (0.49, 0.0, False), (0.9, 0.019, True), (0.9, 0.021, False)]
)
def test_a_keyframe_was_seen_where_a_look_at_its_frame_showed_a_target(presence, off_s, seen):
    trace = Trace("x", "v", 10.0, ("cat", "dog"), 1, [Round("", (4.0,), (None,), ((presence, 0.9),))])
    assert was_seen(SearchResult([], trace), Keyframe("v", 4.0 + off_s, 1.0)) == seen


class Told:
    """A searcher that keeps what it was given and finds nothing."""

    name = "told"

    def __init__(self) -> None:
        self.budgets: list[SearchBudget] = []

    def search(self, video: Any, query: Query, budget: SearchBudget, seed: int = 0) -> SearchResult:
        self.budgets.append(budget)
        return SearchResult([], Trace(self.name, "v-kitchen", 24.0, query.things, len(query.targets)))


def test_what_a_searcher_may_look_at_and_how_far_apart(store, folder):
    models, searcher = Models.of(detector=FakeDetector()), Told()
    with frame_cache(768) as frames:
        ledger, retriever = Ledger(Budget()), Retriever(store, None)
        bench = Workbench(store, models, Settings(), folder, ledger, retriever, frames)
        find(bench, "cat", searcher=searcher)
    assert {budget.min_gap_s for budget in searcher.budgets} == {1.0}
    searcher.budgets.clear()
    ledger = Ledger(Budget(frames=24))
    SearcherProposals(searcher, store, models, Settings(), folder, ledger)("v-kitchen", "cat", Span(0, 24))
    assert [(budget.frames, budget.min_gap_s) for budget in searcher.budgets] == [(12, 1.0)]
