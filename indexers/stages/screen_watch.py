"""When the screen has to be read again: what changed since it was read last can hold text.

A frame is compared with the one that was read, never with the one before, so that a slow fade hides nothing. Knows
frames and times; no model, no clips, no store.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from lvqa.indexers.stages.duplicates import shrink
from lvqa.models.base import Frame

# What the OCR model's detector sees: text that vanishes in a picture of this side is not found anyway.
SIDE = 736
# Strokes stand out from what lies around them by at least this, of 255: else nobody could read them.
CONTRAST = 24.0
# A stroke that comes or goes changes at least this share of the contrast around it, averaged over 3 x 3 pixels; what a
# codec does to the edges of letters that stay is a tenth of it, at low rates a sixth.
SHARE = 0.25
_STROKE_PX = 3
_AROUND = np.ones((17, 17), np.uint8)  # as far as a codec's block carries the ringing of an edge

Plane = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ScreenChange:
    """Something else may stand on the screen: `from_s` still showed what was read before, `since_s` shows this."""

    from_s: float
    since_s: float


@dataclass(frozen=True, slots=True)
class WatchState:
    """What a watch knows at a border between two clips, as times of frames, which can be decoded again.

    `read_s` is the frame that was read last, `same_s` the last that showed the same; `others_s` came after it.
    """

    read_s: float
    same_s: float
    others_s: tuple[float, ...] = ()

    @property
    def times_s(self) -> list[float]:
        """The frames that a watch which goes on from here has to be given."""
        return [self.read_s, *self.others_s]


@dataclass(slots=True, eq=False)
class ScreenWatch:
    """Looks at frames in time order; what differs from the frame read last by no more than `noise` is the same."""

    noise: float
    _read: Plane | None = None
    _read_s: float = 0.0
    _same_s: float = 0.0
    _others: list[tuple[float, Plane]] = field(default_factory=list)

    def look(self, time_s: float, frame: Frame, *, due: bool) -> ScreenChange | None:
        """Take the next frame; where it has to be read, what is known of when it changed. Reads only `due` frames."""
        plane = plane_of(frame)
        if self._read is not None and not self._others and same_strokes(self._read, plane, self.noise):
            self._same_s = time_s
            return None
        if not due:
            self._others.append((time_s, plane))
            return None
        if self._read is not None and same_strokes(self._read, plane, self.noise):
            # What came in between is gone again, and was too short to be read.
            self._others.clear()
            self._same_s = time_s
            return None
        since_s, from_s = time_s, time_s if self._read is None else self._same_s
        for other_s, other in reversed(self._others):
            if not same_strokes(other, plane, self.noise):
                break
            since_s = other_s
        self._read, self._read_s, self._same_s = plane, time_s, time_s
        self._others.clear()
        return ScreenChange(from_s, since_s)

    @property
    def state(self) -> WatchState | None:
        """What it knows; None where it has read nothing yet."""
        if self._read is None:
            return None
        return WatchState(self._read_s, self._same_s, tuple(time_s for time_s, _ in self._others))

    def go_on(self, state: WatchState, frames: list[Frame]) -> None:
        """Know what a watch of that state knew; `frames` are those of `state.times_s`."""
        planes = [plane_of(frame) for frame in frames]
        self._read, self._read_s, self._same_s = planes[0], state.read_s, state.same_s
        self._others = list(zip(state.others_s, planes[1:], strict=True))


def plane_of(frame: Frame) -> Plane:
    """The brightness of a frame, its longer side no more than `SIDE` pixels."""
    return shrink(np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8), SIDE)


def same_strokes(before: Plane, after: Plane, noise: float) -> bool:
    """Whether the same text must stand in both: no stroke came or went. Differences up to `noise` (0-255) are none."""
    if before.shape != after.shape:
        return False
    change = cv2.blur(cv2.absdiff(before, after), (3, 3))
    if not (change > noise).any():
        return True
    contrast = np.maximum(_contrast(before), _contrast(after))
    strokes = (change > np.maximum(noise, SHARE * contrast)) & (contrast >= CONTRAST)
    return int(np.count_nonzero(strokes)) < _STROKE_PX


def _contrast(plane: Plane) -> npt.NDArray[np.uint8]:
    """Of each pixel, how much the pixels around it differ."""
    return np.asarray(cv2.subtract(cv2.dilate(plane, _AROUND), cv2.erode(plane, _AROUND)), np.uint8)
