"""An event as a caption puts it: which thing, and what becomes of it; anything else as it is written."""

from __future__ import annotations

import pytest

from lvqa.temporal.events import CaptionEvent, is_thing, read_event


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("a red star", CaptionEvent("red star")),
        ("The red star.", CaptionEvent("red star")),
        ("a red star appears", CaptionEvent("red star")),
        ("two dogs are seen", CaptionEvent("two dogs")),
        ("the parcel shows up", CaptionEvent("parcel")),
        ("the cup is gone", CaptionEvent("cup", "vanish")),
        ("the cup vanishes for a moment", CaptionEvent("cup", "vanish")),
        ("the light turns green", CaptionEvent("light", "recolour", "green")),
        ("the sky became grey", CaptionEvent("sky", "recolour", "grey")),
        ("the lamp changes its colour", CaptionEvent("lamp", "recolour")),
        ("the chair moves to another place", CaptionEvent("chair", "move")),
        ("the chair changes its place", CaptionEvent("chair", "move")),
    ],
)
def test_a_thing_that_comes_or_changes(text, event):
    assert read_event(text) == event


@pytest.mark.parametrize(
    "text",
    [
        "she opens the fridge",
        "the car turns left",
        "the light turns off",
        "the man is gone to the shop",
        "a cat disappears behind the sofa",
        "the train moves",
        "the milk turns sour",
    ],
)
def test_any_other_event_is_looked_for_as_it_is_written(text):
    assert read_event(text) == CaptionEvent(text)
    assert not is_thing(text)
