"""The option that says the same as a result, and what does not fit."""

from __future__ import annotations

import pytest

from lvqa.temporal.options import match, number, window
from lvqa.temporal.presence import Coverage
from lvqa.temporal.result import exactly_one, hidden, product
from lvqa.types import Span


@pytest.mark.parametrize(
    ("value", "options", "choice", "factor"),
    [
        (True, ("No.", "Yes, it is", "maybe"), 1, 1.0),
        (False, ("yes", "no"), 1, 1.0),
        (Span(63.25, 64), ("00:00:10-00:00:12", "00:01:03-00:01:04"), 1, 1.0),
        (Span(66, 67), ("00:00:10-00:00:12", "00:01:03-00:01:04"), 1, 0.6),
        (Span(90, 91), ("00:00:10-00:00:12", "00:01:03-00:01:04"), None, 0.0),
        (3.0, ("two", "three", "four"), 1, 1.0),
        (2.25, ("1.5 seconds", "2.25 seconds", "3 seconds"), 1, 1.0),
        (2.0, ("1.5 seconds", "3 seconds"), 0, 0.6),
        (9.0, ("1", "2"), None, 0.0),
        ("top left", ("left", "top left", "top"), 1, 1.0),
        ("left", ("at the left", "top left"), 0, 1.0),
        ("right", ("left", "top"), None, 0.0),
        ("k7", ("k2", "r7", "a3"), None, 0.0),
        ("k7", ("k2", "e3", "a4"), 0, 0.4),
        ("red star", ("a red ring", "a red star"), 1, 1.0),
        (("cat", "dog"), ("a dog, a cat", "a cat, a dog"), 1, 1.0),
        (("cat", "dog"), ("a dog, a cat",), None, 0.0),
    ],
)
def test_matches(value, options, choice, factor):
    assert match(value, options) == (choice, factor)


def test_what_options_name():
    assert window("00:03:12-00:03:15") == Span(192, 195)
    assert window("at 1:05") == Span(65, 66)
    assert window("a red star") is None
    assert window("at 12:99") is None
    assert window("0:10-0:99") == Span(10, 11)
    assert number("twice") == 2
    assert number("2 or 3") is None


def test_exactly_one_is_true():
    best, sure = exactly_one([0.05, 0.9, 0.05])
    assert best == 1
    assert sure > 0.95 - 1e-9
    assert exactly_one([0.9, 0.9])[1] == pytest.approx(0.5)


def test_what_stays_hidden():
    assert hidden(Coverage(0.5, 1.0)) < hidden(Coverage(1.0, 1.0)) < hidden(Coverage(8.0, 1.0))
    assert hidden(Coverage(0.5, 1.0)) < hidden(Coverage(0.5, 0.7))
    assert hidden(Coverage(float("inf"), 0.0)) == 0.7
    assert product([1.0, 1.0]) == 0.95
