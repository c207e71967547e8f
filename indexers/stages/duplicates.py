"""How much two frames of one video differ, by their most different spot and never by the mean over the picture.

A running time code on a plain ground changes a handful of pixels: the mean hardly moves, the one block that holds the
digits does. This module knows frames alone: no times, no clips, no models.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from lvqa.models.base import Frame

GRID = 16


def block_difference(a: Frame, b: Frame, grid: int = GRID) -> float:
    """The largest mean absolute difference, 0-255, of any block when both frames are cut into `grid` x `grid` blocks.

    Differences are taken pixel by pixel and channel by channel before they are averaged, so that something that moves
    inside a block counts. Frames of different shape differ by 255.
    """
    if a.shape != b.shape:
        return 255.0
    difference = cv2.absdiff(a, b).max(axis=2)
    height, width = difference.shape
    size = (min(grid, width), min(grid, height))
    return float(cv2.resize(difference.astype(np.float32), size, interpolation=cv2.INTER_AREA).max())


def same_picture(a: Frame, b: Frame, threshold: float) -> bool:
    """Whether a captioner would say the same of both: no block differs by more than `threshold` (0-255)."""
    return block_difference(a, b) <= threshold


def distinct(frames: Sequence[Frame], threshold: float) -> list[int]:
    """Indexes of the frames to keep, in order: the first, then each that differs from the last one kept."""
    kept: list[int] = []
    for index, frame in enumerate(frames):
        if not kept or not same_picture(frames[kept[-1]], frame, threshold):
            kept.append(index)
    return kept


def shrink(frame: Frame, max_side: int) -> Frame:
    """The frame with its longer side at most `max_side` pixels; itself where it is small enough already."""
    height, width = frame.shape[:2]
    scale = max_side / max(height, width)
    if scale >= 1:
        return frame
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
