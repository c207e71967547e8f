"""One contract for every backend, container and codec: the right frame for a time, told by its pixels."""

from __future__ import annotations

import random
import weakref
from itertools import pairwise

import numpy as np
import pytest

from lvqa.errors import MediaError
from lvqa.media import FrameReader, probe, thumbnail
from lvqa.types import Span

# What does the work, where coverage and a debugger see it; `test_same` holds the child to it.
pytestmark = pytest.mark.usefixtures("in_process")


def _backends(kind):
    return ("pyav", "decord") if kind.decord else ("pyav",)


def _times(kind, count=25):
    end = kind.pts_s[-1] + 0.1
    exact = random.Random(1).sample(kind.pts_s, 8)
    return [*(random.Random(2).uniform(0, end) for _ in range(count)), *exact, 0.0, end + 100, kind.pts_s[-1]]


def test_frames_at_times(footage, kind_name):
    kind = footage.kind(kind_name)
    times = _times(kind)
    for backend in _backends(kind):
        with FrameReader(kind.path, backend=backend) as reader:
            frames = reader.at(times)
        assert [frame.time_s for frame in frames] == times
        wanted = [footage.shown(kind.pts_s, t) for t in times]
        assert [kind.number(frame.image) for frame in frames] == wanted, backend
        # The written times are kept to the container's clock; the sound's lead-in may shift an MP4's by some ms.
        shift = frames[-1].pts_s - kind.pts_s[-1]
        assert abs(shift) < 0.07
        assert np.allclose([f.pts_s - shift for f in frames], [kind.pts_s[k] for k in wanted], atol=0.0011)


def test_sampling_gives_the_shown_frame_of_each_step(footage, kind_name):
    kind = footage.kind(kind_name)
    for backend in _backends(kind):
        with FrameReader(kind.path, backend=backend) as reader:
            for fps in (0.4, 3.0):
                frames = list(reader.sample(fps))
                assert [f.time_s for f in frames] == [k / fps for k in range(len(frames))]
                assert len(frames) / fps >= reader.info.duration_s > (len(frames) - 1) / fps
                assert [kind.number(f.image) for f in frames] == [footage.shown(kind.pts_s, f.time_s) for f in frames]


def test_frames_at_times_after_sampling(footage, kind_name):
    """The packet table that sampling leaves behind changes the way, not the frames."""
    kind = footage.kind(kind_name)
    times = _times(kind, 12)
    with FrameReader(kind.path) as reader:
        before = reader.at(times)
        next(reader.sample(1.0))
        after = reader.at(times)
    for a, b in zip(before, after, strict=True):
        assert a.pts_s == pytest.approx(b.pts_s, abs=1e-6)
        assert np.array_equal(a.image, b.image)


def test_backends_agree(footage, decord_kind_name):
    kind = footage.kind(decord_kind_name)
    with FrameReader(kind.path, backend="pyav") as one, FrameReader(kind.path, backend="decord") as two:
        assert (one.backend, two.backend) == ("pyav", "decord")
        for a, b in zip(one.sample(2.5), two.sample(2.5), strict=True):
            assert (a.time_s, a.pts_s) == pytest.approx((b.time_s, b.pts_s))
            assert a.image.shape == b.image.shape
            assert np.abs(a.image.astype(int) - b.image).mean() < 3


def test_decord_is_refused_where_it_would_give_other_frames(footage, other_kind_name):
    with pytest.raises(MediaError, match="read it with pyav"):
        FrameReader(footage.kind(other_kind_name).path, backend="decord")


def test_decord_first_takes_decord_where_it_reads_right(footage, decord_kind_name):
    with FrameReader(footage.kind(decord_kind_name).path, backend="decord-first") as reader:
        assert reader.backend == "decord"


def test_decord_first_falls_back_to_pyav(footage, other_kind_name):
    with FrameReader(footage.kind(other_kind_name).path, backend="decord-first") as reader:
        assert reader.backend == "pyav"
        assert reader.at([0.0])


def test_pyav_takes_over_where_decord_is_absent(footage, monkeypatch, in_process):
    import lvqa.media.decoding.decord_frames as module

    monkeypatch.setattr(module, "load_decord", lambda: None)
    kind = footage.kind("h264.mp4")
    with FrameReader(kind.path) as opened:
        assert opened.backend == "pyav"
        assert kind.number(opened.at([2.05])[0].image) == 20
    with pytest.raises(MediaError, match="not installed"):
        FrameReader(kind.path, backend="decord")


def test_reading_goes_on_from_anywhere_with_the_same_frames(footage, kind_name):
    kind = footage.kind(kind_name)
    with FrameReader(kind.path) as reader:
        whole = {f.time_s: f for f in reader.sample(3.0)}
        end = reader.info.duration_s
        for begin in (0.1, 1.0, end * 0.39, end - 0.7):
            part = list(reader.sample(3.0, Span(begin, end)))
            assert [f.time_s for f in part] == [t for t in whole if begin <= t < end]
            assert all(np.array_equal(f.image, whole[f.time_s].image) for f in part)
    with FrameReader(kind.path) as reader:
        middle = list(reader.sample(3.0, Span(1.0, 2.0)))
        assert [f.time_s for f in middle] == [1.0, 4 / 3, 5 / 3]
        assert all(np.array_equal(f.image, whole[f.time_s].image) for f in middle)


def test_a_span_gives_the_centres_of_equal_parts(footage):
    kind = footage.kind("h264.mp4")
    with FrameReader(kind.path) as reader:
        frames = reader.span(Span(1.0, 3.0), 4)
    assert [f.time_s for f in frames] == [1.25, 1.75, 2.25, 2.75]
    assert [kind.number(f.image) for f in frames] == [12, 17, 22, 27]


def test_repeated_and_unordered_times(footage):
    kind = footage.kind("h264.mkv")
    with FrameReader(kind.path) as reader:
        frames = reader.at([5.0, 0.0, 5.0, 2.0])
        assert reader.at([]) == []
    assert [kind.number(f.image) for f in frames] == [50, 0, 50, 20]


@pytest.mark.parametrize("backend", ["pyav", "decord"])
def test_max_side_scales_down_and_never_up(footage, backend):
    for name, small in (("h264.mp4", (32, 64, 3)), ("rotated-90.mp4", (64, 32, 3))):
        kind = footage.kind(name)
        with FrameReader(kind.path, max_side=64, backend=backend) as reader:
            image = reader.at([3.3])[0].image
            assert image.shape == small
            assert image.dtype == np.uint8
            assert kind.number(image) == 33
        with FrameReader(kind.path, max_side=4000, backend=backend) as reader:
            assert reader.at([3.3])[0].image.shape == (reader.info.height, reader.info.width, 3)


def test_rotation_turns_the_picture_clockwise(tmp_path):
    from lvqa.eval.lab.footage_writer import write_video

    frame = np.zeros((64, 128, 3), np.uint8)
    frame[:32, :32] = (255, 0, 0)
    corners = {0: (0, 0), 90: (0, -1), 180: (-1, -1), 270: (-1, 0)}
    for degrees, corner in corners.items():
        path = write_video(tmp_path / f"{degrees}.mp4", [frame] * 3, rotation=degrees)
        info = probe(path)
        assert (info.rotation, info.width, info.height) == (
            (degrees, 128, 64) if degrees % 180 == 0 else (degrees, 64, 128)
        )
        for backend in ("pyav", "decord"):
            with FrameReader(path, backend=backend) as reader:
                image = reader.at([0.0])[0].image
            assert image[corner][0] > 180
            assert image[corner][1] < 60
            assert sum(int(image[c][0] > 180) for c in corners.values()) == 1


def test_sampling_holds_a_few_frames_only(footage):
    path = footage.make("long.mp4", frames=600, gop=60)
    for backend in ("pyav", "decord"):
        seen = most = 0
        images: list[weakref.ref] = []
        with FrameReader(path, backend=backend) as reader:
            for frame in reader.sample(10.0):
                images = [ref for ref in [*images, weakref.ref(frame.image)] if ref() is not None]
                seen += 1
                most = max(most, len(images))
        assert seen == 600
        assert most <= 3


def test_only_what_is_wanted_is_decoded(footage, in_process):
    """Frames before the keyframe that the next wanted one needs are passed over."""
    path = footage.make("keys.mp4", frames=200, gop=10)
    with FrameReader(path) as reader:
        opened = reader._video._open_pyav()
        decoded = 0
        feed = opened._feed

        def counting(table, last, exact):
            nonlocal decoded
            for frame in feed(table, last, exact):
                decoded += 1
                yield frame

        opened._feed = counting
        assert [footage.number(f.image) for f in reader.sample(0.5)] == list(range(0, 200, 20))
    assert decoded < 40


def test_real_times_of_every_frame_are_rising(footage):
    kind = footage.kind("vfr.mp4")
    with FrameReader(kind.path) as reader:
        frames = list(reader.sample(200.0, Span(0.0, 3.0)))
    own = [f.pts_s for f in frames]
    assert all(a <= b for a, b in pairwise(own))
    assert sorted(set(own)) == pytest.approx([t for t in kind.pts_s if t < 3.0], abs=0.001)


def test_thumbnail_is_a_small_jpeg_of_that_time(footage):
    import io

    from PIL import Image

    kind = footage.kind("h264.mp4")
    picture = Image.open(io.BytesIO(thumbnail(kind.path, 4.2, max_side=96)))
    assert (picture.format, picture.size) == ("JPEG", (96, 48))
    assert kind.number(np.asarray(picture)) == 42


def test_a_reader_cannot_be_asked_nonsense(footage):
    path = footage.kind("h264.mp4").path
    with pytest.raises(ValueError, match="max_side"):
        FrameReader(path, max_side=0)
    with pytest.raises(ValueError, match="backend"):
        FrameReader(path, backend="opencv")
    with FrameReader(path) as reader:
        for bad in ([-1.0], [float("nan")], [float("inf")]):
            with pytest.raises(ValueError, match="times"):
                reader.at(bad)
        with pytest.raises(ValueError, match="fps"):
            next(reader.sample(0.0))
        with pytest.raises(ValueError, match="n must"):
            reader.span(Span(0, 1), 0)


def test_sampling_past_the_picture_shows_its_last_frame(footage):
    """Where the sound runs on, so does the last frame, as in a player."""
    path = footage.make("short-picture.mkv", frames=20, audio=np.zeros(16000 * 5, np.float32))
    with FrameReader(path) as reader:
        frames = list(reader.sample(1.0))
    assert [footage.number(f.image) for f in frames][:5] == [0, 10, 19, 19, 19]


def test_a_cover_picture_is_no_video(footage, tmp_path):
    """The pictures that music files carry are streams of video to FFmpeg."""
    import io

    import av
    from PIL import Image

    path = tmp_path / "covered.mp3"
    picture = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(picture, "JPEG")
    path.write_bytes(_mp3_with_cover(tmp_path, picture.getvalue()))
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 1
    with pytest.raises(MediaError, match="sound but no video"):
        probe(path)


def _mp3_with_cover(folder, jpeg):
    """An MP3 file behind an ID3 tag that holds the picture."""
    import av

    plain = folder / "plain.mp3"
    with av.open(str(plain), "w") as container:
        stream = container.add_stream("libmp3lame", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    body = b"\0image/jpeg\0\x03\0" + jpeg
    frame_bytes = b"APIC" + len(body).to_bytes(4, "big") + b"\0\0" + body
    size = len(frame_bytes)
    syncsafe = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + syncsafe + frame_bytes + plain.read_bytes()
