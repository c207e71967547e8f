"""Opening files through PyAV, with every failure said in one line. Knows containers, not frames.

FFmpeg's log stays off: whatever goes wrong arrives as an exception or as missing frames, and is told from there.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.error import EOFError as EndOfFileError
from av.error import FFmpegError, InvalidDataError, PatchWelcomeError

from lvqa.errors import MediaError
from lvqa.media.decoding.spliced import spliced
from lvqa.media.files import check_file, shown, unreadable

# Only formats that hold the video themselves. A playlist renamed to .mp4 would make FFmpeg open other files and hosts.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,nut,rm,wtv,dv,gxf,ivf,h264,hevc,"
    "m4v,obu,av1,mp3,wav,flac,aac,gif"
)
# One pass over a file ends when it has read more than a file of that size can hold: tables may point at the same bytes
# again and again, without end.
_MOST_REPEATS = 8
_LEAST_PACKET_BYTES = 4
_ALWAYS_BYTES = 64 << 20
_ALWAYS_PACKETS = 100_000
# What pictures of a decoder's threads may take together, counted as if they were 4:2:0 of 16 bits.
_THREADS_BYTES = 1 << 30
_PICTURE_BYTES = 3
_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}


class Pulse:
    """Signs of life and of damage while files are read; one for the process.

    Only the child that decodes listens, and it reads one video at a time. `on_beat` is called for every packet; what it
    raises ends the reading. `damaged` counts what did not decode.
    """

    def __init__(self) -> None:
        self.on_beat: Callable[[], None] | None = None
        self.damaged = 0


PULSE = Pulse()


class OutOfMemory(MediaError):
    """Decoding took more memory than there is, or than it may take."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{shown(path)} needs more memory to decode than there is; convert it to a smaller picture")


def open_container(path: Path, formats: str = "") -> Any:
    """Open a file with PyAV (an `InputContainer`), or raise MediaError with what is wrong and what to do.

    `formats` are FFmpeg's names of others than those of videos.
    """
    check_file(path)
    options = {**_OPTIONS, "format_whitelist": formats} if formats else dict(_OPTIONS)
    try:
        # Absolute, since "a:b.mp4" would be taken for a protocol.
        return av.open(spliced(path) or str(path.absolute()), options=options, metadata_errors="replace")
    except FFmpegError as error:
        raise _told(path, error) from error
    except (OSError, UnicodeError, ValueError) as error:
        raise _told(path, error) from error


def use_threads(stream: Any) -> None:
    """Let a stream decode on all cores, on fewer where its pictures are so large that each thread's would add up."""
    context = stream.codec_context
    pixels = max(1, (context.width or 0) * (context.height or 0))
    most = max(1, _THREADS_BYTES // (pixels * _PICTURE_BYTES))
    stream.thread_type = "AUTO"
    if most < (os.cpu_count() or 1):
        context.thread_count = most


def packets(container: Any, *streams: Any) -> Iterator[Any]:
    """The packets of a file, of these streams or of all; each is a sign of life, and they end however it is made."""
    size = container.size
    bytes_left = _MOST_REPEATS * size + _ALWAYS_BYTES
    left = size // _LEAST_PACKET_BYTES + _ALWAYS_PACKETS
    while True:
        try:
            for packet in container.demux(*streams):
                if PULSE.on_beat is not None:
                    PULSE.on_beat()
                bytes_left -= packet.size
                left -= 1
                if bytes_left < 0 or left < 0:
                    PULSE.damaged += 1
                    return
                yield packet
            return
        except IndexError:
            # PyAV stops at a packet of a stream that was not there at first, as damage in FLV makes them: go on.
            PULSE.damaged += 1
            left -= 1


def decoded(packet: Any, path: Path) -> list[Any] | None:
    """What a packet decodes to; None where it is damaged. Raises OutOfMemory."""
    try:
        frames: list[Any] = packet.decode()
    except FFmpegError as error:
        PULSE.damaged += 1
        if error.errno == errno.ENOMEM:
            raise OutOfMemory(path) from error
        return None
    PULSE.damaged += any(frame.is_corrupt for frame in frames)
    return frames


def start_of(container: Any, stream: Any) -> Fraction:
    """The time in seconds, on the streams' clocks, that counts as 0."""
    if container.format.name == "avi":
        # AVI stores no times; FFmpeg makes them up and delays the first frame where there are B-frames.
        return Fraction(stream.start_time or 0) * Fraction(stream.time_base)
    if container.start_time is not None:
        return Fraction(container.start_time, av.time_base)
    return Fraction(stream.start_time or 0) * Fraction(stream.time_base)


def _told(path: Path, error: Exception) -> MediaError:
    code = getattr(error, "errno", None)
    # EINVAL: a format that may not be opened.
    if isinstance(error, InvalidDataError | EndOfFileError) or code == errno.EINVAL:
        return MediaError(
            f"{shown(path)} is not a video, or was cut off before its index was written; play it to check, or copy it "
            "again"
        )
    if code == errno.ENOMEM:
        return OutOfMemory(path)
    if isinstance(error, PatchWelcomeError):
        return MediaError(
            f"{shown(path)} holds what this FFmpeg does not know; convert it, to H.264 in MP4 for example"
        )
    return unreadable(path, error)
