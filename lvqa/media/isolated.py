"""Reading videos in a child process, so that a crash, a hang or a bomb in a codec is one failed video.

The same calls as those of the modules that do the work (`reader`, `video_info`, `audio`, `subtitles`), which run in the
child (`lvqa.media.child`), or here where isolation is off (`lvqa.media.bounds`). Checks all that comes back.
"""

from __future__ import annotations

import io
import itertools
import math
import mmap
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from lvqa.errors import MediaError
from lvqa.media.bounds import limits_in_use
from lvqa.media.clock import centres, rising, sample_times
from lvqa.media.conversation import Conversation, close_reader, number
from lvqa.media.files import check_file, shown
from lvqa.media.values import Backend, Samples, Subtitle, TimedFrame, VideoInfo, check_options, fitted
from lvqa.media.wire import Header
from lvqa.types import Span

if TYPE_CHECKING:
    from lvqa.media.reader import FrameReader as LocalReader

# What no video has more of; an answer that says so is a lie.
_MOST_S = 1e9
_MOST_START_S = 1e15
_MOST_SIDE = 1 << 20
_MOST_CUES = 1_000_000
_LONGEST_CUE = 100_000
_LONGEST_NAME = 64

_numbers = itertools.count(1)


class FrameReader:
    """Reads frames of one video; a context manager, for one thread at a time.

    Args:
        path: the video.
        max_side: frames whose longer side has more pixels are scaled down to it. Whatever has more than
            `values.MOST_PIXELS` is scaled down to those.
        backend: `auto`, or one of the others. `decord` raises MediaError for files that it is known to read wrong.

    Raises:
        MediaError: the file cannot be read as video (see `probe`), here or as soon as frames are asked for; or reading
            it takes more memory or time than it may, or crashes.
    """

    def __init__(self, path: Path, *, max_side: int | None = None, backend: Backend = "auto") -> None:
        check_options(max_side, backend)
        path = Path(path)
        self._local: LocalReader | None = None
        self._backend: Literal["decord", "pyav"]
        self.info: VideoInfo
        if not limits_in_use().isolate:
            from lvqa.media.reader import FrameReader as LocalReader

            self._local = LocalReader(path, max_side=max_side, backend=backend)
            self.info, self._backend = self._local.info, self._local.backend
            return
        check_file(path)
        self._number = next(_numbers)
        self._path = path
        self._request: Header = {**_file(path), "reader": self._number, "max_side": max_side, "backend": backend}
        with Conversation(path, {**self._request, "op": "open"}, reader=self._number) as talk:
            header = _one(talk)
            self.info = _info(talk, path, header)
            self._backend = "decord" if header.get("backend") == "decord" else "pyav"
            talk.end()
        info: dict[str, Any] = asdict(self.info)
        del info["path"]
        self._request["info"] = info
        self._request["backend"] = self._backend
        self._size = fitted(self.info.width, self.info.height, max_side)

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
        if self._local is not None:
            self._local.close()
        else:
            close_reader(self._number)

    def at(self, times_s: Sequence[float]) -> list[TimedFrame]:
        """The frames shown at these times, in the order given; times may repeat and come in any order.

        Raises:
            MediaError: the video cannot be decoded there.
            ValueError: a time is negative or not finite.
        """
        if self._local is not None:
            return self._local.at(times_s)
        wanted = rising(times_s)
        if not wanted:
            return []
        by_time = {frame.time_s: frame for frame in self._frames({"op": "at", "times_s": wanted}, wanted)}
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
        Holds a few frames at a time, however long the video; while one is used, the next is decoded.

        Raises:
            MediaError: the video cannot be decoded; or, after its last frame, it breaks off before the length that its
                header gives and the span reaches that point.
        """
        if self._local is not None:
            yield from self._local.sample(fps, span)
            return
        times = sample_times(self.info.duration_s, fps, span)
        asked = [span.start_s, span.end_s] if span is not None else None
        yield from self._frames({"op": "sample", "fps": fps, "span": asked}, times.tolist())

    def _frames(self, request: Header, times_s: Sequence[float]) -> Iterator[TimedFrame]:
        """The frames of these rising times, as the child gives them."""
        length_s = self.info.duration_s
        with Conversation(self._path, {**self._request, **request}, length_s=length_s, reader=self._number) as talk:
            frame: TimedFrame | None = None
            for time_s in times_s:
                talk.at_s = time_s
                header = _one(talk)
                try:
                    same = number(header, "time_s", 0, _MOST_S) == time_s
                    pts_s = number(header, "pts_s", -_MOST_S, _MOST_S)
                except ValueError as error:
                    raise talk.lie(str(error)) from error
                if header["kind"] != "frame" or not same:
                    raise talk.lie("another frame than was due")
                if header.get("same") is True and frame is not None:
                    image = frame.image
                else:
                    image = np.empty((self._size[1], self._size[0], 3), np.uint8)
                    talk.take(image.data.cast("B"))
                frame = TimedFrame(time_s, pts_s, image)
                del image
                yield frame
            talk.end()


def probe(path: Path) -> VideoInfo:
    """Read what a video file is, and check that its first frame decodes.

    Raises:
        MediaError: missing, a folder, empty, not a video, cut off before its index, sound only, or nothing in it
            decodes; or that takes more than it may, or crashes. One line that says what to do.
    """
    path = Path(path)
    if not limits_in_use().isolate:
        from lvqa.media.video_info import probe as local

        return local(path)
    check_file(path)
    with Conversation(path, {**_file(path), "op": "probe"}) as talk:
        info = _info(talk, path, _one(talk))
        talk.end()
    return info


def read_audio(path: Path, *, rate: int = 16000, chunk_s: float = 300.0) -> Iterator[tuple[float, Samples]]:
    """Decode the sound track, mixed to mono.

    Holds one chunk at a time. A hole in the track ends a chunk early. Damaged packets are passed over as holes.

    Args:
        path: the video.
        rate: samples a second.
        chunk_s: longest chunk in seconds, at most 3600.

    Yields:
        (offset, samples): seconds from the start of the container, and float32 (n,) in [-1, 1]; nothing where the
        video has no sound.

    Raises:
        MediaError: the file cannot be opened, or has a sound track of which nothing decodes; or that takes more than
            it may, or crashes.
    """
    path = Path(path)
    if rate < 1 or not 0 < chunk_s <= 3600:
        raise ValueError(f"rate must be above zero and chunk_s at most an hour, got {rate} and {chunk_s}")
    if not limits_in_use().isolate:
        from lvqa.media.audio import read_audio as local

        yield from local(path, rate=rate, chunk_s=chunk_s)
        return
    check_file(path)
    most = max(1, round(chunk_s * rate))
    with Conversation(path, {**_file(path), "op": "audio", "rate": rate, "chunk_s": chunk_s}) as talk:
        while (header := talk.next()) is not None:
            try:
                offset_s = number(header, "offset_s", 0, _MOST_S)
                count = int(number(header, "count", 1, most))
            except ValueError as error:
                raise talk.lie(str(error)) from error
            # Not from the heap, where a few freed chunks of this size make every later one stay resident.
            samples: Samples = np.frombuffer(mmap.mmap(-1, count * 4), np.float32)
            talk.at_s = offset_s
            talk.take(samples.data.cast("B"))
            talk.allow(count / rate)
            yield offset_s, samples
            del samples


def read_subtitles(path: Path) -> list[Subtitle]:
    """Read the subtitles of a video, in time order.

    Files beside it come first: the same name with .srt or .vtt, or with a language between (`talk.en.srt`); one file a
    language. Without any, the text tracks inside the video, one a language; tracks of pictures are left out. Cues
    whose times make no sense are left out, overlapping ones are kept.

    Returns:
        The cues; empty where there are none.

    Raises:
        SubtitleError: a file holds text but not one readable cue, or cannot be read at all.
        MediaError: there is no file beside the video, and the video cannot be opened; or that takes more than it may,
            or crashes.
    """
    path = Path(path)
    if not limits_in_use().isolate:
        from lvqa.media.subtitles import read_subtitles as local

        return local(path)
    found: list[Subtitle] = []
    with Conversation(path, {**_file(path), "op": "subtitles"}) as talk:
        while (header := talk.next()) is not None:
            cues = header.get("cues")
            if not isinstance(cues, list) or len(found) + len(cues) > _MOST_CUES:
                raise talk.lie("more subtitles than any video has")
            try:
                found += [_cue(*cue) for cue in cues]
            except (TypeError, ValueError) as error:
                raise talk.lie("a subtitle that is none") from error
    return found


def thumbnail(path: Path, time_s: float, max_side: int = 160) -> bytes:
    """The frame shown at a time as a small JPEG, its longer side at most `max_side` pixels; raises MediaError."""
    from PIL import Image

    with FrameReader(path, max_side=max_side) as reader:
        frame = reader.at([time_s])[0].image
    out = io.BytesIO()
    Image.fromarray(frame).save(out, "JPEG", quality=80)
    return out.getvalue()


def _file(path: Path) -> Header:
    """How a request names a file: by its bytes, which any locale of the child's leaves as they are."""
    try:
        return {"path": os.fsencode(path.absolute()).hex()}
    except ValueError as error:
        raise MediaError(f"{shown(path)} is no file's name; name a file") from error


def _one(talk: Conversation) -> Header:
    header = talk.next()
    if header is None:
        raise talk.lie("less than was asked for")
    return header


def _info(talk: Conversation, path: Path, header: Header) -> VideoInfo:
    info = header.get("info")
    try:
        if not isinstance(info, dict):
            raise ValueError("no information")
        codec = info.get("codec")
        return VideoInfo(
            path=path,
            duration_s=number(info, "duration_s", math.ulp(0.0), _MOST_S),
            width=int(number(info, "width", 1, _MOST_SIDE)),
            height=int(number(info, "height", 1, _MOST_SIDE)),
            fps=number(info, "fps", 0, _MOST_S),
            codec=shown(codec[:_LONGEST_NAME]) if isinstance(codec, str) else "",
            has_audio=info.get("has_audio") is True,
            rotation=int(number(info, "rotation", 0, 270)),
            start_s=number(info, "start_s", -_MOST_START_S, _MOST_START_S),
            subtitle_tracks=int(number(info, "subtitle_tracks", 0, _MOST_SIDE)),
            breaks_off=info.get("breaks_off") is True,
        )
    except ValueError as error:
        raise talk.lie(str(error)) from error


def _cue(start_s: float, end_s: float, text: str, language: str) -> Subtitle:
    if not isinstance(text, str) or not isinstance(language, str) or len(text) > _LONGEST_CUE or not text.isprintable():
        raise ValueError("text that is none")
    times = {"start_s": start_s, "end_s": end_s}
    span = Span(number(times, "start_s", 0, _MOST_S), number(times, "end_s", 0, _MOST_S))
    return Subtitle(span, text, shown(language[:_LONGEST_NAME]))
