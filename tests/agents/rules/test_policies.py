"""Kinds of questions by rule, and what each kind reads and computes."""

from __future__ import annotations

import pytest

from lvqa.agents.rules.plan import by_rules
from lvqa.agents.rules.policies import POLICIES, policy
from lvqa.agents.state import KINDS, Plan
from lvqa.models.fake import FakeChat
from lvqa.store import note_id
from lvqa.types import Note, Span


@pytest.mark.parametrize(
    ("question", "kind", "operator", "events"),
    [
        ("How many times does she open the fridge?", "count", "count", ("she open the fridge",)),
        ("How many people are there?", "count", None, None),
        ("How long does the man sleep?", "duration", "duration", ("the man sleep",)),
        (
            "Does the man sit before or after the dog barks?",
            "before_after",
            "before_after",
            ("the man sit", "the dog barks"),
        ),
        ("What does he do after he sits down?", "before_after", None, ()),
        ("In which order do these appear: a cat, a dog and a cow?", "order", "order", ("a cat", "a dog", "a cow")),
        ("Does the dog bark at the same time as the cat jumps?", "existence", "overlap", None),
        ("What is this video about?", "summary", None, ()),
        ("What happens?", "summary", None, ()),
        ("Why did the boy cry?", "cause", None, ()),
        ("Where is the cat?", "place", None, ()),
        ("What is the man doing?", "action", None, ()),
        ("Which of the videos shows a dog?", "comparison", None, ()),
        ("What colour is the car?", "attribute", None, ()),
        ("Is there a dog?", "existence", None, ()),
        ("When does she leave?", "when", None, ("she leave",)),
    ],
)
def test_a_question_by_rule(question, kind, operator, events) -> None:
    plan = by_rules(question)
    assert (plan.kind, plan.compute) == (kind, operator)
    if events is not None:
        assert plan.events == events


def test_the_options_are_the_events_of_what_comes_first() -> None:
    plan = by_rules("Which of these appears first?", ("a dog", "a cat"))
    assert (plan.compute, plan.events) == ("first", ("a dog", "a cat"))


def test_every_policy_is_of_a_kind() -> None:
    assert set(POLICIES) < set(KINDS)
    assert policy("other").reads == "passages"


def test_sub_questions_need_earlier_ones_only() -> None:
    plan = Plan.model_validate(
        {"sub_questions": ["who is he?", {"text": "what does he hold?", "needs": [0, 1, 7]}, {"text": " "}]}
    )
    assert [(sub.text, sub.needs) for sub in plan.sub_questions] == [
        ("who is he?", ()),
        ("what does he hold?", (0,)),
    ]


@pytest.fixture
def with_summaries(store):
    span = Span(0, 24)
    texts = [("v-kitchen", "A woman makes breakfast and a cat sleeps."), ("v-film", "A rabbit wakes up in a meadow.")]
    notes = [Note(note_id(v, "summary", span, "", "", t), v, None, span, t, "summary") for v, t in texts]
    with store.atomic():
        store.notes.put(notes)
    return store


def test_a_question_about_all_reads_what_was_written_of_videos(with_summaries, ask, steps) -> None:
    answer = ask("What are these videos about?")
    assert "A woman makes breakfast" in answer.text
    assert "A rabbit wakes up" in answer.text
    assert {e.source for e in answer.evidence} == {"summary"}
    assert steps(answer)["plan"]["kind"] == "summary"


def test_counting_reads_more_than_the_usual_number_of_notes(ask, steps) -> None:
    few = steps(ask("Where is a time code?", settings={"top_k": 2}))["recall"]["notes"]
    many = steps(ask("How many times is a time code shown, such as 01:00:21:00?", settings={"top_k": 2}))
    assert many["recall"]["notes"] > few


def test_each_event_of_an_order_is_searched_by_itself(ask, script) -> None:
    plan = {
        "kind": "order",
        "phrases": ["milk"],
        "events": ["a yellow cat sleeps on the sofa", "a woman lifts out a milk carton"],
        "compute": "order",
    }

    def rows(text: str) -> dict:
        def at(words: str) -> int:
            line = next(line for line in text.splitlines() if line.startswith("[") and words in line)
            return int(line[1 : line.index("]")])

        return {"rows": [{"event": 1, "notes": [at("cat sleeps")]}, {"event": 2, "notes": [at("milk carton")]}]}

    chat = script(plan=plan, rows=rows, answer={"sentences": [], "choice": None, "confidence": 0.1})
    answer = ask("In which order does it happen?", chat=chat, settings={"top_k": 2, "rounds": 1})
    (computed,) = [step.data for step in answer.steps if step.node == "compute"][:1]
    assert computed["by"] == "chat"
    assert [row["event"] for row in computed["rows"]] == plan["events"]
    prompt = next(call[-1].text for call in chat.calls if "Answer the question from the summary" in call[-1].text)
    assert "order: a woman lifts out a milk carton (00:00:00), then a yellow cat" in prompt
    assert isinstance(chat, FakeChat)
