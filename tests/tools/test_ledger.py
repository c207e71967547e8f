"""A budget is spent to its last frame, call, token and second, and not one further."""

from __future__ import annotations

import pytest

from lvqa.tools.ledger import BudgetSpent, Ledger
from lvqa.tools.prices import Prices
from lvqa.types import Budget, Cost


@pytest.mark.parametrize(("budget", "short"), [(Budget(frames=6), "frames"), (Budget(vlm_calls=3), "VLM calls")])
def test_looks_are_granted_up_to_the_last_one(budget: Budget, short: str) -> None:
    ledger = Ledger(budget)
    assert ledger.take_vision([2, 2, 2]) == 3
    assert (ledger.cost.frames, ledger.cost.vlm_calls, ledger.spent) == (6, 3, [])
    assert ledger.take_vision([1]) == 0
    assert (ledger.cost.frames, ledger.cost.vlm_calls, ledger.spent) == (6, 3, [short])


def test_a_look_of_several_requests_is_made_whole_or_not_at_all() -> None:
    exact, short = Ledger(Budget(vlm_calls=4)), Ledger(Budget(vlm_calls=3))
    assert exact.take_vision([1, 1], requests=2) == 2
    assert short.take_vision([1, 1], requests=2) == 1
    assert (short.cost.frames, short.cost.vlm_calls, short.spent) == (2, 2, ["VLM calls"])
    frames = Ledger(Budget(frames=7))
    assert frames.take_vision([2, 2], requests=2) == 1
    assert (frames.cost.frames, frames.spent) == (4, ["frames"])


def test_frames_of_another_model_are_granted_up_to_the_last_one() -> None:
    ledger = Ledger(Budget(frames=3))
    assert (ledger.take_frames(3), ledger.spent) == (3, [])
    assert (ledger.take_frames(1), ledger.spent) == (0, ["frames"])
    assert (ledger.cost.frames, ledger.frames_left) == (3, 0)


def test_what_is_left_is_what_is_granted() -> None:
    ledger = Ledger(Budget(frames=3, vlm_calls=2))
    assert (ledger.frames_left, ledger.calls_left) == (3, 2)
    ledger.take_vision([1])
    assert (ledger.frames_left, ledger.calls_left) == (2, 1)
    ledger.take_vision([1])
    assert (ledger.frames_left, ledger.calls_left) == (0, 0)


def test_a_prompt_fits_to_the_last_token() -> None:
    ledger = Ledger(Budget(tokens=10))
    ledger.take_chat(10)
    ledger.add_chat(9, 0)
    assert ledger.can_think
    with pytest.raises(BudgetSpent, match="the budget of tokens is spent"):
        ledger.take_chat(2)
    ledger.take_chat(1)
    ledger.add_chat(0, 1)
    assert not ledger.can_think
    assert (ledger.take_vision([1]), ledger.take_frames(1), ledger.frames_left, ledger.calls_left) == (0, 0, 0, 0)
    assert (ledger.cost.llm_calls, ledger.cost.tokens_in, ledger.cost.tokens_out) == (2, 9, 1)
    assert ledger.spent == ["tokens"]


def test_time_is_up_when_its_last_second_is_over() -> None:
    now = [0.0]
    ledger = Ledger(Budget(seconds=5.0), clock=lambda: now[0])
    now[0] = 4.999
    assert (ledger.take_vision([1]), ledger.can_think) == (1, True)
    now[0] = 5.0
    assert (ledger.take_vision([1]), ledger.can_think, ledger.spent) == (0, False, ["seconds"])


@pytest.mark.parametrize(("budget", "short"), [(Budget(frames=4), "frames"), (Budget(vlm_calls=4), "VLM calls")])
def test_what_keeps_looks_from_being_made_is_noted_where_something_does(budget: Budget, short: str) -> None:
    ledger = Ledger(budget)
    ledger.take_vision([1])
    ledger.note_short(3)
    assert ledger.spent == []
    ledger.note_short(4)
    assert ledger.spent == [short]
    last = Ledger(budget)
    last.take_vision([1] * 4)
    last.note_no_look()
    assert last.spent == [short]


def test_sums_of_prices_are_off_by_less_than_a_billionth() -> None:
    prices = Prices(frame=0.1)
    assert Ledger(Budget(money=0.3), prices=prices).take_vision([1] * 4) == 3
    assert Ledger(Budget(money=0.1 - 0.9e-9), prices=prices).take_vision([1]) == 1
    assert Ledger(Budget(money=0.1 - 1.1e-9), prices=prices).take_vision([1]) == 0
    exact = Ledger(Budget(money=0.2), prices=prices)
    assert exact.take_vision([1, 1]) == 2
    assert (exact.frames_left, exact.calls_left, exact.spent) == (0, 0, [])
    exact.note_short(1)
    assert exact.spent == ["money"]


def test_no_money_is_no_limit_and_what_is_free_is_granted_while_there_is_some() -> None:
    prices = Prices(frame=0.1, call=0.2)
    unlimited = Ledger(Budget(frames=3, vlm_calls=4), prices=prices)
    assert (unlimited.frames_left, unlimited.calls_left, unlimited.take_vision([1] * 4)) == (3, 4, 3)
    unlimited.note_no_look()
    assert unlimited.spent == ["frames"]
    frames_are_free = Ledger(Budget(frames=3, money=0.5), prices=Prices(call=0.2))
    assert (frames_are_free.frames_left, frames_are_free.calls_left) == (3, 2)


def test_what_was_charged_before_is_charged_once() -> None:
    now = [0.0]
    ledger = Ledger(Budget(frames=10, seconds=60.0), lambda: now[0])
    part = ledger.part(Budget(frames=8))
    part.resume(Cost(frames=6, vlm_calls=2, tokens_in=5, seconds=40.0, money=0.5), ["frames"])
    assert ledger.cost == part.cost - Cost(seconds=40.0) == Cost(6, 2, tokens_in=5, money=0.5)
    assert (part.frames_left, part.spent, ledger.spent) == (2, ["frames"], [])
    ledger.resume(Cost(frames=6, vlm_calls=3, seconds=50.0, money=0.5 + 1e-12), [])
    assert ledger.cost == Cost(6, 3, tokens_in=5, seconds=50.0, money=0.5)
    now[0] = 10.0
    assert ledger.frames_left == 0, "no second is left"
    ledger.resume(ledger.cost, ["seconds"])
    assert (ledger.cost, ledger.spent) == (Cost(6, 3, tokens_in=5, seconds=60.0, money=0.5), ["seconds"])
