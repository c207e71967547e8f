from .bounds import Limits as Limits, limits_in_use as limits_in_use, use_limits as use_limits
from .clock import centres as centres
from .decoding.cues import Cue as Cue, said_once as said_once
from .files import (
    content_hash as content_hash,
    find_videos as find_videos,
    locate as locate,
    present as present,
)
from .kinds import (
    NO_FILM as NO_FILM,
    VIDEO_SUFFIXES as VIDEO_SUFFIXES,
    PassedOver as PassedOver,
    PassedTally as PassedTally,
    promises_film as promises_film,
)
from .known_clocks import known_clock as known_clock, remember_clocks as remember_clocks
from .frame_cache import FrameCache as FrameCache
from .reader import (
    FrameReader as FrameReader,
    probe as probe,
    read_audio as read_audio,
    read_subtitles as read_subtitles,
    thumbnail as thumbnail,
)
from .sidecars import PICTURE_SUFFIXES as PICTURE_SUFFIXES, Sidecar as Sidecar, sidecars_in as sidecars_in
from .values import (
    Frame as Frame,
    Samples as Samples,
    Subtitle as Subtitle,
    SubtitlePicture as SubtitlePicture,
    TimedFrame as TimedFrame,
    VideoInfo as VideoInfo,
)
