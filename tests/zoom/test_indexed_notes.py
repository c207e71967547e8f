"""Notes of a video as a search reads them: all in order of time, or no more than those that may name a thing."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvqa.store import Filter, Store
from lvqa.types import Note, Span, Video
from lvqa.zoom.indexed_notes import IndexedNotes

TEXTS = ["A red star rises", "a Red car, a STAR above", "der Bär tanzt", "nothing", "DER BÄR schläft, ein star"]


@pytest.fixture
def notes(tmp_path: Path) -> IndexedNotes:
    with Store.open(tmp_path / "index", write=True) as store:
        store.videos.put(Video("v", "v.mp4", "h", 60.0, 160, 90, 25.0, "h264"))
        store.notes.put([Note(f"n{k}", "v", None, Span(10 - k, 11), text, "caption") for k, text in enumerate(TEXTS)])
        yield IndexedNotes(store, Filter(frozenset({"v"})))


def test_all_are_read_in_order_of_time(notes: IndexedNotes) -> None:
    assert len(notes) == len(TEXTS)
    assert [note.text for note in notes] == TEXTS[::-1]
    assert [note.text for note in notes[:2]] == TEXTS[:2:-1]


@pytest.mark.parametrize(
    ("words", "held"),
    [(("red", "star"), [1, 0]), (("bär",), [4, 2]), (("bär", "star"), [4]), (("moon",), []), ((), [4, 3, 2, 1, 0])],
)
def test_only_those_that_hold_all_words_in_any_case(notes: IndexedNotes, words, held) -> None:
    assert [note.text for note in notes.holding(words)] == [TEXTS[k] for k in held]
    assert notes.holding(words) is notes.holding(words)
