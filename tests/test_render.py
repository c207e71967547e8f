"""Values as HTML and as safe text."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from lvqa import phrasing, render
from lvqa.cli.output import answer_lines
from lvqa.types import Answer, Computation, Cost, EventRow, Evidence, Hit, Note, Span, Statement, Step, Video

EVIL = '<script>alert("1")</script>\x1b[31m&'


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def no_picture(video: str, time_s: float) -> bytes | None:
    return None


def evil_answer() -> Answer:
    evidence = [
        Evidence('a"b<i>.mp4', Span(1, 2), EVIL, "caption", 0.5),
        Evidence("javascript:x", Span(3, 4), "t", "seen", 0.1),
    ]
    return Answer(EVIL, 1, 0.5, "answered", evidence, Cost(1), question=EVIL, options=["x", EVIL])


def test_every_text_of_an_answer_is_escaped() -> None:
    html = render.answer_html(evil_answer(), no_picture, {})
    parsed = Tags(html)
    assert not parsed.open
    assert "script" not in {tag for tag, _ in parsed.tags}
    assert "i" not in {tag for tag, _ in parsed.tags}
    assert "\x1b" not in html
    assert parsed.text.count('<script>alert("1")</script>\\x1b[31m&') >= 3


def step(text: str) -> Step:
    """A step that consists of a text."""
    return type("TextStep", (Step,), {"node": text, "summary": text, "data": {}})()


def test_hits_archives_and_steps_are_escaped_too() -> None:
    hit = Hit(EVIL, Note("1", "v", None, Span(0, 1), EVIL, "speech"), 1.0)
    for html in (
        render.hits_html([hit], no_picture, {}),
        render.archive_html(EVIL, EVIL, [Video("v", EVIL, "h", 5.0)], no_picture),
        render.steps_html([step(EVIL)]),
        render.strip_html(EVIL, [(0.0, b"x")]),
    ):
        parsed = Tags(html)
        assert not parsed.open
        assert "script" not in {tag for tag, _ in parsed.tags}
        assert "\x1b" not in html


def test_a_file_name_is_no_url_scheme() -> None:
    parsed = Tags(render.answer_html(evil_answer(), no_picture, {}, base="../videos"))
    sources = [attrs["src"] for tag, attrs in parsed.tags if tag == "video"]
    assert sources == ["../videos/a%22b%3Ci%3E.mp4#t=1,2", "../videos/javascript%3Ax#t=3,4"]


def test_pictures_are_data_uris_and_missing_ones_are_said() -> None:
    html = render.answer_html(evil_answer(), lambda video, t: b"\xff\xd8" if t < 2 else None, {})
    images = [attrs["src"] for tag, attrs in Tags(html).tags if tag == "img"]
    assert images == ["data:image/jpeg;base64,/9g="]
    assert html.count("no picture") == 1


def test_the_timeline_is_well_formed_and_marks_where_the_evidence_lies() -> None:
    rows = [("a.mp4", Span(50, 60), EVIL.replace("\x1b", ""), "caption"), ("b.mp4", Span(0, 1), "x", "seen")]
    answer = replace(evil_answer(), evidence=[Evidence(*row, score=0.5) for row in rows])
    html = render.answer_html(answer, no_picture, {"a.mp4": 100.0})
    svg = ET.fromstring(html[html.index("<svg") : html.index("</svg>") + len("</svg>")])
    ns = "{http://www.w3.org/2000/svg}"
    bars = [r for r in svg.iter(f"{ns}rect") if r.get("fill") == "#ddd"]
    marks = [r for r in svg.iter(f"{ns}rect") if r.find(f"{ns}title") is not None]
    assert (len(bars), len(marks)) == (2, 2)
    x0, width = float(bars[0].get("x", 0)), float(bars[0].get("width", 0))
    assert float(marks[0].get("x", 0)) == pytest.approx(x0 + width / 2, abs=0.1)
    assert float(marks[0].get("width", 0)) == pytest.approx(width / 10, abs=0.1)
    assert "<svg" not in render.answer_html(replace(answer, evidence=()), no_picture, {})


def test_no_hits_says_so() -> None:
    assert "nothing found" in render.hits_html([], no_picture, {})


def test_control_characters_become_visible() -> None:
    assert phrasing.escaped("a\x1b[2Jb\nc\x9b\u202e\udcff") == "a\\x1b[2Jb\\nc\\x9b\\u202e\\udcff"
    assert phrasing.escaped("naïve 日本 🎬👩‍🍳 שלום") == "naïve 日本 🎬👩‍🍳 שלום"


def test_one_line_joins_and_cuts() -> None:
    assert phrasing.for_terminal("a\n  b\tc\r\n") == "a b c"
    assert phrasing.for_terminal("abcdef", 4) == "abc…"
    assert phrasing.for_terminal("abcd", 4) == "abcd"


@pytest.mark.parametrize(
    ("span", "text"),
    [(Span(190, 194), "00:03:10-00:03:14"), (Span(3.2, 3.7), "00:00:03.200-00:00:03.700")],
)
def test_span_text(span: Span, text: str) -> None:
    assert phrasing.span_text(span) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1400, "1.4 kB"), (83_000_000, "83 MB"), (16.2e9, "16 GB"), (5e15, "5000 TB")],
)
def test_size_text(size: float, text: str) -> None:
    assert phrasing.size_text(size) == text


def test_cost_and_durations_read_well() -> None:
    assert phrasing.cost_text(Cost(14, 3, 1, 1900, 12, 4.13)) == (
        "14 frames looked at, 3 VLM calls, 1 LLM call, 1 912 tokens, 4.1 s"
    )
    assert [phrasing.duration_text(s) for s in (42, 185, 7380)] == ["42 s", "3 min 05 s", "2 h 03 min"]


def test_each_sentence_shows_what_it_cites() -> None:
    shown = [Evidence("a.mp4", Span(n, n + 1), f"note {n}", "caption", 0.9) for n in range(2)]
    said = (Statement("She opens it.", (0,), 0.9), Statement("It is <empty>.", (0, 1), 0.8))
    answer = Answer("She opens it. It is <empty>.", None, 0.8, "answered", shown, statements=said)
    assert phrasing.cited_text(answer) == "She opens it. [1] It is <empty>. [1][2]"
    lines = answer_lines(answer)
    assert lines[0].startswith("She opens it. [1] It is <empty>. [1][2]   (confidence")
    assert lines[1].split() == ["[1]", "a.mp4", "00:00:00-00:00:01", "note", "0", "[caption]"]
    html = render.answer_html(answer, lambda video, time_s: None, {"a.mp4": 9.0})
    assert "It is &lt;empty&gt;. [1][2]" in html
    quoted = Answer("The screen says so.", None, 0.8, "answered", shown, statements=said)
    assert phrasing.cited_text(quoted) == "The screen says so."
    assert not answer_lines(quoted)[1].strip().startswith("[1]")


def test_what_was_computed_is_shown_with_its_rows() -> None:
    rows = (EventRow("a knock", "a.mp4", Span(1, 2)), EventRow("a <b>knock</b>", "a.mp4", Span(8, 9)))
    answer = Answer("2 times", None, 0.8, "answered", computed=(Computation("before_after", "2 times", rows),))
    text = "\n".join(answer_lines(answer))
    assert "computed: before after of" in text
    assert "00:00:08-00:00:09" in text
    html = render.answer_html(answer, lambda video, time_s: None, {})
    assert html.count("<tr>") == 2
    assert "&lt;b&gt;knock" in html
