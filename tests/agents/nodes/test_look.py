"""The zoom node's part in naming what to look for, and in paying for it."""

from __future__ import annotations

from lvqa.models.fake import FakeDetector, FakeVision
from lvqa.tools.ledger import Ledger
from lvqa.tools.vision_calls import charge_to
from lvqa.types import Budget
from lvqa.zoom import Query
from lvqa.zoom.scorers import Detection, Scorers, Yes

QUESTION = "What does the woman lift out?"


def zooms(answer):
    return [step for step in answer.steps if step.node == "zoom"]


def test_the_vlm_names_targets_and_cues_after_eight_frames(ask):
    def say(request):
        if "Reply with one JSON object" in request.prompt:
            assert len(request.frames) == 8
            return '{"targets": ["a green towel"], "cues": ["a glass"]}'
        return "she pours milk beside a green towel"

    def green(request):
        frame = request.frames[0].reshape(-1, 3).mean(axis=0)
        return 0.95 if "green towel" in request.prompt and frame[1] > frame[0] + 20 and frame[1] > frame[2] else 0.02

    answer = ask(QUESTION, vision=FakeVision(say, green), budget=Budget(frames=64, vlm_calls=64))
    named, chosen = zooms(answer)[:2]
    assert named.data["targets"] == ["a green towel"]
    assert named.data["cues"] == ["a glass"]
    (search,) = [one for one in chosen.data["searches"] if one["video"] == "kitchen.mp4"]
    assert search["targets"] == ["a green towel"]
    assert search["looked"] > 0
    assert 6 <= search["found"]["a green towel"] < 12
    assert answer.cost.frames >= 8 + search["looked"]


def test_a_reply_that_names_nothing_leaves_the_index_to_say_where(ask):
    for reply in ("I see a kitchen.", '{"targets": [], "cues": []}'):
        answer = ask(QUESTION, vision=FakeVision(reply))
        assert "named no targets" in zooms(answer)[0].summary
        assert all(one["looked"] == 0 for step in zooms(answer) for one in step.data.get("searches", ()))


def test_a_small_budget_is_not_spent_on_names(ask):
    answer = ask(QUESTION, vision=FakeVision("milk"), settings={"budget_frames": 16})
    assert not any("targets" in step.data for step in zooms(answer))


def test_looks_are_charged_as_what_they_are():
    query = Query(("a star",))
    ledger = Ledger(Budget(frames=5, vlm_calls=3))
    assert charge_to(ledger, Scorers(yes=Yes(FakeVision())), query)(4) == 3
    assert (ledger.cost.frames, ledger.cost.vlm_calls) == (3, 3)
    assert ledger.cost.tokens_in > 0
    assert charge_to(ledger, Scorers(detection=Detection(FakeDetector())), query)(4) == 2
    assert (ledger.cost.frames, ledger.cost.vlm_calls) == (5, 3)
    assert "frames" in ledger.spent
