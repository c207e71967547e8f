"""What an answer would take: by the budget at most, by the mean of measured questions likely; asking no model."""

from __future__ import annotations

import json
import re

import pytest

from lvqa.agents.baselines.presets import AGENTS
from lvqa.agents.cost.estimate import estimate
from lvqa.models.fake import FakeVision
from lvqa.models.profiles import Models
from lvqa.settings import Settings
from lvqa.tools.ledger import estimate_tokens
from lvqa.tools.prices import Prices
from lvqa.types import Budget, Question

WHEN = "When does the woman lift out the milk carton?"
OFTEN = "How many times does the woman lift out a milk carton?"
OPTIONS = ["a milk carton", "a crate of beer", "a melon"]


def reply(confidence: float):
    def say(text: str) -> str:
        number = int(next(re.finditer(r"^\[(\d+)\] kitchen", text, re.MULTILINE))[1])
        said = {"text": "a woman lifts out a milk carton " * 4, "evidence": [number]}
        choice = "A" if "A. a milk carton" in text else None
        row = {"sentences": [said] * 4, "choice": choice, "confidence": confidence, "missing": ["a cat", "a dog"]}
        return json.dumps(row)

    return say


RUNS = [
    (WHEN, None, 0.9, True, {}),
    (WHEN, None, 0.1, True, {"rounds": 2}),
    (WHEN, OPTIONS, 0.3, True, {}),
    (OFTEN, None, 0.4, False, {}),
    (WHEN, None, 0.9, False, {"budget_frames": 6}),
    (WHEN, OPTIONS, 0.2, True, {"rounds": 1, "budget_tokens": 3000}),
]


@pytest.mark.parametrize(("question", "options", "confidence", "sees", "settings"), RUNS)
@pytest.mark.parametrize("agent", AGENTS)
def test_a_run_takes_no_more(
    ask, script, store, folder, embedder, agent, question, options, confidence, sees, settings
):
    vision = FakeVision("a woman with a milk carton", yes=0.5) if sees else None
    chat = script(answer=reply(confidence), repair=reply(confidence), likes="milk")
    given = {"price_in": 2.0, "price_out": 8.0, "price_frame": 0.001, "price_call": 0.002, **settings}
    models = Models.of(vision=vision, chat=chat, embedder=embedder)
    asked = Question.of(question, options, agent=agent)
    expected = estimate(asked, store=store, models=models, settings=Settings(**given), folder=folder)
    assert not chat.calls
    assert vision is None or not (vision.calls or vision.yes_calls)
    took = ask(question, options, models=models, settings=given, agent=agent).cost
    names = ["frames", "vlm_calls", "llm_calls", "tokens_in", "tokens_out", "money"]
    if "budget_tokens" in settings:  # the call, or the looks made together, that reach them may run over
        looks = sum(
            estimate_tokens(request.prompt) for batch in (*vision.calls, *vision.yes_calls) for request in batch
        )
        assert took.tokens_in <= expected.most.tokens_in + max([looks, *map(estimate_tokens, chat.calls)])
        names = names[:3]
    for name in names:
        assert getattr(took, name) <= getattr(expected.most, name) + 1e-9, name
    assert expected.prices.are_set
    assert expected.likely is None
    assert expected.to_dict()["likely"] is None
    json.dumps(expected.to_dict())


def test_without_models_nothing_is_taken(store, folder) -> None:
    free = estimate(Question(WHEN), store=store, models=Models.of(), settings=Settings(), folder=folder)
    assert (free.most.frames, free.most.vlm_calls, free.most.llm_calls, free.most.money) == (0, 0, 0, 0)
    assert "no model that looks" in free.why
    assert free.to_dict()["at_most"]["llm_calls"] == 0


def test_a_budget_bounds_what_is_expected(script, store, folder, embedder) -> None:
    models = Models.of(vision=FakeVision("x"), chat=script(), embedder=embedder)

    def most(**budget: float):
        asked = Question(WHEN, budget=Budget(**budget))
        return estimate(asked, store=store, models=models, settings=Settings(), folder=folder).most

    assert most(frames=3).frames == 3
    assert most(frames=0).vlm_calls == 0
    assert most(tokens=1000).tokens_in < most().tokens_in


def test_what_is_likely_is_the_mean_of_what_was_measured(ask, script, store, folder, embedder) -> None:
    models = Models.of(vision=FakeVision("a woman with a milk carton", yes=0.9), embedder=embedder)

    def expected(agent: str | None = None, **budget: float):
        asked = Question(WHEN, budget=Budget(**budget), agent=agent)
        return estimate(asked, store=store, models=models, settings=Settings(), folder=folder)

    assert not expected().timed
    assert "not known" in expected().why
    took = [ask(question, models=models).cost for question in (WHEN, OFTEN, "Where is the dog?")]
    known = expected()
    assert known.timed
    assert known.likely is not None
    assert known.likely.frames == round(sum(cost.frames for cost in took) / 3) > 0
    assert known.likely.seconds == pytest.approx(sum(cost.seconds for cost in took) / 3, rel=0.2)
    assert "mean of 3 questions" in known.why
    assert known.to_dict()["likely"] == known.likely.to_dict()
    assert expected(frames=1).likely.frames == 1
    assert expected("uniform").likely is None
    other = Models.of(vision=FakeVision(), embedder=embedder)
    assert estimate(Question(WHEN), store=store, models=other, settings=Settings(), folder=folder).likely is None


def test_a_run_that_was_stopped_measures_nothing(ask, store, folder, embedder) -> None:
    models = Models.of(embedder=embedder)
    ask(WHEN, models=models, stop=lambda: True)
    assert estimate(Question(WHEN), store=store, models=models, settings=Settings(), folder=folder).likely is None


def test_prices_are_told_where_they_are_set(store, folder) -> None:
    assert not Prices.of(Settings()).are_set
    told = estimate(
        Question(WHEN), store=store, models=Models.of(), settings=Settings(price_in=1, currency="EUR"), folder=folder
    )
    assert told.to_dict()["currency"] == "EUR"
