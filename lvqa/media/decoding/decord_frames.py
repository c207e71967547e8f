"""Frames through decord, for the files it reads right. Knows places of frames, not times.

decord 0.6 counts frames from keyframes and carries an FFmpeg of 2019. Held against frames that carry their own number
it is right for MP4, QuickTime and Matroska with H.264, VP8 or VP9 in closed groups of pictures; it gives other frames
than asked for where frames follow a keyframe that they precede on screen (most HEVC and MPEG-4), in transport streams
and in AVI; it cannot open AV1. `reason_against` is that knowledge.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import av

from lvqa.errors import MediaError
from lvqa.media.decoding.packets import PacketTable
from lvqa.media.files import shown
from lvqa.media.values import Frame, VideoInfo, interpolation

_CODECS = ("h264", "vp8", "vp9")
_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm")
_CHUNK_BYTES = 32 << 20
_CHUNK_FRAMES = 8
# Frames that decord may invent for damaged ones before it raises; it knows no zero.
_FAULTS = 2


@functools.cache
def load_decord() -> Any:
    """The module with its log switched off, or None where it is not installed or does not load."""
    try:
        import decord
    except (ImportError, OSError):
        return None
    decord.logging.set_level(decord.logging.QUIET)
    return decord


def reason_against(info: VideoInfo, table: PacketTable) -> str:
    """Why decord should not read a file; empty where it may."""
    if info.codec not in _CODECS:
        return f"it gives wrong frames of {info.codec} video, or none"
    if info.path.suffix.lower() not in _SUFFIXES:
        return f"it gives wrong frames of {info.path.suffix} files"
    if info.breaks_off:
        return "the file breaks off"
    if info.hdr:
        return "it does not map HDR"
    if info.video_tracks > 1:
        return "it may read another video track"
    if table.shifted:
        return "its clock steps"
    if load_decord() is None:
        return "it is not installed"
    if table.leading or table.counted or table.hidden or table.key_ticks[0] != table.ticks[0]:
        return "it gives wrong frames where frames lean on a later keyframe, or are not shown"
    return ""


class DecordFrames:
    """One open file; `full` and `size` are (width, height) as stored, turned, and as given out.

    Raises MediaError where decord sees another video than FFmpeg does.
    """

    def __init__(self, path: Path, full: tuple[int, int], size: tuple[int, int], table: PacketTable) -> None:
        self._path = path
        self._table = table
        self._size = size
        self._scaled = size != full
        try:
            reader = self._open()
            frames, shape = len(reader), tuple(reader[0].shape)
        except Exception as error:  # decord's errors share no root but Exception
            raise MediaError(f"{shown(path)} cannot be opened with decord; read it with pyav") from error
        if frames != len(table) or shape != (full[1], full[0], 3):
            raise MediaError(f"{shown(path)} looks different to decord than to FFmpeg; read it with pyav")
        self._chunk = max(1, min(_CHUNK_FRAMES, _CHUNK_BYTES // (full[0] * full[1] * 3)))

    def _open(self) -> Any:
        decord = load_decord()
        return decord.VideoReader(str(self._path.absolute()), ctx=decord.cpu(0), fault_tol=_FAULTS)

    def pick(self, wanted: Sequence[int]) -> Iterator[tuple[int, float, Frame]]:
        """Decode the frames with these places in the table, rising; yields (place, own time in s, frame)."""
        # An open reader decodes ahead without bound while nobody asks, so it lives no longer than one request.
        reader = self._open()
        for begin in range(0, len(wanted), self._chunk):
            places = [int(place) for place in wanted[begin : begin + self._chunk]]
            try:
                batch = reader.get_batch(places).asnumpy()
            except Exception as error:  # decord's errors share no root but Exception
                raise MediaError(
                    f"{shown(self._path)} cannot be decoded with decord near {self._table.pts_s[places[0]]:.3f} s; "
                    "read it with pyav"
                ) from error
            for place, frame in zip(places, batch, strict=True):
                yield place, float(self._table.pts_s[place]), self._fit(frame)

    def _fit(self, frame: Frame) -> Frame:
        if not self._scaled:
            return frame.copy()  # so that one frame kept does not keep its whole batch
        width, height = self._size
        picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
        how = interpolation((picture.width, picture.height), self._size)
        scaled: Any = picture.reformat(width=width, height=height, interpolation=how).to_ndarray()
        return cast("Frame", scaled)
