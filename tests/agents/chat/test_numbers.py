"""Each number by which a question of a chat is understood, by what changes at its edge."""

from __future__ import annotations

import pytest

from lvqa.agents.chat.conversation import understand
from lvqa.agents.chat.references import by_rules
from lvqa.agents.chat.turns import Turn
from lvqa.models.fake import FakeChat
from lvqa.tools.ledger import Ledger
from lvqa.types import Budget, Evidence, Span

LONG = {"day.mp4": 600.0}


def turn(question: str, text: str = "a meadow", answer: str = "", start_s: float = 300.0, **given) -> Turn:
    evidence = (Evidence("day.mp4", Span(start_s, start_s + 2), text, "caption", 0.5),)
    return Turn(question, question, answer=answer or text, evidence=evidence, **given)


@pytest.mark.parametrize(
    ("start_s", "asked", "between"),
    [(300, "And before that?", (240, 300)), (300, "And then?", (302, 362)), (50, "And before that?", (0, 50))],
)
def test_a_bare_before_is_about_a_minute(start_s, asked, between) -> None:
    made = by_rules(asked, [turn("When does the red star appear?", start_s=start_s)], LONG)
    assert made.between == Span(*between)


@pytest.mark.parametrize(("words", "asks_again"), [(7, True), (8, False)])
def test_a_fragment_has_seven_words(words, asks_again) -> None:
    fragment = " ".join(["the", *["very"] * (words - 2), "dog"])
    made = by_rules(f"And {fragment}?", [turn("What colour is the cat?", "a cat")], LONG)
    assert (made.question != f"And {fragment}?") == asks_again


@pytest.mark.parametrize(("words", "named"), [(6, True), (7, False)])
def test_an_answer_of_six_words_names_a_thing(words, named) -> None:
    answer = " ".join(["a", *["big"] * (words - 2), "kite"])
    last = turn("What is in the sky?", "clouds", answer)
    assert ("kite" in by_rules("Where does it land?", [last], LONG).question) == named


@pytest.mark.parametrize(("back", "remembered"), [(4, True), (5, False)])
def test_a_pronoun_reaches_four_turns_back(back, remembered) -> None:
    turns = [turn("Where is the kite?", "the kite flies"), *[turn("Why?", "", "so", abstained=True)] * (back - 1)]
    assert ("kite" in by_rules("When does it land?", turns, LONG).question) == remembered


def test_the_chat_model_reads_six_turns() -> None:
    chat = FakeChat('{"question": "x?", "video": null, "between": null}')
    turns = [turn(f"question number {n}?") for n in range(9)]
    understand("And then?", turns, LONG, chat=chat, ledger=Ledger(Budget()))
    prompt = str(chat.calls[0][-1].text)
    assert [n for n in range(9) if f"question number {n}?" in prompt] == [3, 4, 5, 6, 7, 8]
