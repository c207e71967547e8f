"""What is read of a video: what it is, its frames, its sound, its subtitles.

Time 0 is the start of the container; the frame at t is the last whose time is at most t, or the first of all. Where
that is read, in a child process or in this one, `lvqa.media.bounds` says; all that comes of it is the same.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from lvqa.media.bounds import limits_in_use
from lvqa.media.clock import centres, rising
from lvqa.media.known_clocks import known_clock
from lvqa.media.transport import OpenVideo, Transport
from lvqa.media.values import Backend, OnPicture, Samples, Subtitle, TimedFrame, VideoInfo, check_options
from lvqa.types import Clock, Span

_log = logging.getLogger(__name__)


class FrameReader:
    """Reads frames of one video; a context manager, for one thread at a time.

    Args:
        path: the video.
        max_side: frames whose longer side has more pixels are scaled down to it. Whatever has more than
            `values.MOST_PIXELS` is scaled down to those.
        backend: `auto`, or one of the others (see `lvqa.media.decoding.decoder`). `decord` raises MediaError for files
            that it is known to read wrong.
        clock: how the file's time stamps go on; what an index that is open knows, where it is not given. A file of
            which they run through is then not gone through to learn that.

    Raises:
        MediaError: the file cannot be read as video (see `probe`), here or as soon as frames are asked for; or reading
            it takes more memory or time than it may, or crashes.
    """

    def __init__(
        self, path: Path, *, max_side: int | None = None, backend: Backend = "auto", clock: Clock = ()
    ) -> None:
        check_options(max_side, backend)
        path = Path(path)
        self._video: OpenVideo = _transport().open(path, max_side, backend, clock or known_clock(path))

    @property
    def info(self) -> VideoInfo:
        """What the video is."""
        return self._video.info

    @property
    def backend(self) -> Literal["decord", "pyav"]:
        """What reads the frames."""
        return self._video.backend

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file. Frames already given out stay."""
        self._video.close()

    def at(self, times_s: Sequence[float]) -> list[TimedFrame]:
        """The frames shown at these times, in the order given; times may repeat and come in any order.

        Raises:
            MediaError: the video cannot be decoded there.
            ValueError: a time is negative or not finite.
        """
        wanted = rising(times_s)
        by_time = {frame.time_s: frame for frame in self._video.rising(wanted)} if wanted else {}
        return [by_time[float(time_s)] for time_s in times_s]

    def span(self, span: Span, n: int) -> list[TimedFrame]:
        """Frames at the centres of n equal parts of a span.

        Raises:
            MediaError: the video cannot be decoded there.
        """
        return self.at(centres(span, n))

    def sample(self, fps: float, span: Span | None = None) -> Iterator[TimedFrame]:
        """Frames at all times k / fps inside the span (else the whole video), k whole, in order.

        The times do not depend on where the span starts, so reading that was interrupted can go on from anywhere.
        Holds a few frames at a time, however long the video; while one is used, the next may be decoded.

        Raises:
            MediaError: the video cannot be decoded; or, after its last frame, it breaks off before the length that its
                header gives and the span reaches that point.
        """
        yield from self._video.sample(fps, span)


def probe(path: Path, *, exact: bool = True) -> VideoInfo:
    """Read what a video file is, and check that its first frame decodes.

    Without `exact`, little is read of it however large it is: packets are not counted, and where time stamps start
    again or jump, the clock is left empty and the length may be too short.

    Raises:
        NoVideo: sound only, or a still picture.
        MediaError: missing, a folder, empty, not a video, cut off before its index, or nothing in it decodes; or that
            takes more than it may, or crashes. One line that says what to do.
    """
    return _transport().probe(Path(path), exact=exact)


def read_audio(
    path: Path, *, rate: int = 16000, chunk_s: float = 300.0, track: int = 0
) -> Iterator[tuple[float, Samples]]:
    """Decode a sound track, mixed to mono; where its channels cancel each other, the loudest of them.

    Holds one chunk at a time. A hole in the track ends a chunk early; one that is full ends where it was quiet last, so
    that no word is cut in two. Damaged packets are passed over as holes.

    Args:
        path: the video.
        rate: samples a second.
        chunk_s: longest chunk in seconds, at most 3600.
        track: which one, from 1; 0, or one that is not there: `VideoInfo.audio_track`.

    Yields:
        (offset, samples): seconds from the start of the container, and float32 (n,) in [-1, 1]; nothing where the
        video has no sound.

    Raises:
        MediaError: the file cannot be opened, or has a sound track of which nothing decodes; or that takes more than
            it may, or crashes.
    """
    if rate < 1 or not 0 < chunk_s <= 3600:
        raise ValueError(f"rate must be above zero and chunk_s at most an hour, got {rate} and {chunk_s}")
    yield from _transport().audio(Path(path), rate, chunk_s, track)


def read_subtitles(
    path: Path, *, on_problem: Callable[[str], None] | None = None, on_picture: OnPicture | None = None
) -> list[Subtitle]:
    """Read the subtitles of a video, in time order.

    Files beside it come first (`lvqa.media.sidecars` says which are its own); without a full one among them, the text
    tracks inside the video. Of each language one track is the dialogue: one in full before one for the hard of hearing.
    What is forced, foreign, signs, lyrics or commentary comes with the kind `signs`. Lines that scroll come once, cues
    whose times make no sense are left out, overlapping ones are kept.

    Args:
        path: the video.
        on_problem: told, a line each, of files and cues that cannot be read; without it, that is logged as a warning.
        on_picture: given, one by one, the cues of tracks that are pictures (PGS, VobSub, DVB, XSUB) where no text
            track of their language is the dialogue, and of those that are signs; held are a few at a time. Without it
            such tracks are a problem that is told.

    Returns:
        The cues; empty where there are none.

    Raises:
        SubtitleError: no subtitle was read, and a file holds text but not one readable cue, or cannot be read at all.
        MediaError: there is no file beside the video, and the video cannot be opened; or that takes more than it may,
            or crashes.
    """
    return _transport().subtitles(Path(path), on_problem or _log.warning, on_picture)


def thumbnail(path: Path, time_s: float, max_side: int = 160) -> bytes:
    """The frame shown at a time as a small JPEG, its longer side at most `max_side` pixels; raises MediaError."""
    from PIL import Image

    with FrameReader(path, max_side=max_side) as reader:
        frame = reader.at([time_s])[0].image
    out = io.BytesIO()
    Image.fromarray(frame).save(out, "JPEG", quality=80)
    return out.getvalue()


def _transport() -> Transport:
    # Either is imported where it is used: the decoders stay out of a process that leaves decoding to its child.
    if limits_in_use().isolate:
        from lvqa.media.isolation.isolated import Isolated

        return Isolated()
    from lvqa.media.decoding.in_process import InProcess

    return InProcess()
