from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvqa.eval import metrics


def test_windows_are_compared_with_the_gold_one_that_fits_best():
    assert metrics.iou((0.0, 4.0), [(2.0, 6.0)]) == pytest.approx(2 / 6)
    assert metrics.iop((0.0, 4.0), [(2.0, 6.0)]) == pytest.approx(2 / 4)
    assert metrics.iop((2.0, 3.0), [(50.0, 60.0), (0.0, 10.0)]) == 1.0
    assert metrics.iou((0.0, 1.0), [(1.0, 2.0)]) == 0.0
    assert metrics.iou((0.0, 1.0), []) == metrics.iop((0.0, 1.0), []) == 0.0


def test_clustered_error_by_hand():
    # Deviations from 0.5: cluster a sums to +1, cluster b to -1. sqrt(2/1 * 2) / 4 = 0.5.
    mean = metrics.clustered_mean([1, 1, 0, 0], ["a", "a", "b", "b"])
    assert mean == metrics.Mean(0.5, 0.5, 4, 2)
    # The same scores, spread evenly over the clusters, say nothing about a difference between videos.
    assert metrics.clustered_mean([1, 0, 1, 0], ["a", "a", "b", "b"]).error == 0.0


def test_without_clusters_the_error_is_the_ordinary_one():
    scores = [0.2, 0.9, 0.4, 0.7, 0.1]
    error = metrics.clustered_mean(scores, range(5)).error
    assert error == pytest.approx(float(np.std(scores, ddof=1)) / math.sqrt(5))


def test_one_video_tells_nothing_about_others():
    assert metrics.clustered_mean([1, 0], ["a", "a"]).error == math.inf


def test_nothing_measured_is_an_error_not_a_zero():
    with pytest.raises(ValueError, match="no scores"):
        metrics.clustered_mean([], [])
    with pytest.raises(ValueError, match="cluster"):
        metrics.clustered_mean([1.0], [])


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 5)), min_size=1, max_size=60))
def test_a_mean_lies_between_its_extremes(rows: list[tuple[int, int]]):
    mean = metrics.clustered_mean([score for score, _ in rows], [cluster for _, cluster in rows])
    assert 0 <= mean.value <= 1
    assert mean.error >= 0
    assert mean.clusters == len({cluster for _, cluster in rows})


def test_mcnemar_by_hand():
    # Six questions gained, none lost: 2 * (1/2)^6.
    assert metrics.mcnemar([False] * 6 + [True], [True] * 7) == pytest.approx(2 / 64)
    assert metrics.mcnemar([True, False], [False, True]) == 1.0
    assert metrics.mcnemar([True, False], [True, False]) == 1.0
    with pytest.raises(ValueError, match="as many scores"):
        metrics.mcnemar([True], [])


def test_calibration_error_is_how_far_confidence_and_accuracy_lie_apart():
    assert metrics.calibration_error([], []) == 0
    assert metrics.calibration_error([0.75] * 4, [True, True, True, False]) == pytest.approx(0)
    assert metrics.calibration_error([0.6, 0.9], [True, False]) == pytest.approx(0.65)
    assert metrics.calibration_bins([0.0, 0.1, 0.999, 1.0]) == [0, 1, 9, 9]
