"""Times to frames and sampling grids, against their definitions spelled out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvqa.media.clock import SLACK_S, grid, shown_at

times = st.floats(0, 1e5, allow_nan=False)
pts_lists = st.lists(st.integers(0, 10**8), min_size=1, max_size=60, unique=True).map(
    lambda ms: [t / 1000 for t in sorted(ms)]
)


@given(pts_lists, st.lists(times, max_size=20))
def test_the_shown_frame_is_the_last_at_or_before_the_time(pts_s, asked):
    found = shown_at(np.array(pts_s), asked)
    for time_s, index in zip(asked, found.tolist(), strict=True):
        before = [i for i, pts in enumerate(pts_s) if pts <= time_s + SLACK_S]
        assert index == (max(before) if before else 0)


@given(pts_lists)
def test_a_frames_own_time_shows_it_or_a_twin_within_the_grace(pts_s):
    found = shown_at(np.array(pts_s), pts_s)
    for index, place in enumerate(found.tolist()):
        assert place >= index
        assert pts_s[place] - pts_s[index] <= SLACK_S + 1e-9


@given(pts_lists, times, times)
def test_later_times_never_show_earlier_frames(pts_s, one, two):
    low, high = shown_at(np.array(pts_s), sorted((one, two))).tolist()
    assert low <= high


@given(st.sampled_from([1, 2, 3, 7, 24, 25, 30, 60, 0.1, 0.5, 1 / 3, 2.5, 30000 / 1001]), times, times)
def test_the_grid_holds_exactly_the_steps_inside(fps, one, two):
    start_s, end_s = sorted((one, two))
    end_s = min(end_s, start_s + 50)
    steps = grid(fps, start_s, end_s)
    assert all(start_s <= k / fps < end_s for k in steps)
    around = range(max(0, int(start_s * fps) - 3), int(end_s * fps) + 4)
    assert [k for k in around if start_s <= k / fps < end_s] == list(steps)


@given(st.floats(0.05, 60), times, st.floats(0, 20), st.floats(0, 20))
def test_two_grids_that_meet_are_one(fps, start_s, first_s, second_s):
    middle_s, end_s = start_s + first_s, start_s + first_s + second_s
    parts = [*grid(fps, start_s, middle_s), *grid(fps, middle_s, end_s)]
    assert parts == list(grid(fps, start_s, end_s))


@pytest.mark.parametrize("fps", [24, 25, 30, 60, 30000 / 1001])
def test_matroskas_rounding_to_the_millisecond_hides_no_frame(fps):
    pts_s = np.array([round(k / fps * 1000) / 1000 for k in range(1000)])
    assert shown_at(pts_s, [k / fps for k in range(1000)]).tolist() == list(range(1000))
