"""What a video file is: length, picture, codec, sound. Reads as little as it can; knows nothing of sampling."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

from lvqa.errors import MediaError, NoVideo
from lvqa.media.decoding.container import decoded, open_container, packets, start_of, use_threads
from lvqa.media.decoding.continuity import Shift, is_stamped, read_continuity
from lvqa.media.decoding.hdr import transfer_of
from lvqa.media.decoding.streams import audio_stream, picture_streams, video_stream
from lvqa.media.decoding.subtitle_pictures import pictures_inside
from lvqa.media.files import shown
from lvqa.media.joined import second_film
from lvqa.media.sidecars import track_label
from lvqa.media.values import VideoInfo, displayed
from lvqa.types import Clock, ClockPiece

# Packets tried before a file counts as undecodable; a stream cut out of a broadcast may start far from a keyframe.
_FIRST_PACKETS = 1500
_MAX_FPS = 1000
# Ten days. What claims to be longer has wrong times, or should be cut: no index of a million clips of one frame.
MAX_DURATION_S = 10 * 24 * 3600
# A length above an hour is believed where half of such stretches hold a packet; a few are looked up first.
_LONG_S = 3600
_STRETCH_S = 600
_LOOKUPS = 12
# What files say of when they were recorded; before that year a clock that was never set.
_RECORDED = ("com.apple.quicktime.creationdate", "creation_time", "DATE_RECORDED")
_FIRST_YEAR = 1980


def read_video_info(path: Path, *, exact: bool = True, clock: Clock = ()) -> VideoInfo:
    """What `lvqa.media.probe` returns, read in this process; of a `clock` that runs through, nothing is looked up.

    Raises MediaError.
    """
    with open_container(path) as container:
        stream = video_stream(container, path)
        use_threads(stream)
        try:
            frame = _first_frame(container, stream, path)
        except FFmpegError as error:
            raise _undecodable(path, stream) from error
        if frame is None:
            raise _undecodable(path, stream)
        rotation = round(-frame.rotation / 90) * 90 % 360
        width, height = displayed(frame.width, frame.height, stream.sample_aspect_ratio)
        if rotation in (90, 270):
            width, height = height, width
        start = start_of(container, stream)
        rate = stream.average_rate or stream.guessed_rate
        if rate and rate > _MAX_FPS:
            rate = None  # a clock's tick taken for a rate, as in transport streams of variable rate
        declared = Fraction(container.duration, av.time_base) if container.duration else Fraction(0)
        if container.format.name.startswith("matroska") and start > 0:
            declared -= start  # Matroska counts its length from zero, not from where the streams start
        codec = stream.codec_context.codec.canonical_name
        pictures, sounds = picture_streams(container), list(container.streams.audio)
        heard = audio_stream(container)
        languages = tuple(track_label(sound.language or "", "").language for sound in sounds)
        subtitle_tracks = len(container.streams.subtitles)
        tables = [track.frames if track is not None else 0 for track in (stream, heard)]
        indexes = [track.index if track is not None else -1 for track in (stream, heard)]
        stamped = is_stamped(container, stream)
        channels = heard.codec_context.channels if heard is not None else 0
        wall_s = _wall_s(container)
        picture_subtitles = pictures_inside(container)
        still = container.format.name == "gif" and _packets_of(container, stream) < 2
    if still:
        raise NoVideo(f"{shown(path)} is a still picture; leave it out")
    continuity = read_continuity(path) if stamped and exact and len(clock) != 1 else None
    if continuity is not None and continuity.shifts:
        clock = _pieces(continuity.shifts[indexes[0]], wall_s)
        start, duration, breaks_off = Fraction(clock[0].file_s), continuity.end, False
    else:
        duration, breaks_off = _duration(path, start, declared)
        if exact or not stamped:
            clock = clock or (ClockPiece(0.0, float(start), 0, wall_s),)
    duration = max(duration, 1 / rate if rate else Fraction(1, 25))
    _check_length(path, start, duration, stepped=len(clock) > 1)
    counted = [continuity.counts.get(index, 0) for index in indexes] if continuity is not None else tables
    return VideoInfo(
        path=path,
        duration_s=float(duration),
        width=width,
        height=height,
        fps=float(rate) if rate else 0.0,
        codec=codec,
        has_audio=bool(sounds),
        rotation=rotation,
        start_s=float(start),
        subtitle_tracks=subtitle_tracks,
        breaks_off=breaks_off,
        stored_width=frame.width,
        stored_height=frame.height,
        hdr=transfer_of(frame),
        picture_subtitles=picture_subtitles,
        audio_languages=languages,
        joined_at_byte=second_film(path),
        video_tracks=len(pictures),
        video_track=pictures.index(stream) + 1,
        audio_tracks=len(sounds),
        audio_track=sounds.index(heard) + 1 if heard is not None else 0,
        clock=clock,
        packets=counted[0],
        sound_packets=counted[1],
        channels=channels,
    )


def _pieces(shifts: Sequence[Shift], wall_s: float | None) -> Clock:
    """The film's clock. Behind a step back the time of day is not known; a leap forward leapt it too."""
    pieces: list[ClockPiece] = []
    for shift in shifts:
        file_s = float(shift.begins - shift.seconds)
        if pieces and wall_s is not None:
            leapt_s = file_s - pieces[-1].file_s
            wall_s = wall_s + leapt_s if leapt_s >= 0 else None
        pieces.append(ClockPiece(round(float(shift.begins), 6), round(file_s, 6), shift.packet, wall_s))
    return tuple(pieces)


def _wall_s(container: Any) -> float | None:
    """When the recording began, in seconds since 1970 UTC, where the file says so and a camera could."""
    for name in _RECORDED:
        text = container.metadata.get(name, "")
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            continue
        if "T" in text and when.tzinfo is not None and when.year >= _FIRST_YEAR:
            return when.timestamp()
    return None


def _undecodable(path: Path, stream: Any) -> MediaError:
    return MediaError(
        f"{shown(path)} says it holds {stream.codec_context.name} video, but no frame of it can be decoded; "
        "play it to check, or copy it again"
    )


def _packets_of(container: Any, stream: Any) -> int:
    """How many packets of a stream there are, two at most."""
    container.seek(0)
    return sum(1 for _ in itertools.islice((p for p in packets(container, stream) if p.size), 2))


def _first_frame(container: Any, stream: Any, path: Path) -> Any:
    for packet in itertools.islice(packets(container, stream), _FIRST_PACKETS):
        frames = decoded(packet, path)
        if frames:
            return frames[0]
    return None


def _duration(path: Path, start: Fraction, declared: Fraction) -> tuple[Fraction, bool]:
    """Length in seconds from `start`, and whether the header promises more than there is."""
    if declared > 0:
        found = _end(path, start, declared - 2)
        if found >= declared - max(Fraction(1), declared / 50):
            return found if found > declared + Fraction(1, 2) else declared, False
    found = _end(path, start, None)
    return found, bool(declared > 0 and found < declared - max(Fraction(1), declared / 50))


def _check_length(path: Path, start: Fraction, duration: Fraction, *, stepped: bool) -> None:
    if duration > MAX_DURATION_S:
        raise MediaError(
            f"{shown(path)} says it lasts {float(duration) / 3600:.4g} hours; its times are wrong, or it should be cut "
            f"into files of at most {MAX_DURATION_S // 3600} hours: convert it"
        )
    if stepped or duration <= _LONG_S or _found(path, start, duration) >= _LOOKUPS // 2:
        return
    stretches: set[int] = set()
    with open_container(path) as container:
        try:
            for packet in packets(container):
                if packet.size and packet.pts is not None:
                    stretches.add(int((packet.pts * packet.time_base - start) // _STRETCH_S))
        except FFmpegError:
            pass  # the stretches before it stand
    if len(stretches) < float(duration) / _STRETCH_S / 2:
        raise MediaError(
            f"{shown(path)} says it lasts {float(duration) / 3600:.4g} hours, and holds next to nothing in that time; "
            "its times are wrong: convert it"
        )


def _found(path: Path, start: Fraction, duration: Fraction) -> int:
    """At how many of _LOOKUPS times, spread over the length, seeking finds a packet nearby."""
    found = 0
    with open_container(path) as container:
        for number in range(_LOOKUPS):
            wanted = start + duration * (2 * number + 1) / (2 * _LOOKUPS)
            try:
                container.seek(int(wanted * av.time_base))
                packet = next((p for p in packets(container) if p.size and p.pts is not None), None)
            except FFmpegError:
                continue
            found += packet is not None and abs(packet.pts * packet.time_base - wanted) <= _STRETCH_S
    return found


def _end(path: Path, start: Fraction, near: Fraction | None) -> Fraction:
    """Where the last packet of any stream ends, in seconds from `start`, looking from `near` on or through it all."""
    end = Fraction(0)
    with open_container(path) as container:
        try:
            if near is not None and near > 0:
                container.seek(int((start + near) * av.time_base))
            # Subtitles and data tracks count: a header's length is that of the longest.
            for packet in packets(container):
                if packet.size and packet.pts is not None:
                    end = max(end, (packet.pts + (packet.duration or 0)) * packet.time_base - start)
        except FFmpegError:
            pass  # what follows cannot be read; the end is where it could
    return end
