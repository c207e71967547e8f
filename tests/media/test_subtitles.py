"""Subtitles beside a video and inside it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvqa.errors import MediaError, SubtitleError
from lvqa.media import read_subtitles
from lvqa.media.decoding.cues import has_word_times, said_once
from lvqa.media.decoding.cues import parse_cues as parse_texts
from lvqa.media.decoding.subtitle_files import parse_file as read_file
from lvqa.media.decoding.subtitle_files import subtitles
from lvqa.types import Span

# What does the work, where coverage and a debugger see it; `test_same` holds the child to it.
pytestmark = pytest.mark.usefixtures("in_process")

SRT = """1
00:00:01,000 --> 00:00:02,500
Hello <i>there</i>,
{\\an8}world &amp; all

2
00:01:00,5 --> 00:01:02,000 X1:40 X2:600
<font color="#fff">Second</font> 1 < 2
"""
VTT = """WEBVTT - a title
Kind: captions

NOTE a comment
that goes on

STYLE
::cue { color: red }

intro
00:01.000 --> 00:02.500 align:start position:0%
<v Roger Bingham>We are in <c.yellow>New York</c>

01:02:03.250 --> 01:02:04.000
Caf&eacute; &lt;3
"""


def parse_cues(text):
    cues = said_once(parse_texts(text).cues, scrolls=has_word_times(text))
    return list(subtitles(cues, ""))


def parse_file(path):
    return list(read_file(path).cues)


def _write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def _texts(cues):
    return [(cue.span.start_s, cue.span.end_s, cue.text) for cue in cues]


def test_srt(tmp_path):
    cues = parse_file(_write(tmp_path / "a.srt", SRT))
    assert _texts(cues) == [(1.0, 2.5, "Hello there, world & all"), (60.5, 62.0, "Second 1 < 2")]


def test_vtt(tmp_path):
    cues = parse_file(_write(tmp_path / "a.vtt", VTT))
    assert _texts(cues) == [(1.0, 2.5, "Roger Bingham: We are in New York"), (3723.25, 3724.0, "Café <3")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path, encoding, newline):
    text = "1\n00:00:01,000 --> 00:00:02,000\nÉté à Zürich\n".replace("\n", newline)
    assert _texts(parse_file(_write(tmp_path / "a.srt", text, encoding))) == [(1.0, 2.0, "Été à Zürich")]


def test_malformed_cues_are_passed_over_and_overlaps_kept():
    text = """garbage first
1
00:00:05,000 --> 00:00:04,000
ends before it starts

2
00:99:00,000 --> 01:00:00,000
no such minute

00:00:01,000 --> 00:00:09,000
no number before it
3
00:00:02,000 --> 00:00:03,000
no blank line before it

4
00:00:07,000 --> 00:00:08,000

5
nonsense --> more
"""
    assert _texts(parse_cues(text)) == [(1.0, 9.0, "no number before it"), (2.0, 3.0, "no blank line before it")]


def test_control_characters_never_get_through():
    (cue,) = parse_cues("1\n00:00:01,000 --> 00:00:02,000\na\x1b[31mred\x07 \u202eb&#27;[0m\n")
    assert cue.text.isprintable()


def test_captions_that_scroll_are_said_once():
    text = """WEBVTT

00:00:00.000 --> 00:00:02.000
one<00:00:00.500><c> two</c>

00:00:02.000 --> 00:00:04.000
one two
three<00:00:02.500><c> four</c>
"""
    assert [cue.text for cue in parse_cues(text)] == ["one two", "three four"]


@pytest.mark.parametrize("text", ["no cue in here", "\x00\x01\x02binary"])
def test_a_file_without_one_readable_cue_is_an_error(tmp_path, text):
    with pytest.raises(SubtitleError, match="no readable subtitle"):
        parse_file(_write(tmp_path / "a.srt", text))


@pytest.mark.parametrize("text", ["", "\n\n", "WEBVTT\n\n", "WEBVTT\n\nNOTE nothing said\n"])
def test_a_file_without_speech_is_none(tmp_path, text):
    assert parse_file(_write(tmp_path / "a.vtt", text)) == []


@given(st.text(max_size=300))
def test_any_text_parses_or_gives_nothing(text):
    for cue in parse_cues(text + "\n00:00:01,000 --> 00:00:02,000\n" + text):
        assert cue.text.strip()
        assert cue.text.isprintable()


@given(
    st.lists(st.tuples(st.integers(0, 10**7), st.integers(1, 10**5)), max_size=20),
    st.sampled_from([",", "."]),
)
def test_times_come_back_to_the_millisecond(cues, point):
    def stamp(ms):
        return f"{ms // 3600000:02d}:{ms // 60000 % 60:02d}:{ms // 1000 % 60:02d}{point}{ms % 1000:03d}"

    text = "\n\n".join(f"{n}\n{stamp(a)} --> {stamp(a + d)}\nline {n}" for n, (a, d) in enumerate(cues))
    found = [cue.span for cue in parse_cues(text)]
    assert found == [Span(a / 1000, (a + d) / 1000) for a, d in cues] or all(
        abs(s.start_s - a / 1000) < 1e-6 and abs(s.end_s - (a + d) / 1000) < 1e-6
        for s, (a, d) in zip(found, cues, strict=True)
    )


def test_files_beside_the_video_come_first_one_a_language(footage, tmp_path):
    video = tmp_path / "talk.mp4"
    video.write_bytes(footage.make("spoken.mp4", subtitles=[(0.0, 1.0, "inside")]).read_bytes())
    assert [cue.text for cue in read_subtitles(video)] == ["inside"]
    line = "1\n00:00:0{0},000 --> 00:00:05,000\n{1}\n"
    _write(tmp_path / "talk.srt", line.format(3, "plain"))
    _write(tmp_path / "talk.vtt", "WEBVTT\n\n" + line.format(4, "second for no language").replace(",", "."))
    _write(tmp_path / "talk.en.srt", line.format(1, "english"))
    _write(tmp_path / "talk.pt-BR.forced.srt", line.format(2, "portuguese"))
    _write(tmp_path / "talkative.srt", line.format(1, "another video's"))
    _write(tmp_path / "talk.part two.srt", line.format(1, "another video's"))
    cues = read_subtitles(video)
    assert [(cue.text, cue.language) for cue in cues] == [("english", "en"), ("portuguese", "pt-br"), ("plain", "")]


@pytest.mark.parametrize("name", ["mp4", "m4v", "mov", "mkv"])
@pytest.mark.parametrize("start_s", [0.0, 3.0])
def test_text_tracks_inside(footage, name, start_s):
    lines = [(0.5, 1.5, "she says hello"), (2.0, 3.0, "two\nlines & <3"), (3.0, 4.25, "no pause")]
    path = footage.make(f"text-{start_s}.{name}", subtitles=lines, start_s=start_s)
    cues = read_subtitles(path)
    assert [cue.text for cue in cues] == ["she says hello", "two lines & <3", "no pause"]
    for cue, (begin, end, _) in zip(cues, lines, strict=True):
        assert (cue.span.start_s, cue.span.end_s) == pytest.approx((begin, end), abs=0.002)


def test_overlapping_lines_inside(footage):
    path = footage.make("overlap.mkv", subtitles=[(1.0, 3.0, "one"), (2.0, 2.5, "two")])
    assert _texts(read_subtitles(path)) == [(1.0, 3.0, "one"), (2.0, 2.5, "two")]


def test_text_inside_webm(footage):
    path = footage.make("text.webm", codec="libvpx-vp9", subtitles=[(0.5, 1.5, "web")])
    assert _texts(read_subtitles(path)) == [(0.5, 1.5, "web")]


def test_none_and_bad(footage, tmp_path):
    assert read_subtitles(footage.kind("h264.mp4").path) == []
    with pytest.raises(MediaError, match="does not exist"):
        read_subtitles(tmp_path / "none.mp4")
    (tmp_path / "x.mp4").write_bytes(footage.kind("h264.mp4").path.read_bytes())
    _write(tmp_path / "x.srt", "garbage")
    with pytest.raises(SubtitleError, match=r"x\.srt"):
        read_subtitles(tmp_path / "x.mp4")


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    from pathlib import Path

    file = _write(tmp_path / "a.srt", SRT)

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(SubtitleError, match="Permission denied"):
        parse_file(file)
