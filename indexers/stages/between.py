"""What is to be seen only between two embedded frames: the sampled frame that shows something which neither does.

A thing that appears for half a second may fall between two frames that are a second apart. Where the rest of the
picture stays, the frame on which one spot differs from both is embedded too; where all of it changes, as when the
camera moves, the next embedded frame says enough. What is decided follows from one clip's frames alone, so that a pass
that starts at any clip decides the same. Knows frames and times; no model.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from lvqa.indexers.stages.duplicates import GRID
from lvqa.models.base import Frame

# By hand, in steps of 0-255 of a block's mean: a camera's noise and a codec's stay below 17, things of a tenth of the
# picture's height that come and go are above 25.
SPOT = 20.0
# The median block of a picture that stays differs by less than this: what tells a cut from a change.
STAYS = 6.0
# The most frames that wait for the next embedded one.
_MOST = 8

_Blocks = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """A sampled frame between two embedded ones: its time, itself as the embedder would get it, its blocks."""

    time_s: float
    frame: Frame
    blocks: _Blocks


@dataclass(eq=False)
class BetweenFrames:
    """The frames of one clip between its embedded ones, as they come.

    With `first_at_least` a clip that no embedded frame lies in, a short shot, has its first one embedded.
    """

    first_at_least: bool = True
    _before: _Blocks | None = None
    _waiting: list[Waiting] = field(default_factory=list)
    _none_yet: bool = True

    def sampled(self, time_s: float, frame: Frame) -> None:
        """Take a frame that is not embedded by its time."""
        blocks = blocks_of(frame)
        if len(self._waiting) == _MOST:
            # The least of them by what was before goes: what comes after is not known yet.
            least = min(range(_MOST), key=lambda i: _spot(self._waiting[i].blocks, self._before))
            if _spot(blocks, self._before) <= _spot(self._waiting[least].blocks, self._before):
                return
            del self._waiting[least]
        self._waiting.append(Waiting(time_s, frame, blocks))

    def embedded(self, frame: Frame) -> Waiting | None:
        """Take one that is; returns the frame before it that has to be embedded too, if any."""
        after = blocks_of(frame)
        chosen = self._chosen(after)
        self._before, self._none_yet = after, False
        return chosen

    def end(self) -> Waiting | None:
        """The clip has ended: the last frame that has to be embedded, if any."""
        if self._none_yet and self._waiting:
            return self._waiting[0] if self.first_at_least else None
        return self._chosen(None)

    def _chosen(self, after: _Blocks | None) -> Waiting | None:
        waiting, self._waiting = self._waiting, []
        if not waiting or not _stays(self._before, after, waiting[0].blocks):
            return None
        spot, _, chosen = max(
            (_spot(one.blocks, self._before, after), -n, one) for n, one in enumerate(waiting)
        )  # the earlier of two that are as different
        return chosen if spot > SPOT else None


def blocks_of(frame: Frame) -> _Blocks:
    """The mean colour of each block, float32 (16, 16, 3); fewer of a picture of fewer pixels."""
    size = (min(GRID, frame.shape[1]), min(GRID, frame.shape[0]))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.float32)


def _stays(before: _Blocks | None, after: _Blocks | None, own: _Blocks) -> bool:
    """Whether most of the picture is the same on both sides; on the one and the frame itself where a side is open."""
    one, other = (own if before is None else before), (own if after is None else after)
    return float(np.median(np.abs(one - other).max(axis=2))) < STAYS


def _spot(own: _Blocks, before: _Blocks | None, after: _Blocks | None = None) -> float:
    """How far the most different block lies from both sides, less what they differ by themselves."""
    sides = [side for side in (before, after) if side is not None]
    if not sides:
        return 0.0
    nearest = np.minimum.reduce([np.abs(own - side) for side in sides])
    if len(sides) == 2:
        nearest = nearest - np.abs(sides[0] - sides[1])
    return float(nearest.max())
