"""Which streams of a file are the film: its pictures, and the sound that is heard. Decodes nothing.

A cover is told from a film by how many pictures it has and over what stretch, since files flag covers as they like.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from av.error import FFmpegError

from lvqa.errors import MediaError, NoVideo
from lvqa.media.decoding.container import open_container, packets
from lvqa.media.files import shown

# Where several streams hold pictures, so many packets are counted at so many places over the length, more at first.
_PLACES = 8
_PACKETS = 100
_FIRST_PACKETS = 1000
# A stream whose pictures, times the seconds they span, are less than this share of the fullest one's is no second film.
_SHARE = 0.25


def picture_streams(container: Any) -> list[Any]:
    """The streams that may be a film: those that the container does not itself call a cover."""
    return [s for s in container.streams.video if not s.disposition & s.disposition.__class__.attached_pic]


def video_stream(container: Any, path: Path) -> Any:
    """The stream that is the film: of several the one with most pictures, of equals the one that players show.

    Raises NoVideo where there is none, MediaError where it cannot be decoded.
    """
    streams = picture_streams(container)
    if not streams:
        what = "sound but no video" if container.streams.audio else "no video"
        raise NoVideo(f"{shown(path)} holds {what}; leave it out, or convert it to a video")
    stream = streams[0] if len(streams) == 1 else _fullest(container, streams, path)
    if stream.codec_context is None:
        raise MediaError(f"{shown(path)} uses a codec this FFmpeg cannot decode; convert it, to H.264 for example")
    return stream


def audio_stream(container: Any, track: int = 0) -> Any:
    """The audio stream of that number, counted from 1; that of the film where it is 0, or where there are fewer.

    That is no commentary and no description for the blind where there is another, and of those what players play.
    Returns None where no audio stream can be decoded.
    """
    streams = list(container.streams.audio)
    if 0 < track <= len(streams) and streams[track - 1].codec_context is not None:
        return streams[track - 1]
    known = [stream for stream in streams if stream.codec_context is not None]
    plain = [stream for stream in known if not _beside(stream)] or known
    best = container.streams.best("audio")
    return best if best in plain else plain[0] if plain else None


def _beside(stream: Any) -> bool:
    kinds = stream.disposition.__class__
    return bool(
        stream.disposition
        & (kinds.comment | kinds.visual_impaired | kinds.descriptions | kinds.karaoke | kinds.clean_effects)
    )


def _fullest(container: Any, streams: list[Any], path: Path) -> Any:
    status = path.stat()
    indexes = tuple(stream.index for stream in streams)
    filled = _filled(path.absolute(), status.st_size, status.st_mtime_ns, indexes)
    most = max(filled.values())
    films = [stream for stream in streams if filled[stream.index] >= _SHARE * most]
    best = container.streams.best("video")
    return best if best in films else max(films, key=lambda stream: filled[stream.index])


@lru_cache(maxsize=64)
def _filled(path: Path, size: int, mtime_ns: int, indexes: tuple[int, ...]) -> dict[int, float]:
    """How many pictures of each stream were found, times the seconds they span; size and time tell that a file changed.

    Looks at some places over the length, and decodes nothing.
    """
    found: dict[int, set[float]] = {index: set() for index in indexes}
    with open_container(path) as container:
        streams = [container.streams[index] for index in indexes if index < len(container.streams)]
        start, length = container.start_time or 0, container.duration or 0
        for place in range(_PLACES if length else 1):
            try:
                if place:
                    container.seek(start + length * place // _PLACES)
                for packet in islice(packets(container, *streams), _PACKETS if place else _FIRST_PACKETS):
                    at = packet.pts if packet.pts is not None else packet.dts
                    if packet.size and at is not None:
                        found[packet.stream.index].add(float(at * packet.time_base))
            except FFmpegError:
                continue  # what was counted stands
    return {index: len(times) * (max(times) - min(times)) if times else 0.0 for index, times in found.items()}
