"""Which questions are taken apart by their words, into what, and where the rest is looked for then."""

from __future__ import annotations

import pytest

from lvqa.agents.rules.decompose import RULES, Split, _is_whole, narrowed, split
from lvqa.agents.rules.plan import by_rules
from lvqa.agents.state import SubAnswer, SubQuestion
from lvqa.types import Answer, Computation, EventRow, Evidence, Question, Scope, Span

# (question, sub-questions, rest, side, which happening)
TAKEN_APART = [
    ("What does the man who opened the door do after the bell?",
     ["Which man opened the door?", "When is the bell?"], "What does the man who opened the door do?", "after", 0),
    ("What does she do after opening the fridge?",
     ["When is it that someone is opening the fridge?"], "What does she do?", "after", 0),
    ("After the bell rings, what does the woman pick up?",
     ["When is it that the bell rings?"], "What does the woman pick up?", "after", 0),
    ("Who enters the room before the lights go out?",
     ["When is it that the lights go out?"], "Who enters the room?", "before", 0),
    ("What is the man doing after the explosion?", ["When is the explosion?"], "What is the man doing?", "after", 0),
    ("What happens right after the cat sleeps?", ["When is it that the cat sleeps?"], "What happens?", "after", 0),
    ("What happens shortly before a boy falls?", ["When is it that a boy falls?"], "What happens?", "before", 0),
    ("What does she say the second time the bell rings?",
     ["How many times is it that the bell rings?"], "What does she say?", "while", 2),
    ("The third time the dog barks, who opens the door?",
     ["How many times is it that the dog barks?"], "Who opens the door?", "while", 3),
    ("In the scene where the bell rings, what is the man holding?",
     ["When is it that the bell rings?"], "What is the man holding?", "while", 0),
    ("What is the girl eating in the scene where her brother cries?",
     ["When is it that her brother cries?"], "What is the girl eating?", "while", 0),
    ("What is the name of the man who opened the door?",
     ["Which man opened the door?"], "What is the name of the man who opened the door?", None, 0),
    ("What does the dog that barked do?", ["Which dog barked?"], "What does the dog that barked do?", None, 0),
    ("Where is the cat after the woman pours milk?",
     ["When is it that the woman pours milk?"], "Where is the cat?", "after", 0),
    ("Where does he go after he closes the shop?",
     ["When is it that he closes the shop?"], "Where does he go?", "after", 0),
    ("Which team plays after the break?", ["When is the break?"], "Which team plays?", "after", 0),
    ("What did the girl do after she fell down?",
     ["When is it that she fell down?"], "What did the girl do?", "after", 0),
    ("Who is crying before the train leaves?", ["When is it that the train leaves?"], "Who is crying?", "before", 0),
]  # fmt: skip

LEFT_WHOLE = [
    "What does the sign before the bridge say?",  # a place
    "Who is the man before the judge?",
    "Where is the house before the bridge?",
    "Who looks after the baby?",  # no time is meant
    "What was the boat named after the queen?",
    "What comes after the title card?",
    "Who runs after the dog?",
    "Who took after the king?",
    "What does the man do after 10 seconds?",  # how long, no event
    "What does he do after a while?",
    "What does he do after a few seconds?",
    "What does he do after that?",
    "Where does he go after lunch?",
    "What does he do before the end of the video?",
    "What does he do after the bell rings at the beginning?",
    "What does he do before or after the bell rings?",  # more than one event, or a choice
    "Does the man sit before or after the bell rings?",
    "What does she do after she opens the door and before the bell rings?",
    "What does he do after the man who sang leaves, when the bell rings?",
    "What happens between the bell and the fall?",
    "How long does he wait after the bell rings?",  # not what happens
    "How many people enter after the bell rings?",
    "Why does he leave after the bell rings?",
    "When does he sit down after the bell rings?",
    "Is the man sitting after the bell rings?",
    "What is the woman who is wearing a hat holding?",  # how somebody looks
    "What does the man who has a beard say?",
    "How many men who opened the door are there?",
    "Who is the man who opened the door?",  # that is the question
    'What does the sign "after the rain" say?',
    "What happens between 1:00 and 2:00 after the bell rings?",
    "What does she say the first time the bell rings?",  # recall knows first and last
    "What does she say the last time the bell rings?",
    "When does the woman lift out the milk carton?",
    "What does she pour?",
    "What happens in the video?",
    "What is the colour of the car?",
    "Which is the first video?",
    "",
    "???",
    "what",
]  # fmt: skip


@pytest.mark.parametrize(("question", "subs", "rest", "order", "nth"), TAKEN_APART)
def test_questions_that_are_taken_apart(question, subs, rest, order, nth) -> None:
    assert split(question) == Split(tuple(SubQuestion(text=text) for text in subs), rest, order, nth)
    assert [sub.text for sub in by_rules(question).sub_questions] == subs
    assert by_rules(question, ("a hat", "a bag")).sub_questions == ()
    for text in [*subs, rest]:
        assert order is None or split(text) is None or text == rest, "a part is simple"


@pytest.mark.parametrize("question", LEFT_WHOLE)
def test_questions_that_stay_whole(question) -> None:
    assert split(question) is None


def test_a_long_event_is_left_alone() -> None:
    asked = ["What happens after the man opens the " + "old " * n + "door?" for n in (7, 8)]
    assert [split(question) is None for question in asked] == [False, True]
    assert RULES.words == 12


# Where the rest is looked for


AT = Span(30, 36)


def found(video="a.mp4", span=AT, confidence=0.8, rows=(), place=0) -> SubAnswer:
    evidence = [Evidence(video, span, "it", "caption", confidence)]
    computed = (Computation("count", "twice", tuple(EventRow("it", path, at, 1.0) for path, at in rows)),)
    return SubAnswer(place, "when?", "when?", Answer("Then.", None, confidence, evidence=evidence, computed=computed))


def where(question, *subs, scope=Scope()):  # noqa: B008
    parts = split(question)
    assert parts is not None
    left = narrowed(parts, subs, Question(question, scope=scope))
    return None if left is None else (left.text, left.scope.videos, left.scope.between)


AFTER, BEFORE = "What happens after the cat sleeps?", "What happens before the cat sleeps?"
SCENE = "What is the man holding in the scene where the cat sleeps?"
SECOND = "What does she say the second time the bell rings?"
BOTH = "What does the man who opened the door do after the bell?"


def test_the_rest_is_looked_for_beside_the_event() -> None:
    assert where(AFTER, found()) == ("What happens?", ("a.mp4",), Span(36, 56))
    assert where(BEFORE, found()) == ("What happens?", ("a.mp4",), Span(10, 30))
    assert where(BEFORE, found(span=Span(5, 8))) == ("What happens?", ("a.mp4",), Span(0, 5))
    assert where(SCENE, found()) == ("What is the man holding?", ("a.mp4",), Span(20, 46))


def test_nothing_is_narrowed_where_the_event_is_unsure() -> None:
    assert where(AFTER, found(confidence=0.49)) is None
    assert where(AFTER, found(confidence=0.5)) is not None
    assert where(AFTER) is None
    assert where(AFTER, SubAnswer(0, "when?", "when?")) is None
    assert where(BEFORE, found(span=Span(0, 5))) is None, "nothing is before it"


def test_a_callers_stretch_is_kept_to() -> None:
    assert where(AFTER, found(), scope=Scope(between=Span(0, 40)))[2] == Span(36, 40)
    assert where(AFTER, found(), scope=Scope(between=Span(0, 30))) is None


def test_which_of_several_happenings() -> None:
    rows = [("a.mp4", Span(50, 52)), ("a.mp4", Span(10, 12))]
    assert where(SECOND, found(rows=rows))[2] == Span(40, 62)
    assert where(SECOND, found(rows=rows[:1])) is None
    assert where(SECOND, found(rows=[*rows, ("b.mp4", Span(1, 2))])) is None, "no one order of two videos"


def test_the_one_who_is_named_and_the_event_are_in_one_video() -> None:
    event = found(span=Span(60, 61), place=1)
    assert where(BOTH, found(), event)[1:] == (("a.mp4",), Span(61, 81))
    assert where(BOTH, found(video="b.mp4"), event) is None
    assert where(BOTH, found(confidence=0.1), event)[1:] == (("a.mp4",), Span(61, 81))
    assert where(BOTH, found(), found(confidence=0.1, place=1)) is None
    assert where("What does the dog that barked do?", found())[1:] == (("a.mp4",), None)


@pytest.mark.parametrize(
    ("main", "whole"),
    [
        ("Which building is the man", False),
        ("which building is the man entering", True),
        ("what is she holding", True),
        ("What does the sign", False),
        ("what does the sign say", True),
    ],
)
def test_whether_a_question_stands_by_itself(main: str, whole: bool) -> None:
    assert _is_whole(main, clause=False) == whole
