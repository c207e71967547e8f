"""What is counted, ordered, compared and measured on rows; checked against plain recounting where that is possible."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvqa.temporal import operators as o
from lvqa.types import EventRow, Span


def row(event: str, start: float, end: float, video: str = "a.mp4", sure: float = 0.9) -> EventRow:
    return EventRow(event, video, Span(start, end), sure, (f"{event}{start}",))


def spans(rows) -> list[tuple[str, float, float]]:
    return [(r.video, r.span.start_s, r.span.end_s) for r in rows]


def test_rows_that_nearly_touch_are_one_happening() -> None:
    told = [row("knock", 10, 12), row("knock", 13, 14), row("knock", 30, 31), row("knock", 10, 11, "b.mp4")]
    found = o.count(told)
    assert found.text == "3 times"
    assert spans(found.rows) == [("a.mp4", 10, 14), ("a.mp4", 30, 31), ("b.mp4", 10, 11)]
    assert found.rows[0].notes == ("knock10", "knock13")
    assert found.rows[0].sure == pytest.approx(0.99)
    assert o.count([]).text == "not once"
    assert o.count(told[:1]).text == "once"


def test_what_is_alike_is_for_the_caller_to_say() -> None:
    told = [row("a dog barks", 10, 12), row("barking", 11, 13), row("a cat", 12, 14)]
    assert o.count(told).text == "3 times"
    assert o.count(told, alike=lambda a, b: "bark" in a.event and "bark" in b.event).text == "2 times"


def test_first_and_last_need_one_clock() -> None:
    told = [row("b", 20, 21), row("a", 5, 6), row("c", 9, 30)]
    first, last = o.extreme(told, "first"), o.extreme(told, "last")
    assert first is not None
    assert last is not None
    assert (first.rows[0].event, last.rows[0].event) == ("a", "b")
    assert first.text == "first: a at 00:00:05 of a.mp4"
    assert o.extreme([*told, row("d", 1, 2, "b.mp4")], "first") is None
    assert o.extreme([], "last") is None


@pytest.mark.parametrize(("at", "said"), [(5.0, "before"), (40.0, "after"), (20.1, "together")])
def test_one_event_beside_another(at: float, said: str) -> None:
    found = o.relation([row("x", at, at + 1)], [row("y", 20, 21)])
    assert found is not None
    assert found.relation == said


def test_events_of_different_videos_have_no_order() -> None:
    assert o.relation([row("x", 1, 2)], [row("y", 5, 6, "b.mp4")]) is None
    assert o.order([[row("x", 1, 2)], [row("y", 5, 6, "b.mp4")]]) is None
    assert o.overlap([row("x", 1, 2)], [row("y", 1, 2, "b.mp4")]) is None
    both = o.before_after(
        [row("x", 9, 10), row("x", 1, 2, "b.mp4", 0.5)], [row("y", 5, 6), row("y", 8, 9, "b.mp4", 0.5)]
    )
    assert both is not None
    assert both.text == "x after y (00:00:09 and 00:00:05 of a.mp4)"  # where the rows are surer


def test_an_order_is_that_of_the_first_happenings_where_most_are() -> None:
    events = [[row("c", 50, 51), row("c", 90, 91)], [row("a", 3, 4), row("a", 1, 2, "b.mp4")], [row("b", 20, 21)]]
    found = o.order(events)
    assert found is not None
    assert found.text == "a (00:00:03), then b (00:00:20), then c (00:00:50), in a.mp4"
    assert [r.event for r in found.rows] == ["a", "b", "c"]


def test_how_long_and_at_the_same_time() -> None:
    lasting = o.duration([row("rain", 10, 14), row("rain", 15, 22.5), row("rain", 100, 101, sure=0.5)])
    assert lasting is not None
    assert lasting.text == "12.5 seconds (00:00:10-00:00:22 of a.mp4)"
    together = o.overlap([row("x", 0, 10)], [row("y", 8, 20)])
    assert together is not None
    assert together.text == "together in 00:00:08-00:00:10 of a.mp4"
    apart = o.overlap([row("x", 0, 10)], [row("y", 18, 20)])
    assert apart is not None
    assert apart.text == "never together; 8.0 seconds apart in a.mp4"


def test_an_operator_by_name() -> None:
    one, other = [row("x", 1, 2)], [row("y", 5, 6)]
    texts = {name: found.text for name in get_args(o.Operator) if (found := o.compute(name, [one, other]))}
    assert set(texts) == set(get_args(o.Operator))
    assert texts["count"] == "once"
    assert texts["first"].startswith("first: x")
    assert texts["before_after"].startswith("x before y")
    assert o.compute("before_after", [one]) is None
    assert o.compute("count", [[], other]) is None
    assert o.compute("order", []) is None


ROWS = st.lists(
    st.builds(
        lambda s, d, v: row("e", s, s + d, v),
        st.integers(0, 60).map(float),
        st.integers(1, 9).map(float),
        st.sampled_from(["a.mp4", "b.mp4"]),
    ),
    max_size=12,
)


@given(ROWS)
def test_distinct_rows_lie_apart_cover_the_same_and_hang_on_no_order(rows) -> None:
    found = o.distinct(rows)
    for n, one in enumerate(found):
        for other in found[n + 1 :]:
            assert one.video != other.video or one.span.gap_s(other.span) > o.RULES.gap_s
    for one in rows:
        assert any(r.video == one.video and r.span.hull(one.span) == r.span for r in found)
    assert spans(o.distinct(rows[::-1])) == spans(found)
    assert spans(o.distinct(found)) == spans(found)
