"""Segments: cut where the topic shifts, within their lengths, whatever the notes are like."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvqa.errors import UsageError
from lvqa.indexers.hierarchy.topics import Lengths, cut_topics
from lvqa.models.base import Vectors
from lvqa.models.fake import FakeEmbedder
from lvqa.types import Note, Span

COOKING = ("she chops onions on a board", "the pan hisses with oil", "she stirs the soup", "onions fry in the pan")
FOOTBALL = ("the striker shoots at the goal", "the keeper dives", "a defender kicks the ball", "the goal is missed")
SAILING = ("the boat leans in the wind", "a sailor hauls the sail", "waves break over the boat", "the sail flaps")


def note(start_s: float, end_s: float, text: str, source: str = "caption") -> Note:
    return Note(f"{start_s}-{end_s}-{source}", "v", None, Span(start_s, end_s), text, source)  # type: ignore[arg-type]


def film(*parts: tuple[Sequence[str], float], every_s: float = 4.0) -> list[Note]:
    """Notes of one topic after another: (texts, seconds) each."""
    notes, begin_s = [], 0.0
    for texts, seconds in parts:
        for number, start_s in enumerate(np.arange(0, seconds, every_s)):
            span = begin_s + float(start_s), begin_s + min(float(start_s) + every_s, seconds)
            notes.append(note(*span, texts[number % len(texts)]))
        begin_s += seconds
    return notes


def vectors_of(notes: Sequence[Note]) -> Vectors:
    return FakeEmbedder(256).encode_document([n.text for n in notes])


def cuts(spans: Sequence[Span]) -> list[float]:
    return [span.end_s for span in spans[:-1]]


PLANTED = film((COOKING, 88), (FOOTBALL, 132), (SAILING, 68), (COOKING, 140))


@pytest.mark.parametrize("embedded", [True, False])
def test_shifts_are_found_where_they_were_planted(embedded: bool) -> None:
    found = cut_topics(428, PLANTED, vectors_of(PLANTED) if embedded else None)
    assert cuts(found) == [88, 220, 288]


def test_cutting_twice_gives_the_same() -> None:
    assert cut_topics(428, PLANTED) == cut_topics(428, list(PLANTED))


def test_cuts_are_settled_together_and_not_the_deepest_first() -> None:
    # The shifts are 52 s apart, less than a segment: taking the deepest as it is would lose the other.
    notes = film((COOKING, 100), (FOOTBALL, 52), (SAILING, 170))
    found = cut_topics(322, notes)
    assert all(60 <= span.duration_s <= 180 for span in found)
    assert cuts(found) == [pytest.approx(100, abs=4), pytest.approx(152, abs=4)]


def test_speech_and_screen_are_weighed_beside_captions() -> None:
    notes = [note(t, t + 4, "a woman at a desk") for t in range(0, 240, 4)]
    said = [note(t, t + 5, COOKING[t % 4] if t < 100 else FOOTBALL[t % 4], "speech") for t in range(0, 240, 5)]
    clock = [note(t, t + 1, f"{t // 7:02d}:{t % 60:02d} live", "screen") for t in range(240)]
    assert cuts(cut_topics(240, notes + said + clock)) == [pytest.approx(100, abs=4)]


def frames(*parts: tuple[int, float], dim: int = 16) -> Iterator[tuple[np.ndarray, Vectors]]:
    """A frame a second of scenes that differ: (which, seconds) each; in two pieces."""
    rng = np.random.default_rng(0)
    scenes = np.concatenate([np.full(int(seconds), which) for which, seconds in parts])
    images = np.ones((len(scenes), dim)) + 3 * np.eye(dim)[scenes] + 0.1 * rng.normal(size=(len(scenes), dim))
    unit = (images / np.linalg.norm(images, axis=1, keepdims=True)).astype(np.float32)
    half = len(scenes) // 2
    for piece in (slice(0, half), slice(half, None)):
        yield np.arange(len(scenes), dtype=np.float64)[piece], unit[piece]


def test_frames_alone_tell_where_the_scene_changes() -> None:
    alike = [note(t, t + 2, "a person is there") for t in range(0, 300, 2)]
    found = cut_topics(300, alike, frames=lambda: frames((0, 110), (1, 190)))
    assert cuts(found)[0] == pytest.approx(110, abs=2)
    assert cuts(cut_topics(300, alike))[0] != pytest.approx(110, abs=2)


def test_notes_and_frames_add_up() -> None:
    notes = film((COOKING, 120), (FOOTBALL, 120))
    assert cuts(cut_topics(240, notes, frames=lambda: frames((0, 120), (1, 120)))) == [120]


@pytest.mark.parametrize("embedded", [True, False])
def test_a_video_all_alike_is_cut_evenly(embedded: bool) -> None:
    notes = [note(t, t + 1, "a man walks") for t in range(600)]
    found = cut_topics(600, notes, vectors_of(notes) if embedded else None)
    assert [span.duration_s for span in found] == [120] * 5


@pytest.mark.parametrize("duration_s", [0.5, 59.0, 61.0, 119.0])
def test_what_is_too_short_for_two_is_one_segment(duration_s: float) -> None:
    assert cut_topics(duration_s, PLANTED[:3]) == [Span(0, duration_s)]


def test_one_note_and_none() -> None:
    for notes in ([note(0, 600, "a long take")], [note(3, 4, "one word")], []):
        found = cut_topics(600, notes)
        assert (found[0].start_s, found[-1].end_s) == (0, 600)
        assert all(60 <= span.duration_s <= 180 for span in found)


def test_a_gap_is_bridged_and_may_be_cut() -> None:
    notes = film((COOKING, 100)) + [
        note(n.span.start_s + 400, n.span.end_s + 400, n.text) for n in film((FOOTBALL, 120))
    ]
    found = cut_topics(520, notes)
    assert all(60 - 1e-6 <= span.duration_s <= 180 + 1e-6 for span in found)
    assert not any(span.start_s < 96 and span.end_s > 404 for span in found)


def test_ten_hours_of_notes_a_second_apart() -> None:
    rng = np.random.default_rng(0)
    topics = np.repeat(rng.normal(size=(300, 32)), 120, axis=0)
    vectors = (topics + rng.normal(size=topics.shape)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    notes = [note(t, t + 1, "x") for t in range(36_000)]
    found = cut_topics(36_000, notes, vectors)
    assert sum(span.end_s % 120 == 0 for span in found) > 0.95 * len(found)


def test_lengths_that_cannot_fill_every_video_are_refused() -> None:
    for bad in ((60, 100), (0, 10)):
        with pytest.raises(UsageError, match="twice"):
            Lengths(*bad)


moments = st.floats(0, 1500, allow_nan=False)
some_notes = st.lists(
    st.builds(
        lambda start_s, length_s, text, source: note(start_s, start_s + length_s, text, source),
        moments,
        st.floats(0.01, 400),
        st.sampled_from([*COOKING, *FOOTBALL, "?", "漢字"]),
        st.sampled_from(["caption", "speech", "screen", "imported"]),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=150)
@given(some_notes, st.floats(0.01, 1500), st.sampled_from([(60, 180), (60, 120), (5, 10), (1, 30)]), st.booleans())
def test_segments_cover_the_video_within_their_lengths(
    notes: list[Note], duration_s: float, between: tuple[float, float], embedded: bool
) -> None:
    lengths = Lengths(*between)
    vectors = vectors_of(notes) if embedded and notes else None
    found = cut_topics(duration_s, notes, vectors, lengths=lengths)
    assert found[0].start_s == 0
    assert found[-1].end_s == duration_s
    assert all(a.end_s == b.start_s for a, b in pairwise(found))
    if duration_s >= lengths.min_s:
        assert all(lengths.min_s - 1e-5 <= span.duration_s <= lengths.max_s + 1e-5 for span in found)
    else:
        assert len(found) == 1
