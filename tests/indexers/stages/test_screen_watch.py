"""When the screen is read again: strokes that come, change or go, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from lvqa.demo_footage import text_card
from lvqa.indexers.stages.screen_watch import CONTRAST, SHARE, SIDE, ScreenChange, ScreenWatch, plane_of, same_strokes
from lvqa.models.base import Frame

NOISE = 8.0
SIZE = (854, 480)


def slide(*lines: str, ground: int = 255, ink: int = 0, points: int = 24) -> Frame:
    image = Image.new("RGB", SIZE, (ground,) * 3)
    draw = ImageDraw.Draw(image)
    for n, line in enumerate(lines):
        draw.text((50, 60 + 52 * n), line, font=ImageFont.load_default(points), fill=(ink,) * 3)
    return np.asarray(image)


def noisy(frame: Frame, seed: int, sigma: float) -> Frame:
    noise = np.random.default_rng(seed).normal(0, sigma, frame.shape)
    return np.clip(frame + noise, 0, 255).astype(np.uint8)


def same(one: Frame, other: Frame) -> bool:
    return same_strokes(plane_of(one), plane_of(other), NOISE)


def test_the_numbers() -> None:
    assert (SIDE, CONTRAST, SHARE) == (736, 24.0, 0.25)


@pytest.mark.parametrize(
    ("a", "b"), [("01:00:21:00", "01:00:22:00"), ("8", "3"), ("O", "Q"), ("1", "l"), ("Rovers 2 - 1", "Rovers 3 - 1")]
)
def test_other_text_is_other_text(a: str, b: str) -> None:
    assert not same(text_card(a, (640, 360)), text_card(b, (640, 360)))
    assert not same(slide(a), slide(b))


def test_a_stroke_one_pixel_thin_is_seen() -> None:
    frame = np.full((540, 960, 3), (0, 177, 64), np.uint8)
    before, after = frame.copy(), frame.copy()
    before[300:312, 700] = 255
    after[300:312, 708] = 255
    assert not same(before, after)


@pytest.mark.parametrize("ink", [0, 60, 120, 160])
def test_a_line_that_comes_or_goes_is_seen_however_pale(ink: int) -> None:
    ground = 200
    one, two = slide("Pigments", ground=ground, ink=ink), slide("Pigments", "Chlorophyll", ground=ground, ink=ink)
    assert not same(one, two)
    assert not same(two, one)


@pytest.mark.parametrize("sigma", [0.0, 2.0, 4.0])
def test_noise_over_a_still_picture_changes_nothing(sigma: float) -> None:
    frame = slide("Overall equation", "Needs light energy", "Takes place in the chloroplast")
    assert same(noisy(frame, 1, sigma), noisy(frame, 2, sigma))


@pytest.mark.parametrize("quality", [30, 50, 90])
def test_blocks_of_a_codec_around_letters_that_stay_change_nothing(quality: int) -> None:
    import cv2

    frame = slide("Overall equation", "Needs light energy", "Takes place in the chloroplast")
    packed = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    assert same(frame, np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8))


def test_what_can_hold_no_text_is_not_read() -> None:
    ramp = np.repeat(np.linspace(0, 255, SIZE[0]).astype(np.uint8)[None, :, None], SIZE[1], 0).repeat(3, 2)
    assert same(np.full((48, 64, 3), 10, np.uint8), np.full((48, 64, 3), 240, np.uint8))
    assert same(ramp, ramp[:, ::-1])
    assert not same(ramp, slide("Pigments"))


def test_pictures_of_other_size_differ() -> None:
    assert not same(np.zeros((48, 64, 3), np.uint8), np.zeros((48, 66, 3), np.uint8))


ONE, TWO, THREE = slide("Pigments"), slide("Quiz"), slide("Limiting factors")


def watch(*frames: Frame, watching: ScreenWatch | None = None, first: int = 0) -> list[tuple[float, ScreenChange]]:
    """What a watch wants read of frames half a second apart, every second of which may be read."""
    watching = watching or ScreenWatch(NOISE)
    changes = []
    for n, frame in enumerate(frames, first):
        change = watching.look(n / 2, frame, due=n % 2 == 0)
        if change is not None:
            changes.append((n / 2, change))
    return changes


def test_the_first_frame_is_read_and_then_what_changed() -> None:
    assert watch(ONE, ONE, ONE, TWO, TWO, TWO) == [(0.0, ScreenChange(0.0, 0.0)), (2.0, ScreenChange(1.0, 1.5))]


def test_the_frame_between_tells_when_it_changed() -> None:
    assert watch(ONE, ONE, TWO)[1:] == [(1.0, ScreenChange(0.5, 1.0))]
    assert watch(ONE, TWO, TWO)[1:] == [(1.0, ScreenChange(0.0, 0.5))]
    # What a third picture shows is not known: it may be either.
    assert watch(ONE, THREE, TWO)[1:] == [(1.0, ScreenChange(0.0, 1.0))]


def test_what_came_between_and_went_again_is_not_read() -> None:
    assert watch(ONE, TWO, ONE, ONE, TWO) == [(0.0, ScreenChange(0.0, 0.0)), (2.0, ScreenChange(1.5, 2.0))]


def test_a_slow_fade_is_compared_with_what_was_read() -> None:
    faded = [slide("Pigments", ink=255 - 4 * n) for n in range(60)]
    assert 3 < len(watch(*faded)) < 30


@pytest.mark.parametrize("at", range(1, 9))
def test_one_that_goes_on_wants_what_one_that_never_stopped_does(at: int) -> None:
    frames = [ONE, ONE, ONE, TWO, TWO, THREE, ONE, ONE, TWO]
    watching = ScreenWatch(NOISE)
    before = watch(*frames[:at], watching=watching)
    state = watching.state
    assert state is not None
    other = ScreenWatch(NOISE)
    other.go_on(state, [frames[round(2 * time_s)] for time_s in state.times_s])
    assert before + watch(*frames[at:], watching=other, first=at) == watch(*frames)
    assert ScreenWatch(NOISE).state is None
