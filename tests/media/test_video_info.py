"""What `probe` says of good files and of bad ones."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from lvqa.errors import MediaError
from lvqa.media import FrameReader, probe
from lvqa.types import Span

# What does the work, where coverage and a debugger see it; `test_same` holds the child to it.
pytestmark = pytest.mark.usefixtures("in_process")


def test_the_facts_of_each_kind(footage, kind_name):
    kind = footage.kind(kind_name)
    info = probe(kind.path)
    width, height = (128, 256) if kind.turns % 2 else (256, 128)
    assert (info.width, info.height, info.rotation) == (width, height, kind.turns * 90)
    codec = kind_name.split(".")[0].split("-")[0]
    wanted = {"mpeg2": "mpeg2video"}.get(codec, codec)
    assert info.codec == (wanted if wanted in ("hevc", "vp8", "vp9", "av1", "mpeg4", "mpeg2video") else info.codec)
    step = kind.pts_s[-1] - kind.pts_s[-2]
    assert kind.pts_s[-1] < info.duration_s <= kind.pts_s[-1] + max(step, 0.1) + 0.15
    assert info.has_audio == (kind_name in ("sound.mp4", "late-picture.mkv"))
    assert not info.breaks_off
    assert info.fps == 0 or 1 < info.fps < 100


def test_facts_in_full(footage):
    path = footage.make("facts.mp4", audio=True, subtitles=[(0.0, 1.0, "hello")], start_s=5.0)
    info = probe(path)
    assert info.path == path
    assert info.fps == pytest.approx(10)
    assert info.codec == "h264"
    assert info.has_audio
    assert info.subtitle_tracks == 1
    assert info.start_s == pytest.approx(5.0, abs=0.1)
    assert info.duration_s == pytest.approx(6.0, abs=0.1)


def _message(path):
    with pytest.raises(MediaError) as caught:
        probe(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.isprintable()
    with pytest.raises(MediaError):
        FrameReader(path)
    return message


BAD = {
    "text": (b"this is no video\n" * 500, "is not a video"),
    "noise": (os.urandom(20_000), "is not a video"),
    "empty": (b"", "is empty"),
    "one byte": (b"\0", "is not a video"),
    "playlist": (b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nother.ts\n#EXT-X-ENDLIST\n", "is not a video"),
    "list of files": (b"ffconcat version 1.0\nfile other.mp4\n", "is not a video"),
    "subtitles": (b"1\n00:00:01,000 --> 00:00:02,000\nhello\n", "is not a video"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi"])
def test_files_that_are_no_video(tmp_path, name, suffix):
    data, said = BAD[name]
    path = tmp_path / f"x{suffix}"
    path.write_bytes(data)
    assert said in _message(path)


def test_a_playlist_opens_no_other_file(footage, tmp_path):
    """FFmpeg would follow it, to other files and hosts."""
    good = footage.kind("h264.ts").path
    for text in (f"#EXTM3U\n#EXTINF:6,\n{good}\n#EXT-X-ENDLIST\n", f"ffconcat version 1.0\nfile '{good}'\n"):
        path = tmp_path / "list.mp4"
        path.write_text(text)
        assert "is not a video" in _message(path)


def test_missing_folder_link_and_pipe(tmp_path):
    assert "does not exist" in _message(tmp_path / "none.mp4")
    assert "is a folder" in _message(tmp_path)
    (tmp_path / "dangling.mp4").symlink_to(tmp_path / "none")
    assert "link to a file that is not there" in _message(tmp_path / "dangling.mp4")
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    assert "leads back to itself" in _message(tmp_path / "loop.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    assert "not a regular file" in _message(tmp_path / "pipe.mp4")


def test_a_file_that_may_not_be_read(footage, monkeypatch):
    import av

    def refuse(*args, **named):
        raise PermissionError(errno.EACCES, "Permission denied")

    path = footage.kind("h264.mp4").path
    monkeypatch.setattr(av, "open", refuse)
    assert "permission denied" in _message(path)


def test_sound_only(tmp_path):
    import av

    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert "sound but no video" in _message(path)


@pytest.mark.parametrize(
    "name",
    [
        "sp ace.mp4",
        "quo'te\".mp4",
        "new\nline.mp4",
        "🎬.mp4",
        "a:b.mp4",
        "100 %d.mp4",
        "-dash.mp4",
        "http:x.mp4",
        b"\xff.mp4",
    ],
)
def test_any_name_is_read_and_printed_on_one_line(footage, tmp_path, monkeypatch, name):
    good, bad = tmp_path / os.fsdecode(name), tmp_path / "bad" / os.fsdecode(name)
    bad.parent.mkdir()
    good.write_bytes(footage.kind("h264.mp4").path.read_bytes())
    bad.write_bytes(b"no video")
    monkeypatch.chdir(tmp_path)
    for path in (good, good.relative_to(tmp_path)):
        with FrameReader(path) as reader:
            assert footage.number(reader.at([1.25])[0].image) == 12
    assert "bad" in _message(bad)


CUT = ["h264.mkv", "h264.ts", "mpeg4.avi", "vp9.webm", "fast.mp4"]


@pytest.fixture
def cut(footage, tmp_path):
    """A copy of a video with only a share of its bytes."""

    def make(name, share):
        path = _faststart(footage.kind("h264.mp4").path, tmp_path / name) if name == "fast.mp4" else None
        data = (path or footage.kind(name).path).read_bytes()
        out = tmp_path / f"cut-{name}"
        out.write_bytes(data[: int(len(data) * share)])
        return out

    return make


def _faststart(source, target):
    import av

    with av.open(str(source)) as old, av.open(str(target), "w", container_options={"movflags": "faststart"}) as new:
        streams = {s.index: new.add_stream_from_template(s) for s in old.streams}
        for packet in old.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                new.mux(packet)
    return target


@pytest.mark.parametrize("name", CUT)
def test_a_cut_off_video_is_read_up_to_the_break(footage, cut, capfd, name):
    path = cut(name, 0.6)
    info = probe(path)
    assert 2 < info.duration_s < 5
    frames = []
    with FrameReader(path) as reader:
        told = pytest.raises(MediaError, match="breaks off") if info.breaks_off else contextlib.nullcontext()
        with told:
            for frame in reader.sample(4.0):
                frames.append(frame)
        assert len(frames) == pytest.approx(info.duration_s * 4, abs=1)
        good = [footage.number(f.image) for f in frames[:-3]]
        assert good == [int(f.time_s * 10 + 1e-6) for f in frames[:-3]]
        assert footage.number(reader.at([1.05])[0].image) == 10
        inside = list(reader.sample(4.0, Span(0.0, 1.0)))
        assert len(inside) == 4
    assert info.breaks_off == (name in ("h264.mkv", "vp9.webm", "fast.mp4"))
    assert capfd.readouterr().err == ""


def test_an_mp4_without_its_index_is_told(cut):
    assert "cut off before its index" in _message(cut("h264.mp4", 0.6))


@pytest.mark.parametrize("name", [*CUT, "h264.mp4", "sound.mp4", "hevc.mp4", "av1.webm", "mpeg2.ts"])
@pytest.mark.parametrize("share", [0.01, 0.05, 0.3])
def test_whatever_is_left_of_a_file_ends_in_frames_or_in_one_line(cut, capfd, name, share):
    path = cut(name, share)
    shapes = set()
    told = ""
    try:
        with FrameReader(path) as reader:
            shapes.update(frame.image.shape for frame in reader.sample(5.0))
    except MediaError as error:
        told = str(error)
    assert shapes <= {(128, 256, 3)}
    assert told == "" or told.isprintable()
    assert shapes or told
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.ts", "libx264"), ("b.mp4", "libx265"), ("a.webm", "libvpx-vp9")],
)
def test_damage_in_the_middle_leaves_the_rest(footage, tmp_path, capfd, name, codec):
    """Not in AVI, where a lost packet moves all that follows: it stores no times."""
    data = bytearray(footage.make(f"damage-{name}", frames=240, codec=codec).read_bytes())
    begin, end = len(data) * 2 // 5, len(data) * 17 // 40
    data[begin:end] = np.random.default_rng(3).bytes(end - begin)
    path = tmp_path / name
    path.write_bytes(data)
    with FrameReader(path) as reader:
        near = [footage.number(f.image) for f in reader.at([0.25, 23.85])]
        frames = list(reader.sample(2.5))
        after = [footage.number(f.image) for f in reader.at([0.25, 23.85])]
    wrong = [f.time_s for f in frames if footage.number(f.image) != round(f.time_s * 10)]
    assert len(frames) == 60
    assert all(4 < t < 16 for t in wrong)
    assert near == after == [2, 238]
    assert capfd.readouterr().err == ""


def test_importing_the_room_loads_nothing_heavy():
    code = "import sys, lvqa.media; print([m for m in ('av', 'numpy', 'decord', 'PIL') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_functions_keep_their_names_after_use(footage):
    """A module of the same name would take the function's place on import."""
    import lvqa.media

    probe(footage.kind("h264.mp4").path)
    for name in lvqa.media.__all__:
        assert not isinstance(getattr(lvqa.media, name), type(os)), name
    with pytest.raises(AttributeError, match="attribute nothing"):
        lvqa.media.nothing  # noqa: B018


def test_subtitles_that_outlast_the_picture_are_no_break(footage):
    path = footage.make("long-line.mkv", subtitles=[(5.0, 25.0, "a line that stays")])
    info = probe(path)
    assert not info.breaks_off
    assert info.duration_s == pytest.approx(25.0, abs=0.1)
    with FrameReader(path) as reader:
        assert footage.number(list(reader.sample(1.0))[-1].image) == 59


def _timed(path, ticks, audio=0.0):
    """A video with frames at these seconds."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        picture = av.VideoFrame(64, 48, "yuv420p")
        for second in ticks:
            picture.pts, picture.time_base = round(1000 * second), Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_lengths_that_cannot_be(tmp_path, suffix):
    assert "says it lasts 277.8 hours" in _message(_timed(tmp_path / f"a{suffix}", range(0, 1_000_001, 50_000)))
    assert "next to nothing in that time" in _message(_timed(tmp_path / f"b{suffix}", [*range(60), 20 * 3600]))
    # An hour is not doubted, and hours that are filled are not either, however few frames fill them.
    assert probe(_timed(tmp_path / f"c{suffix}", [0, 3000])).duration_s == pytest.approx(3000, abs=1)
    long = _timed(tmp_path / f"d{suffix}", range(0, 30 * 3600, 300))
    assert probe(long).duration_s == pytest.approx(30 * 3600 - 300, abs=1)
    with FrameReader(long) as reader:
        assert [f.pts_s for f in reader.at([70_000.0, 299.0])] == [69_900, 0]


def test_a_long_length_is_looked_up_where_seeking_fails(tmp_path, monkeypatch):
    from lvqa.media.decoding import video_info

    long = _timed(tmp_path / "a.mkv", range(0, 5 * 3600, 60))
    monkeypatch.setattr(video_info, "_found", lambda path, start, duration: 0)
    assert probe(long).duration_s == pytest.approx(5 * 3600 - 60, abs=1)


def test_one_pixel_and_a_line_of_them(tmp_path):
    import av

    for size in ((1, 1), (9000, 1)):
        path = tmp_path / f"{size[0]}.mkv"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("ffv1", rate=10)
            stream.width, stream.height, stream.pix_fmt = *size, "bgr0"
            for k in range(5):
                picture = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), 50, np.uint8), format="rgb24")
                picture.pts = k
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
        with FrameReader(path, max_side=100) as reader:
            assert (reader.info.width, reader.info.height) == size
            assert {f.image.shape for f in reader.sample(10.0)} == {(*(min(100, side) for side in size[::-1]), 3)}
