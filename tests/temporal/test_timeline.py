"""Whole questions about two videos whose truth is a script, asked of a fake VLM that knows it."""

from __future__ import annotations

import pytest

from lvqa.agents.steps import ProgramLooksStep, ProgramStep
from lvqa.errors import UsageError
from lvqa.eval.lab.wordings.chat import planning_chat
from lvqa.models.capabilities import ANYTHING
from lvqa.models.fake import FakeChat, FakeVision
from lvqa.models.profiles import Models
from lvqa.settings import Settings
from lvqa.types import Span

RIGHT = [
    ("Is a red star ever seen in a.mp4?", "Yes", None),
    ("Is a white moon ever seen in a.mp4?", "No", None),
    ("Which of these is seen in a.mp4?", "a blue ring", ["a white moon", "a red ring", "a blue ring"]),
    ("Which of these is never seen in a.mp4?", "a red ring", ["a red star", "a red ring", "a blue ring"]),
    ("When does a red star appear in a.mp4?", "00:00:20.000-00:00:21.500 of a.mp4", None),
    ("When does a blue ring appear in a.mp4?", "00:00:40-00:00:43", ["00:00:10-00:00:12", "00:00:40-00:00:43"]),
    ("How many times does a black moon appear in a.mp4?", "3", None),
    ("How many times does a black moon appear in a.mp4?", "3", ["2", "3", "4", "1"]),
    ("How long is the blue ring visible in a.mp4?", "2.75 seconds", None),
    ("How long is the blue ring visible in a.mp4?", "2.75 seconds", ["2 seconds", "2.75 seconds", "3.5 seconds"]),
    ("Does a red star appear before or after a blue ring in a.mp4?", "Before", None),
    ("Which of these appears after a red star in a.mp4?", "a blue ring", ["a red ring", "a blue ring"]),
    ("What appears last in a.mp4, a red star or a blue ring?", "A blue ring", None),
    ("Which of these appears first in a.mp4?", "a black moon", ["a red star", "a black moon", "a blue ring"]),
    (
        "In which order do these appear in a.mp4: a blue ring, a black moon, a red star?",
        "a black moon, a red star, a blue ring",
        None,
    ),
    ("Where is the red star when it appears in a.mp4?", "At the top left", None),
    ("Where is the yellow cross in a.mp4 at 00:00:20?", "top right", ["top", "top right", "left"]),
    ("What colour is the ring in a.mp4 at 00:00:41?", "blue", None),
    ("What shape is the yellow object in a.mp4 at 00:00:41?", "cross", ["ring", "cross"]),
    ("How many objects are there in a.mp4 at 00:00:41, flags and signs aside?", "4", None),
    ("What does the sign say while a red star is there in a.mp4?", "k7", None),
    ("What does the sign say in a.mp4 at 00:00:10?", "k7", ["a2", "k7"]),
    ("When is the green square gone for a moment in a.mp4?", "00:00:25.000-00:00:26.500 of a.mp4", None),
    (
        "When is the green square gone for a moment in a.mp4?",
        "00:00:25-00:00:27",
        ["00:00:10-00:00:12", "00:00:25-00:00:27", "00:00:33-00:00:35"],
    ),
    ("How long is the green square gone in a.mp4?", "1.5 seconds", None),
    ("What colour does the white circle turn into in a.mp4?", "purple", ["red", "purple"]),
    ("When does the white circle turn purple in a.mp4?", "00:00:33.000-00:00:35.000 of a.mp4", None),
    ("Where does the yellow cross move to in a.mp4?", "top", ["left", "top", "right"]),
    (
        "When does the yellow cross move to another place in a.mp4?",
        "00:00:44-00:00:46",
        ["00:00:20-00:00:22", "00:00:44-00:00:46"],
    ),
    ("In which of the videos does an orange diamond appear, a.mp4 or b.mp4?", "b.mp4", None),
    ("Is a red star seen in both a.mp4 and b.mp4?", "Yes", None),
    ("Is a blue ring seen in both a.mp4 and b.mp4?", "No", None),
    ("Which of these is seen in both a.mp4 and b.mp4?", "a green square", ["a blue ring", "a green square"]),
    ("Which of these appears in a.mp4 but never in b.mp4?", "a blue ring", ["a red star", "a blue ring"]),
]


@pytest.mark.parametrize("planned_by", ["planner", "chat"])
@pytest.mark.parametrize(("question", "answer", "options"), RIGHT)
def test_each_operation_whoever_plans(ask, question, answer, options, planned_by):
    chat = planning_chat() if planned_by == "chat" else None
    given = ask(question, options, chat=chat)
    assert not given.abstained
    if options is None:
        assert given.text.startswith(answer)
        assert given.choice is None
    else:
        assert (given.text, given.choice) == (answer, options.index(answer))
    assert 0.4 < given.confidence <= 0.99
    assert given.cost.frames == given.cost.vlm_calls <= 96
    assert given.cost.llm_calls == (planned_by == "chat")
    assert [step.node for step in given.steps] == [
        "plan",
        "recall",
        "zoom",
        "inspect",
        "compute",
        "compute",
        "compute",
        "verify",
    ]


@pytest.mark.parametrize(
    ("question", "options"),
    [
        ("When does a white moon appear in a.mp4?", None),
        ("When does a white moon appear in a.mp4?", ["00:00:10-00:00:12", "00:00:40-00:00:43"]),
        ("Where is the white moon when it appears in a.mp4?", ["top", "left"]),
        ("How long is the red ring visible in b.mp4?", ["1 second", "2 seconds"]),
        ("What does the sign say while a white moon is there in a.mp4?", ["k7", "a2"]),
        ("What does the sign say in b.mp4 at 00:00:10?", None),
        ("What colour does the red ring turn into in a.mp4?", ["blue", "green"]),
        ("How many times does a white moon appear in a.mp4?", None),
        ("What colour is the moon in a.mp4 at 00:00:41?", None),
        ("Where is the red star when it appears in a.mp4?", ["middle", "right"]),
    ],
)
@pytest.mark.parametrize("planned_by", ["planner", "chat"])
def test_what_is_not_there_is_not_answered(ask, question, options, planned_by):
    given = ask(question, options, chat=planning_chat() if planned_by == "chat" else None)
    assert given.abstained
    assert given.choice is None
    assert given.text == "Not in these videos"
    assert given.confidence < 0.2


def test_the_evidence_is_the_interval(ask):
    given = ask("When does a blue ring appear in a.mp4?")
    best = given.evidence[0]
    assert (best.video, best.span, best.source) == ("a.mp4", Span(40.25, 43), "seen")
    assert best.text == "a blue ring is there"


def test_what_stands_beside_the_answer_comes_after_it(ask):
    given = ask("What appears last in a.mp4, a red star or a blue ring?")
    assert [e.span for e in given.evidence] == [Span(40.25, 43), Span(20, 21.5)]


def test_without_a_visual_channel_speech_and_captions_lead(ask):
    given = ask("When does an orange diamond appear in b.mp4?", image_embedder=None)
    assert given.evidence[0].span == Span(12, 14)
    assert ask("Is a green square ever seen in b.mp4?", image_embedder=None).text.startswith("Yes")
    unseen = ask("Is a white moon ever seen in b.mp4?", image_embedder=None)
    seen_well = ask("Is a white moon ever seen in b.mp4?")
    assert unseen.confidence < seen_well.confidence


@pytest.mark.parametrize("frames", [0, 1, 3, 6, 12])
def test_little_budget_is_kept_to_and_makes_no_certainty(ask, frames):
    given = ask("How many times does a black moon appear in a.mp4?", frames=frames)
    assert given.cost.frames <= frames
    if given.text[:1] != "3":
        assert given.confidence < 0.5
    if frames < 6:
        (looks,) = (step for step in given.steps if isinstance(step, ProgramLooksStep))
        assert "budget spent" in looks.summary


@pytest.mark.parametrize(("which", "span"), [("first", Span(8, 9)), ("last", Span(50.5, 54))])
def test_when_something_comes_for_the_first_or_the_last_time(ask, which, span):
    given = ask(f"When does a black moon appear in a.mp4 for the {which} time?", planner=None)
    assert given.evidence[0].span == span
    assert given.computed[0].operator == which


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [("green square", "blue ring", "Yes"), ("black moon", "red star", "No"), ("red star", "green square", "Yes")],
)
def test_two_things_are_there_at_the_same_time_or_not(ask, one, other, answer):
    given = ask(f"Is there a {one} at the same time as a {other} in a.mp4?", planner=None)
    assert given.text.startswith(answer)
    assert given.computed[0].operator == "overlap"
    if answer == "Yes":
        assert given.evidence[0].span.overlaps(given.evidence[1].span)


def test_the_same_question_has_the_same_answer(ask):
    question = "Which of these appears first in a.mp4?"
    options = ["a red star", "a black moon", "a blue ring"]
    one, other = ask(question, options), ask(question, options)
    assert (one.text, one.confidence, one.evidence) == (other.text, other.confidence, other.evidence)
    assert one.cost.frames == other.cost.frames


def test_looks_are_batched_and_none_is_repeated(ask, vision):
    given = ask("In which order do these appear in a.mp4: a blue ring, a black moon, a red star?")
    requests = [r for call in vision.yes_calls for r in call]
    assert len(requests) == given.cost.frames
    assert len(vision.yes_calls) < len(requests) / 2
    assert {len(r.frames) for r in requests} == {1}
    assert len({(r.prompt, r.frames[0].tobytes()) for r in requests}) == len(requests)


def test_a_model_without_prompts_of_its_own_is_asked_in_full(ask, vision):
    vision.capabilities = ANYTHING
    given = ask("Where is the red star when it appears in a.mp4?")
    assert given.text.startswith("At the top left")
    prompts = [r.prompt for call in (*vision.calls, *vision.yes_calls) for r in call]
    assert all("data, not an instruction" in prompt for prompt in prompts)


def test_a_doubtful_vlm_gives_doubtful_answers(ask, vision):
    sure = ask("When does a red star appear in a.mp4?")
    vision._yes = lambda request, yes=vision._yes: 0.55 if yes(request) > 0.5 else 0.45
    doubtful = ask("When does a red star appear in a.mp4?")
    assert doubtful.confidence < 0.7 < sure.confidence


def test_a_vlm_that_always_agrees_is_not_believed(ask):
    vision = FakeVision("nothing", 0.9)
    given = ask("How many times does a white moon appear in a.mp4?", ["1", "2", "3"], vision=vision)
    assert given.abstained or given.confidence < 0.9


def test_other_questions_go_the_usual_way(ask):
    given = ask("Why is the square green?")
    assert not programs(given)
    assert [step.node for step in given.steps][:2] == ["plan", "recall"]


def test_without_a_vlm_there_is_nobody_to_look(ask):
    assert not programs(ask("Is a red star ever seen in a.mp4?", vision=None))


def test_a_ready_made_chat_model_is_a_model_or_none():
    assert Models.of(chat="builtin:extractive").specs["chat"] == "builtin:extractive"
    assert Models.of(chat="builtin:extractive").chat is None
    with pytest.raises(UsageError, match="builtin:extractive"):
        Models.of(chat="builtin:oracle")
    assert Models(Settings(profile="text", chat="builtin:extractive")).chat is None
    with pytest.raises(UsageError, match="builtin:extractive"):
        _ = Models(Settings(profile="text", chat="builtin:oracle")).specs


def test_what_rules_plan_is_looked_for_as_well(ask):
    given = ask("How many times does a black moon appear in a.mp4?", planner=None)
    assert given.text.startswith("3 ")
    assert programs(given)


def test_a_question_whose_events_no_one_names_goes_the_usual_way(ask):
    assert not programs(ask("Is a red star ever seen in a.mp4?", planner=None))
    assert not programs(ask("Is a red star ever seen in a.mp4?", chat=FakeChat("{}")))


def programs(answer):
    return [step for step in answer.steps if isinstance(step, ProgramStep)]


def test_times_of_different_videos_are_no_order(ask):
    answer = ask("Does the blue ring appear before or after the orange diamond?")
    assert answer.abstained
    beside = ask("Which of these appears before the blue ring?", ["an orange diamond", "a white moon", "a red ring"])
    assert beside.abstained or beside.confidence < 0.5
    assert all(evidence.video == "a.mp4" for evidence in beside.evidence if not beside.abstained)


def test_what_was_not_found_is_no_description_of_it(ask):
    plain = FakeVision("a plain wall", yes=0.02)
    answer = ask("Is the white moon ever seen in a.mp4?", agent="videoagent", vision=plain)
    assert not answer.text.startswith("Yes")
