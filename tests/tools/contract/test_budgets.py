"""Budgets of none, one and a few frames: never more is charged than allowed, and what was not looked at is told."""

from __future__ import annotations

from typing import Any

import pytest

from lvqa.tools.eyes import Eyes, Shown
from lvqa.tools.find import find
from lvqa.tools.look import look
from lvqa.tools.measure import measure
from lvqa.tools.verify import verify
from lvqa.types import Budget, Scope

LOOKING: dict[str, Any] = {
    "overview": lambda bench: look(bench, "a.mp4"),
    "skim": lambda bench: look(bench, "a.mp4", (0, 40)),
    "focus": lambda bench: look(bench, "a.mp4", (16, 24)),
    "times": lambda bench: look(bench, "a.mp4", times=[1.0, 20.0, 21.0, 41.0, 55.0]),
    "find": lambda bench: find(bench, ["red star", "blue ring"], scope=Scope(("a.mp4",))),
    "count": lambda bench: measure(bench, "count", ["black moon"], Scope(("a.mp4",))),
    "order": lambda bench: measure(bench, "order", ["red star", "blue ring"]),
    "verify": lambda bench: verify(bench, "there is a red star", "a.mp4", (20, 21)),
}
BUDGETS = [
    Budget(frames=0),
    Budget(vlm_calls=0),
    Budget(frames=1),
    Budget(vlm_calls=1),
    Budget(frames=2, vlm_calls=1),
    Budget(frames=3),
    Budget(tokens=1),
]


@pytest.mark.parametrize("budget", BUDGETS, ids=str)
@pytest.mark.parametrize("tool", LOOKING)
def test_never_more_is_charged_or_shown_than_allowed(bench, shown, tool, budget):
    made = bench(budget=budget)
    told = LOOKING[tool](made).to_dict()
    cost = made.ledger.cost
    assert (cost.frames, cost.vlm_calls) == shown()
    assert cost.frames <= budget.frames
    assert cost.vlm_calls <= budget.vlm_calls
    if cost.frames == 0 and tool != "find":
        assert any("budget spent" in line for line in told["left_out"])


@pytest.mark.parametrize("tool", ["overview", "skim", "focus", "times", "count", "verify"])
def test_with_no_frame_to_look_at_that_is_said(bench, shown, tool):
    made = bench(budget=Budget(frames=0))
    told = LOOKING[tool](made).to_dict()
    assert shown() == (0, 0)
    assert any("budget spent" in line and "frames" in line for line in told["left_out"])
    assert not told.get("rows")


def test_what_could_not_be_seen_within_the_budget_is_not_put_down_to_it(bench, monkeypatch):
    made = bench(budget=Budget(frames=40))
    lost = Shown(failed="a.mp4 cannot be decoded")
    monkeypatch.setattr(Eyes, "ask", lambda eyes, showings, errors: [lost for _ in showings])
    told = look(made, "a.mp4", (16, 24))
    assert told.frames == 0
    assert "a.mp4 cannot be decoded" in told.left_out
    assert not [line for line in told.left_out if "budget" in line]


def test_a_budget_that_ended_elsewhere_is_no_reason_for_what_was_all_looked_at(bench):
    made = bench(budget=Budget(frames=60))
    made.ledger.note_no_look()
    told = look(made, "a.mp4", (16, 24))
    assert told.frames > 0
    assert not [line for line in told.left_out if "budget" in line]


def test_half_an_overview_says_so(bench):
    told = look(bench(budget=Budget(frames=5)), "a.mp4")
    assert (told.frames, told.left_out) == (5, ("5 of 24 frames were looked at; budget spent: frames",))
