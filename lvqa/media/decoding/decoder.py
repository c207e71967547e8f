"""Frames at rising times or at a rate, decoded in this process. Decides which backend reads; knows nothing of models.

Time 0 is the start of the container; the frame at t is the last whose time is at most t, or the first of all.

`auto` is PyAV, since what was measured leaves decord 0.6 no case of its own: streaming one frame a second, decord takes
1.2 to 2.4 times the processor time; it decodes ahead without bound (400 MB for one frame of a 640 x 360 video); and in
many files it gives other frames than asked for (`decord_frames` beside it). Asked for by name, it agrees with PyAV;
`decord-first` takes decord for the files that it reads right, and PyAV for the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from lvqa.errors import MediaError
from lvqa.media.clock import Times, sample_times, shown_at
from lvqa.media.decoding.decord_frames import DecordFrames, reason_against
from lvqa.media.decoding.packets import PacketTable, read_packets
from lvqa.media.decoding.pyav_frames import PyavFrames
from lvqa.media.decoding.video_info import read_video_info
from lvqa.media.files import shown
from lvqa.media.values import Backend, TimedFrame, VideoInfo, fitted
from lvqa.types import Clock, Span, format_time


class FrameDecoder:
    """An open video that is decoded in this process; see `lvqa.media.transport.OpenVideo`.

    Args:
        path: the video.
        max_side: as in `lvqa.media.FrameReader`.
        backend: as in `lvqa.media.FrameReader`.
        info: what `read_video_info` found before; else the file is looked at.
        clock: as in `lvqa.media.FrameReader`; `info` knows it.

    Raises:
        MediaError: the file cannot be read as video, here or as soon as frames are asked for.
    """

    def __init__(
        self, path: Path, max_side: int | None, backend: Backend, info: VideoInfo | None = None, clock: Clock = ()
    ) -> None:
        self.info: VideoInfo = info if info is not None else read_video_info(path, clock=clock)
        self._size = fitted(self.info.width, self.info.height, max_side)
        self._table: PacketTable | None = None
        self._pyav: PyavFrames | None = None
        self._decord: DecordFrames | None = None
        if backend in ("decord", "decord-first"):
            try:
                self._decord = self._open_decord()
            except MediaError:
                if backend == "decord":
                    raise
        self.backend: Literal["decord", "pyav"] = "pyav" if self._decord is None else "decord"

    def close(self) -> None:
        """Let go of the file. Frames already given out stay."""
        if self._pyav is not None:
            self._pyav.close()
        self._pyav = self._decord = None

    def rising(self, times_s: Sequence[float]) -> Iterator[TimedFrame]:
        """The frames shown at these rising times, one after the other. Raises MediaError."""
        whole = self.backend == "decord" or self._table is not None or self.info.path.suffix.lower() == ".avi"
        if whole or len(self.info.clock) > 1:
            yield from self._stream(np.asarray(times_s, np.float64))
            return
        for time_s, found in zip(times_s, self._open_pyav().near(times_s), strict=True):
            yield TimedFrame(time_s, *found)

    def sample(self, fps: float, span: Span | None) -> Iterator[TimedFrame]:
        """Frames at all times k / fps inside the span (else the whole video).

        Raises MediaError, also where the video breaks off.
        """
        yield from self._stream(sample_times(self.info.duration_s, fps, span))
        if self.info.breaks_off and (span is None or span.end_s >= self.info.duration_s):
            raise MediaError(
                f"{shown(self.info.path)} breaks off at {format_time(self.info.duration_s)}, before the end its header "
                "gives; what comes before is read: copy the file again for the rest"
            )

    def _stream(self, times: Times) -> Iterator[TimedFrame]:
        """Frames at rising times, each decoded once."""
        if not len(times):
            return
        table = self._packet_table()
        places, firsts = np.unique(shown_at(table.pts_s, times), return_index=True)
        bounds = [*firsts.tolist(), len(times)]
        wanted: list[int] = places.tolist()
        picked = self._open_pyav().pick(table, wanted) if self._decord is None else self._decord.pick(wanted)
        for number, (place, pts_s, image) in enumerate(picked):
            until_s = float(table.pts_s[place + 1]) if place + 1 < len(table) else math.inf
            for time_s in times[bounds[number] : bounds[number + 1]].tolist():
                yield TimedFrame(time_s, pts_s, image, until_s)

    def _packet_table(self) -> PacketTable:
        if self._table is None:
            self._table = read_packets(self.info.path, self.info.clock)
        return self._table

    def _open_pyav(self) -> PyavFrames:
        if self._pyav is None:
            self._pyav = PyavFrames(self.info.path, self._size, self.info.rotation)
        return self._pyav

    def _open_decord(self) -> DecordFrames:
        table = self._packet_table()
        why = reason_against(self.info, table)
        if why:
            raise MediaError(f"decord should not read {shown(self.info.path)}: {why}; read it with pyav")
        full = (self.info.stored_width, self.info.stored_height)
        if self.info.rotation % 180:
            full = (full[1], full[0])
        return DecordFrames(self.info.path, full, self._size, table)
