"""Video files, sound and subtitles: what is in them and when. Knows nothing of models or the store."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lvqa.media.audio import read_audio
    from lvqa.media.files import VIDEO_SUFFIXES, content_hash, find_videos
    from lvqa.media.reader import FrameReader, TimedFrame, thumbnail
    from lvqa.media.subtitles import Subtitle, read_subtitles
    from lvqa.media.video_info import VideoInfo, probe

__all__ = [
    "VIDEO_SUFFIXES",
    "FrameReader",
    "Subtitle",
    "TimedFrame",
    "VideoInfo",
    "content_hash",
    "find_videos",
    "probe",
    "read_audio",
    "read_subtitles",
    "thumbnail",
]

_HOMES = {
    "VIDEO_SUFFIXES": "files",
    "FrameReader": "reader",
    "Subtitle": "subtitles",
    "TimedFrame": "reader",
    "VideoInfo": "video_info",
    "content_hash": "files",
    "find_videos": "files",
    "probe": "video_info",
    "read_audio": "audio",
    "read_subtitles": "subtitles",
    "thumbnail": "reader",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
