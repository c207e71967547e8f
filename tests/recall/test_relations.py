"""What a question says about when, and the priors that follow: right words in, wrong words not, means of one."""

from __future__ import annotations

import numpy as np
import pytest

from lvqa.language.times import Relation, relation_of
from lvqa.recall.query import understand
from lvqa.recall.time_priors import anchor_prior, ordinal_prior, position_prior


@pytest.mark.parametrize(
    ("question", "text", "relation"),
    [
        ("why is the boy crying at the beginning of the video", "why is the boy crying", Relation("start")),
        ("What does she do near the end?", "What does she do?", Relation("end")),
        ("what is he holding in the middle of the clip", "what is he holding", Relation("middle")),
        ("How is he standing at the end of video?", "How is he standing?", Relation("end")),
        (
            "what does the cat do right at the end after the man leaves",
            "what does the cat do after the man leaves",
            Relation("end", None, "after", "the man leaves"),
        ),
        ("Where is the ball before she throws it?", None, Relation(None, None, "before", "she throws it")),
        ("what did he hold while climbing up", None, Relation(None, None, "while", "climbing up")),
        ("When does the dog bark for the first time?", None, Relation(None, "first")),
        ("When is the last time she waves?", None, Relation(None, "last")),
    ],
)
def test_words_about_when_are_read(question: str, text: str | None, relation: Relation):
    assert relation_of(question) == (text or question, relation)


@pytest.mark.parametrize(
    "question",
    [
        "why is the rope at the end of the stick?",
        "why did the lady stand in the middle of the stage",
        "why does the bird start shaking its body",
        "how did the ball end up in the pool",
        "How does the video end?",
        "who is on first base",
        "milk carton",
        "",
        "at the end",
    ],
)
def test_words_about_things_are_left_alone(question: str):
    assert relation_of(question)[0] == question
    assert relation_of(question)[1].position is None or question == "at the end"


@pytest.mark.parametrize("position", ["start", "middle", "end", None])
def test_a_position_prior_is_relative_to_no_knowledge(position):
    share = (np.arange(2000) + 0.5) / 2000
    prior = position_prior(position, share)
    assert prior.mean() == pytest.approx(1.0, abs=0.01)
    assert prior.min() >= 0.1
    best = {"start": 0.0, "middle": 0.5, "end": 1.0, None: share[int(np.argmax(prior))]}[position]
    assert share[int(np.argmax(prior))] == pytest.approx(best, abs=0.001)


@pytest.mark.parametrize(("order", "side"), [("after", 1), ("before", -1)])
def test_an_anchor_favours_its_side_and_forbids_nothing(order, side):
    times = np.arange(100, dtype=float)
    prior = anchor_prior(order, times, np.array([50.0]), np.array([1.0]))
    assert prior[50 + 5 * side] > 2 * prior[50 - 5 * side]
    assert prior.mean() == pytest.approx(1.0)
    assert prior.min() >= 0.5


def test_while_is_the_same_on_both_sides():
    prior = anchor_prior("while", np.arange(101, dtype=float), np.array([50.0]), np.array([1.0]))
    np.testing.assert_allclose(prior, prior[::-1])


def test_the_first_of_several_is_what_nothing_lies_before():
    times, shares = np.array([30.0, 10.0, 20.0]), np.array([1 / 3] * 3)
    first, last = ordinal_prior("first", times, shares), ordinal_prior("last", times, shares)
    assert first.argmax() == 1
    assert last.argmax() == 0
    assert (first > 0).all()


def test_a_question_is_searched_as_what_a_caption_would_say():
    asked = understand("Why is the boy crying at the beginning of the video?")
    assert asked.meanings == (("Why is the boy crying?", "the boy crying"),)
    assert asked.words == ("Why is the boy crying?",)
    assert asked.relation.position == "start"
    plain = understand("Why is the boy crying at the beginning?", rewrite=False, relations=False)
    assert plain.meanings == (("Why is the boy crying at the beginning?",),)
    assert not plain.relation.says_when


def test_further_phrases_and_options_are_meanings_of_their_own():
    asked = understand("what does he open", ["a man opens a box", "what does he open"], ["the door", "a box"])
    assert asked.meanings[1:] == (
        ("a man opens a box",),
        ("what does he open the door",),
        ("what does he open a box",),
    )
    assert asked.words == ("what does he open", "a man opens a box", "the door a box")
    assert len(set(asked.phrases)) == len(asked.phrases)
