"""Questions of several hops: the planner holds no answer, the reader sees the prompt alone, the files are sound."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage

from lvqa import Archive
from lvqa.eval.lab.multihop import archives, bench, models
from lvqa.models.fake import FakeEmbedder
from lvqa.models.profiles import Models
from lvqa.prompts import fence, load
from lvqa.types import Answer, Evidence, Span

NOTES = "[1] a.mp4 00:00:01 speech: Bob likes Dora.\n[2] a.mp4 00:00:09 speech: She asks for 75,000 a year.\n"


@pytest.mark.parametrize(("name", "number"), [("everyday", 12), ("nextgqa", 8), ("world", 20)])
def test_questions_are_sound(name: str, number: int) -> None:
    asked = bench.questions(name)
    assert len({one.id for one in asked}) == len(asked) == number
    for one in asked:
        assert 2 <= len(one.hops) <= 3
        assert all(0 <= k < n for n, hop in enumerate(one.hops) for k in hop.needs)
        assert one.gold == one.hops[-1].gold
        assert not [word for word in one.gold if word.lower() in one.text.lower()]
        assert not [word for hop in one.hops for word in hop.gold if len(word) > 5 and word.lower() in hop.text.lower()]


def test_a_wording_may_be_a_pattern() -> None:
    hop = bench.Hop("where?", (), ("^(at the )?left(?! top)", "^4\\b"), "a.mp4", Span(0, 5))
    shown = Evidence("a.mp4", Span(1, 2), "left", "frame", 1.0)

    def says(text: str) -> bool:
        return hop.is_right(Answer(text, None, 0.9, evidence=(shown,)))

    assert says("At the left, 00:00:01")
    assert says("4 (00:00:01)")
    assert not says("At the bottom left")
    assert not says("00:00:04")
    assert not says("40")


def test_the_planner_plans_its_table_and_nothing_else() -> None:
    chat = models.scripted({"Who?": [{"text": "what?", "needs": ()}]})

    def say(text: str) -> str:
        return str(chat.invoke([HumanMessage(text)]).text)

    def plan(question: str) -> str:
        return load("plan").fill(question=fence(question), options="none")

    assert json.loads(say(plan("Who?"))) == {"sub_questions": [{"text": "what?", "needs": []}]}
    assert say(plan("Who else?")) == ""
    assert say("Check whether notes about videos support statements.") == ""


def test_the_reader_quotes_what_it_is_shown() -> None:
    read = json.loads(models.read("How much does Dora ask for a year?", NOTES))
    assert read["sentences"] == [{"text": "She asks for 75,000 a year.", "evidence": [2]}]
    assert json.loads(models.read("Where is the zebra?", NOTES))["sentences"] == []
    known = load("known").fill(known=fence("who? - Bob (confidence 0.90) [1]\nhow much? - 75 (confidence 0.80) [2]"))
    assert json.loads(models.read("Who?", NOTES + known))["sentences"] == [{"text": "75", "evidence": [2]}]
    unknown = load("known").fill(known=fence("who? - not answered: nothing is known"))
    assert json.loads(models.read("Dora?", NOTES + unknown))["sentences"][0]["evidence"] == [1]


def test_a_question_is_asked_part_by_part_and_at_once(tmp_path: Path) -> None:
    rows = [
        ("a.mp4", 0.0, 5.0, "speech", "Tom opened the old green gate."),
        ("a.mp4", 30.0, 35.0, "speech", "Tom carries a yellow bucket."),
        ("b.mp4", 0.0, 5.0, "caption", "a dog sleeps"),
    ]
    archives.fill(tmp_path, rows, embedder := FakeEmbedder(256))
    archives.fill(tmp_path, [], embedder)  # it stays
    asked = bench._read(
        {
            "id": "x",
            "question": "Which thing has the one who opened the gate?",
            "gold": ["bucket"],
            "subs": [
                {
                    "text": "Who opened the gate?",
                    "needs": [],
                    "gold": ["Tom"],
                    "video": "a.mp4",
                    "start_s": 0,
                    "end_s": 5,
                },
                {
                    "text": "What does {0} carry?",
                    "needs": [0],
                    "gold": ["bucket"],
                    "video": "a.mp4",
                    "start_s": 30,
                    "end_s": 35,
                },
            ],
        }
    )

    def opened(chat: BaseChatModel) -> Archive:
        return Archive(tmp_path, profile="text", models=Models.of(chat=chat, embedder=embedder))

    (found,) = bench.run(opened, [asked])
    assert (found.parted, found.at_once, found.parts) == (True, False, (True, True))
