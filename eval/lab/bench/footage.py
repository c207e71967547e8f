"""Videos for the benchmarks: cheap to draw, with motion and cuts, so that reading them is real work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from lvqa.eval.lab.footage_writer import write_video
from lvqa.models.base import Frame

# Slow enough that no shot is cut where the camera pans, at any rate of sampling.
_PIXELS_A_SECOND = 12


def panning(
    seconds: float, fps: float, size: tuple[int, int], *, shot_s: float = 20.0, seed: int = 0
) -> Iterator[Frame]:
    """Frames of a camera that pans over a painted cloth, and looks elsewhere every `shot_s` seconds.

    `size` is (width, height); frames are uint8 (h, w, 3). The same arguments give the same frames.
    """
    width, height = size
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
    cloth = np.asarray(Image.fromarray(coarse).resize((width * 3, height * 3), Image.Resampling.BICUBIC))
    reach_x, reach_y = width * 2, height * 2
    x = y = 0
    for number in range(round(seconds * fps)):
        if number % round(shot_s * fps) == 0:
            x, y = int(rng.integers(reach_x)), int(rng.integers(reach_y))
        moved = int(number / fps * _PIXELS_A_SECOND)
        left, top = (x + moved) % reach_x, (y + moved // 2) % reach_y
        yield cloth[top : top + height, left : left + width]


def make(path: Path, seconds: float, fps: float, size: tuple[int, int], *, shot_s: float = 20.0, seed: int = 0) -> Path:
    """Write such a video, H.264, with a keyframe at least every ten seconds."""
    options = {"preset": "ultrafast", "crf": "28"}
    frames = panning(seconds, fps, size, shot_s=shot_s, seed=seed)
    return write_video(path, frames, fps=fps, gop=round(10 * fps), options=options)
