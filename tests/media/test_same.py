"""What a child reads is what would be read without one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lvqa.errors import MediaError, SubtitleError
from lvqa.media import FrameReader, Limits, probe, read_audio, read_subtitles, use_limits
from lvqa.media.decoding.decoder import FrameDecoder
from lvqa.media.decoding.in_process import InProcess
from lvqa.media.isolation.isolated import IsolatedVideo
from lvqa.types import Span

HERE = InProcess()


def test_frames_are_those_of_the_reader_itself(footage, kind_name):
    path = footage.kind(kind_name).path
    times = [3.3, 0.0, 5.05, 3.3]
    use_limits(Limits(isolate=False))
    one = FrameReader(path, max_side=100)
    use_limits(None)
    with one, FrameReader(path, max_side=100) as two:
        assert isinstance(one._video, FrameDecoder)
        assert isinstance(two._video, IsolatedVideo)
        assert two.info == one.info
        assert two.backend == one.backend
        for a, b in zip(one.at(times), two.at(times), strict=True):
            assert (a.time_s, a.pts_s) == (b.time_s, b.pts_s)
            assert np.array_equal(a.image, b.image)
        for a, b in zip(one.sample(3.0, Span(1.1, 4.0)), two.sample(3.0, Span(1.1, 4.0)), strict=True):
            assert (a.time_s, a.pts_s) == (b.time_s, b.pts_s)
            assert np.array_equal(a.image, b.image)


def test_sound_subtitles_and_what_a_video_is_are_the_same(footage):
    path = footage.make("all.mkv", audio=True, subtitles=[(0.5, 2.0, "one"), (2.5, 4.0, "two")])
    assert probe(path) == HERE.probe(path)
    assert read_subtitles(path) == HERE.subtitles(path, print) != []
    one, two = list(HERE.audio(path, 16000, 2.0)), list(read_audio(path, chunk_s=2))
    assert [offset for offset, _ in one] == [offset for offset, _ in two]
    assert all(np.array_equal(a, b) and b.dtype == np.float32 for (_, a), (_, b) in zip(one, two, strict=True))


def _subtitles_here(path):
    return HERE.subtitles(path, print)


def test_errors_are_the_same(tmp_path, monkeypatch):
    (tmp_path / "a.mp4").write_bytes(b"no video")
    (tmp_path / "b.mp4").write_bytes(b"no video")
    (tmp_path / "b.srt").write_text("not one cue")
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / "a.mp4", Path("a.mp4")):
        for here, there in ((HERE.probe, probe), (_subtitles_here, read_subtitles)):
            with pytest.raises(MediaError) as one:
                here(path)
            with pytest.raises(MediaError) as two:
                there(path)
            assert str(one.value) == str(two.value)
    with pytest.raises(SubtitleError):
        read_subtitles(tmp_path / "b.mp4")
    for call in (probe, read_subtitles, FrameReader):
        with pytest.raises(MediaError, match="no file's name"):
            call(Path("a\0b.mp4"))


def test_times_that_show_one_frame_share_it(footage):
    with FrameReader(footage.kind("h264.mp4").path) as reader:
        one, two = reader.at([1.01, 1.02])
        assert one.image is two.image
        sampled = list(reader.sample(20, Span(1.0, 1.2)))
    assert sampled[0].image is sampled[1].image
    assert sampled[1].image is not sampled[2].image
