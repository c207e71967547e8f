"""Formats of subtitle files, told by what they hold; their markup removed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvqa.errors import SubtitleError
from lvqa.media.decoding.subtitle_files import is_pictures, parse_file

ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:01.00,0:00:05.00,Default,,0,0,0,,not said
Dialogue: 0,0:00:02.00,0:00:05.00,Default,,0,0,0,,{{\\an8\\b1}}{0}{{\\b0}}\\N{1}
Dialogue: 1,0:00:02.00,0:00:05.00,Default,,0,0,0,,{{\\p1}}m 0 0 l 10 10{{\\p0}}
"""
SSA = """[Script Info]
ScriptType: v4.00

[Events]
Format: Marked, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: Marked=0,0:00:02.00,0:00:05.00,Default,,0000,0000,0000,,{{\\i1}}{0}{{\\i0}}\\N{1}
"""
TTML = """<?xml version="1.0" encoding="UTF-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" {2}>
<head><metadata><title>none of it</title></metadata></head>
<body><div><p {3}><span style="s1">{0}</span><br/>{1}</p></div></body></tt>"""
SMI = """<SAMI><HEAD><TITLE>x</TITLE><STYLE TYPE="text/css"><!--
P {{ margin: 0 }} .ENCC {{ Name: English; lang: en-US; }} .KRCC {{ Name: Korean; lang: ko-KR; }} --></STYLE></HEAD>
<BODY><SYNC Start=2000><P Class=ENCC><font color="red">{0}</font><br>{1}
<SYNC Start=5000><P Class=ENCC>&nbsp;</BODY></SAMI>"""
FORMATS = {
    "srt": "1\n00:00:02,000 --> 00:00:05,000\n<i>{0}</i>\n{1}\n",
    "vtt": "WEBVTT\n\n00:02.000 --> 00:05.000 align:start\n<c.x>{0}</c>\n{1}\n",
    "ass": ASS,
    "ssa": SSA,
    "sbv": "0:00:02.000,0:00:05.000\n{0}\n{1}\n\n",
    "sub": "{{1}}{{1}}25\n{{50}}{{125}}{{y:i}}{0}|{1}\n",
    "mpl2.sub": "[20][50]/{0}|{1}\n",
    "subviewer.sub": "[INFORMATION]\n[TITLE]x\n[END INFORMATION]\n00:00:02.00,00:00:05.00\n{0}[br]{1}\n",
    "smi": SMI,
    "lrc": "[ti:x]\n[00:02.00]{0} {1}\n[00:05.00]\n",
    "json3": '{{"events":[{{"tStartMs":0}},'
    '{{"tStartMs":2000,"dDurationMs":3000,"segs":[{{"utf8":"{0}"}},{{"utf8":"\\n{1}"}}]}}]}}',
    "clock.ttml": TTML.replace("{2}", "").replace("{3}", 'begin="00:00:02.000" end="00:00:05.000"'),
    "frames.ttml": TTML.replace("{2}", 'ttp:frameRate="25"').replace("{3}", 'begin="00:00:02:00" end="00:00:05:00"'),
    "seconds.dfxp": TTML.replace("{2}", "").replace("{3}", 'begin="2s" dur="3000ms"'),
    "ticks.ttml": TTML.replace("{2}", 'ttp:tickRate="10000000"').replace("{3}", 'begin="20000000t" end="50000000t"'),
}


def read(tmp_path, name, text, language=""):
    path = tmp_path / name
    path.write_bytes(text.encode())
    return [(c.span.start_s, c.span.end_s, c.text) for c in parse_file(path, language).cues]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("suffix", ["", ".srt"])
def test_each_format_by_its_content(tmp_path, name, suffix):
    text = FORMATS[name].format("The first row", "and the second.", "", "")
    assert read(tmp_path, f"x.{name}{suffix}", text) == [(2.0, 5.0, "The first row and the second.")]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("text", ["Größe &amp; Straße", "火车中午出发。", "it's 5 > 4"])
def test_each_format_keeps_its_words(tmp_path, name, text):
    found = read(tmp_path, f"x.{name}", FORMATS[name].format(text, "x"))
    assert found == [(2.0, 5.0, text.replace("&amp;", "&") + " x")]


@given(st.text(max_size=200), st.sampled_from(sorted(FORMATS)))
def test_any_text_in_any_format_is_read_or_refused(tmp_path_factory, text, name):
    folder = tmp_path_factory.getbasetemp()
    whole = FORMATS[name].replace("{0}", text.replace("\\", "")).replace("{1}", "x")
    try:
        found = read(folder, f"any.{name}", whole.encode("utf-8", "replace").decode())
    except SubtitleError:
        return
    assert all(begin < end and said.isprintable() and said for begin, end, said in found)


def test_frames_are_counted_by_the_video_where_the_file_does_not_say(tmp_path):
    (tmp_path / "x.sub").write_text("{48}{120}Hello.\n")
    (cue,) = parse_file(tmp_path / "x.sub", fps=lambda: 24.0).cues
    assert (cue.span.start_s, cue.span.end_s) == (2.0, 5.0)
    (cue,) = parse_file(tmp_path / "x.sub").cues
    assert cue.span.start_s == pytest.approx(48 / 25, abs=0.01)


def test_of_two_languages_in_a_sami_file_the_one_of_the_name_is_read(tmp_path):
    text = SMI.format("Hello", "there").replace(
        "<SYNC Start=5000>", "<P Class=KRCC>안녕<SYNC Start=5000><P Class=KRCC>&nbsp;"
    )
    assert read(tmp_path, "a.smi", text, "ko") == [(2.0, 5.0, "안녕")]
    assert read(tmp_path, "a.smi", text, "en") == [(2.0, 5.0, "Hello there")]


def test_lines_of_lyrics_end_with_the_next_or_after_ten_seconds(tmp_path):
    text = "[offset:+1000]\n[00:03.00][00:30.00]Refrain\n[00:05.50]<00:05.60>Verse <00:06.00>one\n"
    assert read(tmp_path, "a.lrc", text) == [(2.0, 4.5, "Refrain"), (4.5, 14.5, "Verse one"), (29.0, 33.0, "Refrain")]


def test_youtube_s_words_with_times_end_where_the_next_line_begins(tmp_path):
    def event(start, length, *words):
        segs = [{"utf8": word, "tOffsetMs": 300 * n} for n, word in enumerate(words)]
        return {"tStartMs": start, "dDurationMs": length, "segs": segs}

    events = [
        event(2000, 8000, "welcome", " all"),
        event(6000, 8000, "today", " clay"),
        {"tStartMs": 6000, "segs": [{"utf8": "\n"}]},
    ]
    text = json.dumps({"wireMagic": "pb3", "events": events})
    assert read(tmp_path, "a.json3", text) == [(2.0, 6.0, "welcome all"), (6.0, 14.0, "today clay")]


def test_times_of_divisions_and_spans_add_up_in_ttml(tmp_path):
    text = """<tt xmlns="http://www.w3.org/ns/ttml"><body begin="10s"><div begin="1s">
    <p begin="1s" end="3s">One</p>
    <p begin="4s" end="9s"><span begin="0s" end="1s">two</span> <span begin="2s">three</span></p>
    </div></body></tt>"""
    assert read(tmp_path, "a.ttml", text) == [(12, 14, "One"), (15, 16, "two"), (17, 20, "three")]


@pytest.mark.parametrize(
    "text",
    [
        "<html>404</html>",
        "<!DOCTYPE html><html><body>Not found</body></html>",
        "<tt><body><p begin='1s' end=",
        '<!DOCTYPE tt [<!ENTITY a "b">]><tt><body><p begin="1s" end="2s">&a;</p></body></tt>',
        '{"events": 3}',
        '{"error": "not found"}',
        "[Script Info]\n",
        "{1}{1}no rate\n",
        "just words",
    ],
)
def test_what_is_none_is_refused(tmp_path, text):
    with pytest.raises(SubtitleError, match="no readable subtitle"):
        read(tmp_path, "a.srt", text)


@pytest.mark.parametrize(
    ("name", "data", "pictures"),
    [
        ("a.sub", b"\x00\x00\x01\xbaD\x00", True),
        ("a.sup", b"PG\x00\x01\x00\x00", True),
        ("a.idx", b"# VobSub index file, v7\n", True),
        ("a.sub", b"{1}{2}Hello", False),
        ("a.srt", b"PG-13", False),
        ("a.lrc", b"PG-13", False),
    ],
)
def test_files_of_pictures(tmp_path, name, data, pictures):
    (tmp_path / name).write_bytes(data)
    assert is_pictures(tmp_path / name) == pictures


def test_a_file_of_many_gigabytes_is_not_read(tmp_path):
    with (tmp_path / "a.srt").open("wb") as file:
        file.truncate(1 << 33)
    with pytest.raises(SubtitleError, match="no readable subtitle"):
        parse_file(tmp_path / "a.srt")


def test_the_same_event_in_two_layers_is_said_once(tmp_path):
    line = "Dialogue: 0,0:00:02.00,0:00:05.00,Default,,0,0,0,,Hello\n"
    assert read(tmp_path, "a.ass", "[Events]\n" + line + line.replace("Dialogue: 0", "Dialogue: 1")) == [
        (2, 5, "Hello")
    ]
