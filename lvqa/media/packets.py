"""The order and the times of a video's frames, read from its packets without decoding any.

Times are integer ticks of the stream's clock here. Knows how frames depend on keyframes, and nothing of pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.error import FFmpegError

from lvqa.errors import MediaError
from lvqa.media.clock import Times
from lvqa.media.container import open_container, shown, start_of, video_stream

Ticks = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class PacketTable:
    """All frames of a video in the order they are shown; arrays of length n unless said otherwise.

    Attributes:
        ticks: when each is shown, rising.
        pts_s: the same in seconds from the start of the container.
        packet: the position, in the file's order, of the packet that holds it.
        key: the position of the keyframe that decoding has to start from.
        key_ticks: (k,) the keyframes' times by position, to recognise them after a seek.
        key_seeks: (k,) what to seek to for each keyframe.
        key_packets: (k,) their positions.
        packets: how many there are in all.
        counted: packets carry no true times (H.264 in AVI): frames are told apart by counting from a keyframe.
        leading: some frames are stored after a keyframe but shown before it (open groups of pictures).
        hidden: some packets are decoded but not shown (edit lists).
    """

    time_base: Fraction
    start: Fraction
    ticks: Ticks
    pts_s: Times
    packet: Ticks
    key: Ticks
    key_ticks: Ticks
    key_seeks: Ticks
    key_packets: Ticks
    packets: int
    counted: bool
    leading: bool
    hidden: bool

    def __len__(self) -> int:
        return len(self.ticks)


def read_packets(path: Path) -> PacketTable:
    """Go once through a file's video packets; about 20 us and 50 bytes of memory each.

    A file that breaks off, or is damaged on the way, gives the packets that can be read.

    Raises:
        MediaError: the file cannot be opened, or holds no video packet.
    """
    with open_container(path) as container:
        stream = video_stream(container, path)
        start = start_of(container, stream)
        time_base: Fraction = stream.time_base
        avi = container.format.name == "avi"
        reorders = bool(stream.codec_context.has_b_frames)
        pts: list[int] = []
        dts: list[int] = []
        keys: list[int] = []
        hidden: list[int] = []
        position = 0
        try:
            for packet in container.demux(stream):
                if not packet.size:
                    continue
                shown_at = packet.pts if packet.pts is not None else packet.dts
                if shown_at is None:
                    shown_at = pts[-1] + 1 if pts else 0
                pts.append(shown_at)
                dts.append(packet.dts if packet.dts is not None else shown_at)
                if packet.is_keyframe:
                    keys.append(position)
                if packet.is_discard:
                    hidden.append(position)
                position += 1
        except FFmpegError:
            pass  # what was read up to here can be shown
    if not pts:
        raise MediaError(f"{shown(path)} holds no frames; play it to check, or copy it again")
    return _build(pts, dts, keys, hidden, time_base, start, avi, avi and reorders)


def _build(
    pts: Sequence[int],
    dts: Sequence[int],
    keys: Sequence[int],
    hidden: Sequence[int],
    time_base: Fraction,
    start: Fraction,
    avi: bool,
    may_count: bool,
) -> PacketTable:
    by_packet = np.array(pts, dtype=np.int64)
    rising = bool(np.all(np.diff(by_packet) > 0))
    if avi:
        # FFmpeg delays AVI's made-up times where there are B-frames: the first frame is shown at 0 all the same.
        start = Fraction(int(by_packet.min())) * time_base
    visible = np.ones(len(by_packet), dtype=bool)
    visible[list(hidden)] = False
    if not visible.any():
        visible[:] = True
    order = np.flatnonzero(visible)
    ticks, first = np.unique(by_packet[order], return_index=True)
    packet = order[first].astype(np.int64)
    key_packets = np.array(keys or [0], dtype=np.int64)
    if key_packets[0] != 0:
        key_packets = np.insert(key_packets, 0, 0)
    key_ticks = by_packet[key_packets]
    # A frame needs the last keyframe that neither follows it in the file nor is shown after it.
    by_time = np.searchsorted(np.maximum.accumulate(key_ticks), ticks, side="right") - 1
    by_place = np.searchsorted(key_packets, packet, side="right") - 1
    key = key_packets[np.maximum(np.minimum(by_time, by_place), 0)]
    previous = np.searchsorted(key_packets, np.arange(len(by_packet)), side="right") - 1
    scale = float(time_base)
    return PacketTable(
        time_base=time_base,
        start=start,
        ticks=ticks,
        pts_s=(ticks * scale - float(start)).astype(np.float64),
        packet=packet,
        key=key,
        key_ticks=key_ticks,
        key_seeks=np.minimum(np.array(dts, dtype=np.int64)[key_packets], key_ticks),
        key_packets=key_packets,
        packets=len(by_packet),
        counted=may_count and rising,
        leading=bool(np.any(by_packet < key_ticks[previous])),
        hidden=bool(hidden),
    )
