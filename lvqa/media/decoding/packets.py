"""The order and the times of a video's frames, read from its packets without decoding any.

Times are integer ticks of the stream's clock here. Knows how frames depend on keyframes, and nothing of pixels.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.error import FFmpegError

from lvqa.errors import MediaError
from lvqa.media.clock import Times
from lvqa.media.decoding.container import open_container, packets, start_of
from lvqa.media.decoding.continuity import Shifted
from lvqa.media.decoding.streams import video_stream
from lvqa.media.files import shown
from lvqa.types import Clock

Ticks = npt.NDArray[np.int64]

# Formats that can be read from any byte on.
_BY_PLACE = ("mpegts", "mpeg")


@dataclass(frozen=True, slots=True, eq=False)
class PacketTable:
    """All frames of a video in the order they are shown; some 20 bytes a frame.

    Attributes:
        time_base: seconds a tick.
        start: seconds on the stream's clock that count as 0.
        ticks: (n,) when each frame is shown, rising; where the file's clock steps, in the video's own time.
        pts_s: (n,) the same in seconds from the start of the container.
        packet: (n,) the position, in the file's order, of the packet that holds it.
        key_packets: (k,) positions of the keyframes; the first is always 0.
        key_ticks: (k,) their times, to recognise them after a seek.
        key_seeks: (k,) what to seek to for each: a time stamp, or a place in the file where its clock steps.
        key_places: (k,) their places in the file, in bytes; -1 where that is not known.
        shifted: brings time stamps to the video's own time.
        counted: packets carry no true times (H.264 in AVI): frames are told apart by counting from a keyframe.
        leading: some frames are stored after a keyframe but shown before it (open groups of pictures).
        hidden: some packets are decoded but not shown (edit lists).
        by_place: `key_seeks` are places in the file.
    """

    time_base: Fraction
    start: Fraction
    ticks: Ticks
    pts_s: Times
    packet: npt.NDArray[np.int32]
    key_packets: Ticks
    key_ticks: Ticks
    key_seeks: Ticks
    key_places: Ticks
    shifted: Shifted
    counted: bool
    leading: bool
    hidden: bool
    by_place: bool = False

    def __len__(self) -> int:
        return len(self.ticks)

    def keys_of(self, places: Sequence[int]) -> Ticks:
        """For frames by their place in the table: the place in `key_packets` that decoding has to start from.

        That is the last keyframe that neither follows the frame in the file nor is shown after it.
        """
        at = np.asarray(places, dtype=np.int64)
        by_time = np.searchsorted(np.maximum.accumulate(self.key_ticks), self.ticks[at], side="right") - 1
        by_file = np.searchsorted(self.key_packets, self.packet[at], side="right") - 1
        return np.maximum(np.minimum(by_time, by_file), 0).astype(np.int64)


def read_packets(path: Path, clock: Clock = ()) -> PacketTable:
    """Go once through a file's video packets, some 20 us each, holding none; `clock` is what its time stamps are.

    A file that breaks off, or is damaged on the way, gives the packets that can be read.

    Raises:
        MediaError: the file cannot be opened, or holds no video packet.
    """
    pts = array("q")
    keys: list[tuple[int, int, int, int]] = []
    hidden: list[int] = []
    leading = False
    with open_container(path) as container:
        stream = video_stream(container, path)
        start = start_of(container, stream) if len(clock) < 2 else Fraction(clock[0].file_s)
        time_base = Fraction(stream.time_base)
        avi = container.format.name == "avi"
        reorders = bool(stream.codec_context.has_b_frames)
        shifted = film_shifts(clock, time_base, start)
        by_place = bool(shifted) and container.format.name in _BY_PLACE
        try:
            for packet in packets(container, stream):
                if not packet.size:
                    continue
                at = packet.pts if packet.pts is not None else packet.dts
                place = packet.pos if packet.pos is not None else -1
                seek = place if by_place else at if packet.dts is None or at is None else min(at, packet.dts)
                if at is not None:
                    at += shifted.ticks(len(pts))
                else:
                    at = pts[-1] + 1 if pts else 0
                if packet.is_keyframe or not pts:
                    keys.append((len(pts), at, at if seek is None else seek, place))
                if packet.is_discard and not shifted.piece(len(pts)):
                    hidden.append(len(pts))
                leading = leading or at < keys[-1][1]
                pts.append(at)
        except FFmpegError:
            pass  # what was read up to here can be shown
    if not pts:
        raise MediaError(f"{shown(path)} holds no frames; play it to check, or copy it again")
    by_packet = np.frombuffer(pts, dtype=np.int64)
    if avi:
        # FFmpeg delays AVI's made-up times where there are B-frames: the first frame is shown at 0 all the same.
        start = int(by_packet.min()) * time_base
    packet_of = np.argsort(by_packet, kind="stable").astype(np.int32)
    if 0 < len(hidden) < len(pts):
        packet_of = packet_of[~np.isin(packet_of, hidden)]
    ticks = by_packet[packet_of]
    fresh = np.diff(ticks, prepend=ticks[0] - 1) > 0
    if not fresh.all():
        ticks, packet_of = ticks[fresh], packet_of[fresh]
    pts_s = ticks * float(time_base)
    pts_s -= float(start)
    key_table = np.array(keys, dtype=np.int64)
    return PacketTable(
        time_base=time_base,
        start=start,
        ticks=ticks,
        pts_s=pts_s.astype(np.float64, copy=False),
        packet=packet_of,
        key_packets=key_table[:, 0],
        key_ticks=key_table[:, 1],
        key_seeks=key_table[:, 2],
        key_places=key_table[:, 3],
        shifted=shifted,
        by_place=by_place,
        counted=avi and reorders and bool(np.all(by_packet[1:] > by_packet[:-1])),
        leading=leading,
        hidden=bool(hidden),
    )


def film_shifts(clock: Clock, time_base: Fraction, start: Fraction) -> Shifted:
    """What brings the time stamps of a film's packets to its own time; `start` counts as 0, in seconds."""
    return Shifted([(piece.packet, piece.start_s - piece.file_s) for piece in clock], time_base, start)
