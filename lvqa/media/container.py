"""Opening files through PyAV, with every failure said in one line. Knows containers, not frames.

FFmpeg's log stays off: whatever goes wrong arrives as an exception or as missing frames, and is told from there.
"""

from __future__ import annotations

import errno
import os
import stat
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError, InvalidDataError

from lvqa.errors import MediaError

# Only formats that hold the video themselves. A playlist renamed to .mp4 would make FFmpeg open other files and hosts.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,nut,rm,wtv,dv,gxf,ivf,h264,hevc,"
    "m4v,obu,av1,mp3,wav,flac,aac,gif"
)
_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}


def shown(path: Path | str) -> str:
    """A path as one printable line: control characters and bytes that are no text are escaped."""
    text = os.fspath(path)
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


def check_file(path: Path) -> os.stat_result:
    """Stat a file that is to be read as video, or raise MediaError for what is no readable, regular, filled file."""
    try:
        status = path.stat()
    except FileNotFoundError as error:
        if path.is_symlink():
            raise MediaError(f"{shown(path)} is a link to a file that is not there; mend or delete the link") from error
        raise MediaError(f"{shown(path)} does not exist; check the path") from error
    except OSError as error:
        raise _told(path, error) from error
    except ValueError as error:  # a NUL, or what the file system's encoding lacks
        raise MediaError(f"{shown(path)} is no file's name; name a file") from error
    if stat.S_ISDIR(status.st_mode):
        raise MediaError(f"{shown(path)} is a folder, not a video; name a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise MediaError(f"{shown(path)} is not a regular file; copy the video into one")
    if not status.st_size:
        raise MediaError(f"{shown(path)} is empty (0 bytes); copy it again from where it came")
    return status


def open_container(path: Path) -> Any:
    """Open a file with PyAV (an `InputContainer`), or raise MediaError with what is wrong and what to do."""
    check_file(path)
    try:
        # Absolute, since "a:b.mp4" would be taken for a protocol.
        return av.open(str(path.absolute()), options=dict(_OPTIONS), metadata_errors="replace")
    except FFmpegError as error:
        raise _told(path, error) from error
    except (OSError, UnicodeError, ValueError) as error:
        raise _told(path, error) from error


def video_stream(container: Any, path: Path) -> Any:
    """The stream that players show: not a cover picture. Raises MediaError where there is none."""
    streams = [s for s in container.streams.video if not s.disposition & s.disposition.__class__.attached_pic]
    if not streams:
        what = "sound but no video" if container.streams.audio else "no video"
        raise MediaError(f"{shown(path)} holds {what}; leave it out, or convert it to a video")
    best = container.streams.best("video")
    stream = best if best in streams else streams[0]
    if stream.codec_context is None:
        raise MediaError(f"{shown(path)} uses a codec this FFmpeg cannot decode; convert it, to H.264 for example")
    return stream


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
    name = shown(path)
    if isinstance(error, PermissionError):
        return MediaError(f"{name} cannot be read: permission denied; give this user the right to read it")
    if code == errno.ELOOP:
        return MediaError(f"{name} is a link that leads back to itself; mend or delete the link")
    if code == errno.ENAMETOOLONG:
        return MediaError(f"{name[:80]}... has too long a name; rename it")
    if isinstance(error, InvalidDataError) or code == errno.EINVAL:  # EINVAL: a format that may not be opened
        return MediaError(
            f"{name} is not a video, or was cut off before its index was written; play it to check, or copy it again"
        )
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return MediaError(f"{name} cannot be read ({shown(reason)}); play it to check, or copy it again")
