"""What verify takes as checked: what a sub-question's answer says already, with its evidence, and no more."""

from __future__ import annotations

import pytest

from lvqa.agents.nodes.verify import told_by_parts
from lvqa.agents.state import Claim, Draft, Item, SubAnswer
from lvqa.types import Answer, Note, Span


def item(note_id: str) -> Item:
    return Item(Note(note_id, "v", None, Span(1, 2), "a sign", "seen"), "a.mp4", 1.0, 1.0)


PART = SubAnswer(0, "", "What does the sign say in a.mp4?", Answer("A7", None, 0.8), (item("n1"), item("n2")))
ASKED = "What is written where the orange cross is?"


def checked(text: str, *note_ids: str, by: str = "chat", part: SubAnswer = PART) -> Claim:
    draft = Draft(text, None, (Claim(text, note_ids),), by=by)  # type: ignore[arg-type]
    (claim,) = told_by_parts(draft, [part], ASKED).claims
    return claim


@pytest.mark.parametrize("text", ["A7", "The sign: A7.", "A7 is written where the cross is"])
def test_what_says_no_more_than_a_part_was_checked_there(text: str) -> None:
    claim = checked(text, "n1")
    assert (claim.checked_by, claim.support) == ("part", 0.8)


@pytest.mark.parametrize("text", ["A8", "not A7", "The red sign says A7", "A7 and B2"])
def test_what_says_more_is_still_to_be_checked(text: str) -> None:
    assert checked(text, "n1") == Claim(text, ("n1",))


def test_what_cites_something_else_is_still_to_be_checked() -> None:
    assert checked("A7", "n1", "n9").checked_by == ""
    assert checked("A7").checked_by == ""


def test_a_part_that_was_not_answered_checks_nothing() -> None:
    absent = SubAnswer(0, "", "What does the sign say?", Answer("A7", None, 0.8, "absent"), (item("n1"),))
    assert checked("A7", "n1", part=absent).checked_by == ""


def test_rules_are_not_taken_at_a_parts_word() -> None:
    assert checked("A7", "n1", by="rules").checked_by == ""
