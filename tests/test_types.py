"""The values: what they refuse, and the arithmetic of spans against sets of milliseconds."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvqa.types import Answer, Clip, Cost, Evidence, Hit, Note, Span, Video, format_time, parse_time

MS = st.integers(0, 200)


@st.composite
def spans(draw):
    start, length = draw(MS), draw(st.integers(1, 100))
    return Span(float(start), float(start + length))


def cells(span):
    return set(range(int(span.start_s), int(span.end_s)))


@given(spans(), spans())
def test_span_arithmetic_is_that_of_sets(a, b):
    shared = cells(a) & cells(b)
    assert a.overlaps(b) == bool(shared) == b.overlaps(a)
    both = a.intersection(b)
    assert (cells(both) if both else set()) == shared
    assert a.iou(b) == pytest.approx(len(shared) / len(cells(a) | cells(b)))
    assert a.iou(b) == b.iou(a)
    hull = a.hull(b)
    assert cells(hull) >= cells(a) | cells(b)
    assert hull.start_s in (a.start_s, b.start_s)
    assert hull.end_s in (a.end_s, b.end_s)
    assert (a.gap_s(b) == 0) == bool(shared or a.end_s == b.start_s or b.end_s == a.start_s)


@given(spans(), st.integers(0, 300))
def test_span_contains_is_half_open(span, t):
    assert span.contains(t) == (t in cells(span))


@given(spans(), st.integers(1, 300))
def test_clamp_keeps_what_lies_inside_the_video(span, duration):
    kept = span.clamp(float(duration))
    assert (cells(kept) if kept else set()) == cells(span) & set(range(duration))


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (2, 2), (3, 2), (0, math.inf), (math.nan, 1)])
def test_span_refuses_what_is_no_stretch_of_time(start, end):
    with pytest.raises(ValueError, match="span needs"):
        Span(start, end)


@given(st.integers(0, 10**9))
def test_times_survive_writing_and_reading(ms):
    assert round(parse_time(format_time(ms / 1000, milliseconds=True)) * 1000) == ms


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("75", 75), ("75.5", 75.5), ("1:15", 75), ("01:01:15", 3675), ("0:01:15,500", 75.5), (" 0 ", 0)],
)
def test_parse_time(text, seconds):
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["", "x", "-1", "1:60", "1:2:3:4", "1:75:00", "1e3", "nan"])
def test_parse_time_refuses(text):
    with pytest.raises(ValueError, match="not a time"):
        parse_time(text)


@pytest.mark.parametrize("seconds", [-1, math.nan, math.inf])
def test_format_time_refuses(seconds):
    with pytest.raises(ValueError, match="not a time"):
        format_time(seconds)


def test_format_time_rounds_down_to_the_second_a_player_shows():
    assert format_time(59.9) == "00:00:59"
    assert format_time(59.9996) == "00:01:00"
    assert str(Span(190, 194.2)) == "00:03:10-00:03:14"


def test_clip_ids_follow_from_their_content():
    assert Clip.of("v", Span(1.0, 2.5)) == Clip("v:clip:1000-2500", "v", Span(1.0, 2.5))
    assert Clip.of("v", Span(1.0, 2.5), "segment").id != Clip.of("v", Span(1.0, 2.5)).id


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Video("", "a.mp4", "h", 1), "id and a path"),
        (lambda: Video("v", "a.mp4", "h", 0), "duration above zero"),
        (lambda: Clip("c", "v", Span(0, 1), "scene"), "level must be one of"),
        (lambda: Note("n", "v", None, Span(0, 1), " ", "caption"), "needs a text"),
        (lambda: Note("n", "v", None, Span(0, 1), "x", "rumour"), "source must be one of"),
        (lambda: Answer("x", None, 1.5, False), "confidence"),
    ],
)
def test_values_are_checked_when_made(make, message):
    with pytest.raises(ValueError, match=message):
        make()


costs = st.builds(Cost, *[st.integers(0, 1000)] * 5, st.integers(0, 1000).map(float))


@given(costs, costs, costs)
def test_costs_add_up(a, b, c):
    assert (a + b) + c == a + (b + c)
    assert a + Cost() == a


def test_answers_and_hits_have_the_fields_that_scripts_rely_on():
    evidence = Evidence("a.mp4", Span(1, 2), "a door opens", "seen", 0.5)
    answer = Answer("The door.", 1, 0.75, False, [evidence], Cost(3, 1, 2, 100, 20, 1.23456, 0.12345678))
    assert answer.to_dict() == {
        "answer": "The door.",
        "choice": 1,
        "confidence": 0.75,
        "abstained": False,
        "evidence": [
            {"video": "a.mp4", "start_s": 1, "end_s": 2, "text": "a door opens", "source": "seen", "score": 0.5}
        ],
        "statements": [],
        "computed": [],
        "cost": {
            "frames": 3,
            "vlm_calls": 1,
            "llm_calls": 2,
            "tokens_in": 100,
            "tokens_out": 20,
            "seconds": 1.235,
            "money": 0.123457,
        },
    }
    note = Note("n", "v", None, Span(1, 2), "a door opens", "caption")
    plain = {**answer.to_dict()["evidence"][0], "source": "caption"}
    assert Hit("a.mp4", note, 0.5).to_dict() == plain | {"window_start_s": 1, "window_end_s": 2}
    hit = Hit("a.mp4", note, 0.5, window=Span(0.25, 3))
    assert hit.to_dict() == plain | {"window_start_s": 0.25, "window_end_s": 3}
    assert (hit.span, hit.moment) == (Span(1, 2), Span(0.25, 3))
