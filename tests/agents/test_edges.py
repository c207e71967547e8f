"""Corners of reasoning: what was refuted is not said, what is not there is not read, and odd questions are answered."""

from __future__ import annotations

import json

import pytest

from lvqa.agents.citations import AnswerReply, read_choice
from lvqa.agents.structured import parse
from lvqa.eval.lab.wordings import WorldPlanner
from lvqa.models.fake import FakeVision
from lvqa.models.profiles import Models
from lvqa.store import Filter, Store
from lvqa.types import Span


def add(store, embedder, notes) -> None:
    with store.atomic():
        store.notes.put(notes)
        store.vectors.put(embedder.name, [n.id for n in notes], embedder.encode_document([n.text for n in notes]))


def test_what_the_vlm_refutes_is_not_in_the_text_of_the_rules(ask, store, embedder, note) -> None:
    add(store, embedder, [note("v-kitchen", 18, 24, "a yellow cat sleeps on the chair")])
    vision = FakeVision("not visible", yes=lambda r: 0.02 if "chair" in r.prompt else 0.95)
    answer = ask("Where is the yellow cat that sleeps on the chair?", vision=vision)
    assert "chair" not in answer.text
    assert all("chair" not in evidence.text for evidence in answer.evidence) or answer.abstained


@pytest.mark.parametrize("agent", ["uniform", "videoagent", "videotree"])
def test_a_baseline_reads_nothing_of_the_index_but_what_it_retrieved(ask, script, agent) -> None:
    chat = script(answer=lambda text: json.dumps({"sentences": [], "choice": "B", "confidence": 0.9, "missing": []}))
    vision = FakeVision("a plain wall", yes=0.5)
    options = ["on the sofa", "in the sea"]
    answer = ask("Where does the cat sleep?", options, agent=agent, chat=chat, vision=vision)
    assert all("cat sleeps on the sofa" not in call[-1].text for call in chat.calls)
    alone = ask("Where does the cat sleep?", options, agent=agent, vision=vision)
    assert all(evidence.source == "seen" for evidence in [*answer.evidence, *alone.evidence])


def test_a_video_outside_the_time_asked_about_is_not_looked_at(ask) -> None:
    vision = FakeVision("a wall", yes=0.5)
    beyond = Filter(span=Span(50, 55), level="clip")
    for agent in ("uniform", "lvqa"):
        assert ask("Is there a wall?", agent=agent, vision=vision, filter=beyond).cost.frames == 0


@pytest.mark.parametrize(
    "question",
    [
        "between 0:10 and 0:20",
        "From 0:10 to 0:20?",
        " ".join(f'"part {n}"' for n in range(20)),
        " at the same time as ".join(f"thing {n} moves" for n in range(12)),
        f"What happens in the first {'9' * 400} seconds?",
    ],
)
def test_an_odd_question_is_answered(ask, script, question) -> None:
    assert 0 <= ask(question).confidence <= 1
    said = json.dumps({"sentences": [], "choice": None, "confidence": 0.0, "missing": []})
    assert ask(question, chat=script(answer=said), settings={"rounds": 1}).text


@pytest.mark.parametrize(
    "question",
    [
        "In which video is the red star?",
        "Where is the red star at 0:20?",
        "Is the red star seen in both videos?",
        "How many stars are there at 0:10?",
    ],
)
def test_a_program_without_videos_finds_nothing(ask, folder, question) -> None:
    models = Models.of(vision=FakeVision("x"), planner=WorldPlanner())
    with Store.open(folder / "none", write=True) as none:
        assert ask(question, models=models, store=none).abstained
        assert ask("Which of these is seen in both videos?", ["a star", "a ring"], models=models, store=none).abstained


def test_a_reply_that_is_nested_without_end_is_unread() -> None:
    assert parse('{"a":' + "[" * 50_000, AnswerReply)[0] is None


def test_every_sentence_keeps_its_evidence(ask, script, store, embedder, note) -> None:
    add(store, embedder, [note("v-kitchen", n, n + 1, f"the woman lifts milk carton number {n}") for n in range(12)])

    def twelve(text: str) -> str:
        numbers = [int(line[1 : line.index("]")]) for line in text.splitlines() if "carton number" in line]
        said = [{"text": f"Carton {n}.", "evidence": [n]} for n in dict.fromkeys(numbers)][:12]
        return json.dumps({"sentences": said, "choice": None, "confidence": 0.9, "missing": []})

    verdicts = {"verdicts": [{"claim": n, "support": 0.9} for n in range(1, 13)]}
    answer = ask("Which milk cartons are lifted?", chat=script(direct=twelve, answer=twelve, support=verdicts))
    assert len(answer.statements) > 5
    assert all(said.evidence for said in answer.statements)


def test_counting_is_not_cut_short(ask, store, embedder, note) -> None:
    add(store, embedder, [note("v-film", 4 * n + 100, 4 * n + 101, "the dog barks") for n in range(60)])
    answer = ask("How often does the dog bark?")
    assert answer.computed[0].text == "60 times"


@pytest.mark.parametrize(
    ("written", "options", "index"),
    [
        ("A man walks.", ["man", "a man walks"], 1),
        ("A dog.", ["dog", "a dog"], 1),
        ("B", ["B", "A"], 1),
        ("A: dog", ["dog", "cat"], 0),
    ],
)
def test_the_article_is_no_letter(written, options, index) -> None:
    assert read_choice(written, options) == index


def test_questions_on_one_checkpointer_share_nothing(store, folder, embedder) -> None:
    from langgraph.checkpoint.memory import InMemorySaver

    from lvqa import agents
    from lvqa.settings import Settings

    given = {"store": store, "models": Models.of(embedder=embedder), "settings": Settings(), "folder": folder}
    saver = InMemorySaver()
    first = list(agents.stream("Where is the cat?", **given))[-1]
    list(agents.stream("What does she pour?", **given, checkpointer=saver))
    second = list(agents.stream("Where is the cat?", **given, checkpointer=saver))[-1]
    assert [e.to_dict() for e in second.evidence] == [e.to_dict() for e in first.evidence]
