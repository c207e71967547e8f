"""Frames that several look at are decoded once, within a bound of memory, for as long as a question lasts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lvqa.errors import MediaError
from lvqa.eval.lab.footage_writer import write_video
from lvqa.media import FrameCache, FrameReader
from lvqa.media.clock import centres
from lvqa.types import Span

HEIGHT, WIDTH = 48, 64


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    frames = [np.full((HEIGHT, WIDTH, 3), 3 * n, np.uint8) for n in range(64)]
    return write_video(tmp_path_factory.mktemp("cache") / "film.mp4", frames, fps=4)


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    frames = [np.full((HEIGHT, WIDTH, 3), 200 - n, np.uint8) for n in range(32)]
    return write_video(tmp_path_factory.mktemp("cache") / "other.mp4", frames, fps=4)


def test_frames_are_those_of_a_reader_in_the_order_asked(film):
    times = [7.0, 1.0, 7.1, 12.3]
    with FrameCache(1536) as cache, FrameReader(film, max_side=1536) as reader:
        for mine, right in zip(cache.at(film, times), reader.at(times), strict=True):
            assert (mine.time_s, mine.pts_s) == (right.time_s, right.pts_s)
            np.testing.assert_array_equal(mine.image, right.image)
        assert [f.time_s for f in cache.at(film, centres(Span(2, 4), 2))] == [2.5, 3.5]
        assert cache.info(film).duration_s == reader.info.duration_s


def test_each_frame_is_decoded_once_whoever_asks(film, other, monkeypatch):
    asked = []
    at = FrameReader.at
    monkeypatch.setattr(FrameReader, "at", lambda self, times: asked.append(list(times)) or at(self, times))
    with FrameCache(1536) as cache:
        cache.at(film, [1.0, 7.0])
        cache.at(film, [7.0, 1.0])
        cache.at(film, [7.0, 9.0])
        cache.at(other, [7.0])
        assert asked == [[1.0, 7.0], [9.0], [7.0]]
        assert cache.decoded == 4
        assert cache.pts_of(film, 7.0) == 7.0
        assert cache.pts_of(film, 7.5) is None


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
def test_a_frame_asked_for_at_several_times_is_decoded_once(tmp_path, monkeypatch, suffix):
    frames = [np.full((HEIGHT, WIDTH, 3), 3 * n, np.uint8) for n in range(9)]
    path = write_video(tmp_path / f"film{suffix}", frames, fps=4)
    asked = []
    at = FrameReader.at
    monkeypatch.setattr(FrameReader, "at", lambda self, times: asked.append(list(times)) or at(self, times))
    with FrameCache(1536) as cache, FrameReader(path, max_side=1536) as reader:
        first = cache.at(path, [1.01])[0]
        assert (first.pts_s, asked) == (1.0, [[1.01]])
        times = [0.98, 0.998, 0.9995, 1.0, 1.1, 1.24, 1.2485, 1.2495, 1.25, 2.0, 2.2, 50.0]
        right = at(reader, times)
        for time_s, frame in zip(times, right, strict=True):
            mine = cache.at(path, [time_s])[0]
            assert (mine.time_s, mine.pts_s) == (frame.time_s, frame.pts_s)
            np.testing.assert_array_equal(mine.image, frame.image)
        # One for each frame: what is shown at 0.98, 1.0, 1.25 and, to the end of time, at 2.0.
        assert asked == [[1.01], [0.98], [1.2495], [2.0]]
        assert cache.decoded == 4


def test_memory_is_bounded_over_all_videos(film, other):
    frame_bytes = HEIGHT * WIDTH * 3
    with FrameCache(1536, most_bytes=4 * frame_bytes) as cache:
        for start in range(0, 8, 2):
            cache.at(film, [start, start + 0.5, start + 1.0])
            cache.at(other, [start])
        cache.at(film, [1.0])  # gone meanwhile, so decoded again
        assert cache.decoded == 17
        cache.at(other, [6.0])  # used last, so still there
        assert cache.decoded == 17
        # What one call asks for is given whole, however much it is.
        many = [0.5 * n for n in range(12)]
        assert len({frame.pts_s for frame in cache.at(film, many)}) == 12
        before = cache.decoded
        cache.at(film, many[-4:])
        assert cache.decoded == before


def test_threads_share_it(film):
    with FrameCache(1536) as cache, ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda n: cache.at(film, [float(n % 4)])[0], range(16)))
        assert [frame.pts_s for frame in found] == [float(n % 4) for n in range(16)]
        assert cache.decoded == 4


def test_a_file_that_cannot_be_read_is_one_line(tmp_path, film):
    with FrameCache(1536) as cache:
        with pytest.raises(MediaError, match=r"gone\.mp4"):
            cache.at(tmp_path / "gone.mp4", [1.0])
        assert cache.at(film, [1.0])[0].pts_s == 1.0
