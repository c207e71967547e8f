from __future__ import annotations

import pytest

from lvqa.eval.lab.retrieval import measures


def test_a_hit_needs_the_right_video_and_the_window_with_its_slack():
    gold = ("kitchen", [(10.0, 12.0)])
    assert measures.is_hit([("kitchen", 11.0)], *gold)
    assert measures.is_hit([("kitchen", 9.5)], *gold)
    assert measures.is_hit([("garden", 11.0), ("kitchen", 12.5)], *gold)
    assert not measures.is_hit([("kitchen", 9.4)], *gold)
    assert not measures.is_hit([("kitchen", 12.6)], *gold)
    assert not measures.is_hit([("garden", 11.0)], *gold)
    assert not measures.is_hit([], *gold)


def test_the_right_video_counts_at_any_second():
    assert measures.has_video([("garden", 1.0), ("kitchen", 99.0)], "kitchen")
    assert not measures.has_video([("garden", 1.0)], "kitchen")


def test_temporal_f1_by_hand():
    gold = [("v", 10.0), ("v", 30.0)]
    # One of three returned is near; one of two gold ones is found: P = 1/3, R = 1/2, F1 = 0.4.
    assert measures.temporal_f1([("v", 15.0), ("v", 20.0), ("w", 10.0)], gold) == pytest.approx(0.4)
    assert measures.temporal_f1([("v", 15.1)], gold) == 0.0
    assert measures.temporal_f1(gold, gold) == 1.0
    assert measures.temporal_f1([], gold) == 0.0
    assert measures.temporal_f1(gold, []) == 0.0


def test_paired_bootstrap_sees_a_steady_gain_and_not_a_balanced_one():
    videos = [index // 4 for index in range(200)]
    base = [float(index % 2) for index in range(200)]
    better = [min(1.0, score + (index % 4 == 0)) for index, score in enumerate(base)]
    gain = measures.paired_bootstrap(base, better, videos)
    assert gain.difference == pytest.approx(0.25)
    assert gain.low > 0
    assert gain.p_value < 0.01
    swapped = [1 - score for score in base]
    assert measures.paired_bootstrap(base, swapped, videos).p_value == 1.0
    assert measures.paired_bootstrap(base, better, videos) == gain


def test_paired_bootstrap_of_equal_systems_is_zero():
    same = measures.paired_bootstrap([1, 0, 1], [1, 0, 1], ["a", "b", "c"], resamples=200)
    assert (same.difference, same.low, same.high, same.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_scores_that_do_not_pair_are_an_error():
    for first, second, clusters in (([], [], []), ([1.0], [1.0, 0.0], ["a"]), ([1.0], [0.0], [])):
        with pytest.raises(ValueError, match="pair by question"):
            measures.paired_bootstrap(first, second, clusters)
