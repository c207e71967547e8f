"""Which queries are words to look up, and which are questions and descriptions."""

from __future__ import annotations

import pytest

from lvqa.language.words import keywords
from lvqa.recall.ranking import LITERAL_BONUS, WHOLE_BONUS, literalness


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("photosynthesis", ("photosynthesis",)),
        ("Elena Marsh", ("Elena", "Marsh")),
        ("test_thrust", ("test_thrust",)),
        ("Rechnung 4711", ("Rechnung", "4711")),
        ("光合作用", ("光合作用",)),
        ("budget, Lisbon", ("budget", "Lisbon")),
        ("red car.", ("red", "car")),
        ("The Who", ("The", "Who")),
        ("what is red", ()),
        ("Marsh?", ()),
        ("a red car", ()),
        ("a woman opens the fridge", ()),
        ("red car drives past green house", ()),
        ("", ()),
    ],
)
def test_words_to_look_up(query: str, words: tuple[str, ...]) -> None:
    assert keywords(query) == words


@pytest.mark.parametrize(
    ("query", "text", "nats"),
    [
        ("Elena Marsh", "a lecture by Elena Marsh", LITERAL_BONUS + WHOLE_BONUS),
        ("Marsh Elena", "a lecture by Elena Marsh", LITERAL_BONUS),
        ("Elena Marsh", "a lecture by Elena Marshall", 0.0),
        ("Elena Marsh", "a marsh", 0.0),
        ("光合作用", "今天我们讲光合作用的过程", LITERAL_BONUS + WHOLE_BONUS),
        ("Straße", "in der STRASSE", LITERAL_BONUS + WHOLE_BONUS),
        ("who is Elena Marsh", "Elena Marsh", 0.0),
    ],
)
def test_what_holds_all_the_words_is_as_good_as_literal(query: str, text: str, nats: float) -> None:
    assert literalness(query, [], text) == nats
