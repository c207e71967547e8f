"""Video files, sound and subtitles: what is in them and when. Knows nothing of models or the store.

What is offered here (`lvqa.media.reader`) reads in a child process (`lvqa.media.isolated`): videos are other people's,
and a codec that crashes must not take an index of days with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from lvqa.media.bounds import Limits as Limits
    from lvqa.media.bounds import limits_in_use as limits_in_use
    from lvqa.media.bounds import use_limits as use_limits
    from lvqa.media.files import VIDEO_SUFFIXES as VIDEO_SUFFIXES
    from lvqa.media.files import content_hash as content_hash
    from lvqa.media.files import find_videos as find_videos
    from lvqa.media.files import locate as locate
    from lvqa.media.files import present as present
    from lvqa.media.reader import FrameReader as FrameReader
    from lvqa.media.reader import probe as probe
    from lvqa.media.reader import read_audio as read_audio
    from lvqa.media.reader import read_subtitles as read_subtitles
    from lvqa.media.reader import thumbnail as thumbnail
    from lvqa.media.synth import Colour as Colour
    from lvqa.media.synth import Frame as Frame
    from lvqa.media.synth import text_card as text_card
    from lvqa.media.synth import write_video as write_video
    from lvqa.media.values import Subtitle as Subtitle
    from lvqa.media.values import TimedFrame as TimedFrame
    from lvqa.media.values import VideoInfo as VideoInfo

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "bounds": ("Limits", "limits_in_use", "use_limits"),
        "files": ("VIDEO_SUFFIXES", "content_hash", "find_videos", "locate", "present"),
        "reader": ("FrameReader", "probe", "read_audio", "read_subtitles", "thumbnail"),
        "synth": ("Colour", "Frame", "text_card", "write_video"),
        "values": ("Subtitle", "TimedFrame", "VideoInfo"),
    },
)
