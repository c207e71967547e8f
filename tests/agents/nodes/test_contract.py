"""What each situation asks of the nodes in detail: one repair and no more, no refusal as evidence, faults of models of
one's own, contradictions that stay beside each other up to verify, and the part of the budget that ran out by name."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from lvqa.errors import ModelError
from lvqa.models.fake import FakeChat, FakeVision
from lvqa.models.profiles import Models
from lvqa.models.replies import estimate_tokens
from lvqa.types import Answer, Budget

LIFTS = "How does the woman lift out the milk carton?"
OFTEN = "How many times does the woman lift out a milk carton?"
SAID = "a woman lifts out a milk carton"
SORRY = "I'm sorry, I can't help with that."
COUNT = {"kind": "count", "events": ["a woman lifts out a milk carton"], "compute": "count", "phrases": []}
REPAIR = "What is wrong with it"
LACKING = "Which segments should be looked into"


def milk(text: str, **changes: Any) -> str:
    cited = int(re.findall(r"^\[(\d+)\].*milk carton", text, re.MULTILINE)[0])
    row = {"sentences": [{"text": SAID, "evidence": [cited]}], "choice": None, "confidence": 0.9, "missing": []}
    return json.dumps({**row, **changes})


def last(answer: Answer, node: str) -> dict[str, Any]:
    step = [step for step in answer.steps if step.node == node][-1]
    return {**step.data, "line": step.summary}


def surveys(answer: Answer) -> list[Any]:
    return [step for step in answer.steps if step.node == "survey"]


def prompts(chat: FakeChat, mark: str) -> list[str]:
    """The prompts of which that is said, those that only quote it for a repair left out."""
    texts = [str(call[-1].text) for call in chat.calls]
    return [text for text in texts if mark in text and (mark == REPAIR or REPAIR not in text)]


def times_out(request: Any) -> Any:
    raise TimeoutError("the request timed out\nsee the log of the server")


def unsure(lacking: Any) -> FakeChat:
    """A chat model for VideoAgent, never sure of itself; `lacking` is what it says is lacking."""

    def reply(messages: Any) -> str:
        text = str(messages[-1].text)
        if LACKING in text:
            return lacking(text) if callable(lacking) else lacking
        nothing = {"sentences": [], "choice": None, "confidence": 0.1, "missing": []}
        return "a summary" if "Summarise" in text else json.dumps(nothing)

    return FakeChat(reply)


# malformed


@pytest.mark.parametrize(
    ("question", "replies"),
    [
        (LIFTS, {"plan": "no plan"}),
        (OFTEN, {"plan": COUNT, "rows": "no rows"}),
        (LIFTS, {"answer": "no answer", "direct": milk}),
        (LIFTS, {"direct": "no answer"}),
        (LIFTS, {"support": "no verdicts"}),
    ],
    ids=["plan", "compute", "answer", "second way", "verify"],
)
@pytest.mark.parametrize("bad", ["{", SORRY], ids=["malformed", "refusal"])
def test_what_is_not_read_is_asked_for_once_more_and_not_again(ask, script, question, replies, bad) -> None:
    replies = {kind: bad if isinstance(said, str) else said for kind, said in replies.items()}
    chat = script(**{"answer": milk, "repair": bad, **replies})
    ask(question, chat=chat)
    assert len(prompts(chat, REPAIR)) == 1


@pytest.mark.parametrize("bad", ["{", SORRY], ids=["malformed", "refusal"])
def test_a_baseline_asks_once_more_too(ask, bad) -> None:
    chat = unsure(bad)
    answer = ask(LIFTS, agent="videoagent", chat=chat, vision=FakeVision("a wall"))
    assert len(prompts(chat, REPAIR)) == len(prompts(chat, LACKING)) == len(surveys(answer)) - 1


def test_an_unread_second_way_is_left_out_and_said_to_be(ask, script) -> None:
    answer = ask(LIFTS, chat=script(answer=milk, direct="{", repair="{"))
    assert answer.text == SAID
    assert "no reading by time: the chat model's reply did not parse" in last(answer, "answer")["line"]


# refusals


@pytest.mark.parametrize("summary", [SORRY, "", " ... "])
def test_a_refusal_is_no_summary(ask, script, summary) -> None:
    """The answer comes from the notes themselves; what the model would not say is not what they say."""
    chat = script(summarise=summary, answer=milk)
    answer = ask(LIFTS, chat=chat)
    (asked,) = prompts(chat, "Answer the question from the summary")
    assert SORRY not in asked
    assert "a yellow cat sleeps on the sofa" in asked  # further off than the nearest notes that every prompt has
    assert any("no summary" in line for line in last(answer, "answer")["skipped"])
    told = script(summarise="She lifts out a carton [1].", answer=milk)
    assert last(ask(LIFTS, chat=told), "answer")["skipped"] == []


@pytest.mark.parametrize("agent", ["uniform", "videoagent", "videotree"])
@pytest.mark.parametrize("reply", [SORRY, ""], ids=["refusal", "nothing"])
def test_a_refused_description_is_no_note(ask, script, agent, reply) -> None:
    """Nothing is there to cite, so no chat model is asked, and no frame is looked at twice."""
    chat, vision = script(), FakeVision(reply)
    answer = ask(LIFTS, agent=agent, chat=chat, vision=vision, budget=Budget(frames=12))
    assert (answer.abstained, list(answer.evidence), last(answer, "survey")["described"]) == (True, [], [])
    assert not chat.calls
    assert "of which the vision model says nothing" in surveys(answer)[0].summary
    times = [request.prompt for call in vision.calls for request in call]
    assert len(set(times)) == len(times) > 0


def test_a_part_that_is_described_is_told_from_one_that_is_refused(ask, script) -> None:
    replies = iter(["a woman with a milk carton", SORRY, "a wall", SORRY])
    answer = ask(LIFTS, agent="uniform", vision=FakeVision(lambda r: next(replies)), budget=Budget(frames=4))
    described = [row["text"] for row in last(answer, "survey")["described"]]
    assert described == ["a woman with a milk carton", "a wall"]
    assert "2 frames of which the vision model says nothing" in last(answer, "survey")["troubles"]


# timeouts, of models that raise what they like


@pytest.mark.parametrize("given", ["vision", "named"])
def test_a_vision_model_of_ones_own_may_raise_anything(ask, script, given) -> None:
    plan = {"kind": "when", "targets": ["a wall"], "phrases": []}
    chat = script(plan=plan, answer=milk) if given == "named" else script(answer=milk)
    answer = ask(LIFTS, chat=chat, vision=FakeVision(times_out, yes=times_out))
    assert answer.text == SAID
    told = " ".join(step.summary for step in answer.steps)
    assert "the vision model failed (TimeoutError: the request timed out)" in told
    assert answer.cost.frames > 0


@pytest.mark.parametrize("agent", ["uniform", "videoagent", "videotree"])
def test_a_first_look_that_fails_leaves_a_baseline_nothing(ask, agent) -> None:
    with pytest.raises(ModelError, match="the vision model failed"):
        ask(LIFTS, agent=agent, vision=FakeVision(times_out))


def test_a_later_look_that_fails_leaves_a_baseline_what_it_has(ask) -> None:
    looks: list[Any] = []

    def reply(request: Any) -> str:
        looks.append(request)
        return "a wall" if len(looks) <= 5 else times_out(request)

    answer = ask(LIFTS, agent="videoagent", chat=unsure("{"), vision=FakeVision(reply))
    assert len(surveys(answer)[0].data["described"]) == 5
    assert all("the vision model failed" in step.summary for step in surveys(answer)[1:])
    assert answer.cost.frames > 5  # what was begun is charged


def test_a_vision_model_that_leaves_out_a_reply_has_failed(ask, script) -> None:
    class Short(FakeVision):
        def generate(self, requests: Any) -> list[str]:
            return super().generate(requests)[:-1]

    answer = ask(LIFTS, chat=script(answer=milk), vision=Short("a wall", yes=0.9))
    assert any("replies to" in trouble for trouble in last(answer, "inspect")["troubles"])


def test_a_call_that_is_begun_is_charged_what_it_was_sent(ask, script) -> None:
    chat = script(answer=milk, direct=times_out)
    answer = ask(LIFTS, chat=chat)
    (failed,) = prompts(chat, "Go through the notes in their order")
    texts = ["\n\n".join(str(message.text) for message in call) for call in chat.calls]
    sent = sum(estimate_tokens(text) if text.endswith(failed) else len(text.split()) for text in texts)
    assert answer.cost.tokens_in == sent


@pytest.mark.parametrize("fault", ["{", "timeout"])
def test_ratings_that_cannot_be_had_are_given_by_rule(ask, store, embedder, fault) -> None:
    class Colours:
        name, dim = "fake:colours", 3

        def encode_query(self, texts: Any) -> Any:
            return np.full((len(texts), 3), 3**-0.5, np.float32)

        encode_document = encode_query

    vectors = np.eye(3, dtype=np.float32)[np.arange(24) // 8]
    with store.atomic():
        store.frames.put("fake:colours", "v-kitchen", [float(t) for t in range(24)], vectors)

    def reply(messages: Any) -> str:
        text = str(messages[-1].text)
        if "Rate how relevant" in text:
            return times_out(text) if fault == "timeout" else fault
        nothing = {"sentences": [], "choice": None, "confidence": 0.1, "missing": []}
        return "a summary" if "Summarise" in text else json.dumps(nothing)

    vision = FakeVision("a wall")
    models = Models.of(vision=vision, chat=FakeChat(reply), embedder=embedder, image_embedder=Colours())
    answer = ask(LIFTS, agent="videotree", models=models)
    assert last(answer, "survey")["described"]
    said = "did not parse" if fault == "{" else "the chat model failed"
    assert any(said in trouble and trouble.endswith("so by rule") for trouble in last(answer, "survey")["troubles"])
    assert last(answer, "survey")["unparsed"] is (fault == "{")


# contradictions


def test_what_was_seen_and_what_was_written_are_both_read(ask, script) -> None:
    """The frames show something else than the caption says: the answer's prompt has both, and a No ends the claim."""
    chat = script(answer=milk)
    vision = FakeVision("the woman lifts out a crate of beer", yes=0.02)
    answer = ask(LIFTS, chat=chat, vision=vision, settings={"rounds": 1})
    asked = prompts(chat, "Go through the notes in their order")[0]
    assert re.search(r"caption: a woman opens the fridge and lifts out a milk carton", asked)
    assert re.search(r"seen: the woman lifts out a crate of beer", asked)
    (claim,) = last(answer, "verify")["claims"]
    assert (claim["text"], claim["kept"]) == (SAID, False)
    assert SAID not in answer.text


def test_of_two_claims_that_contradict_only_the_unsupported_goes(ask, script) -> None:
    def both(text: str) -> str:
        row = json.loads(milk(text))
        row["sentences"].append({**row["sentences"][0], "text": "a woman lifts out no milk"})
        return json.dumps(row)

    verdicts = {"verdicts": [{"claim": 1, "support": 0.9}, {"claim": 2, "support": 0.1}]}
    torn = ask(LIFTS, chat=script(answer=both, support=verdicts))
    assert torn.text == SAID
    assert [claim["kept"] for claim in last(torn, "verify")["claims"]] == [True, False]
    assert torn.confidence < ask(LIFTS, chat=script(answer=milk)).confidence


# budget


@pytest.mark.parametrize("part", ["frames", "VLM calls"])
def test_a_baseline_names_what_ran_out(ask, part) -> None:
    budget = Budget(frames=3) if part == "frames" else Budget(vlm_calls=3)
    answer = ask(LIFTS, agent="videoagent", vision=FakeVision("a wall"), budget=budget)
    assert len(surveys(answer)[0].data["described"]) == 3
    assert surveys(answer)[0].summary.endswith(f"budget spent: {part}")


def test_a_baseline_whose_tokens_end_goes_on_by_rule_and_says_so(ask) -> None:
    answer = ask(LIFTS, agent="videoagent", chat=unsure("{"), vision=FakeVision("a wall"), budget=Budget(tokens=1600))
    assert "the budget of tokens is spent" in " ".join(step.summary for step in answer.steps)


def test_inspect_names_what_ran_out(ask) -> None:
    answer = ask(LIFTS, vision=FakeVision("a wall", yes=0.5), budget=Budget(vlm_calls=2))
    inspected = [step for step in answer.steps if step.node == "inspect" and step.data.get("left_out")]
    assert inspected
    assert "budget spent: VLM calls" in inspected[0].summary
