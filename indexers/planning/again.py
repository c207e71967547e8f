"""What is to be made anew of a video whose file is looked into again, since an earlier lvqa saw less in it, and why.

Compares what the index holds with what the file is found to hold; opens no file.
"""

from __future__ import annotations

from lvqa.indexers.stages.specs import STAGES
from lvqa.indexers.stages.task import VISUAL
from lvqa.types import Video, format_time

_LONGER_S = 1.0
_PICTURES = ("caption", "screen", "frames")


def stages_anew(before: Video, now: Video, *, unheard: bool) -> dict[str, str]:
    """The stages whose rows no longer fit the file, each with the reason in words.

    Args:
        before: the video as the index holds it, without what its file holds.
        now: the same, looked into.
        unheard: its sound was listened to, and nothing was heard in it.
    """
    stages: dict[str, str] = {}
    streams = now.streams
    size, was = f"{now.width}x{now.height}", f"{before.width}x{before.height}"
    if len(now.clock) > 1:
        length, then = (format_time(seconds, milliseconds=True) for seconds in (now.duration_s, before.duration_s))
        stages |= dict.fromkeys(STAGES, f"its clock starts again or jumps: it lasts {length}, {then} was indexed")
    elif abs(now.duration_s - before.duration_s) > _LONGER_S:
        length, then = (format_time(seconds, milliseconds=True) for seconds in (now.duration_s, before.duration_s))
        stages |= dict.fromkeys(STAGES, f"it lasts {length}, {then} was indexed")
    elif before.codec != now.codec:
        stages |= dict.fromkeys(VISUAL, f"its film is the {now.codec} track of {size}, not the {before.codec} of {was}")
    elif size != was:
        stages |= dict.fromkeys(_PICTURES, f"its pictures are shown at {size}, {was} was indexed")
    elif streams is not None and streams.hdr:
        stages |= dict.fromkeys(_PICTURES, "its HDR pictures are tone mapped now")
    if streams is not None and "speech" not in stages:
        if streams.subtitle_tracks:
            stages["speech"] = "the text tracks inside it are read in another way now"
        elif unheard and streams.channels > 1:
            stages["speech"] = "nothing was heard in it; channels that cancel each other are heard now"
    return stages
