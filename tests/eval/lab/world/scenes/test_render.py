from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from threading import Event

import av
import numpy as np
import pytest

from lvqa.eval.lab.world.build import WorldSet
from lvqa.eval.lab.world.scenes.draw import paint
from lvqa.eval.lab.world.scenes.make import make_videos
from lvqa.eval.lab.world.scenes.render import RenderingStopped, frames, render
from lvqa.eval.lab.world.scenes.truth import FPS
from lvqa.media import read_subtitles


def test_a_video_holds_each_frame_at_its_time(world: WorldSet):
    truth, path = world.videos[0], world.paths[0]
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 512, 288)
        assert stream.average_rate == FPS
        pictures = [(float(picture.time), picture) for picture in container.decode(video=0)]
        assert [time_s for time_s, _ in pictures] == [k / FPS for k in range(truth.n_frames)]
        for time_s, picture in pictures[::40]:
            painted = paint(truth.view_at(time_s)).astype(float)
            assert np.abs(picture.to_ndarray(format="rgb24") - painted).mean() < 6


def test_a_keyframe_is_never_far(world: WorldSet):
    with av.open(str(world.paths[0])) as container:
        keys = [float(p.pts * p.time_base) for p in container.demux(video=0) if p.is_keyframe and p.pts is not None]
    assert max(b - a for a, b in pairwise(keys)) <= 6


def test_subtitles_are_inside_one_video_and_beside_the_other(world: WorldSet):
    assert [path.with_suffix(".srt").exists() for path in world.paths] == [False, True]
    for path, truth in zip(world.paths, world.videos, strict=True):
        told = [(line.start_s, line.end_s, line.text) for line in truth.subtitles]
        assert told
        assert [(cue.span.start_s, cue.span.end_s, cue.text) for cue in read_subtitles(path)] == told


def test_frames_come_one_at_a_time():
    """Nothing is painted before it is asked for, however long the video."""
    (truth,) = make_videos(600, 1, 1)
    assert next(frames(truth)).shape == (288, 512, 3)


def test_rendering_ends_when_told_to(tmp_path: Path):
    (truth,) = make_videos(600, 1, 1)
    stop = Event()
    stop.set()
    with pytest.raises(RenderingStopped):
        render(truth, tmp_path, stop)
