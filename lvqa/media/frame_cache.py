"""Frames that several look at, decoded once: kept by their own time, up to a number of bytes, for all videos together.

A time between those of a frame that was decoded before and of the one behind it shows that frame.

Whoever shows frames scales and cuts its own from them. Shows no model anything.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from lvqa.media.clock import SLACK_S
from lvqa.media.reader import FrameReader
from lvqa.media.values import Backend, Frame, TimedFrame, VideoInfo

_MOST_BYTES = 96 << 20


class FrameCache:
    """The decoded frames of a few videos; a context manager, safe to share between threads.

    Frames are kept with their longer side at most `max_side` pixels; beyond `most_bytes` those that were used longest
    ago go, but never one of those that were just asked for. `decoded` counts the frames decoded so far.
    """

    def __init__(self, max_side: int, backend: Backend = "pyav", *, most_bytes: int | None = None) -> None:
        self.max_side = max_side
        self.decoded = 0
        self._backend: Backend = backend
        self._most_bytes = _MOST_BYTES if most_bytes is None else most_bytes
        self._lock = threading.RLock()
        self._open = ExitStack()
        self._readers: dict[Path, FrameReader] = {}
        self._frames: OrderedDict[tuple[Path, float], Frame] = OrderedDict()
        self._pts: dict[tuple[Path, float], float] = {}
        self._until: dict[Path, list[tuple[float, float]]] = {}  # own times, rising, and the next frame's
        self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of all files and frames."""
        with self._lock:
            self._open.close()
            self._readers.clear()
            self._frames.clear()
            self._bytes = 0

    def info(self, path: Path) -> VideoInfo:
        """What a video is. Raises MediaError."""
        with self._lock:
            return self._reader(path).info

    def pts_of(self, path: Path, time_s: float) -> float | None:
        """The own time of the frame shown at a time, where that is known already."""
        return self._pts.get((path, time_s))

    def at(self, path: Path, times_s: Sequence[float]) -> list[TimedFrame]:
        """The frames of a video shown at these times, in the order given; what is not there yet is decoded in one pass.

        Raises MediaError, and ValueError for a time that is negative or not finite.
        """
        with self._lock:
            missing = sorted({t for t in times_s if (path, self._shown_at(path, t)) not in self._frames})
            for frame in self._reader(path).at(missing) if missing else ():
                self._pts[path, frame.time_s] = frame.pts_s
                self._learn(path, frame)
                key = (path, frame.pts_s)
                if key not in self._frames:
                    self.decoded += 1
                    self._frames[key] = frame.image
                    self._bytes += frame.image.nbytes
            wanted = {t: (path, self._pts[path, t]) for t in times_s}
            for key in wanted.values():
                self._frames.move_to_end(key)
            found = [TimedFrame(t, wanted[t][1], self._frames[wanted[t]]) for t in times_s]
            self._make_room(set(wanted.values()))
            return found

    def _shown_at(self, path: Path, time_s: float) -> float | None:
        """The own time of the frame shown at a time, as far as frames that were decoded tell; kept from then on."""
        known = self._pts.get((path, time_s))
        if known is None and (before := self._until.get(path)):
            place = bisect_right(before, (time_s + SLACK_S, math.inf)) - 1
            if place >= 0 and time_s + SLACK_S < before[place][1]:
                known = self._pts[path, time_s] = before[place][0]
        return known

    def _learn(self, path: Path, frame: TimedFrame) -> None:
        """Keep how long a frame is shown, where that is known."""
        if frame.until_s is not None:
            known = self._until.setdefault(path, [])
            one = (frame.pts_s, frame.until_s)
            if (place := bisect_left(known, one)) == len(known) or known[place] != one:
                known.insert(place, one)

    def _make_room(self, wanted: set[tuple[Path, float]]) -> None:
        for key in list(self._frames):
            if self._bytes <= self._most_bytes:
                break
            if key not in wanted:
                self._bytes -= self._frames.pop(key).nbytes

    def _reader(self, path: Path) -> FrameReader:
        if path not in self._readers:
            reader = FrameReader(path, max_side=self.max_side, backend=self._backend)
            self._readers[path] = self._open.enter_context(reader)
        return self._readers[path]
