"""Frames at given times, at a rate, in a span. Decides which backend reads; knows nothing of models.

Time 0 is the start of the container; the frame at t is the last whose time is at most t, or the first of all.

`auto` is PyAV, since what was measured leaves decord 0.6 no case of its own: streaming one frame a second, decord takes
1.2 to 2.4 times the processor time; it decodes ahead without bound (400 MB for one frame of a 640 x 360 video); and in
many files it gives other frames than asked for (`lvqa.media.decord_frames`). Asked for by name, it agrees with PyAV;
`decord-first` takes decord for the files that it reads right, and PyAV for the others.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np

from lvqa.errors import MediaError
from lvqa.media.clock import Times, centres, rising, sample_times, shown_at
from lvqa.media.decord_frames import DecordFrames, reason_against
from lvqa.media.files import shown
from lvqa.media.packets import PacketTable, read_packets
from lvqa.media.pyav_frames import PyavFrames
from lvqa.media.values import Backend, TimedFrame, VideoInfo, check_options, fitted
from lvqa.media.video_info import probe
from lvqa.types import Span, format_time


class FrameReader:
    """Reads frames of one video; a context manager, for one thread at a time.

    Args:
        path: the video.
        max_side: frames whose longer side has more pixels are scaled down to it.
        backend: `auto`, or one of the others. `decord` raises MediaError for files that it is known to read wrong.
        info: what `probe` found before; else the file is probed.

    Raises:
        MediaError: the file cannot be read as video (see `probe`), here or as soon as frames are asked for.
    """

    def __init__(
        self, path: Path, *, max_side: int | None = None, backend: Backend = "auto", info: VideoInfo | None = None
    ) -> None:
        check_options(max_side, backend)
        self.info: VideoInfo = info if info is not None else probe(Path(path))
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
        self._backend: Literal["decord", "pyav"] = "pyav" if self._decord is None else "decord"

    @property
    def backend(self) -> Literal["decord", "pyav"]:
        """What reads the frames."""
        return self._backend

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file. Frames already given out stay."""
        for backend in (self._pyav, self._decord):
            if backend is not None:
                backend.close()
        self._pyav = self._decord = None

    def at(self, times_s: Sequence[float]) -> list[TimedFrame]:
        """The frames shown at these times, in the order given; times may repeat and come in any order.

        Raises:
            MediaError: the video cannot be decoded there.
            ValueError: a time is negative or not finite.
        """
        by_time = {frame.time_s: frame for frame in self.rising(rising(times_s))}
        return [by_time[float(t)] for t in times_s]

    def rising(self, times_s: Sequence[float]) -> Iterator[TimedFrame]:
        """As `at`, for times that rise, one frame after the other."""
        if self._backend == "decord" or self._table is not None or self.info.path.suffix.lower() == ".avi":
            yield from self._stream(np.asarray(times_s, np.float64))
            return
        for time_s, (pts_s, image) in zip(times_s, self._open_pyav().near(times_s), strict=True):
            yield TimedFrame(time_s, pts_s, image)

    def span(self, span: Span, n: int) -> list[TimedFrame]:
        """Frames at the centres of n equal parts of a span.

        Raises:
            MediaError: the video cannot be decoded there.
        """
        return self.at(centres(span, n))

    def sample(self, fps: float, span: Span | None = None) -> Iterator[TimedFrame]:
        """Frames at all times k / fps inside the span (else the whole video), k whole, in order.

        The times do not depend on where the span starts, so reading that was interrupted can go on from anywhere.
        Holds a few frames at a time, however long the video.

        Raises:
            MediaError: the video cannot be decoded; or, after its last frame, it breaks off before the length that its
                header gives and the span reaches that point.
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
        for number, (_, pts_s, image) in enumerate(picked):
            for time_s in times[bounds[number] : bounds[number + 1]].tolist():
                yield TimedFrame(time_s, pts_s, image)

    def _packet_table(self) -> PacketTable:
        if self._table is None:
            self._table = read_packets(self.info.path)
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
        return DecordFrames(self.info.path, (self.info.width, self.info.height), self._size, table)


def thumbnail(path: Path, time_s: float, max_side: int = 160) -> bytes:
    """The frame shown at a time as a small JPEG, its longer side at most `max_side` pixels; raises MediaError."""
    from PIL import Image

    with FrameReader(path, max_side=max_side) as reader:
        frame = reader.at([time_s])[0].image
    out = io.BytesIO()
    Image.fromarray(frame).save(out, "JPEG", quality=80)
    return out.getvalue()
