"""Notes that say the same one after the other are one candidate, with all their stretch."""

from __future__ import annotations

import numpy as np

from lvqa.recall.candidates import Candidates, runs_of
from lvqa.types import Note, Span


def _note(video: str, start_s: float, end_s: float, text: str, source: str = "caption") -> Note:
    made = f"{video}-{start_s}-{source}"
    return Note(made, video, None, Span(start_s, end_s), text, source)


SAME = [_note("a", n, n + 1, "A dog runs.") for n in range(4)]


def test_equal_texts_beside_each_other_are_one() -> None:
    again = [_note("a", 9, 10, "a dog  runs."), _note("b", 4, 5, "A dog runs.")]
    other = _note("a", 1.5, 3, "A dog runs.", "speech")
    every = sorted([*SAME, *again, other], key=lambda n: (n.video_id, n.span.start_s, n.id))
    assert [[n.span.start_s for n in run] for run in runs_of(every)] == [[0, 1, 2, 3], [1.5], [9], [4]]


def test_a_pause_as_long_as_the_notes_does_not_part_them() -> None:
    slides = [_note("a", start_s, start_s + 30, "Photosynthesis") for start_s in (0, 50, 200)]
    assert [len(run) for run in runs_of(slides)] == [2, 1]


def test_a_run_has_the_best_of_all_scores_and_its_whole_stretch() -> None:
    scores = {note.id: float(n) for n, note in enumerate(SAME)}
    made = Candidates.of(SAME, scores, {}, {SAME[0].id: 2.0}, {"a": "a.mp4"})
    assert len(made) == 1
    assert (made.scores[0], made.seen[0], made.certain[0]) == (3.0, -np.inf, 2.0)
    assert made.stretch(0) == Span(0, 4)


def test_a_note_behind_which_a_frame_was_found_stands_by_itself() -> None:
    scores = {note.id: float(n) for n, note in enumerate(SAME)}
    made = Candidates.of(SAME, scores, {SAME[2].id: 1.5}, {}, {"a": "a.mp4"})
    assert [note.span.start_s for note in made.notes] == [0, 2]
    assert made.seen.tolist() == [-np.inf, 1.5]
    assert made.runs.tolist() == [0, 0]


def test_a_note_alone_has_no_stretch() -> None:
    scores = {note.id: float(n) for n, note in enumerate(SAME)}
    alone = Candidates.of(SAME[:1], scores, {}, {}, {"a": "a.mp4"})
    assert alone.stretch(0) is None
