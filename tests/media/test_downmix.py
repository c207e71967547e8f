"""Several channels as one: a mix that cancels is noticed, and the loudest channel taken."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvqa.media import read_audio
from lvqa.media.decoding.downmix import Downmix, _weights

pytestmark = pytest.mark.usefixtures("in_process")
CASES = Path(__file__).parent / "cases"
RATE = 16000
_rng = np.random.default_rng(5)
VOICE, MUSIC = (_rng.normal(0, 0.1, 3 * RATE).astype(np.float32) for _ in range(2))
NONE = np.zeros_like(VOICE)


def _mixed(layout, channels):
    mix = Downmix(RATE, layout, len(channels))
    samples = np.stack(channels)
    pieces = [
        piece for k in range(0, len(VOICE), 1024) for piece in mix.add(k / RATE, samples[:, k : k + 1024])
    ] + list(mix.rest())
    assert [time_s for time_s, _ in pieces] == [k / RATE for k in range(0, len(VOICE), 1024)]
    return np.concatenate([piece for _, piece in pieces])


def _like(one, two):
    return abs(float(np.corrcoef(one, two)[0, 1])) if one.any() else 0.0


# layout, channels -> how loud the voice has to be at least, against the voice itself
HEARD = {
    "mono": ("mono", [VOICE], 1.0),
    "stereo": ("stereo", [VOICE, VOICE], 1.0),
    "antiphase": ("stereo", [VOICE, -VOICE], 1.0),
    "antiphase, one weaker": ("stereo", [VOICE, -0.8 * VOICE], 0.9),
    "antiphase, right louder": ("stereo", [-0.7 * VOICE, VOICE], 0.9),
    "left alone": ("stereo", [VOICE, NONE], 0.5),
    "right alone": ("stereo", [NONE, VOICE], 0.5),
    "5.1, voice in the centre": ("5.1", [NONE, NONE, VOICE, NONE, NONE, NONE], 0.2),
    "5.1, fronts cancel": ("5.1", [VOICE, -VOICE, NONE, NONE, NONE, NONE], 1.0),
    "5.1, surrounds cancel": ("5.1", [NONE, NONE, NONE, NONE, VOICE, -VOICE], 1.0),
    "5.1, fronts cancel over bass": ("5.1", [VOICE, -VOICE, NONE, 2 * MUSIC, NONE, NONE], 1.0),
    "quad, pairs cancel": ("quad", [VOICE, -VOICE, VOICE, -VOICE], 1.0),
    "7.1, fronts cancel": ("7.1", [VOICE, -VOICE, *[NONE] * 6], 1.0),
}


@pytest.mark.parametrize("name", HEARD)
def test_the_voice_is_heard_in_every_layout(name):
    layout, channels, least = HEARD[name]
    heard = _mixed(layout, channels)
    assert _like(heard, VOICE) > 0.99
    assert np.std(heard) >= 0.99 * least * np.std(VOICE)


def test_what_does_not_cancel_is_mixed_as_before():
    assert _mixed("stereo", [VOICE, MUSIC]) == pytest.approx((VOICE + MUSIC) * 0.5**0.5, abs=1e-6)
    assert not _mixed("stereo", [NONE, NONE]).any()


@settings(max_examples=40, deadline=None)
@given(st.floats(-1, 1), st.floats(0.1, 1))
def test_no_gain_of_the_other_channel_makes_a_voice_vanish(gain, level):
    heard = _mixed("stereo", [level * VOICE, level * gain * VOICE])
    assert _like(heard, VOICE) > 0.99
    assert np.std(heard) >= 0.15 * level * np.std(VOICE)


def test_a_film_may_cancel_in_one_part_alone():
    half = len(VOICE) // 3 * 2
    right = np.concatenate([VOICE[:half], -VOICE[half:]])
    heard = _mixed("stereo", [VOICE, right])
    assert _like(heard[half + RATE // 5 :], VOICE[half + RATE // 5 :]) > 0.9
    assert _like(heard[:RATE], VOICE[:RATE]) > 0.99


def test_the_weights_are_those_of_ffmpeg():
    assert _weights("stereo", 2) == pytest.approx([0.5**0.5] * 2)
    front, centre, bass = (float(_weights("5.1", 6)[k]) for k in (0, 2, 3))
    assert centre > front > bass == 0
    assert _weights("no such layout", 3) == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize(
    ("suffix", "codec", "form"),
    [
        ("mkv", "aac", "fltp"),
        ("mp4", "aac", "fltp"),
        ("ts", "mp2", "s16"),
        ("avi", "pcm_s16le", "s16"),
        ("webm", "libopus", "flt"),
    ],
)
def test_in_every_container_and_format(tmp_path, suffix, codec, form):
    rate = 48000
    path = tmp_path / f"a.{suffix}"
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate)
    both = np.stack([tone, -tone])
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo")
        data = both.astype(np.float32) if form == "fltp" else both.T.reshape(1, -1).astype(np.float32)
        if form == "s16":
            data = (data * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(data), format=form, layout="stereo")
        frame.sample_rate, frame.pts = rate, 0
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    heard = np.concatenate([samples for _, samples in read_audio(path)])
    assert len(heard) == pytest.approx(2 * RATE, rel=0.05)
    assert np.std(heard[RATE // 2 : RATE]) > 0.25


def test_the_case_of_a_voice_that_cancels():
    heard = np.concatenate([samples for _, samples in read_audio(CASES / "antiphase.mkv")])
    assert np.abs(heard).max() > 0.1


def _film(path, codec, layout, channels):
    """A film with a sound of these channels."""
    samples = np.stack(channels)
    with av.open(str(path), "w") as out:
        film = out.add_stream("libx264", rate=4)
        film.width, film.height, film.pix_fmt = 64, 48, "yuv420p"
        sound = out.add_stream(codec, rate=RATE, layout=layout)
        for k in range(4 * samples.shape[1] // RATE):
            picture = av.VideoFrame(64, 48, "yuv420p")
            picture.pts = k
            out.mux(film.encode(picture))
        out.mux(film.encode(None))
        for begin in range(0, samples.shape[1], 1024):
            packed = np.ascontiguousarray(samples[:, begin : begin + 1024].T.reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
            frame.sample_rate, frame.pts = RATE, begin
            converter = av.AudioResampler(format=sound.codec_context.format, layout=layout, rate=RATE)
            for part in converter.resample(frame):
                part.pts = begin
                out.mux(sound.encode(part))
        out.mux(sound.encode(None))
    return path


@pytest.mark.parametrize("speaks", ["first", "third", "last"])
@pytest.mark.parametrize(
    ("codec", "layout"),
    [
        ("pcm_s16le", "mono"),
        ("pcm_s16le", "stereo"),
        ("pcm_f32le", "5.1"),
        ("pcm_s16le", "6.1"),
        ("pcm_s16le", "7.1"),
        ("pcm_s16le", "7.1(wide)"),
        ("flac", "7.1"),
        ("pcm_s16le", "7.1.4"),
        ("pcm_s16le", "hexadecagonal"),
        ("pcm_s16le", "22.2"),
    ],
)
def test_files_of_many_channels_are_heard(tmp_path, codec, layout, speaks):
    """One channel speaks, in files: eight planes and more are where PyAV reads past the end."""
    count = av.AudioLayout(layout).nb_channels
    at = {"first": 0, "third": min(2, count - 1), "last": count - 1}[speaks]
    channels = [VOICE if k == at else NONE for k in range(count)]
    heard = np.concatenate([s for _, s in read_audio(_film(tmp_path / "a.mkv", codec, layout, channels), rate=RATE)])
    assert _like(heard[: len(VOICE)], VOICE) > 0.99
