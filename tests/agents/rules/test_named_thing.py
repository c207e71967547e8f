"""What an answer in a sentence names stands in the next question; where that is not clear, the sentence does."""

from __future__ import annotations

import pytest

from lvqa.agents.rules.decompose import moment, named_thing
from lvqa.types import Answer, Evidence, Span

NAMED = [
    ("who lifts out the milk?", "It is so that a woman lifts out a milk carton", "a woman"),
    ("Who opened the door?", "At 00:03:12 the man in the grey coat opened the door.", "the man"),
    ("Who broke the vase?", "They all laugh. Tom broke the vase.", "Tom"),
    ("Which actor did they replace?", "Today they replace the actor Jonas Weber.", "the actor Jonas Weber"),
    ("Which team won the match?", "Rovers won the match 3 - 1.", "Rovers"),
    ("Which bridge is closed?", "The old harbour bridge is closed until May.", "the old harbour bridge"),
    ("Which machine has a red light?", "The machine has a red light, and a man repairs it.", "the machine"),
    ("What appears first in elm?", "A red star appears first in elm.", "a red star"),
    ("What appears last, a star or a moon?", "A moon (a star at 00:00:09, a moon at 00:02:34)", "a moon"),
    (
        "What does the girl pet?",
        "The girl kneels. She is leaning down to pet a large, brown dog.",
        "a large, brown dog",
    ),
    ("In which street is the lease signed?", "Bob: The lease in Harbour Street 14 is signed.", "Harbour Street 14"),
    ("What colour is the wall?", "The wall is red.", "red"),
]
WHOLE = [
    ("How often does she wave?", "2"),
    ("Where does the cat sleep?", "a yellow cat sleeps on the sofa"),
    ("When is the bell rung?", "The bell is rung at the end of the lesson."),
    ("On what day is the move?", "The move is on a Saturday in June."),
    ("What does she do?", "She opens the door."),
    ("What happens then?", "A dog runs through the garden."),
    ("Who is it?", "a tall man"),
    ("What is it?", ""),
    ("Who sings?", "Nothing of what was asked is said in here."),
]


@pytest.mark.parametrize(("asked", "said", "named"), NAMED)
def test_what_an_answer_names(asked: str, said: str, named: str) -> None:
    assert named_thing(asked, said) == named


@pytest.mark.parametrize(("asked", "said"), WHOLE)
def test_a_sentence_that_names_no_one_thing_stays(asked: str, said: str) -> None:
    assert named_thing(asked, said) == said


@pytest.mark.parametrize(
    ("asked", "said", "before", "put_in"),
    [
        ("When does the bell ring?", "The bell rings.", "What does she say at ", "00:04:10-00:04:13"),
        ("At what time does the bell ring?", "The bell rings.", "Who comes in after ", "00:04:10-00:04:13"),
        ("When does the bell ring?", "At 00:04:11.", "What does she say at ", ""),
        ("When was the prize given?", "In nineteen sixty one.", "Who was born in ", ""),
        ("Who rings the bell?", "Tom rings the bell.", "What does she say after ", ""),
    ],
)
def test_a_time_is_where_it_was_seen(asked: str, said: str, before: str, put_in: str) -> None:
    shown = Evidence("a.mp4", Span(250.0, 253.4), said, "speech", 1.0)
    assert moment(asked, Answer(said, None, 0.9, evidence=(shown,)), before) == put_in
    assert moment(asked, Answer(said, None, 0.9), before) == ""
