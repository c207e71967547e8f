"""What is known of videos: the video, its clips, notes and keyframes, and what a search found among them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any, Literal, get_args

from lvqa.types.clock import Clock
from lvqa.types.times import Span

Level = Literal["clip", "segment", "video"]
Source = Literal["caption", "speech", "screen", "summary", "imported", "seen", "signs"]
LEVELS: tuple[str, ...] = get_args(Level)
SOURCES: tuple[str, ...] = get_args(Source)


# As a track's number: each of them, one after the other.
ALL_TRACKS = -1


@dataclass(frozen=True, slots=True)
class Streams:
    """What a video's file holds, as it was looked into last; nothing is decoded for it.

    The film is `video_track` of `video_tracks`, without what the file calls a cover; of `audio_tracks`, `audio_track`
    is heard unless another is chosen (from 1; 0: none), with so many `channels`. `packets` and `sound_packets` are how
    many of the film and of that sound the file holds (0: not counted). `hdr` is "pq" or "hlg" where pictures are tone
    mapped. `picture_subtitles` of the subtitle tracks are pictures which no text track stands in for. `audio_languages`
    are codes (ISO 639-1) by track, empty where none is given. At `joined_at_byte` a second film begins that is not read
    (0: none).
    """

    video_tracks: int = 1
    video_track: int = 1
    audio_tracks: int = 0
    audio_track: int = 0
    channels: int = 0
    subtitle_tracks: int = 0
    packets: int = 0
    sound_packets: int = 0
    hdr: str = ""
    picture_subtitles: int = 0
    audio_languages: tuple[str, ...] = ()
    joined_at_byte: int = 0

    def heard(self, audio_track: int) -> int:
        """The audio track that is heard where the setting `audio_track` is this number; 0 for none."""
        return audio_track if 0 < audio_track <= self.audio_tracks else self.audio_track

    def told(self, audio_track: int = 0) -> list[str]:
        """Lines that name what is not seen or heard beside the film, where the setting `audio_track` is this."""
        lines: list[str] = []
        if self.joined_at_byte:
            lines.append(
                f"a second film is joined behind the first at byte {self.joined_at_byte}, and is not read: cut it off "
                f"into a file of its own (tail -c +{self.joined_at_byte + 1})"
            )
        if self.video_tracks > 1:
            lines.append(f"1 of {self.video_tracks} video tracks seen (track {self.video_track})")
        if self.audio_tracks > 1 and audio_track == ALL_TRACKS:
            lines.append(f"{self.audio_tracks} of {self.audio_tracks} audio tracks heard")
        elif self.audio_tracks > 1:
            heard = self.heard(audio_track)
            lines.append(f"1 of {self.audio_tracks} audio tracks heard (track {heard}; --audio-track chooses)")
        return lines


@dataclass(frozen=True, slots=True)
class Video:
    """One video of an archive, identified by its content, wherever its file lies.

    `path` is relative to the archive's folder, with forward slashes; for imported captions whose file does not exist
    it is the name they gave, and `width`, `height` and `fps` are 0. `fps` is the mean rate; nothing may compute a
    time from it. `clock` says how the file's time stamps go on, and `streams` what else the file holds; empty and None
    where its file was not looked into since lvqa keeps that.
    """

    id: str
    path: str
    content_hash: str
    duration_s: float
    width: int = 0
    height: int = 0
    fps: float = 0.0
    codec: str = ""
    has_audio: bool = False
    clock: Clock = ()
    streams: Streams | None = None

    def __post_init__(self) -> None:
        if not self.id or not self.path:
            raise ValueError("a video needs an id and a path")
        if not (math.isfinite(self.duration_s) and self.duration_s > 0):
            raise ValueError(f"a video needs a duration above zero, got {self.duration_s!r}")


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of one video that was captioned, or summarised, as one."""

    id: str
    video_id: str
    span: Span
    level: Level = "clip"

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise ValueError(f"level must be one of {', '.join(LEVELS)}, got {self.level!r}")

    @classmethod
    def of(cls, video_id: str, span: Span, level: Level = "clip") -> Clip:
        """Make a clip whose id follows from its video, level and span (to the millisecond)."""
        return cls(f"{video_id}:{level}:{round(span.start_s * 1000)}-{round(span.end_s * 1000)}", video_id, span, level)


@dataclass(frozen=True, slots=True)
class Note:
    """A text about a stretch of a video, with what wrote it: model and prompt hash are empty where neither had a part.

    `clip_id` is None for notes that are not of one clip (speech runs across clips). `speech` is the transcript; `signs`
    are subtitles that are none: forced and foreign parts, signs, lyrics, commentaries.
    """

    id: str
    video_id: str
    clip_id: str | None
    span: Span
    text: str
    source: Source
    model: str = ""
    prompt_hash: str = ""

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise ValueError(f"source must be one of {', '.join(SOURCES)}, got {self.source!r}")
        if not self.text.strip():
            raise ValueError("a note needs a text")


@dataclass(frozen=True, slots=True)
class Keyframe:
    """A time in a video worth looking at, with the score that chose it (higher is better)."""

    video_id: str
    time_s: float
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Hit:
    """A search result: the note, its video's path, the fused score, that of each channel that took part, its window.

    `score` is the probability that this hit, and none before it, holds what was searched for; hits of one search add
    up to 1 at most. `window` is the stretch around the note where that most likely happens, start to end, None
    where none was sought.
    """

    video: str
    note: Note
    score: float
    channels: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    window: Span | None = None

    @property
    def span(self) -> Span:
        """The time the note stands for."""
        return self.note.span

    @property
    def passage(self) -> Span:
        """The hit's window, or the note's own time where none was sought."""
        return self.window or self.note.span

    @property
    def moment(self) -> Span:
        """The earlier name of `passage`, which stays."""
        return self.passage

    def to_dict(self) -> dict[str, Any]:
        """The fields that `lvqa search --json` prints."""
        return {
            "video": self.video,
            "start_s": round(self.span.start_s, 3),
            "end_s": round(self.span.end_s, 3),
            "text": self.note.text,
            "source": self.note.source,
            "score": round(self.score, 4),
            "window_start_s": round(self.passage.start_s, 3),
            "window_end_s": round(self.passage.end_s, 3),
        }


@dataclass(frozen=True, slots=True)
class Sighting:
    """A time of a video, by path; `seen` says that a model looked there and found it, else it is only likely."""

    video: str
    time_s: float
    score: float
    seen: bool

    def to_dict(self) -> dict[str, Any]:
        """The fields that `lvqa find --json` prints."""
        return {**asdict(self), "time_s": round(self.time_s, 3), "score": round(self.score, 4)}
