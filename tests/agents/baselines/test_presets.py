"""The baselines: what each retrieves, in its paper's way, with the same ledger; with a chat model, and without."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from lvqa.agents.baselines.presets import AGENTS, PRESETS
from lvqa.errors import UsageError
from lvqa.models.fake import FakeChat, FakeVision, colour_name
from lvqa.models.profiles import Models
from lvqa.types import Budget

WHEN = "When does the woman lift out the milk carton?"
DESCRIBED = {"red": "a red wall", "green": "a green wall", "blue": "a blue wall", "yellow": "a yellow wall with a cat"}


def eyes() -> FakeVision:
    return FakeVision(lambda r: DESCRIBED.get(colour_name(r.frames[0]), "a wall"), yes=0.5)


def replies(confidence: float = 0.9, **given):
    """A chat model for the baselines' prompts; `given` are replies by what a prompt begins with."""

    def reply(messages) -> str:
        text = str(messages[-1].text)
        for mark, value in given.items():
            if mark.replace("_", " ") in text:
                return json.dumps(value)
        if "Summarise, in at most" in text:
            return "a summary [1]"
        numbers = [int(n) for n in re.findall(r"^\[(\d+)\]", text, re.MULTILINE)]
        said = {"text": "a wall is seen", "evidence": numbers[:1] or [1]}
        return json.dumps({"sentences": [said], "choice": None, "confidence": confidence, "missing": ["a cat"]})

    return FakeChat(reply)


def nodes(answer) -> list[str]:
    return [step.node for step in answer.steps]


def test_there_is_no_other_agent(ask) -> None:
    with pytest.raises(UsageError, match="llovi"):
        ask(WHEN, agent="gpt")
    assert AGENTS[0] == "lvqa"
    assert {PRESETS[name].paper for name in ("llovi", "videoagent", "videotree")} == {
        "2312.17235",
        "2403.10517",
        "2405.19209",
    }


def test_llovi_reads_all_captions_in_time_and_looks_at_nothing(ask) -> None:
    chat, vision = replies(), eyes()
    answer = ask(WHEN, agent="llovi", chat=chat, vision=vision)
    assert nodes(answer) == ["plan", "survey", "answer", "verify"]
    assert (answer.cost.frames, answer.cost.llm_calls) == (0, 2)
    prompt = chat.calls[0][-1].text
    assert "at most 500 words" in prompt
    times = [line.split()[2] for line in prompt.splitlines() if re.match(r"\[\d+\] kitchen", line)]
    assert times == sorted(times)
    assert len(times) == 5
    assert "01:00:" not in prompt  # text on the screen is no caption
    assert answer.confidence == pytest.approx(0.9 * (0.4 + 0.25 * 0.9), abs=0.4)


def test_uniform_spends_its_frames_evenly(ask) -> None:
    answer = ask(WHEN, agent="uniform", chat=replies(), vision=eyes(), budget=Budget(frames=6))
    assert answer.cost.frames == answer.cost.vlm_calls == 6
    described = next(step for step in answer.steps if step.node == "survey").data["described"]
    assert np.diff([row["start_s"] for row in described]) == pytest.approx([4.0] * 5)
    assert described[0]["text"] == "a red wall"


def test_videoagent_looks_again_where_something_lacks_and_stops_when_sure(ask) -> None:
    lacking = {"needs": [{"segment": 2, "look_for": "a cat"}, {"segment": 99, "look_for": "x"}]}
    chat = replies(confidence=0.3, Which_segments_should_be_looked_into=lacking)
    unsure = ask(WHEN, agent="videoagent", chat=chat, vision=eyes())
    assert nodes(unsure).count("survey") == 3
    assert 5 < unsure.cost.frames <= 5 + 2 * 3
    again = [step.data["described"] for step in unsure.steps if step.node == "survey"]
    assert len(again[0]) == 5
    assert all(2.4 <= row["start_s"] <= 7.2 for row in again[1])
    sure = ask(WHEN, agent="videoagent", chat=replies(confidence=0.8), vision=eyes())
    assert nodes(sure).count("survey") == 1
    assert sure.cost.frames == 5


def test_videotree_descends_where_it_is_relevant(ask, store, folder, embedder) -> None:
    class Colours:
        name, dim = "fake:colours", 3

        def encode_query(self, texts):
            return np.ones((len(texts), 3), np.float32) / np.sqrt(3).astype(np.float32)

        def encode_document(self, texts):
            return self.encode_query(texts)

        def encode_frames(self, frames):
            raise AssertionError("the index has the vectors")

    times = np.arange(24, dtype=np.float64)
    vectors = np.eye(3, dtype=np.float32)[(times // 8).astype(int)] + 0.02 * times[:, None].astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with store.atomic():
        store.frames.put("fake:colours", "v-kitchen", times.tolist(), vectors)

    def rate(text: str) -> dict:
        listed = re.findall(r"^(\d+)\. (.*)$", text, re.MULTILINE)
        return {"ratings": {n: 3 if "cat" in said else 1 for n, said in listed}}

    def reply(messages) -> str:
        text = str(messages[-1].text)
        return json.dumps(rate(text)) if "Rate how relevant" in text else replies()._script.next(messages)

    models = Models.of(vision=eyes(), chat=FakeChat(reply), embedder=embedder, image_embedder=Colours())
    answer = ask("Where is the cat?", agent="videotree", models=models, budget=Budget(frames=20))
    described = next(step for step in answer.steps if step.node == "survey").data["described"]
    cats = [row for row in described if "cat" in row["text"]]
    assert len(cats) >= 4
    assert answer.cost.frames == len(described) <= 20


@pytest.mark.parametrize("agent", AGENTS[1:])
def test_a_baseline_reasons_by_rule_and_is_charged(ask, agent) -> None:
    vision = eyes()
    answer = ask(WHEN, agent=agent, vision=vision, budget=Budget(frames=6))
    assert answer.cost.llm_calls == 0
    assert answer.cost.frames == sum(len(r.frames) for call in vision.calls for r in call) <= 6
    assert answer.text
    options = ask("What colour is the wall?", ["yellow with a cat", "purple"], agent=agent, vision=eyes())
    assert options.choice is not None  # no baseline abstains from options
    spent = ask(WHEN, agent=agent, vision=eyes(), budget=Budget(frames=0))
    assert spent.cost.frames == 0


def test_no_baseline_without_models_or_files_fails(ask, folder) -> None:
    (folder / "kitchen.mp4").unlink()
    for agent in AGENTS[1:]:
        assert ask(WHEN, agent=agent, vision=eyes()).cost.frames == 0
        assert ask(WHEN, agent=agent).text
