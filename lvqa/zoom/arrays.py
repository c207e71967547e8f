"""The types of arrays, and of parts of frames, that temporal search works with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]

Crop = tuple[float, float, float, float]
"""Left, top, right, bottom as shares of a frame's width and height."""
