"""Where sound is cut: between words, near the end, and nowhere that loses or repeats a sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvqa.media.decoding.silence import quiet_place

RATE = 1000


def tone(seconds: float, *pauses_s: tuple[float, float]) -> np.ndarray:
    """A hum that is silent in some stretches."""
    made = np.sin(np.arange(round(seconds * RATE)) * 0.7).astype(np.float32)
    for start_s, end_s in pauses_s:
        made[round(start_s * RATE) : round(end_s * RATE)] = 0
    return made


@pytest.mark.parametrize("pause", [(92.0, 92.4), (81.0, 81.5), (99.5, 99.9)])
def test_the_cut_lies_in_a_pause_of_the_last_fifth(pause) -> None:
    at_s = quiet_place(tone(100.0, pause), RATE) / RATE
    assert pause[0] < at_s < pause[1]


def test_of_two_pauses_the_longer_one_and_of_equal_ones_the_last() -> None:
    assert 90 < quiet_place(tone(100.0, (90.0, 90.5), (95.0, 95.1)), RATE) / RATE < 90.5
    assert 95 < quiet_place(tone(100.0, (90.0, 90.5), (95.0, 95.5)), RATE) / RATE < 95.5


def test_a_pause_long_before_the_end_shortens_nothing() -> None:
    assert quiet_place(tone(100.0, (50.0, 60.0)), RATE) >= 80 * RATE
    assert quiet_place(tone(1000.0, (900.0, 960.0)), RATE) >= 970 * RATE, "half a minute at most"


def test_what_is_too_short_to_look_in_is_left_whole() -> None:
    assert quiet_place(tone(1.0), RATE) == RATE
    assert quiet_place(np.zeros(1, np.float32), RATE) == 1


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 4000), st.sampled_from([1, 8, 100, 1000]), st.integers(0, 9))
def test_it_is_always_a_place_in_the_last_fifth(count: int, rate: int, seed: int) -> None:
    samples = np.random.default_rng(seed).normal(size=count).astype(np.float32)
    assert 0.8 * count - 1 <= quiet_place(samples, rate) <= count
