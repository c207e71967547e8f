"""Where the clock of a file starts again or jumps, told from its packets without decoding any.

Joined recordings, restarted encoders and broadcasts carry time stamps that go back or leap. What is read of a video has
times of its own that run without a break, so nothing of it is lost or lies on something else:

- time stamps of a stream that go back are closed: what follows goes on where the stream was;
- so is a leap of more than LEAP_S in all streams that go on there; a leap of one stream alone is a gap of that stream;
- all streams that step together get the same shift, so that they stay in step with each other: the first of what
  follows begins where the last of what went before ends;
- a few packets with stamps of their own, after which the clock goes on as before, are damage and no step.

Pictures go back where their decoding times do; or where these are not known, where a keyframe is shown before a picture
that stands before it in the file, which reordered frames never do.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

from lvqa.media.decoding.container import open_container, packets

LEAP_S = 10.0
# Formats whose packets carry time stamps of any kind. In the others times follow from lengths, so none can go back.
_STAMPED = ("mpegts", "mpeg", "flv", "matroska", "asf", "nut", "rm", "wtv", "ogg")
# Of these, what is sent or recorded goes on without pause; a leap of the only stream is one of the clock.
_SENT = ("mpegts", "mpeg", "flv", "wtv", "asf")
# With less, the pictures of a film are no frames that follow one another but slides, each of which may stand for long.
_DENSE_S = 1.0
# Sound goes back by less where it is sent with jitter, and pictures by less where they are only reordered.
_JITTER_S, _REORDERED_S = 0.1, 2.0
# Frames are moved by 16 places at most; so many packets tell where a stream goes on.
_FIRST_PACKETS = 17
# Streams that step together do so within this many seconds of each other in the file.
_TOGETHER_S = 3.0
# A leap beside which another stream steps by this much is one of both.
_STEP_S = LEAP_S / 2
# So many packets with wrong stamps, after which the clock goes on, are damage.
_DAMAGED_PACKETS = 8
# More steps than that make no clock.
_MOST_STEPS = 5000


@dataclass(frozen=True, slots=True)
class Shift:
    """What brings the time stamps of a stream's packets to the video's own time, from a packet on.

    `packet` counts the stream's packets that are not empty; `seconds` are added; from `begins` on, in seconds of the
    video, nothing lies that stands before that packet.
    """

    packet: int
    seconds: Fraction
    begins: Fraction


@dataclass(frozen=True, slots=True)
class Continuity:
    """How the packets of a file follow one another.

    Attributes:
        shifts: of each stream, by its index; empty where the clock runs through.
        counts: how many packets that are not empty each stream has.
        end: where the last packet ends, in seconds of the video; 0 where the clock runs through.
    """

    shifts: Mapping[int, Sequence[Shift]]
    counts: Mapping[int, int]
    end: Fraction = Fraction(0)


class Shifted:
    """Moves the packets of one stream to the video's own time, counted from the start of the container.

    Args:
        shifts: (first packet, seconds to add to its time stamps and to those behind it), in order.
        time_base: seconds a tick of the stream.
        start: the time stamp, in seconds, that counts as 0.
    """

    def __init__(self, shifts: Sequence[tuple[int, float | Fraction]], time_base: Any, start: Fraction) -> None:
        self._first = [first for first, _ in shifts]
        self._ticks = [round((Fraction(seconds) + start) / Fraction(time_base)) for _, seconds in shifts]

    def __bool__(self) -> bool:
        return len(self._first) > 1

    def piece(self, number: int) -> int:
        """How many steps stand before the packet with that number."""
        return max(0, bisect_right(self._first, number) - 1)

    def ticks(self, number: int) -> int:
        """What is added to the time stamps of the packet with that number."""
        return self._ticks[self.piece(number)] if self._ticks else 0

    def moved(self, packet: Any, number: int) -> Any:
        """A packet, the one with that number, where it belongs."""
        if not self.piece(number):
            return packet
        if packet.is_discard:  # what FFmpeg makes of fragments whose time goes back
            shown = av.Packet(bytes(packet))
            shown.pts, shown.dts, shown.time_base = packet.pts, packet.dts, packet.time_base
            shown.duration, shown.is_keyframe, shown.stream = packet.duration, packet.is_keyframe, packet.stream
            packet = shown
        ticks = self.ticks(number)
        packet.pts = None if packet.pts is None else packet.pts + ticks
        packet.dts = None if packet.dts is None else packet.dts + ticks
        return packet

    def all_moved(self, stored: Iterable[Any]) -> Iterator[Any]:
        """All packets of the stream, from the first on, each where it belongs."""
        number = 0
        for packet in stored:
            yield self.moved(packet, number) if packet.size else packet
            number += bool(packet.size)


@dataclass(frozen=True, slots=True)
class _Step:
    """A step of a stream's clock: what it has in the file before and behind it. Times in seconds of its time stamps.

    `stood` is how many packets each stream had by then, `ended` where each had come to.
    """

    order: int
    packet: int
    back: bool
    size_s: float
    clean: bool
    end: Fraction
    stood: Mapping[int, int]
    ended: Mapping[int, Fraction]


class _StreamClock:
    """The clock of one stream so far, in ticks, and its steps."""

    def __init__(self, stream: Any) -> None:
        self.base = Fraction(stream.time_base)
        self.pictures = stream.type == "video"
        self.count = 0
        self.steps: list[_Step] = []
        self.firsts: list[int] = []
        self._since = self._top = self._end = 0
        self._last_dts: int | None = None
        self._before = (0, 0, 0)

    @property
    def end(self) -> Fraction:
        """Where the stream has come to since its newest step."""
        if self._end == self._top and self.count - self._since > 1:  # no packet says how long it is
            return (self._top + (self._top - self.firsts[-1]) // (self.count - self._since - 1)) * self.base
        return self._end * self.base

    def follow(self, packet: Any) -> tuple[float, bool] | None:
        """Take in the next packet; where the clock steps (seconds, whether cleanly), it waits for `step`."""
        at = packet.pts if packet.pts is not None else packet.dts
        if at is None:
            self.count += 1
            return None
        if not self.firsts:
            self._begin(at, packet)
        ahead_s = float((at - self._top) * self.base)
        if not (ahead_s > _STEP_S or self._goes_back(packet, -ahead_s)) or self._resumes(at, back=ahead_s < 0):
            self._go_on(at, packet)
            return None
        shown_s = float((self._top - self.firsts[-1]) * self.base)
        steps = self.count - self._since - 1
        return ahead_s, bool(packet.is_keyframe and steps > 0 and shown_s <= _DENSE_S * steps)

    def step(self, step: _Step, packet: Any) -> None:
        """The packet that `follow` asked about begins a new stretch."""
        self.steps.append(step)
        self._before = (self._top, self._end, self._since)
        self._begin(packet.pts if packet.pts is not None else packet.dts, packet)
        self._go_on(self.firsts[-1], packet)

    def _begin(self, at: int, packet: Any) -> None:
        self.firsts.append(at)
        self._since, self._top, self._end, self._last_dts = self.count, at, at, packet.dts

    def _go_on(self, at: int, packet: Any) -> None:
        if self.count - self._since < _FIRST_PACKETS:
            self.firsts[-1] = min(self.firsts[-1], at)
        self.count += 1
        self._top = max(self._top, at)
        self._end = max(self._end, at + (packet.duration or 0))
        if packet.dts is not None and (self._last_dts is None or packet.dts > self._last_dts):
            self._last_dts = packet.dts

    def _goes_back(self, packet: Any, by_s: float) -> bool:
        if not self.pictures:
            return by_s > _JITTER_S
        if by_s > _REORDERED_S or packet.dts is None or self._last_dts is None:
            return by_s > (0.001 if packet.is_keyframe else _REORDERED_S)
        late_s = float((self._last_dts - packet.dts) * self.base)
        return by_s > 0.001 and late_s > (0 if packet.is_keyframe else _JITTER_S)

    def _resumes(self, at: int, *, back: bool) -> bool:
        """Whether the clock goes on where it was before its newest step, which then was damage; forgets that step."""
        if not self.steps or self.count - self._since > _DAMAGED_PACKETS or self.steps[-1].back == back:
            return False
        top, end, since = self._before
        if not -_REORDERED_S < float((at - top) * self.base) < _STEP_S:
            return False
        self.steps.pop()
        self.firsts.pop()
        self._top, self._end, self._since = top, end, since
        return True


def shifts_of(continuity: Continuity | None, stream: Any, start: Fraction) -> Shifted:
    """What brings a stream's packets to the video's own time, counted from `start`."""
    shifts = continuity.shifts.get(stream.index, ()) if continuity is not None else ()
    return Shifted([(shift.packet, shift.seconds) for shift in shifts], stream.time_base, start)


def is_stamped(container: Any, stream: Any) -> bool:
    """Whether the packets of a file carry time stamps of their own, which may go back."""
    name = container.format.name
    # Fragments carry their own time; what has a table of its samples says how many there are.
    return name.startswith(_STAMPED) or (name.startswith("mov") and not stream.frames)


def read_continuity(path: Path) -> Continuity:
    """Go once through a file's packets, some 10 us each; known again until the file changes. Raises MediaError."""
    status = path.stat()
    return _read(path.absolute(), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=16)
def _read(path: Path, size: int, mtime_ns: int) -> Continuity:
    with open_container(path) as container:
        streams = [
            stream
            for stream in (*container.streams.video, *container.streams.audio)
            if stream.time_base and not stream.disposition & stream.disposition.__class__.attached_pic
        ]
        return continuity_of(streams, packets(container), sent=container.format.name.startswith(_SENT))


def continuity_of(streams: Iterable[Any], stored: Iterable[Any], *, sent: bool = False) -> Continuity:
    """How packets, in the order of the file, follow one another.

    Args:
        streams: those of pictures and sound.
        stored: the packets of all streams.
        sent: the format is one whose packets go on without pause.
    """
    tracks = {stream.index: _StreamClock(stream) for stream in streams}
    counts: dict[int, int] = {}
    try:
        for order, packet in enumerate(stored):
            if not packet.size:
                continue
            index = packet.stream.index
            track = tracks.get(index)
            if track is not None and (stepped := track.follow(packet)) is not None:
                ahead_s, clean = stepped
                ended = {other: one.end for other, one in tracks.items() if one.firsts}
                step = _Step(order, track.count, ahead_s < 0, abs(ahead_s), clean, track.end, dict(counts), ended)
                track.step(step, packet)
                if len(track.steps) > _MOST_STEPS:
                    tracks = {}  # no clock at all
            counts[index] = counts.get(index, 0) + 1
    except FFmpegError:
        pass  # what was read up to here stands
    shifts, end = _shifts({index: track for index, track in tracks.items() if track.firsts}, counts, sent=sent)
    return Continuity(shifts, counts, end)


def _shifts(
    tracks: Mapping[int, _StreamClock], counts: Mapping[int, int], *, sent: bool
) -> tuple[dict[int, list[Shift]], Fraction]:
    """The shifts of all streams, and where the video ends; nothing where no step is closed."""
    start = min((track.firsts[0] * track.base for track in tracks.values()), default=Fraction(0))
    shifts = {index: [Shift(0, -start, Fraction(0))] for index in counts}
    # Where each stream goes on behind each of its steps, closed or not.
    firsts = {
        (index, step.packet): first * track.base
        for index, track in tracks.items()
        for step, first in zip(track.steps, track.firsts[1:], strict=True)
    }
    closed = 0
    for steps, live in _together(tracks):
        leads = next(iter(steps.values()))
        if not _is_closed(steps, live=live, sent=sent):
            continue
        closed += 1
        ended = {index: leads.ended[index] for index in leads.ended.keys() - live} | {
            index: step.end for index, step in steps.items()
        }
        begins = max(end + shifts[index][-1].seconds for index, end in ended.items())
        seconds = begins - min(firsts[index, step.packet] for index, step in steps.items())
        for index, step in steps.items():
            shifts[index].append(Shift(step.packet, seconds, begins))
        if any(tracks[index].pictures for index in steps):
            # What has few packets, and what begins later, goes by the pictures.
            for index in counts.keys() - steps.keys() - live:
                stood = leads.stood.get(index, 0)
                if stood < counts[index]:
                    shifts[index].append(Shift(stood, seconds, begins))
    if not closed:
        return {}, Fraction(0)
    return shifts, max(track.end + shifts[index][-1].seconds for index, track in tracks.items())


def _together(tracks: Mapping[int, _StreamClock]) -> Iterator[tuple[dict[int, _Step], set[int]]]:
    """The steps of the file in order, those that belong together as one, and the streams that go on beside them."""
    waiting = sorted(
        ((step, index) for index, track in tracks.items() for step in track.steps), key=lambda pair: pair[0].order
    )
    used: set[tuple[int, int]] = set()
    for step, index in waiting:
        if (index, step.packet) in used:
            continue
        steps = {index: step}
        live: set[int] = set()
        for other, end in step.ended.items():
            if other == index or step.stood[other] >= tracks[other].count:
                continue  # it has ended
            near = (s for s in tracks[other].steps if s.order > step.order and s.end - end <= _TOGETHER_S)
            beside = next((s for s in near if s.back == step.back and (other, s.packet) not in used), None)
            if beside is None:
                live.add(other)
            else:
                steps[other] = beside
        used.update((other, one.packet) for other, one in steps.items())
        yield steps, live


def _is_closed(steps: Mapping[int, _Step], *, live: Collection[int], sent: bool) -> bool:
    """Whether what follows goes on where the video was; else the stamps stand, and there is a gap."""
    size_s = max(step.size_s for step in steps.values())
    first = next(iter(steps.values()))
    if first.back:
        # Alone among others that go on, a small step is one of their being in step.
        return not live or len(steps) > 1 or size_s > _TOGETHER_S
    if live or size_s <= LEAP_S:
        return False
    return len(steps) > 1 or first.clean or sent
