"""Which streams of a file are the film: containers x covers, and which sound is heard."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from lvqa.errors import MediaError, NoVideo
from lvqa.media import FrameReader, probe, read_audio
from lvqa.types import ALL_TRACKS

pytestmark = pytest.mark.usefixtures("in_process")
CASES = Path(__file__).parent / "cases"
RED, BLUE = (220, 30, 30), (30, 30, 220)

# What stands beside a film of 10 s and 10 frames a second: (times of its frames in seconds, size)
BESIDE = {
    "cover": ([0.0], (300, 300)),
    "large cover": ([0.0], (640, 480)),
    "covers front and back": ([0.0, 0.1], (300, 300)),
    "slides": ([0.0, 4.0, 8.0], (320, 240)),
    "preview": ([k / 30 for k in range(60)], (64, 48)),
}
CONTAINERS = {"mkv": "mjpeg", "mp4": "mjpeg", "mov": "mjpeg", "ts": "mpeg2video", "avi": "mjpeg"}


def _write(path, tracks):
    """A file of several video tracks: (codec, times of frames in s, size, colour, flagged default) each."""
    with av.open(str(path), "w") as container:
        made = []
        for codec, _, size, _, default in tracks:
            stream = container.add_stream(codec, rate=10)
            stream.width, stream.height = size
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            stream.codec_context.time_base = stream.time_base = Fraction(1, 90 if codec == "mpeg2video" else 1000)
            if codec == "mpeg2video":
                stream.codec_context.time_base = stream.time_base = Fraction(1, 10)
            stream.disposition = av.stream.Disposition.default if default else av.stream.Disposition(0)
            made.append(stream)
        packets = []
        for stream, (_, times, size, colour, _) in zip(made, tracks, strict=True):
            base = stream.codec_context.time_base
            for number, time_s in enumerate(times):
                picture = np.full((size[1], size[0], 3), colour, np.uint8)
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = max(number, round(time_s / base)), base
                packets += stream.encode(frame)
            packets += stream.encode(None)
        for packet in sorted(packets, key=lambda one: float((one.dts or 0) * one.time_base)):
            container.mux(packet)
    return path


@pytest.mark.parametrize("film_first", [True, False])
@pytest.mark.parametrize("default", ["film", "beside"])
@pytest.mark.parametrize(
    ("suffix", "beside"),
    # AVI has no times of its own: it holds no slides.
    [(suffix, beside) for suffix in CONTAINERS for beside in BESIDE if suffix != "avi" or beside == "cover"],
)
def test_the_film_and_not_what_stands_beside_it(tmp_path, suffix, beside, default, film_first):
    times, size = BESIDE[beside]
    if suffix == "ts" and beside == "preview":
        times = [k / 10 for k in range(20)]
    film_codec = "mpeg4" if suffix == "avi" else "libx264"
    film = (film_codec, [k / 10 for k in range(100)], (128, 64), BLUE, default == "film")
    other = (CONTAINERS[suffix], times, size, RED, default == "beside")
    path = _write(tmp_path / f"a.{suffix}", [film, other] if film_first else [other, film])
    info = probe(path)
    assert (info.width, info.height) == (128, 64)
    assert info.duration_s == pytest.approx(10, abs=0.3)
    assert (info.video_tracks, info.video_track) == (2, 1 if film_first else 2)
    assert info.streams.told() == [f"1 of 2 video tracks seen (track {info.video_track})"]
    with FrameReader(path) as reader:
        frames = list(reader.sample(1.0)) + reader.at([9.5, 0.5])
    assert len(frames) in (12, 13)
    assert all(frame.image[:, :, 2].mean() > 180 > 80 > frame.image[:, :, 0].mean() for frame in frames)


def test_of_two_films_the_one_that_is_flagged(tmp_path):
    times = [k / 10 for k in range(40)]
    for default in (0, 1):
        tracks = [("libx264", times, (64, 48), c, k == default) for k, c in enumerate((RED, BLUE))]
        path = _write(tmp_path / f"{default}.mkv", tracks)
        assert probe(path).video_track == default + 1


def test_the_case_of_a_cover_that_is_flagged_default():
    info = probe(CASES / "coverplain_default.mkv")
    assert (info.codec, info.width, info.height, info.video_track) == ("h264", 384, 216, 2)
    with FrameReader(CASES / "coverplain_default.mkv") as reader:
        assert len({frame.pts_s for frame in reader.sample(10.0)}) == 160


def test_decord_reads_no_file_with_several_films(tmp_path):
    times = [k / 10 for k in range(40)]
    path = _write(tmp_path / "a.mkv", [("libx264", times, (64, 48), c, False) for c in (RED, BLUE)])
    with pytest.raises(MediaError, match=r"another video track|not installed"):
        FrameReader(path, backend="decord")


def _sounds(path, tones, dispositions=()):
    """A video with several audio tracks, each a tone (in Hz)."""
    kinds = av.stream.Disposition
    with av.open(str(path), "w") as container:
        film = container.add_stream("libx264", rate=10)
        film.width, film.height, film.pix_fmt = 64, 48, "yuv420p"
        streams = [container.add_stream("aac", rate=16000, layout="mono") for _ in tones]
        for stream, names in zip(streams, dispositions, strict=False):
            flags = kinds(0)
            for name in names.split():
                flags |= kinds[name]
            stream.disposition = flags
        for k in range(40):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts = k
            container.mux(film.encode(frame))
        container.mux(film.encode(None))
        for stream, tone in zip(streams, tones, strict=True):
            samples = (0.5 * np.sin(2 * np.pi * tone * np.arange(4 * 16000) / 16000)).astype(np.float32)[None]
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16000, 0
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                container.mux(packet)
    return path


def _tone(path, track=0):
    heard = np.concatenate([samples for _, samples in read_audio(path, track=track)])[16000:32000]
    return int(np.abs(np.fft.rfft(heard)).argmax())


@pytest.mark.parametrize(
    ("dispositions", "heard"),
    [
        (["default", ""], 1),
        (["", "default"], 2),
        (["default comment", ""], 2),
        (["visual_impaired", ""], 2),
        (["comment", "comment"], 1),
    ],
)
def test_which_sound_is_heard_and_which_is_chosen(tmp_path, dispositions, heard):
    path = _sounds(tmp_path / "a.mkv", [300, 700], dispositions)
    info = probe(path)
    assert (info.audio_tracks, info.audio_track) == (2, heard)
    assert info.streams.told() == [f"1 of 2 audio tracks heard (track {heard}; --audio-track chooses)"]
    assert info.streams.told(3 - heard) == [f"1 of 2 audio tracks heard (track {3 - heard}; --audio-track chooses)"]
    assert info.streams.told(ALL_TRACKS) == ["2 of 2 audio tracks heard"]
    assert [_tone(path, track) for track in (0, 1, 2, 9)] == [(300, 700)[heard - 1], 300, 700, (300, 700)[heard - 1]]


def test_one_track_of_each_says_nothing(tmp_path):
    assert probe(_sounds(tmp_path / "a.mkv", [300])).streams.told() == []


def test_sound_with_covers_is_no_video(tmp_path):
    path = tmp_path / "a.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        sound = container.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        for packet in [*sound.encode(frame), *sound.encode(None)]:
            container.mux(packet)
    with pytest.raises(NoVideo, match="sound but no video"):
        probe(path)
