"""Open answers are right by strict rules, options by their index."""

from __future__ import annotations

import pytest

from lvqa.eval.lab.world.questions.grade import interval, objects, right_choice, right_open
from lvqa.eval.lab.world.questions.make import WorldQuestion
from lvqa.eval.tasks.base import Window
from lvqa.types import Answer

AT = "00:01:02-00:01:05"


def question(type_: str, asked: str, gold: str, *windows: tuple[float, float], absent: bool = False) -> WorldQuestion:
    shown = tuple(Window("alder.mp4", *window) for window in windows)
    options = ("a", "b", "c", "d", "e")
    return WorldQuestion(
        "q", type_, "", True, "alder.mp4", ("alder.mp4",), asked, gold, asked, options, -1 if absent else 2, shown,
        absent, (), (),
    )  # fmt: skip


def said(text: str, *, abstained: bool = False, choice: int | None = None) -> Answer:
    return Answer(text, choice, 0.5, abstained)


@pytest.mark.parametrize(
    ("type_", "asked", "gold", "answer", "right"),
    [
        ("existence", "Is a red star ever seen in alder.mp4?", "yes", "Yes, at 00:01:02 of alder.mp4.", True),
        ("existence", "Is a red star ever seen in alder.mp4?", "yes", "There is a red star.", False),
        ("existence", "Is a red star ever seen in alder.mp4?", "no", "No.", True),
        ("existence", "Is a red star ever seen in alder.mp4?", "no", "Not that I know; yes maybe", False),
        ("when", "When does a red star appear in alder.mp4?", AT, "00:01:02.250-00:01:04.500 of alder.mp4", True),
        ("when", "When does a red star appear in alder.mp4?", AT, "00:01:02 to 00:01:10", False),
        ("when", "When does a red star appear in alder.mp4?", AT, "at 00:01:06", True),
        ("when", "When does a red star appear in alder.mp4?", AT, "at 00:01:08", False),
        ("when", "When does a red star appear in alder.mp4?", AT, "00:01:02-00:01:05 of birch.mp4", False),
        ("when", "When does a red star appear in alder.mp4?", AT, "soon", False),
        ("when", "When does a red star appear in alder.mp4?", AT, "at 99:99", False),
        ("count_events", "How often does a red star appear in alder.mp4?", "3", "3 times (00:01:02, 00:02:00)", True),
        ("count_events", "How often does a red star appear in alder.mp4?", "3", "Three times in a1.mp4.", True),
        ("count_events", "How often does a red star appear in alder.mp4?", "3", "3 or 4 times", False),
        ("count_events", "How often does a red star appear in alder.mp4?", "2", "Twice.", True),
        ("count_objects", "How many objects at 00:00:04?", "5", "none", False),
        ("duration", "How long is the red star visible?", "2.5 seconds", "2.25 s", True),
        ("duration", "How long is the red star visible?", "2.5 seconds", "about 3.25 seconds", False),
        ("duration", "How long is the red star visible?", "2.5 seconds", "2 to 3 seconds", False),
        ("duration", "How long is the red star visible?", "2 seconds", "2.0s, at 00:01:02-00:01:04", True),
        ("sign", "What does the sign say?", "K7", 'It says "k7" at 00:00:10.', True),
        ("sign", "What does the sign say?", "K7", "K7 or K1", False),
        ("before_after", "Does a red star appear before or after a blue ring?", "before", "Before it.", True),
        ("before_after", "Does a red star appear before or after a blue ring?", "before", "after", False),
        ("first_last", "What appears first, a red star or a blue ring?", "a red star", "the red star", True),
        ("first_last", "What appears first, a red star or a blue ring?", "a red star", "A blue ring, red star", False),
        ("order", "In which order: a red star, a blue ring, a green moon?", "a blue ring, a red star, a green moon",
         "the blue ring, then the red star, then the green moon", True),
        ("order", "In which order: a red star, a blue ring, a green moon?", "a blue ring, a red star, a green moon",
         "a blue ring, a green moon, a red star", False),
        ("attribute", "What colour does the red star turn into?", "blue", "The red star turns blue.", True),
        ("attribute", "What colour does the red star turn into?", "blue", "blue or green", False),
        ("attribute", "What shape is the red object at 00:00:04?", "star", "a star", True),
        ("attribute", "What shape is the red object at 00:00:04?", "star", "a ring", False),
        ("place", "Where is the red star?", "top left", "at the top left", True),
        ("place", "Where is the red star?", "top left", "at the top", False),
        ("place", "Where does the red star move to?", "top left", "from the left to the top left", True),
        ("across", "Is a red star seen in alder.mp4 or in birch.mp4?", "birch.mp4", "In birch.mp4, at 00:00:01.", True),
        ("across", "Is a red star seen in alder.mp4 or in birch.mp4?", "birch.mp4", "alder.mp4, not birch.mp4", False),
    ],
)  # fmt: skip
def test_open_answers(type_: str, asked: str, gold: str, answer: str, right: bool) -> None:
    assert right_open(question(type_, asked, gold, (62.0, 64.5)), said(answer)) is right


def test_abstaining_is_right_where_nothing_is_there_and_only_there() -> None:
    absent, there = question("unanswerable", "When?", "not in these videos", absent=True), question("when", "When?", AT)
    for grade in (right_open, right_choice):
        assert grade(absent, said("Not in these videos", abstained=True))
        assert not grade(absent, said("not in these videos", choice=2))
        assert not grade(there, said("Not in these videos", abstained=True))
    assert right_choice(there, said("c", choice=2))
    assert not right_choice(there, said("b", choice=1))


def test_what_a_text_names() -> None:
    assert objects("The small red stars, a blue ring; red star") == ["red star", "blue ring"]
    assert interval("0:10-0:12") == (10.0, 12.0)
    assert interval("0:10") == (10.0, 10.0)
