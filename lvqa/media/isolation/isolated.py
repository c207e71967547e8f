"""Reading videos in a child process, so that a crash, a hang or a bomb in a codec is one failed video.

What the child (`child` beside it) is asked is done there by `lvqa.media.decoding`. Checks all that comes back.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lvqa.errors import MediaError
from lvqa.media.clock import sample_times
from lvqa.media.files import check_file, shown
from lvqa.media.isolation.conversation import Conversation, close_reader
from lvqa.media.isolation.wire import Header
from lvqa.media.values import (
    MOST_PIXELS,
    Backend,
    OnPicture,
    Samples,
    Subtitle,
    SubtitlePicture,
    TimedFrame,
    VideoInfo,
    fitted,
    room_for,
)
from lvqa.types import Clock, Span, clock_of, clock_rows

# What no video has more of; an answer that says so is a lie.
_MOST_S = 1e9
_MOST_START_S = 1e15
_MOST_SIDE = 1 << 20
_MOST_PACKETS = 1 << 40
_MOST_CUES = 1_000_000
_MOST_PROBLEMS = 1000
_LONGEST_CUE = 100_000
_LONGEST_NAME = 64

_numbers = itertools.count(1)


class Isolated:
    """The `lvqa.media.transport.Transport` through children that decode."""

    def probe(self, path: Path, *, exact: bool = True) -> VideoInfo:
        """What a video is."""
        check_file(path)
        with Conversation(path, {**_file(path), "op": "probe", "exact": exact}) as talk:
            info = _info(talk, path, _one(talk))
            talk.end()
        return info

    def open(self, path: Path, max_side: int | None, backend: Backend, clock: Clock = ()) -> IsolatedVideo:
        """Open a video for its frames."""
        return IsolatedVideo(path, max_side, backend, clock)

    def audio(self, path: Path, rate: int, chunk_s: float, track: int = 0) -> Iterator[tuple[float, Samples]]:
        """The sound of a video, in chunks."""
        check_file(path)
        most = max(1, round(chunk_s * rate))
        request = {**_file(path), "op": "audio", "rate": rate, "chunk_s": chunk_s, "track": track}
        with Conversation(path, request) as talk:
            while (header := talk.next()) is not None:
                offset_s = talk.number(header, "offset_s", 0, _MOST_S)
                count = int(talk.number(header, "count", 1, most))
                samples = room_for(count)
                talk.at_s = offset_s
                talk.take(samples.data.cast("B"))
                talk.allow(count / rate)
                yield offset_s, samples
                del samples

    def subtitles(
        self, path: Path, on_problem: Callable[[str], None], on_picture: OnPicture | None = None
    ) -> list[Subtitle]:
        """The subtitles of a video."""
        found: list[Subtitle] = []
        problems = 0
        with Conversation(path, {**_file(path), "op": "subtitles", "pictures": on_picture is not None}) as talk:
            while (header := talk.next()) is not None:
                if isinstance(line := header.get("text"), str):
                    problems += 1
                    if problems > _MOST_PROBLEMS:
                        raise talk.lie("more problems than any video has")
                    on_problem(talk.told(line))
                    continue
                if header["kind"] == "picture" and on_picture is not None:
                    on_picture(_picture(talk, header))
                    continue
                cues = header.get("cues")
                if not isinstance(cues, list) or len(found) + len(cues) > _MOST_CUES:
                    raise talk.lie("more subtitles than any video has")
                try:
                    found += [_cue(*cue) for cue in cues]
                except (TypeError, ValueError) as error:
                    raise talk.lie("a subtitle that is none") from error
        return found


class IsolatedVideo:
    """An open video that a child decodes; see `lvqa.media.transport.OpenVideo`."""

    def __init__(self, path: Path, max_side: int | None, backend: Backend, clock: Clock = ()) -> None:
        check_file(path)
        self._number = next(_numbers)
        self._path = path
        self._request: Header = {**_file(path), "reader": self._number, "max_side": max_side, "backend": backend}
        asked = {**self._request, "op": "open", "clock": clock_rows(clock)}
        with Conversation(path, asked, reader=self._number) as talk:
            header = _one(talk)
            self.info: VideoInfo = _info(talk, path, header)
            self.backend: Literal["decord", "pyav"] = "decord" if header.get("backend") == "decord" else "pyav"
            talk.end()
        info: dict[str, Any] = {**asdict(self.info), "clock": clock_rows(self.info.clock)}
        del info["path"]
        # Any child can go on from here.
        self._request["info"] = info
        self._request["backend"] = self.backend
        self._size = fitted(self.info.width, self.info.height, max_side)

    def close(self) -> None:
        """Let go of the file, in the child that has it open."""
        close_reader(self._number)

    def rising(self, times_s: Sequence[float]) -> Iterator[TimedFrame]:
        """The frames shown at these rising times, one after the other. Raises MediaError."""
        yield from self._frames({"op": "at", "times_s": list(times_s)}, times_s)

    def sample(self, fps: float, span: Span | None) -> Iterator[TimedFrame]:
        """Frames at all times k / fps inside the span (else the whole video); while one is used, the next is decoded.

        Raises MediaError, also where the video breaks off.
        """
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
                same = talk.number(header, "time_s", 0, _MOST_S) == time_s
                pts_s = talk.number(header, "pts_s", -_MOST_S, _MOST_S)
                known = header.get("until_s") is not None
                until_s = talk.number(header, "until_s", -_MOST_S, math.inf) if known else None
                if header["kind"] != "frame" or not same:
                    raise talk.lie("another frame than was due")
                if header.get("same") is True and frame is not None:
                    image = frame.image
                else:
                    image = np.empty((self._size[1], self._size[0], 3), np.uint8)
                    talk.take(image.data.cast("B"))
                frame = TimedFrame(time_s, pts_s, image, until_s)
                del image
                yield frame
            talk.end()


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
    if not isinstance(info, dict):
        raise talk.lie("no information")
    codec, languages = info.get("codec"), info.get("audio_languages")
    if not isinstance(languages, list) or not all(isinstance(language, str) for language in languages):
        raise talk.lie("languages that are none")

    def count(name: str) -> int:
        return int(talk.number(info, name, 0, _MOST_SIDE))

    try:
        clock = clock_of(info.get("clock", ()))
    except (TypeError, ValueError) as error:
        raise talk.lie("a clock that is none") from error
    return VideoInfo(
        path=path,
        duration_s=talk.number(info, "duration_s", math.ulp(0.0), _MOST_S),
        width=int(talk.number(info, "width", 1, _MOST_SIDE)),
        height=int(talk.number(info, "height", 1, _MOST_SIDE)),
        fps=talk.number(info, "fps", 0, _MOST_S),
        codec=shown(codec[:_LONGEST_NAME]) if isinstance(codec, str) else "",
        has_audio=info.get("has_audio") is True,
        rotation=int(talk.number(info, "rotation", 0, 270)),
        start_s=talk.number(info, "start_s", -_MOST_START_S, _MOST_START_S),
        subtitle_tracks=count("subtitle_tracks"),
        breaks_off=info.get("breaks_off") is True,
        stored_width=count("stored_width"),
        stored_height=count("stored_height"),
        hdr=hdr if (hdr := info.get("hdr")) in ("pq", "hlg") else "",
        picture_subtitles=count("picture_subtitles"),
        joined_at_byte=int(talk.number(info, "joined_at_byte", 0, _MOST_START_S)),
        audio_languages=tuple(shown(language[:_LONGEST_NAME]) for language in languages[:_MOST_SIDE]),
        video_tracks=count("video_tracks"),
        video_track=count("video_track"),
        audio_tracks=count("audio_tracks"),
        audio_track=count("audio_track"),
        channels=count("channels"),
        clock=clock,
        packets=int(talk.number(info, "packets", 0, _MOST_PACKETS)),
        sound_packets=int(talk.number(info, "sound_packets", 0, _MOST_PACKETS)),
    )


def _picture(talk: Conversation, header: Header) -> SubtitlePicture:
    width, height = (int(talk.number(header, name, 1, MOST_PIXELS)) for name in ("width", "height"))
    if width * height > MOST_PIXELS:
        raise talk.lie("a subtitle larger than any")
    try:
        start_s, end_s = header["span"]
        cue = _cue(start_s, end_s, "", header["language"], header["of"])
    except (KeyError, TypeError, ValueError) as error:
        raise talk.lie("a subtitle that is none") from error
    image = np.empty((height, width), np.uint8)
    talk.take(image.data.cast("B"))
    return SubtitlePicture(cue.span, image, cue.language, cue.kind)


def _cue(start_s: float, end_s: float, text: str, language: str, kind: str) -> Subtitle:
    if not isinstance(text, str) or not isinstance(language, str) or len(text) > _LONGEST_CUE or not text.isprintable():
        raise ValueError("text that is none")
    if not 0 <= start_s <= end_s <= _MOST_S:
        raise ValueError("times that are none")
    span = Span(float(start_s), float(end_s))
    return Subtitle(span, text, shown(language[:_LONGEST_NAME]), "signs" if kind == "signs" else "dialogue")
