"""Videos for the benchmarks: cheap to draw, and with enough motion and cuts that decoding them is real work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lvqa.media.synth import write_video
from lvqa.models.base import Frame


def panning(
    seconds: float, fps: float, size: tuple[int, int], *, shot_s: float = 20.0, seed: int = 0
) -> Iterator[Frame]:
    """Frames that wander over a large blurred texture, with a jump elsewhere every `shot_s` seconds.

    `size` is (width, height); frames are uint8 (h, w, 3). The same arguments give the same frames.
    """
    width, height = size
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
    canvas = np.kron(coarse, np.ones((12, 12, 1), dtype=np.uint8))
    reach_y, reach_x = canvas.shape[0] - height, canvas.shape[1] - width
    y = x = 0
    for number in range(round(seconds * fps)):
        if number % round(shot_s * fps) == 0:
            y, x = int(rng.integers(reach_y)), int(rng.integers(reach_x))
        y, x = (y + 1) % reach_y, (x + 2) % reach_x
        yield canvas[y : y + height, x : x + width]


def make(path: Path, seconds: float, fps: float, size: tuple[int, int], *, shot_s: float = 20.0, seed: int = 0) -> Path:
    """Write such a video, H.264, with a keyframe at least every ten seconds."""
    options = {"preset": "ultrafast", "crf": "28"}
    frames = panning(seconds, fps, size, shot_s=shot_s, seed=seed)
    return write_video(path, frames, fps=fps, gop=round(10 * fps), options=options)
