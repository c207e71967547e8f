"""What is known of the text in the laboratory's films, and how notes are held against it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvqa.eval.lab.screen import kinds
from lvqa.eval.lab.screen.everyday import OnScreen, read_truth, write_truth
from lvqa.eval.lab.screen.measure import ALIKE, COVERED, LONG_S, MOST_NOTES, alike, compare

TRUTH = [OnScreen("a.mp4", 0, 100, "Hiring\nOne developer"), OnScreen("a.mp4", 100, 101, "Office move")]


def test_the_bounds() -> None:
    assert (MOST_NOTES, COVERED, LONG_S, ALIKE) == (1.15, 0.9, 2.0, 0.8)


def test_one_note_that_covers_a_text_is_enough() -> None:
    found = compare([("a.mp4", 0, 91, "Hiring\nOne deve1oper"), ("b.mp4", 0, 1, "X")], TRUTH)
    assert (found.notes, found.texts, found.elsewhere, found.missed, found.passed) == (1, 2, 1, [], True)


@pytest.mark.parametrize(
    "notes", [[], [("a.mp4", 0, 89, "Hiring\nOne developer")], [("b.mp4", 0, 100, "Hiring\nOne developer")],
              [("a.mp4", 0, 100, "Office move")],
              [("a.mp4", 0, 50, "Hiring\nOne developer"), ("a.mp4", 50, 100, "Hiring\nOne developer")]]
)  # fmt: skip
def test_less_is_not(notes: list[tuple[str, float, float, str]]) -> None:
    found = compare(notes, TRUTH)
    assert [shown for shown, _ in found.missed] == TRUTH[:1]
    assert not found.passed


def test_notes_of_a_film_that_shows_nothing_count() -> None:
    notes = [("a.mp4", 0.0, 100.0, "Hiring\nOne developer")] + [
        ("still.mp4", float(n), n + 1.0, "lo") for n in range(2)
    ]
    assert compare(notes, TRUTH, ["still.mp4"]).notes_a_text == 1.5
    assert not compare(notes, TRUTH, ["still.mp4"]).passed


def test_a_note_that_holds_all_that_was_ever_shown_tells_no_text() -> None:
    assert not alike("Hiring\nOne developer\nOffice move\nBudget meeting\nAgenda", "Hiring\nOne developer")


def test_a_truth_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_truth(tmp_path / "truth.json", TRUTH)
    assert read_truth(tmp_path / "truth.json") == TRUTH


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_what_a_film_shows_is_told(kind: str) -> None:
    frames, shown = kinds.KINDS[kind]()
    height, width = next(frames).shape[:2]
    assert (height % 2, width % 2) == (0, 0)
    assert all(0 <= start_s < end_s <= 60 and text for start_s, end_s, text in shown)
    assert (shown == []) == (kind == "moving camera, no text")
