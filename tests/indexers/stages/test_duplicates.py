"""What counts as the same picture."""

from __future__ import annotations

import numpy as np

from lvqa.indexers.stages.duplicates import (
    block_difference,
    distinct,
    same_picture,
    shrink,
)


def noisy(frame: np.ndarray, seed: int, sigma: float = 1.5) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, sigma, frame.shape)
    return np.clip(frame + noise, 0, 255).astype(np.uint8)


def green(height: int = 540, width: int = 960) -> np.ndarray:
    return np.full((height, width, 3), (0, 177, 64), np.uint8)


def test_codec_noise_on_a_still_picture_changes_nothing() -> None:
    assert same_picture(noisy(green(), 1), noisy(green(), 2), 4.0)


def test_something_small_that_moves_is_seen_by_its_block() -> None:
    before, after = green(), green()
    before[100:140, 100:140] = 255
    after[100:140, 160:200] = 255
    assert block_difference(before, after) > 20 > abs(float(before.mean()) - float(after.mean()))
    assert not same_picture(before, after, 4.0)


def test_frames_of_other_shape_differ() -> None:
    assert block_difference(green(10, 10), green(10, 12)) == 255


def test_a_slow_fade_is_compared_with_the_frame_kept() -> None:
    frames = [np.full((32, 32, 3), 3 * k, np.uint8) for k in range(8)]
    assert distinct(frames, 4.0) == [0, 2, 4, 6]


def test_frames_smaller_than_the_grid_compare() -> None:
    assert block_difference(green(5, 7), green(5, 7)) == 0


def test_shrinking_keeps_the_shape_and_never_enlarges() -> None:
    assert shrink(green(1080, 1920), 768).shape == (432, 768, 3)
    small = green(20, 30)
    assert shrink(small, 768) is small
