"""Frames through PyAV: decodes what the wanted frames need and converts only those. Knows ticks, not sampling."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from av.error import FFmpegError

from lvqa.errors import MediaError
from lvqa.media.clock import SLACK_S
from lvqa.media.decoding.container import decoded, open_container, packets, start_of, use_threads
from lvqa.media.decoding.hdr import tone_mapped, transfer_of
from lvqa.media.decoding.packets import PacketTable
from lvqa.media.decoding.streams import video_stream
from lvqa.media.files import shown
from lvqa.media.values import Frame, interpolation

Shown = tuple[int, float, Frame]

# Below this many packets it is cheaper to decode on than to drain the decoder's threads and start again.
_JUMP_PACKETS = 8
# Below this many packets it is cheaper to read over them than to seek.
_READ_PACKETS = 400
# Decoders that heed a change of `skip_frame` from packet to packet; dav1d reads it once and would go on skipping.
_SKIPPERS = ("h264", "hevc", "mpeg4", "mpeg2video", "mpeg1video", "vp8")
# H.264 and HEVC move a frame by 16 places at most.
_REORDER = 16
# No place in the file: more packets than any has.
_UNKNOWN = 1 << 62
# Up to here ahead, decoding on is cheaper than seeking back to a keyframe.
_FORWARD_S = 2.0
_BACK_S = (0.0, 1.0, 5.0, 25.0)


class PyavFrames:
    """One open file. `size` is (width, height) as given out, after `rotation` degrees clockwise."""

    def __init__(self, path: Path, size: tuple[int, int], rotation: int) -> None:
        self._path = path
        self._rotation = rotation
        self._stored = (size[1], size[0]) if rotation in (90, 270) else size
        self._open()
        self._start = start_of(self._container, self._stream)
        self._packets: Iterator[Any] = iter(())
        self._position = _UNKNOWN
        self._sought = False

    def _open(self) -> None:
        self._container: Any = open_container(self._path)
        self._stream: Any = video_stream(self._container, self._path)
        use_threads(self._stream)

    def close(self) -> None:
        """Let go of the file; the object cannot be used afterwards."""
        self._packets = iter(())
        self._container.close()

    # -- with a packet table: the fewest frames decoded, in rising order

    def pick(self, table: PacketTable, wanted: Sequence[int]) -> Iterator[Shown]:
        """Decode the frames with these places in the table, rising; yields (place asked for, own time in s, frame).

        A frame that is damaged is stood in for by the last good one before it, else by the first after it.
        """
        for run in _runs(table, wanted):
            yield from self._decode_run(table, run)

    def _decode_run(self, table: PacketTable, run: Sequence[int]) -> Iterator[Shown]:
        last = int(max(table.packet[place] for place in run))
        if table.counted:
            last += _REORDER  # the packet that holds a frame is not known, only that it cannot be much later
        key = int(table.keys_of(run[:1])[0])
        todo = list(run)
        for back in (0, 1, 8):
            found = False
            for place, time_s, frame in self._decode_from(table, max(0, key - back), last, todo):
                # A keyframe that leans on earlier frames gives nothing at first; start further back for those.
                if not found and back < 8 and key - back > 0 and time_s > table.pts_s[place] + SLACK_S:
                    break
                found = True
                todo = todo[1:]
                yield place, time_s, frame
            if not todo:
                return
            if key - back <= 0:
                break
        at_s = float(table.pts_s[todo[0]])
        raise MediaError(
            f"{shown(self._path)} cannot be decoded at {at_s:.3f} s; it is damaged there: copy it again, or convert it"
        )

    def _decode_from(self, table: PacketTable, key: int, last: int, run: Sequence[int]) -> Iterator[Shown]:
        self._go_to(table, key)
        exact = set(table.ticks[list(run)].tolist())
        counter = int(np.searchsorted(table.ticks, table.key_ticks[key]))
        held: Any = None
        held_s = 0.0
        left = 0
        for frame in self._feed(table, last, None if table.counted else exact):
            if table.counted:
                tick: int | None = int(table.ticks[counter]) if counter < len(table) else None
                counter += 1
            else:
                tick = frame.pts
            if tick is None:
                continue
            time_s = float(tick * table.time_base - table.start)
            while left < len(run) and tick > table.ticks[run[left]]:
                stand_in, stand_in_s = (held, held_s) if held is not None else (frame, time_s)
                yield run[left], stand_in_s, self._rgb(stand_in)
                left += 1
            if left < len(run) and tick == table.ticks[run[left]]:
                yield run[left], time_s, self._rgb(frame)
                left += 1
            if left == len(run):
                return
            held, held_s = frame, time_s
        while held is not None and left < len(run):
            yield run[left], held_s, self._rgb(held)
            left += 1

    def _feed(self, table: PacketTable, last: int, exact: set[int] | None) -> Iterator[Any]:
        """Decode packets up to the position `last`, and then what the decoder still holds."""
        context = self._stream.codec_context
        if context.codec.name not in _SKIPPERS:
            exact = None
        skipping = False
        try:
            for packet in self._packets:
                if not packet.size:
                    continue
                packet = table.shifted.moved(packet, self._position)
                if exact is not None:
                    skip = packet.pts not in exact
                    if skip != skipping:
                        # No other frame leans on a non-reference frame, so one that is not wanted need not be decoded.
                        context.skip_frame = "NONREF" if skip else "DEFAULT"
                        skipping = skip
                self._position += 1
                # A damaged packet gives none: the frames around it stand.
                yield from decoded(packet, self._path) or ()
                if self._position > last:
                    break
            yield from context.decode(None)
        except FFmpegError:
            return  # the file cannot be read on; what was decoded stands
        finally:
            if skipping:
                context.skip_frame = "DEFAULT"

    def _go_to(self, table: PacketTable, key: int) -> None:
        """Leave `_packets` so that the next one is this keyframe, with a decoder that has forgotten all else."""
        wanted = int(table.key_packets[key])
        # Behind a step of the clock, whoever sought may end where the first part does: read on from the beginning.
        through = not table.by_place and table.shifted.piece(wanted) > 0
        ahead = self._position <= wanted and (through or wanted <= self._position + _READ_PACKETS)
        if ahead and not (through and self._sought):
            self._stream.codec_context.flush_buffers()
            self._skip(wanted)
            return
        self._sought = True
        for back in range(min(key, 3) + 1):
            if wanted and not through and self._seek_to(table, key - back, wanted):
                return
        self._rewind()
        self._skip(wanted)

    def _skip(self, wanted: int) -> None:
        while self._position < wanted:
            packet = next(self._packets, None)
            if packet is None:
                return
            self._position += bool(packet.size)

    def _seek_to(self, table: PacketTable, key: int, wanted: int) -> bool:
        try:
            if table.by_place:
                self._container.seek(int(table.key_seeks[key]), unsupported_byte_offset=True)
            else:
                self._container.seek(int(table.key_seeks[key]), stream=self._stream)
            stored = packets(self._container, self._stream)
            position = -1
            for packet in stored:
                if not packet.size:
                    continue
                if position < 0:
                    if not packet.is_keyframe or packet.pts is None:
                        continue
                    # Where the clock steps, time stamps come more than once.
                    same = table.key_places == packet.pos if table.shifted else table.key_ticks == packet.pts
                    known = np.flatnonzero(same)
                    if not len(known):
                        continue
                    position = int(table.key_packets[known[0]])
                if position > wanted:
                    return False
                if position == wanted:
                    self._packets = itertools.chain([packet], stored)
                    self._position = wanted
                    return True
                position += 1
        except FFmpegError:
            pass
        return False

    def _rewind(self) -> None:
        self._container.close()
        self._open()
        self._packets = packets(self._container, self._stream)
        self._position = 0
        self._sought = False

    # -- without one: nothing is read but what lies around each time

    def near(self, times_s: Sequence[float]) -> Iterator[tuple[float, Frame, float | None]]:
        """Decode the frame shown at each of these rising times; yields (own time in s, frame, time of the next one).

        The next one's time is infinite behind the last frame, and None where it is not known.
        """
        frames: Iterator[Any] = iter(())
        held: Any = None
        ahead: Any = None
        given: Any = None
        picture: Frame | None = None
        for time_s in times_s:
            if (held is None and ahead is None) or (ahead is not None and time_s > self._time(ahead) + _FORWARD_S):
                held, frames = None, self._start_before(time_s)
                ahead = next(frames, None)
            while ahead is not None and self._time(ahead) <= time_s + SLACK_S:
                held, ahead = ahead, next(frames, None)
            best = held if held is not None else ahead
            if best is None:
                raise MediaError(
                    f"{shown(self._path)} cannot be decoded at {time_s:.3f} s; it is damaged there: copy it again"
                )
            if picture is None or best is not given:
                given, picture = best, self._rgb(best)
            until_s = None if held is None else self._time(ahead) if ahead is not None else math.inf
            yield self._time(best), picture, until_s

    def _start_before(self, time_s: float) -> Iterator[Any]:
        """Frames in time order from one at or before a time, or from the first of all."""
        self._position = _UNKNOWN
        for back_s in _BACK_S:
            if time_s - back_s <= 0:
                break
            try:
                at_s = float(self._start) + time_s - back_s + SLACK_S
                self._container.seek(int(at_s / self._stream.time_base), stream=self._stream)
            except FFmpegError:
                break
            frames = self._good_frames()
            first = next(frames, None)
            if first is not None and self._time(first) <= time_s + SLACK_S:
                return itertools.chain([first], frames)
        self._rewind()
        self._position = _UNKNOWN
        return self._good_frames()

    def _good_frames(self) -> Iterator[Any]:
        try:
            for packet in packets(self._container, self._stream):
                yield from (f for f in decoded(packet, self._path) or () if f.pts is not None)
        except FFmpegError:
            return

    def _time(self, frame: Any) -> float:
        return float(frame.pts * self._stream.time_base - self._start)

    def _rgb(self, frame: Any) -> Frame:
        width, height = self._stored
        how = interpolation((frame.width, frame.height), (width, height))
        picture = frame.reformat(width=width, height=height, format="rgb24", interpolation=how).to_ndarray()
        if transfer := transfer_of(frame):
            picture = tone_mapped(picture, transfer)
        return np.ascontiguousarray(np.rot90(picture, -(self._rotation // 90))) if self._rotation else picture


def _runs(table: PacketTable, wanted: Sequence[int]) -> Iterator[list[int]]:
    """Cut the wanted places where a jump to a later keyframe saves decoding, and where the file's clock steps.

    Behind a step a container may have to be read from its beginning.
    """
    run: list[int] = []
    last = piece = -1
    starts = table.key_packets[table.keys_of(wanted)] if len(wanted) else ()
    for place, start in zip(wanted, starts, strict=True):
        stepped = piece != (piece := table.shifted.piece(int(start)))
        if run and (start > last + _JUMP_PACKETS or stepped):
            yield run
            run = []
        run.append(place)
        last = max(last, int(table.packet[place]))
    if run:
        yield run
