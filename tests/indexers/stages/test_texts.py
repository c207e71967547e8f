"""Tidying of screen texts, cutting and joining of speech, and what counts as a caption."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvqa.indexers.stages.caption import choose_frames
from lvqa.indexers.stages.listen import sentences
from lvqa.indexers.stages.screen import tidy
from lvqa.models.base import Utterance
from lvqa.models.replies import usable_caption
from lvqa.models.text_lines import stacked
from lvqa.types import Span


@pytest.mark.parametrize(
    ("read", "text"),
    [("  a  b \n\n c ", "a b\nc"), (". -\n,", ""), ("", ""), ("ok\x1b[31m", "ok[31m"), ("東京", "東京")],
)
def test_what_ocr_reads_is_tidied(read: str, text: str) -> None:
    assert "\n".join(line.text for line in tidy(stacked(read))) == text


def said(*utterances: tuple[float, float, str]) -> list[Utterance]:
    return [Utterance(Span(a, b), text) for a, b, text in utterances]


def test_a_sentence_over_two_subtitles_is_one() -> None:
    heard = said((0, 2, "The book that"), (2.1, 4, "she reads is old."), (4.2, 6, "It is torn."))
    assert sentences(heard, 10) == said((0, 4, "The book that she reads is old."), (4.2, 6, "It is torn."))


def test_what_is_far_apart_stays_apart() -> None:
    heard = said((0, 2, "Well"), (5, 6, "then"))
    assert sentences(heard, 10) == heard


def test_joined_sentences_stay_short() -> None:
    heard = said(*((k, k + 1, f"word{k} and") for k in range(30)))
    joined = sentences(heard, 30)
    assert all(u.span.duration_s <= 8 for u in joined)
    assert " ".join(u.text for u in joined) == " ".join(u.text for u in heard)


def test_a_long_utterance_is_cut_at_sentences_and_shares_its_time() -> None:
    text = "One two three four five six seven eight nine. " * 12
    pieces = sentences(said((0, 48, text)), 60)
    assert len(pieces) > 4
    assert pieces[0].span.start_s == 0
    assert pieces[-1].span.end_s == pytest.approx(48)
    assert all(p.span.duration_s <= 12 for p in pieces)
    assert " ".join(p.text for p in pieces).split() == text.split()


def test_speech_ends_with_the_video() -> None:
    assert sentences(said((8, 12, "late"), (11, 12, "too late")), 10) == said((8, 10, "late"))


def test_a_line_shown_twice_at_once_is_one() -> None:
    assert sentences(said((0, 2, "Hello."), (1, 3, "Hello.")), 10) == said((0, 3, "Hello."))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 50), st.floats(0.01, 30), st.text("ab .!\n日。", max_size=400).filter(lambda t: t.strip())
        ),
        max_size=12,
    )
)
def test_no_spoken_word_is_lost_and_none_is_made_up(raw: list[tuple[float, float, str]]) -> None:
    heard = [Utterance(Span(a, a + n), text) for a, n, text in raw]
    out = sentences(heard, 100)
    letters = sorted("".join(u.text for u in heard if any(c.isalnum() for c in u.text)).replace("\n", ""))
    kept = sorted("".join(u.text for u in out))
    # Equal lines at once are one; apart from these, the characters are the same.
    if len({u.text for u in out}) == len(out):
        assert set(kept) <= {*letters, " "}
    assert all(0 <= u.span.start_s < u.span.end_s <= 100 for u in out)


@pytest.mark.parametrize(
    ("reply", "caption"),
    [
        ("A dog runs.", "A dog runs."),
        ('Caption: "A dog runs."', "A dog runs."),
        ("  A dog\n runs. ", "A dog runs."),
        ("", None),
        (" \n...", None),
        ("I'm sorry, but I can't help with that.", None),
        ("I cannot see any frames.", None),
        ("Sorry, no.", None),
        ("As an AI, I do not", None),
        ("I can see a dog.", "I can see a dog."),
        ("unknown", ""),
        ("Unknown.", ""),
        ("An unknown man runs.", "An unknown man runs."),
        ("No one is in the room.", "No one is in the room."),
        ('"Exit" is written on a door, "open" below it', '"Exit" is written on a door, "open" below it'),
    ],
)
def test_what_counts_as_a_caption(reply: str, caption: str | None) -> None:
    assert usable_caption(reply) == caption


def test_frames_of_a_clip_are_evenly_spaced() -> None:
    times = [k * 0.5 for k in range(16)]
    assert [times[i] for i in choose_frames(times, Span(0, 8), 4)] == [1.0, 3.0, 5.0, 7.0]
    assert choose_frames([0.0], Span(0, 0.3), 4) == [0]
    assert choose_frames([0.0, 0.5], Span(0, 1), 4) == [0, 1]
