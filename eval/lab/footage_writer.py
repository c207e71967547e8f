"""Videos made on the spot, for tests and the laboratory, in whatever form one may come. Knows nothing of reading.

Each frame's time is exactly what was asked for, so what is written here is the ground truth that reading is held to.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from lvqa.media import Frame

# Fast to encode, and libx264, libx265 and mpeg4 still write B-frames, which is what makes their order of times hard.
_OPTIONS: Mapping[str, Mapping[str, str]] = {
    "libx264": {"preset": "veryfast", "crf": "18", "bf": "2"},
    "libx265": {"preset": "ultrafast", "crf": "18", "x265-params": "log-level=none:bframes=2:pools=1"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "crf": "20", "b": "0"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "crf": "10", "b": "4M"},
    "libsvtav1": {"preset": "12", "crf": "25", "svtav1-params": "lp=1"},
    "mpeg4": {"bf": "2", "qscale": "3", "flags": "+qscale", "global_quality": "354"},
    "mpeg2video": {"bf": "2", "qscale": "3", "flags": "+qscale", "global_quality": "354"},
}
_AUDIO = {
    ".webm": ("libopus", 48000),
    ".avi": ("pcm_s16le", 16000),
    ".mpg": ("mp2", 48000),
    ".vob": ("mp2", 48000),
}
_SUBTITLES = {".mp4": "mov_text", ".m4v": "mov_text", ".mov": "mov_text", ".mkv": "srt", ".webm": "webvtt"}
_ASS_HEADER = (
    b"[Script Info]\r\nScriptType: v4.00+\r\nPlayResX: 384\r\nPlayResY: 288\r\n\r\n[V4+ Styles]\r\n"
    b"Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, "
    b"Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, "
    b"MarginR, MarginV, Encoding\r\n"
    b"Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,0\r\n\r\n"
    b"[Events]\r\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\r\n"
)


def write_video(
    path: Path,
    frames: Iterable[Frame],
    *,
    fps: float | Fraction = 10,
    codec: str = "libx264",
    subtitles: Sequence[tuple[float, float, str]] = (),
    audio: bool | npt.NDArray[np.float32] = False,
    rotation: int = 0,
    start_s: float = 0.0,
    pts: Sequence[float] | None = None,
    gop: int | None = None,
    options: Mapping[str, str] | None = None,
) -> Path:
    """Encode frames as a video file; the suffix picks the container.

    Args:
        path: where to write; the folder is made.
        frames: uint8 (h, w, 3) RGB with even sides, all of one size; consumed one at a time, so a generator is fine.
        fps: frames a second; frame k is shown at k / fps.
        codec: an FFmpeg encoder: libx264, libx265, libvpx-vp9, libsvtav1, mpeg4, ...
        subtitles: (start_s, end_s, text) for an embedded text track (.mp4, .m4v, .mov, .mkv, .webm).
        audio: True for a 440 Hz tone as long as the video, or mono samples in [-1, 1] at 16 kHz.
        rotation: degrees clockwise that a player has to turn the picture: 0, 90, 180, 270 (.mp4, .m4v, .mov).
        start_s: shifts every track, so that the container starts there (not .avi).
        pts: each frame's time in seconds, rising, for a variable frame rate; kept to the millisecond (not .avi). `fps`
            is then only the length of the last frame.
        gop: frames between keyframes at most.
        options: more options of the encoder.

    Returns:
        The path.

    Raises:
        ValueError: no frames, odd or mixed sizes, times that do not rise, or an option the container cannot hold.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if subtitles and suffix not in _SUBTITLES:
        raise ValueError(f"{suffix} holds no text track; use one of {', '.join(_SUBTITLES)}")
    if rotation % 90 or (rotation and suffix not in (".mp4", ".m4v", ".mov")):
        raise ValueError("rotation is 0, 90, 180 or 270, and only .mp4, .m4v and .mov can say so")
    if suffix == ".avi" and (pts is not None or start_s):
        raise ValueError(".avi has no times of its own, only a rate; use another container")
    if codec == "libsvtav1":
        os.environ.setdefault("SVT_LOG", "1")  # the encoder writes its settings to stderr, errors apart
    rate = Fraction(fps).limit_denominator(1001)
    # Milliseconds are the one unit that every container and MPEG-4's 16-bit clock can hold; MPEG-2 has none.
    timed = codec != "mpeg2video" and (pts is not None or start_s)
    base = Fraction(1, 1000) if timed else 1 / rate
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream(codec, rate=rate, options={**_OPTIONS.get(codec, {}), **(options or {})})
        video.codec_context.time_base = base
        video.time_base = base
        video.codec_context.pix_fmt = "yuv420p"
        if gop is not None:
            video.codec_context.gop_size = gop
        sound: Any = None
        if audio is not False:
            name, sound_rate = _AUDIO.get(suffix, ("aac", 16000))
            sound = container.add_stream(name, rate=sound_rate, layout="mono")
        text: Any = None
        if subtitles:
            text = container.add_stream(_SUBTITLES[suffix])
            text.codec_context.subtitle_header = _ASS_HEADER
            text.codec_context.time_base = Fraction(1, 1000)
        end_s = Fraction(0)
        count = 0
        shape: tuple[int, ...] = ()
        for frame in frames:
            if not count:
                shape = frame.shape
                if shape[0] % 2 or shape[1] % 2:
                    raise ValueError(f"frames need even sides, got {shape[1]} x {shape[0]}")
                video.width, video.height = shape[1], shape[0]
                if codec == "libsvtav1":
                    with _not_root():
                        video.codec_context.open(strict=False)
                # The text goes first: a muxer that interleaves would hold back every frame until the track speaks.
                _write_subtitles(container, text, subtitles, start_s)
            if frame.shape != shape:
                raise ValueError(f"frames need one size, got {shape} and {frame.shape}")
            at_s = Fraction(count) / rate if pts is None else Fraction(pts[count]).limit_denominator(1000)
            if count and at_s <= end_s:
                raise ValueError(f"times must rise, got {float(at_s)} after {float(end_s)}")
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            picture.pts = round((at_s + Fraction(start_s)) / base)
            picture.time_base = base
            container.mux(video.encode(picture))
            end_s = at_s
            count += 1
        if not count:
            raise ValueError("a video needs at least one frame")
        container.mux(video.encode(None))
        if sound is not None:
            _write_sound(container, sound, audio, float(end_s + 1 / rate), start_s)
    if rotation:
        _rotate(path, rotation % 360)
    return path


@contextmanager
def _not_root() -> Iterator[None]:
    """Be somebody else for a moment: SVT-AV1 gives root's threads real-time priority, ours too, and they starve all."""
    if os.name == "nt" or os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def _write_subtitles(container: Any, stream: Any, cues: Sequence[tuple[float, float, str]], start_s: float) -> None:
    from av.subtitles.subtitle import SubtitleSet

    for number, (begin_s, end_s, text) in enumerate(sorted(cues)):
        line = text.replace("\n", "\\N").encode()
        length, at = round((end_s - begin_s) * 1000), round((begin_s + start_s) * 1000)
        cue = SubtitleSet.create(b"%d,0,Default,,0,0,0,,%s" % (number, line), 0, length, at)
        packet = stream.codec_context.encode_subtitle(cue)
        packet.stream = stream
        packet.time_base = Fraction(1, 1000)
        container.mux(packet)


def _write_sound(
    container: Any, stream: Any, audio: bool | npt.NDArray[np.float32], length_s: float, start_s: float
) -> None:
    rate = stream.codec_context.sample_rate
    if isinstance(audio, bool):
        samples = (0.3 * np.sin(2 * np.pi * 440 * np.arange(round(length_s * rate)) / rate)).astype(np.float32)
        source = rate
    else:
        samples, source = audio, 16000
    resampler = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=rate)
    block = source // 10
    for begin in range(0, len(samples), block):
        part = np.ascontiguousarray(samples[None, begin : begin + block], dtype=np.float32)
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
        frame.sample_rate = source
        frame.pts = begin + round(start_s * source)
        frame.time_base = Fraction(1, source)
        for resampled in resampler.resample(frame):
            container.mux(stream.encode(resampled))
    for resampled in resampler.resample(None):
        container.mux(stream.encode(resampled))
    container.mux(stream.encode(None))


def _rotate(path: Path, degrees: int) -> None:
    """Write the display matrix into the first video track's header, which FFmpeg's muxer has no setting for."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4
    matrix_at = at + (52 if data[at] else 40)
    cos, sin = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    one = 1 << 16
    struct.pack_into(">9i", data, matrix_at, cos * one, sin * one, 0, -sin * one, cos * one, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
