"""Texts of the screen over time: what is one text, since when and until when, and what is none."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvqa.indexers.stages.screen import tidy
from lvqa.indexers.stages.screen_noise import equal_rows, grown, is_noise, near
from lvqa.indexers.stages.screen_state import ScreenState
from lvqa.indexers.stages.screen_tracks import RUNS_S, STANDS_S, ScreenText, ScreenTracks
from lvqa.indexers.stages.screen_watch import ScreenChange, WatchState
from lvqa.models.text_lines import TextLine, blocks_of, rows_of, stacked

Told = list[tuple[float, float, str]]


def follow(readings: Sequence[tuple[float, str]], end_s: float, tracks: ScreenTracks | None = None) -> Told:
    """What comes of readings, each of which stands from its second on; an empty line parts two blocks."""
    tracks = tracks or ScreenTracks()
    texts: list[ScreenText] = []
    for time_s, text in readings:
        texts += tracks.read(ScreenChange(time_s, time_s), tidy(stacked(text)))
    return told([*texts, *tracks.end(end_s)])


def told(texts: Sequence[ScreenText]) -> Told:
    ordered = sorted(texts, key=lambda text: (text.span, text.text))
    return [(text.span.start_s, text.span.end_s, text.text) for text in ordered]


def test_the_numbers() -> None:
    assert (STANDS_S, RUNS_S) == (2.0, 60.0)


def test_what_stands_for_four_minutes_is_one_text() -> None:
    read = ["Pigments\nChlorophyll a and b", "Pigments\nChlorophyl1 a and b", "Pigment5\nChlorophyll a and b"]
    readings = [(float(t), read[t // 8 % 3]) for t in range(0, 240, 8)]
    ((start_s, end_s, text),) = follow(readings, 240)
    assert (start_s, end_s, text) == (0, 240, "Pigments\nChlorophyll a and b")


def test_a_text_stands_from_before_it_was_seen_until_it_was_seen_no_more() -> None:
    tracks = ScreenTracks()
    assert tracks.read(ScreenChange(0, 0), tidy(stacked("Hiring"))) == []
    assert tracks.read(ScreenChange(9.5, 10), tidy(stacked("Office move"))) == []
    assert told(tracks.read(ScreenChange(19.5, 20), tidy(stacked("")))) == [(0, 10, "Hiring")]
    assert told(tracks.end(30)) == [(9.5, 20, "Office move")]


def test_bullets_that_come_one_by_one_are_texts_with_all_there_is() -> None:
    lines = ["The Calvin cycle", "Carbon fixation", "Regeneration"]
    readings = [(10.0 * n, "\n".join(lines[: n + 1])) for n in range(3)]
    assert follow(readings, 30) == [(10 * n, 10 * n + 10, "\n".join(lines[: n + 1])) for n in range(3)]


def test_bullets_that_come_at_once_are_one_text() -> None:
    lines = ["The Calvin cycle", "Carbon fixation", "Reduction", "Regeneration"]
    readings = [(1.0 * n, "\n".join(lines[: n + 1])) for n in range(4)]
    assert follow(readings, 30) == [(0, 30, "\n".join(lines))]


def test_a_logo_is_a_text_of_its_own_and_is_not_told_with_each_lower_third() -> None:
    thirds = ["STORM HITS NORTH COAST\nLive: Port Ellis", "ELECTION RESULTS\nLabour 44%", "WEATHER TOMORROW\nRain"]
    readings = [(25.0 * n, f"CH5\n\n{third}") for n, third in enumerate(thirds)]
    assert follow(readings, 75) == [
        (0, 25, thirds[0]),
        (0, 75, "CH5"),
        (25, 50, thirds[1]),
        (50, 75, thirds[2]),
    ]


def test_blocks_that_come_and_go_together_are_one_text() -> None:
    readings = [(0.0, "Quiz\n\n1. Where?\n2. What?\n\nBiology 1/2"), (60.0, "Summary\n\nBiology 2/2")]
    assert follow(readings, 90) == [
        (0, 60, "Quiz\n1. Where?\n2. What?\nBiology 1/2"),
        (60, 90, "Summary\nBiology 2/2"),
    ]


def test_a_clock_is_one_text_a_minute_and_hides_nothing() -> None:
    readings = [(float(t), f"BREAKING NEWS\n\n20:15:{t:02d}") for t in range(60)]
    clock = "\n".join(f"20:15:{t:02d}" for t in range(60))
    assert follow(readings, 60) == [(0, 60, clock), (0, 60, "BREAKING NEWS")]
    hour = follow([(float(t), f"{t // 60:02d}:{t % 60:02d} live") for t in range(600)], 600)
    assert [(start_s, end_s) for start_s, end_s, _ in hour] == [(60 * n, 60 * n + 60) for n in range(10)]


def test_a_clock_right_below_a_title_does_not_hide_it() -> None:
    ((start_s, end_s, text),) = follow([(float(t), f"BREAKING NEWS\n20:15:{t:02d}") for t in range(30)], 30)
    assert (start_s, end_s) == (0, 30)
    assert sorted(text.splitlines()) == sorted(["BREAKING NEWS", *(f"20:15:{t:02d}" for t in range(30))])


def test_a_score_that_changes_is_another_text() -> None:
    readings = [(0.0, "ROVERS 0 - 0 UNITED"), (30.0, "ROVERS 1 - 0 UNITED"), (70.0, "ROVERS 1 - 1 UNITED")]
    assert [text for _, _, text in follow(readings, 90)] == [text for _, text in readings]


def test_lines_that_scroll_by_are_one_text_with_each_line_once() -> None:
    lines = [
        f"step {n} {word}"
        for n, word in enumerate(["fetch", "unpack", "patch", "build", "test", "pack", "sign", "ship"])
    ]
    readings = [(float(n), "\n".join(lines[n : n + 4])) for n in range(5)]
    assert follow(readings, 5) == [(0, 5, "\n".join(lines))]
    # Where they come to rest, what stands there is a text as any other.
    assert follow(readings, 60) == [(0, 4, "\n".join(lines[:4])), (4, 60, "\n".join(lines[4:]))]


def test_what_is_typed_is_one_text() -> None:
    command = "git push origin main"
    readings = [(5.0 + n, f"$ {command[: 4 * n]}") for n in range(1, 6)]
    assert follow(readings, 60) == [(6, 60, f"$ {command}")]


def test_subtitles_of_two_seconds_are_each_their_own() -> None:
    said = ["Where is the key?", "I do not know.", "Look on the table.", "It is not there.", "Then we are lost."]
    readings = [(2.0 * n, text) for n, text in enumerate(said)]
    assert follow(readings, 10) == [(2 * n, 2 * n + 2, text) for n, text in enumerate(said)]


@pytest.mark.parametrize("between", ["", "Pigm", "Pigments\nChlo rophyll"])
def test_a_reading_that_failed_ends_nothing(between: str) -> None:
    slide = "Pigments\nChlorophyll a and b"
    assert follow([(0.0, slide), (10.0, between), (11.0, slide)], 30) == [(0, 30, slide)]


def test_what_comes_again_is_two_texts() -> None:
    assert follow([(0.0, "EXIT"), (10.0, ""), (20.0, "EXIT"), (30.0, "")], 40) == [(0, 10, "EXIT"), (20, 30, "EXIT")]


@pytest.mark.parametrize("text", ["", "X", "R", "|", ". -", "1", "é", "口"])
def test_single_letters_and_specks_are_no_texts(text: str) -> None:
    assert follow([(0.0, text), (30.0, "")], 60) == []


@pytest.mark.parametrize(("text", "kept"), [("lo", False), ("a1x", False), ("EXIT", True), ("PRESENTS", True)])
def test_a_few_letters_seen_for_a_moment_are_none_either(text: str, kept: bool) -> None:
    assert bool(follow([(5.0, text), (6.0, "")], 60)) == kept
    assert follow([(5.0, text), (7.0, "")], 60) == [(5, 7, text)]


def test_the_surest_reading_stays() -> None:
    def read(text: str, score: float) -> tuple[TextLine, ...]:
        return (TextLine(text, score, (0, 0, 10, 10)),)

    tracks = ScreenTracks()
    for time_s, text, score in [(0, "Big Bock BUNNY", 0.8), (4, "Big Buck BUNNY", 0.97), (8, "Big Buck BUNNYY", 0.9)]:
        assert tracks.read(ScreenChange(time_s, time_s), read(text, score)) == []
    assert told(tracks.end(12)) == [(0, 12, "Big Buck BUNNY")]


SAME = [
    ("Hello world", "hello World."), ("Photosystem II", "Photosystem Il"), ("BigBuck BUNNY", "Big Buck BUNNY"),
    ("Outer and inner membrane", "Outer and inner membrame"), ("O2 is released", "02 is released"),
]  # fmt: skip
OTHER = [
    ("1/10", "2/10"), ("20:15:03", "20:15:04"), ("Room B204", "Room B205"), ("Grade A", "Grade B"), ("cats", "cuts"),
    ("Labour 44%", "Labour 45%"), ("Pigments", "Quiz"), ("EXIT", ""), ("Go left", "Go left now please"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_noise_is_no_difference(one: str, other: str) -> None:
    assert near(one, other)
    assert near(other, one)
    assert equal_rows([one], [other])


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_what_says_something_else_is_something_else(one: str, other: str) -> None:
    assert not near(one, other)
    assert not near(other, one)
    assert not equal_rows([one], [other])


def test_rows_are_compared_however_they_were_parted() -> None:
    assert equal_rows(["Big Buck", "BUNNY"], ["Big Buck BUNNY"])
    assert equal_rows(["....F....", "FAILED tests", "1 failed"], ["FAILED tests", "1 failed"])
    terminal = [f"line {n} of a long terminal" for n in range(18)]
    assert not equal_rows(terminal, [*terminal, "$ git push"])
    assert not equal_rows(["9", "Platform"], ["10", "Platform"])
    assert grown("$ git pu", "$ git push origin")
    assert not grown("$ git push", "$ git")


def test_noise_by_how_long_it_stood() -> None:
    assert [is_noise([text], stood=True) for text in ("a", "ab", "abcd")] == [True, False, False]
    assert [is_noise([text], stood=False) for text in ("a", "abc", "abcd")] == [True, True, False]


def test_lines_far_apart_are_blocks_and_columns_of_a_table_rows() -> None:
    def line(text: str, x: float, y: float, height: float = 20) -> TextLine:
        return TextLine(text, 1.0, (x, y, x + 10 * len(text), y + height))

    lines = [line("Labour", 0, 100), line("44%", 90, 102), line("Green", 0, 130), line("31%", 90, 130)]
    assert rows_of(lines) == ["Labour 44%", "Green 31%"]
    assert [rows_of(block) for block in blocks_of([*lines, line("CH5", 600, 10)])] == [
        ["CH5"],
        ["Labour 44%", "Green 31%"],
    ]
    window = [line("sam@laptop", 430, 0), line("$ make test", 14, 40), line("  16 passed", 36, 68)]
    assert [rows_of(block) for block in blocks_of(window)] == [["sam@laptop"], ["$ make test", "  16 passed"]]
    code = [
        line("def thrust():", 14, 0),
        line("return self.fuel", 50, 28),
        line("* 2", 90, 56),
        line("$ make test", 14, 84),
    ]
    assert len(blocks_of(code)) == 1
    centred = [line("Where is", 260, 0), line("the blue key?", 235, 30)]
    assert [rows_of(block) for block in blocks_of(centred)] == [["Where is", "the blue key?"]]
    assert [rows_of(block) for block in blocks_of([line("a", 0, 0), line("b", 0, 50), line("c", 0, 111)])] == [
        ["a", "b"],
        ["c"],
    ]


texts = st.sampled_from(["", "Pigments", "Quiz\nWhy?", "20:15:01", "20:15:02", "X", "CH5\n\nQuiz", "Pigmemts", "CH5"])


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0.5, 1.0, 2.0, 5.0]), texts), max_size=12), st.integers(0, 12))
def test_stopped_anywhere_the_same_texts_come(steps: list[tuple[float, str]], at: int) -> None:
    readings, time_s = [], 0.0
    for step_s, text in steps:
        readings.append((time_s, text))
        time_s += step_s
    whole = follow(readings, time_s + 1)
    for start_s, end_s, _ in whole:
        assert 0 <= start_s < end_s <= time_s + 1
    tracks, over = ScreenTracks(), list[ScreenText]()
    for read_s, text in readings[:at]:
        over += tracks.read(ScreenChange(read_s, read_s), tidy(stacked(text)))
    state = ScreenState(7.5, WatchState(1.0, 2.0, (2.5,)), json.dumps(tracks.state))
    again = ScreenState.read(state.to_json(), 7.5)
    assert again == state
    assert sorted([*told(over), *follow(readings[at:], time_s + 1, again.open_tracks())]) == sorted(whole)


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", "{}", '{"at_s": 8, "watch": [1], "tracks": []}', '{"at_s": 8, "tracks": []}',
             '{"at_s": 8, "watch": null, "tracks": [1]}', '{"at_s": 9, "watch": null, "tracks": []}']
)  # fmt: skip
def test_a_state_that_is_not_of_here_is_none(text: str | None) -> None:
    assert ScreenState.read(text, 8.0) is None
    assert ScreenState.read('{"at_s": 8, "watch": null, "tracks": []}', 8.0) == ScreenState(8.0, None)
