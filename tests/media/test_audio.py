"""Sound as samples at the right offsets."""

from __future__ import annotations

import numpy as np
import pytest

from lvqa.demo_footage import text_card
from lvqa.errors import MediaError
from lvqa.eval.lab.footage_writer import write_video
from lvqa.media import read_audio

# What does the work, where coverage and a debugger see it; `test_same` holds the child to it.
pytestmark = pytest.mark.usefixtures("in_process")

RATE = 16000


def _beeps(at_s, length_s):
    samples = np.zeros(int(length_s * RATE), np.float32)
    for t in at_s:
        i = int(t * RATE)
        samples[i : i + RATE // 5] = 0.6 * np.sin(2 * np.pi * 440 * np.arange(RATE // 5) / RATE)
    return samples


def _loud(chunks):
    """Where sound begins, in seconds."""
    found = []
    for offset_s, samples in chunks:
        blocks = np.abs(samples[: len(samples) // 160 * 160]).reshape(-1, 160).max(axis=1) > 0.2
        starts = np.flatnonzero(blocks & ~np.concatenate([[False], blocks[:-1]]))
        found += [offset_s + s * 0.01 for s in starts]
    return [t for i, t in enumerate(found) if not i or t - found[i - 1] > 0.3]


@pytest.mark.parametrize(
    ("name", "start_s"),
    [
        ("a.avi", 0.0),
        *((f"a.{suffix}", start_s) for suffix in ("mp4", "mkv", "ts", "mov", "webm") for start_s in (0.0, 4.0)),
    ],
)
def test_a_sound_is_where_it_was_put(tmp_path, name, start_s):
    codec = {"a.webm": "libvpx-vp9", "a.avi": "mpeg4"}.get(name, "libx264")
    frames = [text_card("x", (64, 32))] * 60
    beeps = [0.5, 2.0, 4.7]
    path = write_video(tmp_path / name, frames, codec=codec, audio=_beeps(beeps, 6.0), start_s=start_s)
    chunks = list(read_audio(path, chunk_s=2.5))
    assert all(s.dtype == np.float32 and s.ndim == 1 and np.abs(s).max() <= 1 for _, s in chunks)
    assert all(len(s) <= 2.5 * RATE for _, s in chunks)
    assert len(chunks) == 3
    assert _loud(chunks) == pytest.approx(beeps, abs=0.08)


def test_chunks_join_without_a_seam(footage):
    path = footage.make("tone.mkv", audio=True)
    whole = np.concatenate([s for _, s in read_audio(path)])
    parts = list(read_audio(path, chunk_s=0.7))
    assert np.array_equal(np.concatenate([s for _, s in parts]), whole)
    ends = [o + len(s) / RATE for o, s in parts]
    assert [o for o, _ in parts[1:]] == pytest.approx(ends[:-1], abs=1e-6)


def test_another_rate(footage):
    path = footage.make("tone.mkv", audio=True)
    assert sum(len(s) for _, s in read_audio(path, rate=8000)) == pytest.approx(6 * 8000, rel=0.03)


def test_no_sound_no_file_no_sense(footage, tmp_path):
    assert list(read_audio(footage.kind("h264.mp4").path)) == []
    with pytest.raises(MediaError):
        list(read_audio(tmp_path / "none.mp4"))
    with pytest.raises(ValueError, match="above zero"):
        list(read_audio(tmp_path / "none.mp4", chunk_s=0))


def test_a_hole_in_the_track_does_not_shift_what_follows(footage, tmp_path):
    path = write_video(
        tmp_path / "a.ts", [text_card("x", (64, 32))] * 100, audio=_beeps([1.0, 8.0], 10.0), options={"crf": "40"}
    )
    data = bytearray(path.read_bytes())
    begin, end = (int(len(data) * share) // 188 * 188 for share in (0.4, 0.6))
    path.write_bytes(data[:begin] + data[end:])
    assert _loud(read_audio(path)) == pytest.approx([1.0, 8.0], abs=0.1)


def test_sound_of_one_sample_a_second_is_refused(footage, tmp_path):
    import struct

    data = bytearray(footage.make("sound.avi", codec="mpeg4", audio=True).read_bytes())
    at = data.find(b"strf", data.find(b"auds"))
    struct.pack_into("<II", data, at + 12, 1, 2)
    (tmp_path / "a.avi").write_bytes(data)
    with pytest.raises(MediaError, match=r"the sound of .* cannot be decoded"):
        list(read_audio(tmp_path / "a.avi"))


def test_a_track_that_changes_its_rate_is_heard_on(tmp_path):
    """Two transport streams, one after the other."""
    parts = []
    for name, rate in (("a.ts", 48000), ("b.ts", 16000)):
        import av

        with av.open(str(tmp_path / name), "w") as container:
            stream = container.add_stream("mp2", rate=rate, layout="mono")
            for k in range(30):
                tone = (8000 * np.sin(np.arange(1152) / 5)).astype(np.int16)[None]
                frame = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
                frame.sample_rate, frame.pts = rate, 1152 * k
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        parts.append((tmp_path / name).read_bytes())
    (tmp_path / "both.ts").write_bytes(b"".join(parts))
    heard = sum(len(samples) for _, samples in read_audio(tmp_path / "both.ts"))
    assert heard == pytest.approx(30 * 1152 * (16000 / 48000 + 1), rel=0.05)
