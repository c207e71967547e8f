"""Stamps that people and programs broke, and captions that scroll."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvqa.media.decoding.cues import Cue, clean, has_word_times, parse_cues, said_once


def _texts(cues):
    return [(cue.begin_s, cue.end_s, " ".join(cue.lines)) for cue in cues]


def _read(text):
    return _texts(said_once(parse_cues(text).cues, scrolls=has_word_times(text)))


@pytest.mark.parametrize(
    "line",
    [
        "00:00:02,000 --> 00:00:05,000",
        "00:00:02.000 --> 00:00:05.000",
        "00:00:02 --> 00:00:05",
        "00:02 --> 00:05",
        "0:02.0 --> 0:05.0",
        "00:00:02:000 --> 00:00:05:000",
        "00:00:02;000 --> 00:00:05;000",
        "00: 00: 02, 000 -> 00: 00: 05, 000",
        " 00 : 00 : 02 , 000  -->  00 : 00 : 05 , 000 ",
        "00:00:02,000-->00:00:05,000",
        "00:00:02,000 -> 00:00:05,000",
        "00:00:02,000 - -> 00:00:05,000",
        "00:00:02,000 ---> 00:00:05,000",
        "00:00:02,000 –> 00:00:05,000",
        "00:00:02,000 → 00:00:05,000",
        "00:00:02, --> 00:00:05,",
        "00:00:02,0000 --> 00:00:05,0000",
        "00：00：02,000 --> 00：00：05,000",
        "00：00：02，000 --> 00：00：05，000",
        "00:00:02,000 --> 00:00:05,000 X1:40 X2:600",
        "00:02.000 --> 00:05.000 align:start position:0%",
        "0:00:02.000,0:00:05.000",
    ],
)
@pytest.mark.parametrize("number", ["", "1\n", "1\n\n"])
def test_stamps_are_mended(line, number):
    assert _read(f"{number}{line}\nHello.\n") == [(2.0, 5.0, "Hello.")]


@pytest.mark.parametrize("between", ["\n", "\n\n", " \n", "\n\n\n", "\t\n"])
def test_a_blank_line_inside_a_cue(between):
    text = f"1\n00:00:02,000 --> 00:00:05,000\nOne.{between}\nTwo.\n\n2\n00:00:07,000 --> 00:00:09,000\nNext.\n"
    assert _read(text) == [(2.0, 5.0, "One. Two."), (7.0, 9.0, "Next.")]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_blank_line_behind_every_line(newline):
    lines = ["1", "00:00:02,000 --> 00:00:05,000", "One", "and two.", "2", "00:00:07,000 --> 00:00:09,000", "Next."]
    assert _read((newline * 2).join(lines)) == [(2.0, 5.0, "One and two."), (7.0, 9.0, "Next.")]


def test_numbers_that_are_said_stay():
    text = "\n\n".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{4 - n}" for n in (1, 2, 3))
    assert [text for *_, text in _read(text)] == ["3", "2", "1"]


def test_comments_styles_and_names_of_webvtt_are_not_said():
    text = (
        "WEBVTT\n\nintro\n00:01.000 --> 00:02.000\nOne.\n\nNOTE to do\nsome more\n\nSTYLE\n::cue{}\n\nnext one\n"
        "00:03.000 --> 00:04.000\nTwo.\n\nTwo and a half.\n\n00:05.000 --> 00:06.000\nThree.\n"
    )
    assert _read(text) == [(1, 2, "One."), (3, 4, "Two. Two and a half."), (5, 6, "Three.")]


def test_bad_cues_are_counted_with_the_first_ones_line():
    text = (
        "1\n00:00:01,000 --> 00:00:02,000\nGood.\n\n2\n00:99:00,000 --> 00:00:03,000\nno such minute\n\n"
        "3\n00:00:09,000 --> 00:00:03,000\nends first\n\n4\n0O:00:1O,000 -> 00:00:12,000\nletters\n"
    )
    read = parse_cues(text)
    assert [cue.lines for cue in read.cues] == [("Good.",)]
    assert (read.bad, read.bad_line) == (3, 6)


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("<i>a</i> <b>b</b> <font color='#fff'>c</font>", "a b c"),
        ("{\\an8}a{\\i1}b{\\i0}", "ab"),
        ("{y:i}a|b", "a b"),
        ("a\\Nb\\hc[br]d<br/>e", "a b c d e"),
        ("<v Roger>hi</v>", "Roger: hi"),
        ("<c.yellow>a</c> &amp; &lt;3 &nbsp;b", "a & <3 b"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("{not a tag}", "{not a tag}"),
    ],
)
def test_markup_is_removed(line, right):
    assert clean(line) == right


LINES = ("welcome to the course", "today we centre the clay", "with both thumbs pressed", "and that is that", "goodbye")


def _scrolled(flash, joined, lines=LINES):
    """Each line is said for four seconds, then stands above the next; with `flash`, first alone for 10 ms."""
    cues = []
    for n, line in enumerate(lines):
        at = 4.0 * n
        if flash and n:
            cues.append(Cue(at, at + 0.01, (lines[n - 1],)))
        shown = (line,) if not n else (f"{lines[n - 1]} {line}",) if joined else (lines[n - 1], line)
        cues.append(Cue(at + (0.01 if flash and n else 0), at + 4, shown))
    return cues


@pytest.mark.parametrize("flash", [True, False])
@pytest.mark.parametrize("joined", [True, False])
def test_each_line_that_scrolls_is_said_once_when_it_comes(flash, joined):
    read = _texts(said_once(_scrolled(flash, joined)))
    assert [text for *_, text in read] == list(LINES)
    assert [begin for begin, *_ in read] == pytest.approx([0, 4, 8, 12, 16], abs=0.011)
    assert [end for _, end, _ in read] == [4, 8, 12, 16, 20]


@given(
    st.lists(st.lists(st.sampled_from("abcdefg"), min_size=3, max_size=6).map(" ".join), min_size=3, max_size=8),
    st.booleans(),
)
def test_no_word_is_lost_or_doubled(lines, flash):
    fresh = [f"{n} {line}" for n, line in enumerate(lines)]  # no line is that before
    read = said_once(_scrolled(flash, joined=False, lines=fresh))
    assert [" ".join(cue.lines) for cue in read] == fresh


def test_lines_painted_word_by_word_are_one():
    cues = [Cue(n, n + 1.0, (" ".join(["so", "we", "begin", "with", "the", "clay"][: n + 1]),)) for n in range(6)]
    assert _texts(said_once(cues)) == [(0, 6, "so we begin with the clay")]


def test_a_line_in_which_word_after_word_is_marked_is_one():
    marked = [" ".join(f"<u>{w}</u>" if k == n else w for k, w in enumerate(["so", "we", "begin"])) for n in range(3)]
    cues = [f"{n}\n00:00:0{n},000 --> 00:00:0{n + 1},000\n{line}\n" for n, line in enumerate([*marked, *marked])]
    assert _read("\n".join(cues)) == [(0, 6, "so we begin")]


def test_a_line_that_is_said_again_and_again_stays():
    cues = [Cue(n, n + 0.9, ("Again!",)) for n in range(8)]
    assert list(said_once(cues)) == cues


def test_what_is_said_twice_stays_twice_where_nothing_scrolls():
    said = ["No!", "No!", "Come back.", "Come back.", "Never.", "Where to?"]
    cues = [Cue(n * 2.0, n * 2 + 2.0, (text,)) for n, text in enumerate(said)]
    assert [" ".join(cue.lines) for cue in said_once(cues)] == said


def test_a_line_that_comes_back_later_is_said_again():
    cues = [*_scrolled(flash=True, joined=False), Cue(60, 64, (LINES[-1],))]
    assert [text for *_, text in _texts(said_once(cues))] == [*LINES, LINES[-1]]


@given(st.text(max_size=300))
def test_any_text_is_read(text):
    for cue in said_once(parse_cues(text + "\n00:00:01,000 --> 00:00:02,000\n" + text).cues):
        assert cue.begin_s < cue.end_s
        assert all(line.isprintable() for line in cue.lines)
