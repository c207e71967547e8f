"""Descriptions are read as the VLM would answer about their frame."""

from __future__ import annotations

import pytest

from lvqa.eval.lab.wordings.descriptions import present, reply
from lvqa.eval.lab.world.reader import describe, truth_notes
from lvqa.eval.lab.world.scenes.draw import Thing
from lvqa.eval.lab.world.scenes.truth import VideoTruth

TEXT = (
    "grass, a large red circle at the top left, a small blue star in the middle, a white flag at the right, "
    "a sign at the bottom."
)


def test_describing_is_in_the_words_of_the_vlm() -> None:
    things = (
        Thing("sign", "white", "large", 256, 240, "K7"), Thing("star", "blue", "small", 256, 144),
        Thing("flag", "white", "large", 430, 144), Thing("circle", "red", "large", 80, 40),
    )  # fmt: skip
    assert describe("grass", things) == TEXT
    assert describe("sand", ()) == "sand, nothing else."


@pytest.mark.parametrize(
    ("phrase", "there"),
    [("red circle", True), ("large red circle at the top left", True), ("red circle at the top", False),
     ("small red circle", False), ("blue flag", False), ("white flag", True), ("sign", True), ("ring", False)],
)  # fmt: skip
def test_what_is_there(phrase: str, there: bool) -> None:
    assert present(TEXT, phrase) is there


@pytest.mark.parametrize(
    ("question", "answer"),
    [("what colour is the circle?", "red"), ("what shape is the blue object in the middle?", "star"),
     ("where is the blue star?", "middle"), ("where is the sign?", "bottom"), ("how many objects are there?", "2"),
     ("how many red circles are there?", "1"), ("what does the sign say?", "too small"),
     ("where is the red ring?", "nowhere"), ("what colour is the ring?", "none"), ("what is the ground?", "grass"),
     ("what is at the top left?", "large red circle"), ("what is in the middle?", "small blue star"),
     ("who are you?", "unknown")],
)  # fmt: skip
def test_what_is_replied(question: str, answer: str) -> None:
    assert reply(TEXT, question) == answer


def test_the_truth_is_described_second_by_second(truths: tuple[VideoTruth, ...]) -> None:
    notes = truth_notes(truths[0], "v")
    assert len(notes) == int(truths[0].duration_s)
    thing = truths[0].objects_at(60.5)[0]
    assert present(notes[60].text, f"{thing.size} {thing.colour} {thing.shape}")
