"""What is read of a video, as values. Knows no file, and needs numpy alone, so that it loads without a decoder."""

from __future__ import annotations

import math
import mmap
from collections.abc import Callable
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from lvqa.types import Clock, Span, Streams

Frame = npt.NDArray[np.uint8]
Samples = npt.NDArray[np.float32]
Backend = Literal["auto", "decord", "decord-first", "pyav"]

# Frames are never given out larger: one of 16k x 16k would take 805 MB as RGB. A whole one of 8K fits.
MOST_PIXELS = 40_000_000
# Pixels that claim to be longer than so many times their height are taken for square ones.
_MOST_ASPECT = 16


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What `probe` found.

    `width` and `height` are in pixels as shown: as `displayed`, then turned by `rotation` degrees clockwise;
    `stored_width` and `stored_height` are before both. `fps` is the mean rate, 0 where unknown; nothing may compute a
    time from it. `start_s` is what the container's own clock shows at time 0. `duration_s` is counted from there and
    covers the longest stream; `clock` says how the file's time stamps go on, `packets` how many of the film and of the
    sound that is heard the file holds (0: not counted), `channels` how many that sound has. `breaks_off`: the header
    promises more than the file holds; `duration_s` is then what it holds. `hdr` is "pq" or "hlg" where frames are tone
    mapped. `picture_subtitles` of the subtitle tracks are pictures which no text track stands in for. `audio_languages`
    are codes (ISO 639-1) by track, empty where none is given. At `joined_at_byte` a second film begins that is not read
    (0: none). The film is `video_track` of `video_tracks`, without what the file calls a cover; of `audio_tracks`,
    `audio_track` is heard unless another is chosen (from 1; 0: none).
    """

    path: Path
    duration_s: float
    width: int
    height: int
    fps: float
    codec: str
    has_audio: bool
    rotation: int
    start_s: float
    subtitle_tracks: int
    breaks_off: bool = False
    stored_width: int = 0
    stored_height: int = 0
    hdr: str = ""
    picture_subtitles: int = 0
    audio_languages: tuple[str, ...] = ()
    joined_at_byte: int = 0
    video_tracks: int = 1
    video_track: int = 1
    audio_tracks: int = 0
    audio_track: int = 0
    clock: Clock = ()
    packets: int = 0
    sound_packets: int = 0
    channels: int = 0

    @property
    def streams(self) -> Streams:
        """What of this is kept with the video."""
        return Streams(**{field.name: getattr(self, field.name) for field in fields(Streams)})


@dataclass(frozen=True, slots=True, eq=False)
class TimedFrame:
    """A frame: uint8 (h, w, 3), RGB. `time_s` is the time asked for, `pts_s` the frame's own.

    `until_s` is the next frame's own time, infinite for the last frame of all, None where it is not known. Times that
    show the same frame share one array.
    """

    time_s: float
    pts_s: float
    image: Frame
    until_s: float | None = None


@dataclass(frozen=True, slots=True)
class Subtitle:
    """One cue: when, what (one line, tags stripped), its language and kind.

    `language` is a code (ISO 639-1 where it has one) with a region where that is named, empty where none is. `signs`
    are no dialogue: forced and foreign parts, signs, songs, lyrics, commentaries.
    """

    span: Span
    text: str
    language: str = ""
    kind: Literal["dialogue", "signs"] = "dialogue"


@dataclass(frozen=True, slots=True, eq=False)
class SubtitlePicture:
    """A cue that is a picture: when it is shown, uint8 (h, w), bright letters on black, and as `Subtitle` has them."""

    span: Span
    image: Frame
    language: str = ""
    kind: Literal["dialogue", "signs"] = "dialogue"


OnPicture = Callable[[SubtitlePicture], None]


def room_for(count: int) -> Samples:
    """Room for so many samples that goes back to the system when it is let go of.

    From the ordinary heap a few freed chunks of this size make every later one stay resident, and memory grows with
    the length of the video.
    """
    return np.frombuffer(mmap.mmap(-1, count * 4), np.float32)


def check_options(max_side: int | None, backend: str) -> None:
    """Raises ValueError for options that a reader does not have."""
    if max_side is not None and max_side < 1:
        raise ValueError(f"max_side is a number of pixels above zero, got {max_side}")
    if backend not in get_args(Backend):
        raise ValueError(f"backend must be one of {', '.join(get_args(Backend))}, got {backend!r}")


def displayed(width: int, height: int, aspect: Fraction | None) -> tuple[int, int]:
    """The size in square pixels of a picture whose pixels have an aspect ratio: one side grows, none loses pixels."""
    if not aspect or not 1 / _MOST_ASPECT <= aspect <= _MOST_ASPECT:
        return width, height
    if aspect > 1:
        return round(width * aspect), height
    return width, round(height / aspect)


def interpolation(size: tuple[int, int], wanted: tuple[int, int]) -> str:
    """How FFmpeg scales a picture: by areas, which is right when it shrinks, and by curves where a side grows."""
    if size == wanted:
        return "BILINEAR"
    return "BICUBIC" if wanted[0] > size[0] or wanted[1] > size[1] else "AREA"


def fitted(width: int, height: int, max_side: int | None) -> tuple[int, int]:
    """The size, (width, height), that a video's frames are given out in: no longer than asked, within MOST_PIXELS."""
    longer = max(width, height)
    most = min(longer, int(longer * math.sqrt(MOST_PIXELS / (width * height))))
    if max_side is not None:
        most = min(most, max_side)
    return max(1, round(width * most / longer)), max(1, round(height * most / longer))
