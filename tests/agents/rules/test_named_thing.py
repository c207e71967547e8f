"""What an answer in a sentence names stands in the next question; where that is not clear, the sentence does."""

from __future__ import annotations

import pytest

from lvqa.agents.rules.decompose import named_thing

NAMED = [
    ("who lifts out the milk?", "It is so that a woman lifts out a milk carton", "a woman"),
    ("Who opened the door?", "At 00:03:12 the man in the grey coat opened the door.", "the man"),
    ("Who broke the vase?", "They all laugh. Tom broke the vase.", "Tom"),
    ("Which actor did they replace?", "Today they replace the actor Jonas Weber.", "the actor Jonas Weber"),
    ("Which team won the match?", "Rovers won the match 3 - 1.", "Rovers"),
    ("Which bridge is closed?", "The old harbour bridge is closed until May.", "The old harbour bridge"),
    ("Which machine has a red light?", "The machine has a red light, and a man repairs it.", "The machine"),
    ("What appears first in elm?", "A red star appears first in elm.", "A red star"),
    (
        "What does the girl pet?",
        "The girl kneels. She is leaning down to pet a large, brown dog.",
        "a large, brown dog",
    ),
    ("In which street is the lease signed?", "Bob: The lease in Harbour Street 14 is signed.", "Harbour Street 14"),
    ("What colour is the wall?", "The wall is red.", "red"),
]
WHOLE = [
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
