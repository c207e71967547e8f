"""Where clips end: at changes of shot, as PySceneDetect's ContentDetector sees them, else at a fixed length.

Both halves stream and restart: from a clip's start on, the same clips come out whatever came before, so that an index
that was interrupted goes on from its last clip. Knows frames and times; no video file, no model, no store.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2

from lvqa.indexers.stages.duplicates import shrink
from lvqa.models.base import Frame
from lvqa.types import Span

_EPS = 1e-6
_SCORE_SIDE = 256


@dataclass(frozen=True, slots=True)
class ClipRules:
    """Lengths in seconds: no clip is longer than `max_s`, none but the last is shorter than `min_s`.

    `step_s` is the spacing of the frames that are looked at, and so of the places where a clip may end.
    """

    min_s: float
    max_s: float
    step_s: float


class ClipCutter:
    """Cuts a video of known length into clips; its whole state is where the open clip began.

    A change of shot ends a clip unless that would leave either side shorter than `min_s`; reaching `max_s` always does.
    What is left at the end stands alone, however short. Every frame time but the last clip's end is a multiple of the
    step, so clips are [start, time of the first frame of the next clip).
    """

    def __init__(self, rules: ClipRules, duration_s: float, start_s: float = 0.0) -> None:
        self._rules = rules
        self._duration_s = duration_s
        self.start_s = start_s

    def push(self, time_s: float, changed: bool) -> Span | None:
        """Take the next frame's time and whether a shot begins with it; returns the clip that ends there, if any."""
        length_s = time_s - self.start_s
        if length_s <= _EPS or time_s >= self._duration_s - _EPS:
            return None
        rules = self._rules
        enough = length_s >= rules.min_s - _EPS and self._duration_s - time_s >= rules.min_s - _EPS
        full = min(time_s + rules.step_s, self._duration_s) - self.start_s > rules.max_s + _EPS
        if not full and not (changed and enough):
            return None
        span = Span(self.start_s, time_s)
        self.start_s = time_s
        return span

    def finish(self) -> Span | None:
        """The last clip, to the end of the video; None where the last one ended there already."""
        if self._duration_s - self.start_s <= _EPS:
            return None
        span = Span(self.start_s, self._duration_s)
        self.start_s = self._duration_s
        return span


class ShotDetector:
    """Says of each frame in turn whether a shot begins with it: PySceneDetect's content score, HSV, no flash filter.

    The filter is off because it looks further back than the clip's start; ClipCutter keeps the least length instead.
    """

    def __init__(self, threshold: float) -> None:
        # Here and not above: scenedetect takes a quarter of a second to import.
        from scenedetect import FrameTimecode
        from scenedetect.detectors import ContentDetector

        self._detector: Any = ContentDetector(threshold=threshold, min_scene_len=0)
        self._timecode: Any = FrameTimecode
        self._count = 0

    def push(self, frame: Frame) -> bool:
        """Whether the frame differs from the last one by the threshold or more; False for the first."""
        small = cv2.cvtColor(shrink(frame, _SCORE_SIDE), cv2.COLOR_RGB2BGR)
        self._count += 1
        return bool(self._detector.process_frame(self._timecode(self._count, fps=30.0), small))


def sample_rate(sample_fps: float, max_s: float) -> float:
    """Frames a second to look at: `sample_fps`, or more where clips are so short that some would have no frame."""
    return max(sample_fps, 1 / max_s)
