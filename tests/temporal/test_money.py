"""A budget of money in the middle of a program over time."""

from __future__ import annotations

import pytest

from lvqa.settings import Settings
from lvqa.types import Budget

WHEN = "When does the red star appear in a.mp4?"


@pytest.mark.parametrize("looks", [0, 1, 3, 7])
def test_money_ends_a_program(ask, vision, looks):
    budget = Budget(frames=96, vlm_calls=96, money=0.1 * looks + 0.01)
    answer = ask(WHEN, settings=Settings(price_call=0.1), budget=budget)
    made = sum(map(len, [*vision.calls, *vision.yes_calls]))
    assert made == answer.cost.vlm_calls == looks
    assert answer.cost.money == pytest.approx(0.1 * made)
    assert "money" in {kind for step in answer.steps for kind in step.data.get("spent", ())}


def test_a_program_that_is_interrupted_ends_with_what_it_has(ask, vision):
    asked = vision.yes_probability
    whole = ask(WHEN)
    batches = len(vision.yes_calls)
    for n in range(batches):
        vision.yes_calls.clear()

        def interrupted(requests, n=n):
            if len(vision.yes_calls) == n:
                raise KeyboardInterrupt
            return asked(requests)

        vision.yes_probability = interrupted
        answer = ask(WHEN)
        assert answer.steps[-1].node == "stop"
        assert answer.text != "Not in these videos"
        assert answer.confidence < whole.confidence
        assert sum(map(len, vision.yes_calls)) < answer.cost.vlm_calls <= whole.cost.vlm_calls
    assert batches > 1


def test_a_program_that_is_asked_to_stop_begins_no_further_look(ask, vision):
    answer = ask(WHEN, stop=lambda: len(vision.yes_calls) >= 2)
    assert len(vision.yes_calls) == 2
    assert answer.steps[-1].node == "stop"
    assert answer.cost.vlm_calls == sum(map(len, vision.yes_calls))
