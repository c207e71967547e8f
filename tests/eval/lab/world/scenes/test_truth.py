from __future__ import annotations

import json

import pytest

from lvqa.eval.lab.world.scenes.draw import Thing
from lvqa.eval.lab.world.scenes.truth import (
    FPS,
    Event,
    Pose,
    Sign,
    SpokenLine,
    ThingState,
    Track,
    VideoTruth,
    WorldScene,
    on_grid,
)

MOVER = Track(
    "s0.o0",
    "cast",
    "star",
    "small",
    (Pose(0.0, 80.0, 50.0), Pose(4.0, 80.0, 50.0), Pose(6.0, 240.0, 50.0), Pose(10.0, 250.0, 54.0)),
    (ThingState(0.0, 10.0, "red"),),
)
DYED = Track(
    "s0.o1",
    "cast",
    "ring",
    "large",
    (Pose(0.0, 400.0, 200.0), Pose(10.0, 400.0, 200.0)),
    (ThingState(0.0, 2.0, "blue"), ThingState(2.0, 3.0, "white"), ThingState(3.0, 10.0, "blue")),
)
LATER = Track("s1.o0", "cast", "star", "small", (Pose(10.0, 80.0, 50.0),), (ThingState(10.0, 20.0, "red"),))


@pytest.fixture
def video() -> VideoTruth:
    scenes = (
        WorldScene(0, 0.0, 10.0, "grass", 3, 1.0, 3.0, 9.0, (MOVER, DYED)),
        WorldScene(1, 10.0, 20.0, "snow", 4, 0.95, 2.0, 9.0, (LATER,)),
    )
    events = (Event("e0", "recolour", 0, "s0.o1", 2.0, 3.0, "blue", "ring", "bottom right", to_colour="white"),)
    signs = (Sign(0, "K7", "left", 0.0, 10.0),)
    return VideoTruth("a.mp4", 20.0, 5, True, scenes, events, signs, (SpokenLine(2.0, 4.0, "Oh.", "e0"),))


def test_json_and_back_is_the_same(video: VideoTruth, truths: tuple[VideoTruth, ...]):
    for truth in (video, *truths):
        assert VideoTruth.from_json(json.loads(json.dumps(truth.to_json()))) == truth


def test_a_thing_goes_straight_from_pose_to_pose(video: VideoTruth):
    assert MOVER.at(2.0) == Thing("star", "red", "small", 80.0, 50.0)
    assert MOVER.at(5.0) == Thing("star", "red", "small", 160.0, 50.0)
    assert MOVER.at(8.0) == Thing("star", "red", "small", 245.0, 52.0)
    assert MOVER.at(10.0) is None
    assert LATER.at(15.0) == Thing("star", "red", "small", 80.0, 50.0)


def test_states_are_half_open(video: VideoTruth):
    colours = [video.things_at(time_s)[1].colour for time_s in (1.99, 2.0, 2.75, 2.99, 3.0)]
    assert colours == ["blue", "white", "white", "white", "blue"]
    assert video.things_at(9.99) == video.things_at(9.75)


def test_what_is_told_is_what_the_frame_shows(video: VideoTruth):
    """Between two frames, the first is shown still."""
    assert video.things_at(5.2) == video.things_at(5.0)
    assert video.view_at(5.2) == video.view_at(5.0)
    assert video.view_at(5.0).things == video.things_at(5.0)
    assert [on_grid(time_s) for time_s in (0.0, 0.24, 0.25, 0.4999, 0.49999999)] == [0.0, 0.0, 0.25, 0.25, 0.5]
    assert video.scene_at(9.99999999).number == 1
    assert video.n_frames == 20 * FPS


def test_a_view_is_within_what_the_painter_takes(truths: tuple[VideoTruth, ...]):
    for video in truths:
        for k in range(0, video.n_frames, 7):
            view = video.view_at(k / FPS)
            assert max(map(abs, view.shake)) <= 3
            assert 0.88 <= view.light <= 1.12
            assert 2 <= view.noise <= 7


def test_stretches_in_which_something_is_seen(video: VideoTruth):
    assert video.seen() == {
        "red star": [(0.0, 20.0)],
        "blue ring": [(0.0, 2.0), (3.0, 10.0)],
        "white ring": [(2.0, 3.0)],
    }


@pytest.mark.parametrize("time_s", [-0.1, 20.0, 1e9])
def test_there_is_no_frame_outside(video: VideoTruth, time_s: float):
    with pytest.raises(ValueError, match="no frame at"):
        video.things_at(time_s)
