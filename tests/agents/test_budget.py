"""Money: prices, what they make of charges, and where a budget of money stops a run."""

from __future__ import annotations

import pytest

from lvqa.agents.structured import say
from lvqa.errors import ModelError, UsageError
from lvqa.models.fake import FakeChat, FakeVision
from lvqa.settings import Settings
from lvqa.tools.ledger import ASKED_TO_STOP, BudgetSpent, Ledger
from lvqa.tools.prices import Prices
from lvqa.tools.vision_calls import charge_looks, charge_to
from lvqa.types import Budget, Cost, Span
from lvqa.zoom import Query
from lvqa.zoom.scorers import Scorers, Yes

LIFTS = "How does the woman lift out the milk carton?"
DEAR = Prices(tokens_in=1_000_000, tokens_out=2_000_000, frame=0.01, call=0.1)


def reply(text):
    """The answer's JSON, citing the note on the carton."""
    line = next(line for line in text.splitlines() if line.startswith("[") and "milk carton" in line)
    n = line[1 : line.index("]")]
    said = '{"text": "a woman lifts out a milk carton", "evidence": [' + n + "]}"
    return '{"sentences": [' + said + '], "choice": null, "confidence": 0.9, "missing": []}'


def test_prices_come_from_the_settings():
    prices = Prices.of(Settings(price_in=2, price_out=8, price_frame=0.5, price_call=0.25, currency="EUR"))
    assert prices.chat(1_000_000, 500_000) == 6.0
    assert prices.looks(4, 2) == 2.5
    assert prices.shown == "EUR"
    assert Prices.of(Settings()).shown == ""
    assert Budget.of(Settings(budget_money=1.5)).money == 1.5
    assert Budget.of(Settings(), money=0.5).money == 0.5
    with pytest.raises(UsageError, match="negative"):
        Budget(money=-1)
    with pytest.raises(UsageError, match="negative"):
        Prices(frame=-0.1)
    with pytest.raises(UsageError, match="currency"):
        Settings.load(currency="two words")


def test_every_charge_is_money_and_a_vlms_tokens_are_not():
    ledger = Ledger(Budget(), prices=DEAR)
    ledger.take_vision([4, 2])
    assert ledger.cost.money == pytest.approx(0.26)
    ledger.take_frames(3)
    assert ledger.cost.money == pytest.approx(0.29)
    ledger.add_tokens(1000, 1000)
    assert ledger.cost.money == pytest.approx(0.29)
    ledger.take_chat(5)
    ledger.add_chat(5, 1)
    assert ledger.cost.money == pytest.approx(7.29)
    assert (Cost(money=0.1) + Cost(money=0.2)).money == pytest.approx(0.3)
    assert Cost(money=0.12345678).to_dict()["money"] == 0.123457


def test_looks_are_granted_as_far_as_the_money_goes():
    ledger = Ledger(Budget(money=0.36), prices=DEAR)
    assert ledger.frames_left == 26
    assert ledger.calls_left == 3
    assert ledger.take_vision([2] * 8) == 3
    assert ledger.spent == ["money"]
    assert (ledger.frames_left, ledger.calls_left) == (0, 0)
    assert ledger.cost.money == pytest.approx(0.36)
    few = Ledger(Budget(money=0.03), prices=Prices(frame=0.01))
    assert few.take_frames(5) == 3
    assert few.spent == ["money"]


def test_a_call_whose_prompt_is_too_dear_is_refused_and_a_reply_may_go_over():
    ledger = Ledger(Budget(money=10), prices=DEAR)
    with pytest.raises(BudgetSpent, match="money"):
        ledger.take_chat(11)
    assert (ledger.cost.llm_calls, ledger.cost.money) == (0, 0.0)
    say(FakeChat("one two three four five"), ledger, "a b c")
    assert ledger.cost.money == pytest.approx(3 + 10)
    assert not ledger.can_think
    with pytest.raises(BudgetSpent):
        ledger.take_chat(0)
    assert ledger.spent == ["money"]


def test_what_is_free_goes_on_when_the_money_is_spent():
    ledger = Ledger(Budget(money=0.01), prices=Prices(frame=0.01))
    assert ledger.take_vision([1, 1]) == 1
    ledger.take_chat(100)
    assert ledger.can_think
    assert ledger.cost.llm_calls == 1
    thrifty = Ledger(Budget(money=1), prices=Prices(tokens_in=1_000_000))
    thrifty.take_chat(1)
    thrifty.add_chat(2, 0)
    assert thrifty.take_vision([4]) == 1
    assert thrifty.frames_left > 0


def test_a_call_that_does_not_come_back_is_charged_what_it_was_sent():
    ledger = Ledger(Budget(), prices=DEAR)
    with pytest.raises(ModelError):
        say(FakeChat([]), ledger, "x" * 40)
    assert (ledger.cost.llm_calls, ledger.cost.tokens_in, ledger.cost.money) == (1, 10, pytest.approx(10))


def test_a_vlm_that_is_asked_for_several_things_is_charged_each():
    query = Query(("a star", "a ring"), ("a flag",))
    ledger = Ledger(Budget(frames=32, vlm_calls=10))
    charge = charge_to(ledger, Scorers(yes=Yes(FakeVision())), query)
    assert charge(5) == 3
    assert (ledger.cost.frames, ledger.cost.vlm_calls) == (9, 9)
    assert ledger.spent == ["VLM calls"]
    assert charge_looks(Ledger(Budget(frames=2)), query)(1) == 0


def test_search_by_the_vlm_is_charged_request_by_request(ask):
    def say_things(request):
        if "Reply with one JSON object" in request.prompt:
            return '{"targets": ["a green towel", "a glass"], "cues": ["a table"]}'
        return "milk beside a green towel"

    for searcher in ("lvqa", "gens", "tstar", "uniform"):
        vision = FakeVision(say_things, yes=0.4)
        answer = ask("When does she pour milk?", vision=vision, settings={"searcher": searcher, "budget_vlm_calls": 60})
        made = [request for call in [*vision.calls, *vision.yes_calls] for request in call]
        assert answer.cost.vlm_calls == len(made)
        assert answer.cost.frames == sum(len(request.frames) for request in made)


def test_being_stopped_is_no_part_of_the_budget():
    asked = []
    ledger = Ledger(Budget(), stop=lambda: bool(asked))
    ledger.take_chat(1)
    assert not ledger.stopped
    asked.append(1)
    with pytest.raises(BudgetSpent, match="asked to stop") as caught:
        ledger.take_chat(1)
    assert caught.value.kind == ASKED_TO_STOP
    assert ledger.take_vision([1]) == ledger.take_frames(1) == ledger.frames_left == 0
    assert ledger.stopped
    assert ledger.spent == []


# In the middle of each node: a token of the chat model costs a cent, or a frame and a call each do.


@pytest.mark.parametrize(
    ("money", "made", "by"),
    [(0.5, 0, "rules"), (9.0, 1, "rules"), (15.0, 2, "rules"), (1e9, 5, "chat")],
    ids=["plan", "answer: summary", "answer: reply", "enough"],
)
def test_money_ends_in_the_middle_of_thinking(ask, script, steps, money, made, by):
    chat = script(answer=reply)
    settings = {"price_in": 10_000, "price_out": 10_000}
    answer = ask(LIFTS, chat=chat, settings=settings, budget=Budget(money=money))
    assert len(chat.calls) == made
    assert steps(answer)["answer"]["by"] == by
    assert answer.evidence[0].span == Span(0, 6)
    assert (steps(answer)["verify"]["spent"] == ["money"]) == (made < 5)
    assert answer.cost.money == pytest.approx((answer.cost.tokens_in + answer.cost.tokens_out) / 100)


def test_money_ends_before_the_second_way_to_the_answer(ask, script, steps):
    chat = script(answer=reply)
    whole = ask(LIFTS, chat=chat, settings={"price_in": 10_000})
    answer = ask(
        LIFTS, chat=script(answer=reply), settings={"price_in": 10_000}, budget=Budget(money=0.95 * whole.cost.money)
    )
    assert answer.cost.llm_calls == whole.cost.llm_calls - 1
    assert steps(answer)["answer"]["skipped"] == ["no reading by time: the budget of money is spent"]
    assert steps(answer)["verify"]["spent"] == ["money"]
    assert answer.text == whole.text


@pytest.mark.parametrize("cents", range(0, 24, 3))
def test_money_ends_in_the_middle_of_looking(ask, cents):
    vision = FakeVision("a wall", yes=0.6)
    money = cents / 100 + 0.001
    answer = ask("Is there a wall?", vision=vision, settings={"price_frame": 0.01, "price_call": 0.01},
                 budget=Budget(money=money))  # fmt: skip
    made = [request for call in [*vision.calls, *vision.yes_calls] for request in call]
    assert answer.cost.money == pytest.approx(sum(len(r.frames) + 1 for r in made) / 100)
    assert answer.cost.money <= money
    assert "money" in {kind for step in answer.steps for kind in step.data.get("spent", ())}
