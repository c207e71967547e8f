"""What makes a text on the screen a title."""

from __future__ import annotations

import pytest

from lvqa.agents.rules.titles import titles


@pytest.fixture
def ranked(note):
    def rank(*cards, end_s=600.0):
        notes = [note("v", start_s, end, text, "screen") for start_s, end, text in cards]
        return [title.text for title in titles(notes, lambda video_id: end_s, lambda n: 0.0)]

    return rank


def test_numbers_time_codes_and_noise_are_no_titles(ranked):
    assert ranked((0, 1, "01:00:21:00"), (1, 2, "12"), (2, 3, "|l1 ~x"), (3, 4, "xq zr"), (4, 5, "-")) == []


def test_credits_are_not_titles_and_presents_announces_one(ranked):
    cards = (
        (5, 8, "A Small Studio\npresents"),
        (10, 12, "The Long Walk"),
        (200, 204, "Exit only this way"),
        (590, 594, "Directed by Ann Example"),
    )
    assert ranked(*cards)[0] == "The Long Walk"
    assert not any("Directed" in text or "presents" in text for text in ranked(*cards))


def test_a_card_that_stands_beats_one_that_flashes(ranked):
    assert ranked((300, 300.5, "Flash Sale"), (320, 326, "Quiet Harbour"))[0] == "Quiet Harbour"


def test_readings_of_one_card_are_one_title(note):
    readings = ("BIG BUCK\nBUNNY", "BigBuck BUNNY", "BIG BUCK BUNNY")
    notes = [note("v", s, s + 1, text, "screen") for s, text in enumerate(readings, 3)]
    found = titles(notes, lambda video_id: 60.0, lambda n: 0.0)
    assert len(found) == 1
    assert (found[0].span.start_s, found[0].span.end_s) == (3, 6)
    assert len(found[0].notes) == 3


def test_the_question_decides_between_equals(note):
    notes = [note("a", 3, 6, "Green Rivers", "screen"), note("b", 3, 6, "Stone Towers", "screen")]
    for wanted in notes:
        best = titles(notes, lambda video_id: 60.0, lambda n, wanted=wanted: float(n.id == wanted.id))[0]
        assert best.text == wanted.text


def test_long_texts_and_other_scripts(ranked):
    assert ranked((0, 3, " ".join(["word"] * 30))) == []
    assert ranked((0, 3, "千と千尋の神隠し")) == ["千と千尋の神隠し"]
