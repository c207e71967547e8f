"""Intervals from looks: their ends, how many looks those cost, misread frames, the end of the budget."""

from __future__ import annotations

import math

import pytest

from lvqa.temporal.change_searches import gap
from lvqa.temporal.localize import Interval, boundaries, joined, localize, measure
from lvqa.temporal.looks import LookReply, LookRequest, alongside
from lvqa.temporal.presence import Candidate
from lvqa.tools.eyes import run
from lvqa.types import Span
from lvqa.zoom.scorers import calibrated

FRAME = 0.25
WHOLE = Span(0, 600)


class Film:
    """Frames every quarter of a second; the thing is there in some spans, and some frames are misread."""

    def __init__(self, *spans, misread=(), budget=10_000):
        self.spans, self.misread, self.budget = [Span(*s) for s in spans], set(misread), budget
        self.looks, self.rounds = [], 0

    def __call__(self, asks):
        self.rounds += 1
        return [self.one(ask) for ask in asks]

    def one(self, ask):
        if len(self.looks) >= self.budget:
            return None
        pts_s = math.floor(ask.time_s / FRAME + 1e-6) * FRAME
        self.looks.append(pts_s)
        is_there = any(span.contains(pts_s) for span in self.spans) != (pts_s in self.misread)
        return LookReply(pts_s, 0.95 if is_there else 0.05)


def found_from(film, at_s, **given):
    first = film([LookRequest("v", at_s, "cat")])[0]
    return run(boundaries(LookRequest("v", first.pts_s, "cat"), first, WHOLE, frame_s=FRAME, **given), film)


@pytest.mark.parametrize(
    ("start", "end", "at"), [(100, 100.5, 100.25), (100, 104, 103), (10.25, 12, 10.25), (200, 460, 230)]
)
def test_both_ends_are_found_to_the_frame_in_logarithmic_looks(start, end, at):
    film = Film((start, end))
    interval = found_from(film, at)
    assert interval.span == Span(start, end)
    assert interval.sharp
    assert interval.yes == pytest.approx(0.95)
    longest = max(at - start, end - at, 1)
    assert len(film.looks) <= 1 + 2 * (2 * math.log2(longest / FRAME) + 3)


def test_without_ends_neighbours_confirm_and_count():
    film = Film((100, 160))
    found = run(localize("cat", [Candidate("v", 130, 1, "x")], lambda v: WHOLE, resolution_s=math.inf), film)
    assert film.looks == [130, 129.75, 130.25]
    assert [interval.looks for interval in found.intervals] == [3]
    alone = Film((100, 100.25))
    found = run(localize("cat", [Candidate("v", 100, 1, "x")], lambda v: WHOLE, resolution_s=math.inf), alone)
    assert (found.intervals, len(found.refused)) == ([], 1)
    starved = Film((100, 160), budget=1)
    found = run(localize("cat", [Candidate("v", 130, 1, "x")], lambda v: WHOLE, resolution_s=math.inf), starved)
    assert found.starved
    assert [interval.looks for interval in found.intervals] == [1]


def test_a_coarse_end_costs_less():
    fine, coarse = Film((100, 160)), Film((100, 160))
    found_from(fine, 130)
    interval = found_from(coarse, 130, resolution_s=2.0)
    assert len(coarse.looks) < len(fine.looks)
    assert abs(interval.span.start_s - 100) <= 2
    assert abs(interval.span.end_s - 160) <= 2


def test_an_interval_ends_with_its_video():
    film = Film((0, 600))
    assert found_from(film, 300, reach_s=600).span == WHOLE


def test_the_end_of_the_budget_leaves_a_blunt_interval():
    film = Film((100, 160), budget=4)
    interval = found_from(film, 130)
    assert not interval.sharp
    assert interval.span.contains(130)


def candidates(*times):
    return [Candidate("v", t, -n, "frames") for n, t in enumerate(times)]


def hunted(film, times, **given):
    given.setdefault("resolution_s", FRAME)
    return run(localize("cat", candidates(*times), lambda v: WHOLE, frame_s=lambda v: FRAME, **given), film)


def test_a_hunt_goes_on_to_the_best_that_holds():
    film = Film((50, 52))
    found = hunted(film, [10, 20, 51, 30], width=1)
    assert [i.span for i in found.intervals] == [Span(50, 52)]
    assert [c.time_s for c in found.refused] == [10, 20]


def test_several_intervals_are_kept_apart_and_candidates_inside_are_skipped():
    film = Film((50, 54), (60, 61), (70, 70.5))
    found = hunted(film, [51, 53, 60.5, 52, 70.25, 10], most=9)
    assert [i.span for i in found.intervals] == [Span(50, 54), Span(60, 61), Span(70, 70.5)]
    assert 53.0 not in [c.time_s for c in found.refused]


def test_patience_ends_a_search():
    film = Film()
    found = hunted(film, range(10, 40), patience=5)
    assert len(found.refused) == len(film.looks) == 5
    assert found.left == 25
    assert not found.intervals


@pytest.mark.parametrize("resolution_s", [FRAME, 1.0, math.inf])
def test_one_misread_frame_is_no_interval(resolution_s):
    film = Film(misread=[20.0])
    found = hunted(film, [20, 30], resolution_s=resolution_s)
    assert not found.intervals
    assert found.doubt > 0.4


def test_a_hunt_without_a_budget_says_so():
    found = hunted(Film((50, 52), budget=1), [10, 51])
    assert found.starved
    assert not found.intervals


def test_a_gap_is_found_between_two_presences():
    film = Film((0, 100), (101.5, 600))
    found = run(gap("cat", Candidate("v", 100.5, 1, "frames"), WHOLE, frame_s=FRAME), film)
    assert found.span == Span(100, 101.5)


def test_an_absence_without_return_is_no_gap():
    film = Film((0, 100))
    assert run(gap("cat", Candidate("v", 101, 1, "frames"), WHOLE, frame_s=FRAME), film) is None
    assert run(gap("cat", Candidate("v", 50, 1, "frames"), WHOLE, frame_s=FRAME), film) is None


def test_a_length_is_weighed_over_all_frames():
    film = Film((100, 102.75))
    measured = run(measure("cat", Interval("v", Span(100.5, 102.5), 0.9, 3), WHOLE, FRAME), film)
    assert measured.interval.span == Span(100, 102.75)
    clean = measured.sure
    doubtful = Film((100, 102.75), misread=[103.0])
    measured = run(measure("cat", Interval("v", Span(100.5, 102.5), 0.9, 3), WHOLE, FRAME), doubtful)
    assert measured.sure < clean


def test_searches_side_by_side_share_their_rounds():
    film = Film((50, 52), (80, 83))
    ask = lambda t: [Candidate("v", t, 1, "frames")]  # noqa: E731
    courses = [
        localize("cat", ask(t), lambda v: WHOLE, resolution_s=FRAME, frame_s=lambda v: FRAME) for t in (51, 81, 20)
    ]
    founds = run(alongside(courses), film)
    assert [len(found.intervals) for found in founds] == [1, 1, 0]
    alone = Film((50, 52))
    hunted(alone, [51])
    assert film.rounds <= 2 * alone.rounds


def test_a_yes_is_weighed_by_what_the_model_leans_to():
    assert calibrated(0.9, 0.9) == pytest.approx(0.5)
    assert calibrated(0.7, 0.5) == 0.7
    assert calibrated(0.5, 0.9) < 0.2 < 0.6 < calibrated(0.95, 0.9) < calibrated(0.999, 0.9)
    assert (calibrated(0.0, 0.9), calibrated(1.0, 0.9)) == (0.0, 1.0)


def test_intervals_that_touch_are_one():
    a, b = Interval("v", Span(1, 2), 0.8, 1), Interval("v", Span(2, 4), 0.9, 3)
    assert joined([b, a]) == [Interval("v", Span(1, 4), pytest.approx(0.875), 4)]
    assert len(joined([a, Interval("w", Span(1, 2), 0.8, 1)])) == 2
    assert a.support < b.support
