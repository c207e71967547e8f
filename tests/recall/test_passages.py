"""Posteriors add up, picks are the best set that exhaustive search finds, windows fit what they should."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvqa.recall.passages import best_window, choose_passages, passage_of, posterior
from lvqa.types import Span


def _one_kind(n: int) -> np.ndarray:
    return np.zeros(n, np.int64)


def _covered(picks: tuple[int, ...], shares: np.ndarray, times: np.ndarray, videos: np.ndarray, tau: float) -> float:
    left = shares.copy()
    for pick in picks:
        same = videos == videos[pick]
        left[same] *= 1 - np.exp(-np.abs(times[same] - times[pick]) / tau)
    return float(shares.sum() - left.sum())


@given(
    st.lists(st.tuples(st.floats(-30, 30), st.integers(0, 3)), min_size=1, max_size=30),
    st.floats(0, 1),
)
def test_a_posterior_adds_up_to_one(rows, time_share):
    scores = np.array([score for score, _ in rows])
    videos = np.unique([video for _, video in rows], return_inverse=True)[1].astype(np.int64)
    shares = posterior(scores, videos, int(videos.max()) + 1, time_share=time_share)
    assert shares.sum() == pytest.approx(1.0)
    assert (shares >= 0).all()


def test_the_best_note_tells_the_video_and_less_of_the_second():
    scores, videos = np.array([4.0, 1.0, 1.0, 3.0]), np.array([0, 0, 1, 1])
    shares = posterior(scores, videos, 2, time_share=0.25)
    assert shares[:2].sum() == pytest.approx(np.exp(1) / (1 + np.exp(1)), abs=0.02)
    assert shares[0] / shares[1] == pytest.approx(np.exp(0.25 * 3))


def test_what_is_certain_counts_in_full_at_both_levels():
    certain = np.array([0.0, 25.0, 0.0, 0.0])
    shares = posterior(np.array([4.0, 1.0, 1.0, 3.0]), np.array([0, 0, 1, 1]), 2, time_share=0.25, certain=certain)
    assert shares[1] > 0.999


def test_a_prior_moves_seconds_and_not_videos():
    scores, videos = np.zeros(4), np.array([0, 0, 1, 1])
    shares = posterior(scores, videos, 2, time_share=1, prior=lambda within: np.array([9.0, 1.0, 1.0, 1.0]))
    np.testing.assert_allclose(shares, [0.45, 0.05, 0.25, 0.25])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.01, 1), st.integers(0, 40), st.integers(0, 1)), min_size=4, max_size=9, unique=True),
    st.floats(0.5, 12),
)
def test_greedy_picks_cover_nearly_as_much_as_the_best_set(rows, tau):
    shares = np.array([share for share, _, _ in rows])
    shares /= shares.sum()
    times, videos = np.array([float(t) for _, t, _ in rows]), np.array([v for _, _, v in rows], np.int64)
    picks, added = choose_passages(
        shares, times, 0 * times, videos, _one_kind(len(rows)), 3, coverage_s=tau, snap=False
    )
    best = max(_covered(some, shares, times, videos, tau) for some in itertools.combinations(range(len(rows)), 3))
    assert _covered(tuple(picks), shares, times, videos, tau) >= (1 - 1 / np.e) * best - 1e-9
    assert added.sum() == pytest.approx(_covered(tuple(picks), shares, times, videos, tau))
    assert len(set(picks.tolist())) == 3
    assert (np.diff(added) <= 1e-9).all()


def test_a_pick_shows_what_was_found_and_not_what_lies_between():
    shares, times = np.array([0.10, 0.22, 0.10, 0.30]), np.array([9.0, 10.0, 9.2, 13.0])
    alike = _one_kind(4)
    assert choose_passages(shares, times, 0 * times, alike, alike, 1, coverage_s=6.0, snap=False)[0].tolist() == [1]
    assert choose_passages(shares, times, 0 * times, alike, alike, 1, coverage_s=6.0)[0].tolist() == [3]


def test_strong_evidence_gets_few_picks_and_weak_evidence_many():
    times = np.concatenate([np.arange(40.0), np.arange(40.0)])
    videos = np.repeat([0, 1], 40)
    flat = np.full(80, 1 / 80)
    picks, _ = choose_passages(flat, times, 0 * times, videos, _one_kind(80), 8, coverage_s=5.0)
    assert np.bincount(videos[picks]).tolist() == [4, 4]
    assert np.diff(np.sort(times[picks][videos[picks] == 0])).min() >= 5
    sharp = flat.copy()
    sharp[10] = 50.0
    picks, _ = choose_passages(sharp / sharp.sum(), times, 0 * times, videos, _one_kind(80), 8, coverage_s=5.0)
    assert picks[0] == 10


def test_in_a_short_video_many_picks_come_to_even_spacing():
    times = np.arange(32.0) + 0.5
    picks, _ = choose_passages(np.full(32, 1 / 32), times, 0 * times, _one_kind(32), _one_kind(32), 8, coverage_s=3.0)
    gaps = np.diff(np.sort(times[picks]))
    assert gaps.min() >= 2
    assert gaps.max() <= 6


def test_without_coverage_the_most_probable_come_first():
    shares, times = np.array([0.4, 0.3, 0.2, 0.1]), np.array([5.0, 6.0, 20.0, 21.0])
    assert choose_passages(shares, times, 0 * times, _one_kind(4), _one_kind(4), 3, coverage_s=0)[0].tolist() == [
        0,
        1,
        2,
    ]
    assert len(choose_passages(shares, times, 0 * times, _one_kind(4), _one_kind(4), 99, coverage_s=2.0)[0]) == 4


def test_another_kind_of_note_at_the_same_second_is_only_half_covered():
    shares, times = np.array([0.5, 0.3, 0.2]), np.array([5.0, 5.0, 30.0])
    alike = choose_passages(shares, times, 0 * times, _one_kind(3), _one_kind(3), 2, coverage_s=3.0)[0]
    mixed = choose_passages(shares, times, 0 * times, _one_kind(3), np.array([0, 1, 0]), 2, coverage_s=3.0)[0]
    assert alike.tolist() == [0, 2]
    assert mixed.tolist()[0] == 0
    assert sorted(
        choose_passages(shares, times, 0 * times, _one_kind(3), np.array([0, 1, 0]), 3, coverage_s=3.0)[0]
    ) == [0, 1, 2]


def test_a_window_grows_around_a_peak_and_covers_a_plain():
    starts = np.arange(60.0)
    peak = np.exp(-0.5 * ((starts + 0.5 - 30) / 1.0) ** 2)
    window = best_window(30.5, starts, starts + 1, peak, 60.0)
    assert window.contains(30.5)
    assert 3 <= window.duration_s <= 9
    assert window.middle_s == pytest.approx(30, abs=1.5)
    plain = best_window(30.5, starts, starts + 1, np.ones(60), 60.0)
    assert plain.duration_s > 20


@pytest.mark.parametrize("duration_s", [0.4, 5.0, 60.0, 4000.0])
def test_a_window_lies_in_its_video_and_holds_its_time(duration_s):
    starts = np.linspace(0, duration_s * 0.9, 7)
    for at_s in (0.0, duration_s / 2, duration_s):
        window = best_window(at_s, starts, starts + duration_s / 10, np.ones(7), duration_s)
        assert 0 <= window.start_s < window.end_s <= duration_s + 1e-9
    assert best_window(1.0, np.array([0.0]), np.array([2.0]), np.array([0.0]), 9.0) == Span(0.0, 2.0)


def test_a_long_note_covers_what_stands_beside_it():
    shares, times = np.array([0.3, 0.28, 0.25, 0.17]), np.array([30.0, 60.0, 0.0, 0.0])
    videos, kinds = np.array([0, 0, 1, 2]), _one_kind(4)
    short, _ = choose_passages(shares, times, np.full(4, 1.0), videos, kinds, 3, coverage_s=7.0)
    long, _ = choose_passages(shares, times, np.full(4, 60.0), videos, kinds, 3, coverage_s=7.0)
    assert short.tolist() == [0, 1, 2]
    assert long.tolist() == [0, 2, 3]


def test_a_long_note_is_its_own_passage():
    starts = np.arange(0.0, 60.0)
    shares = np.ones(60)
    assert passage_of(Span(5, 47.5), starts, starts + 1, shares, 60.0) == Span(5, 47.5)
    assert passage_of(Span(5, 75), starts, starts + 1, shares, 60.0) == Span(5, 60)
    assert passage_of(Span(5, 6), starts, starts + 1, shares, 60.0) == best_window(5.5, starts, starts + 1, shares, 60)
