"""Video files, sound and subtitles: what is in them and when. Knows nothing of models or the store.

What is offered here reads in a child process (`lvqa.media.isolated`): videos are other people's, and a codec that
crashes must not take an index of days with it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lvqa.media.bounds import Limits, limits_in_use, use_limits
    from lvqa.media.files import VIDEO_SUFFIXES, content_hash, find_videos, locate, present
    from lvqa.media.isolated import FrameReader, probe, read_audio, read_subtitles, thumbnail
    from lvqa.media.values import Subtitle, TimedFrame, VideoInfo

__all__ = [
    "VIDEO_SUFFIXES",
    "FrameReader",
    "Limits",
    "Subtitle",
    "TimedFrame",
    "VideoInfo",
    "content_hash",
    "find_videos",
    "limits_in_use",
    "locate",
    "present",
    "probe",
    "read_audio",
    "read_subtitles",
    "thumbnail",
    "use_limits",
]

_HOMES = {
    "VIDEO_SUFFIXES": "files",
    "FrameReader": "isolated",
    "Limits": "bounds",
    "Subtitle": "values",
    "TimedFrame": "values",
    "VideoInfo": "values",
    "content_hash": "files",
    "find_videos": "files",
    "limits_in_use": "bounds",
    "locate": "files",
    "present": "files",
    "probe": "isolated",
    "read_audio": "isolated",
    "read_subtitles": "isolated",
    "thumbnail": "isolated",
    "use_limits": "bounds",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
