"""A budget of money in the middle of a program over time."""

from __future__ import annotations

import pytest

from lvqa.agents.budget import Budget


@pytest.mark.parametrize("looks", [0, 1, 3, 7])
def test_money_ends_a_program(ask_priced, looks):
    answer, vision = ask_priced("When does the red star appear in a.mp4?", Budget(frames=60, vlm_calls=60, money=0.1 * looks + 0.01))
    made = sum(map(len, [*vision.calls, *vision.yes_calls]))
    assert made == answer.cost.vlm_calls <= looks
    assert answer.cost.money == pytest.approx(0.1 * made)
    assert "money" in {kind for step in answer.steps for kind in step.data.get("spent", ())}
