"""Which frames between two embedded ones are embedded too: those that alone show something."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvqa.eval.lab.footage_writer import write_video
from lvqa.indexers.stages import between
from lvqa.indexers.stages.between import BetweenFrames
from lvqa.indexers.stages.look import CutClip, VideoPass, Wants
from lvqa.media import FrameReader
from lvqa.models.base import Frame
from lvqa.settings import Settings

GREY = np.full((96, 128, 3), 128, np.uint8)


def with_spot(x: int = 48, by: int = 100, side: int = 12) -> Frame:
    """The grey picture with a square that is lighter by so much: one that covers a block of 8 x 6 whole."""
    frame = GREY.copy()
    frame[40 : 40 + side, x : x + side] += np.uint8(by)
    return frame


def chosen(frames: Sequence[Frame], *, embedded_at: Sequence[int] = (0, 2)) -> list[float]:
    """The times of the frames that are embedded beside their turn; a frame each half second."""
    watched, found = BetweenFrames(), []
    for n, frame in enumerate(frames):
        if n in embedded_at:
            found.append(watched.embedded(frame))
        else:
            watched.sampled(n / 2, frame)
    return [one.time_s for one in [*found, watched.end()] if one is not None]


def test_what_only_the_frame_between_shows_is_embedded() -> None:
    assert chosen([GREY, with_spot(), GREY]) == [0.5]


@pytest.mark.parametrize(
    "frames",
    [
        [GREY, GREY, GREY],
        [with_spot(), with_spot(), GREY],  # it has just gone
        [GREY, with_spot(), with_spot()],  # it has just come
        [with_spot()] * 3,
    ],
    ids=["nothing", "gone", "come", "still"],
)
def test_what_an_embedded_frame_beside_shows_is_not(frames: list[Frame]) -> None:
    assert chosen(frames) == []


def test_where_all_of_the_picture_changes_it_is_not() -> None:
    rng = np.random.default_rng(0)
    one, other, third = (np.asarray(rng.integers(0, 255, GREY.shape), np.uint8) for _ in range(3))
    ramps = [np.asarray(np.clip(frame // 4 + 60 * n, 0, 255), np.uint8) for n, frame in enumerate((one, other, third))]
    assert chosen(ramps) == []


def test_noise_is_nothing() -> None:
    rng = np.random.default_rng(0)
    noisy = [np.asarray(np.clip(GREY + rng.normal(0, 12, GREY.shape), 0, 255), np.uint8) for _ in range(3)]
    assert chosen(noisy) == []


@pytest.mark.parametrize(("by", "times"), [(int(between.SPOT) + 2, [0.5]), (int(between.SPOT) - 2, [])])
def test_how_much_a_spot_has_to_differ(by: int, times: list[float]) -> None:
    assert chosen([GREY, with_spot(by=by), GREY]) == times


@pytest.mark.parametrize(("by", "times"), [(between.STAYS + 1, []), (between.STAYS - 1, [0.5])])
def test_how_much_the_rest_may_change(by: float, times: list[float]) -> None:
    assert chosen([GREY, with_spot(), np.asarray(GREY + by, np.uint8)]) == times


def test_of_several_the_most_different_is() -> None:
    frames = [GREY, with_spot(by=40), with_spot(by=90), with_spot(by=60), GREY]
    assert chosen(frames, embedded_at=(0, 4)) == [1.0]


def test_however_many_wait_the_one_that_counts_is_kept() -> None:
    frames = [GREY, *[GREY] * 30, with_spot(), *[GREY] * 30, GREY]
    assert chosen(frames, embedded_at=(0, len(frames) - 1)) == [15.5]


def test_at_a_clips_ends_the_one_neighbour_decides() -> None:
    assert chosen([with_spot(), GREY, GREY], embedded_at=(1,)) == [0.0]
    assert chosen([GREY, with_spot()], embedded_at=(0,)) == [0.5]
    assert chosen([GREY, GREY], embedded_at=(0,)) == []


def test_of_a_clip_that_no_embedded_frame_lies_in_the_first_is() -> None:
    assert chosen([GREY], embedded_at=()) == [0.0]
    assert chosen([GREY, with_spot()], embedded_at=()) == [0.0]


def test_clips_that_are_short_because_they_are_meant_to_be_are_no_short_shots(blinks: Callable[..., Path]) -> None:
    assert embedded(blinks(seconds=4), clip_max_s=0.5) == [0.0, 1.0, 2.0, 3.0]


@pytest.fixture
def blinks(tmp_path: Path) -> Callable[..., Path]:
    """A minute of grey at 4 frames a second in which a spot is seen for half a second, ever so often."""

    def make(*starts_s: float, seconds: int = 20) -> Path:
        def frames() -> Any:
            for k in range(4 * seconds):
                yield with_spot() if any(s <= k / 4 < s + 0.5 for s in starts_s) else GREY

        return write_video(tmp_path / "blinks.mp4", frames(), fps=4)

    return make


def embedded(path: Path, start_s: float = 0.0, **settings: Any) -> list[float]:
    with FrameReader(path) as reader:
        duration_s = reader.info.duration_s
        events = VideoPass(Settings(**settings), Wants(frames_s=start_s), duration_s).events(reader)
        return [t for one in events if isinstance(one, CutClip) for t in one.embed_times_s]


def test_a_blink_of_half_a_second_is_in_the_index(blinks: Callable[..., Path]) -> None:
    path = blinks(2.25, 7.5, 11.0, 16.25)
    seconds = [float(t) for t in range(20)]
    assert embedded(path) == sorted([*seconds, 2.5, 7.5, 16.5])  # the third is on a whole second
    assert embedded(path, embed_between=False) == seconds


@pytest.mark.parametrize("clip_s", [1.5, 3.0, 8.0])
def test_a_pass_that_starts_at_any_clip_embeds_the_same(blinks: Callable[..., Path], clip_s: float) -> None:
    path = blinks(1.25, 2.5, 5.25, 7.75, 13.0)
    whole = embedded(path, clip_max_s=clip_s)
    start_s = clip_s
    while start_s < 20:
        assert embedded(path, start_s, clip_max_s=clip_s) == [t for t in whole if t >= start_s]
        start_s += clip_s
