"""Where clips end, and that cutting can be taken up at any clip."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvqa.indexers.stages.shots import ClipCutter, ClipRules, ShotDetector, sample_rate
from lvqa.types import Span


def cut(rules: ClipRules, changes: list[bool], duration_s: float, start_s: float = 0.0) -> list[Span]:
    cutter = ClipCutter(rules, duration_s, start_s)
    spans = []
    for k, changed in enumerate(changes):
        time_s = round(k * rules.step_s, 6)
        if time_s < start_s - 1e-9 or time_s >= duration_s:
            continue
        # What was before the start is unknown to a detector that starts there.
        span = cutter.push(time_s, changed and time_s > start_s)
        if span is not None:
            spans.append(span)
    last = cutter.finish()
    return [*spans, last] if last is not None else spans


def test_without_changes_clips_have_the_full_length() -> None:
    spans = cut(ClipRules(0.5, 8.0, 0.5), [False] * 50, 25.0)
    assert spans == [Span(0, 8), Span(8, 16), Span(16, 24), Span(24, 25)]


def test_a_change_of_shot_ends_a_clip() -> None:
    changes = [False] * 20
    changes[7] = True
    assert cut(ClipRules(0.5, 8.0, 0.5), changes, 10.0) == [Span(0, 3.5), Span(3.5, 10.0)]


def test_no_change_makes_a_clip_shorter_than_the_least() -> None:
    changes = [False, True, False, True, True, False, False, False, False, True]
    spans = cut(ClipRules(1.0, 8.0, 0.5), changes, 4.9)
    assert spans == [Span(0, 1.5), Span(1.5, 4.9)]


def test_a_short_rest_stands_alone() -> None:
    assert cut(ClipRules(0.5, 8.0, 0.5), [False] * 20, 8.25) == [Span(0, 8), Span(8, 8.25)]


def test_a_video_shorter_than_a_clip_is_one_clip() -> None:
    assert cut(ClipRules(0.5, 8.0, 0.5), [False], 0.2) == [Span(0, 0.2)]


rules = st.builds(
    lambda least, more, per_s: ClipRules(least / 10, (least + more) / 10, 1 / per_s),
    st.integers(1, 30),
    st.integers(0, 80),
    st.sampled_from([1, 2, 3, 4, 5, 7.5, 10]),
)


@settings(max_examples=60, deadline=None)
@given(rules, st.lists(st.booleans(), min_size=1, max_size=60), st.floats(0.05, 20.0))
def test_clips_cover_the_video_and_can_be_taken_up_at_any_of_them(
    rules: ClipRules, changes: list[bool], duration_s: float
) -> None:
    changes = changes + [False] * (int(duration_s / rules.step_s) + 2 - len(changes))
    spans = cut(rules, changes, duration_s)
    assert spans[0].start_s == 0
    assert spans[-1].end_s == duration_s
    assert all(a.end_s == b.start_s for a, b in pairwise(spans))
    assert all(span.duration_s <= max(rules.max_s, rules.step_s) + 1e-5 for span in spans)
    # A clip at the full length may be cut short of the least only by the spacing of the frames.
    assert all(span.duration_s >= min(rules.min_s, rules.max_s - rules.step_s) - 1e-5 for span in spans[:-1])
    for index, span in enumerate(spans):
        assert cut(rules, changes, duration_s, span.start_s) == spans[index:]


def test_the_detector_sees_a_cut_and_no_cut_in_a_still_picture() -> None:
    red = np.zeros((48, 64, 3), np.uint8)
    red[..., 0] = 255
    blue = red[..., ::-1].copy()
    detector = ShotDetector(27.0)
    assert [detector.push(f) for f in (red, red, blue, blue, red)] == [False, False, True, False, True]


def test_the_detector_taken_up_at_a_cut_says_the_same_of_what_follows() -> None:
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (36, 64, 3), dtype=np.uint8) // (1 + k % 3) for k in range(12)]
    whole = ShotDetector(20.0)
    said = [whole.push(f) for f in frames]
    for start in range(12):
        again = ShotDetector(20.0)
        assert [again.push(f) for f in frames[start:]][1:] == said[start + 1 :]


@pytest.mark.parametrize(("fps", "max_s", "rate"), [(2.0, 8.0, 2.0), (0.1, 8.0, 0.125), (2.0, 0.2, 5.0)])
def test_every_clip_has_a_frame(fps: float, max_s: float, rate: float) -> None:
    assert sample_rate(fps, max_s) == pytest.approx(rate)
