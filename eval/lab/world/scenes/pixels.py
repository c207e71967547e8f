"""A second reader of the world: finds the things on a frame from its pixels alone, by classical means.

It shares the names of colours, shapes and places with the painter, and nothing else: no outline, no state, no model.
The world's truth is held to what it sees. `python -m lvqa.eval.lab.world.agree FOLDER` prints how far the two agree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from lvqa.eval.lab.world.words import FLAG, SIGN, place_of

Frame = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]

# The usual colour of each ground, and how far its grain goes from what is around it.
_GROUNDS: dict[str, tuple[tuple[int, int, int], float]] = {
    "grass": ((98, 124, 84), 44),
    "sand": ((188, 170, 134), 32),
    "water": ((92, 130, 152), 36),
    "snow": ((206, 212, 220), 12),
    "brick": ((148, 104, 88), 58),
    "night": ((34, 38, 62), 20),
}
# Hues in degrees.
_HUES = {"red": 359, "orange": 32, "yellow": 53, "green": 133, "blue": 227, "purple": 285}
_TINT = 26
_SMALLEST = 150
_LARGE = 50


@dataclass(frozen=True, slots=True)
class SeenThing:
    """A thing found on a frame: what it is, the middle of its box in pixels, and the box's sides."""

    shape: str
    colour: str
    size: str
    x: float
    y: float
    w: float
    h: float

    @property
    def place(self) -> str:
        """The name of the ninth of the frame that its middle lies in."""
        return place_of(self.x, self.y)


def ground_seen(frame: Frame) -> str:
    """The kind of ground of a frame, uint8 (h, w, 3) RGB: the one whose colour is most like the frame's median."""
    median = np.median(frame[::4, ::4].reshape(-1, 3), axis=0)
    return min(_GROUNDS, key=lambda name: float(np.abs(median - _GROUNDS[name][0]).sum()))


def read(frame: Frame) -> list[SeenThing]:
    """All things on a frame, uint8 (HEIGHT, WIDTH, 3) RGB, from left to right."""
    smooth = cv2.GaussianBlur(frame, (3, 3), 0).astype(np.float32)
    reach = _GROUNDS[ground_seen(frame)][1]
    mask = _apart(smooth, _around(smooth, reach), reach)
    # Where a light inside meets its dark edge, some pixels look like the ground: closed before specks are taken away.
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    n, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=8)
    found = []
    for k in range(1, n):
        left, top, w, h, area = (int(v) for v in stats[k])
        if area >= _SMALLEST and w >= 12 and h >= 12:
            box = np.s_[top : top + h, left : left + w]
            found.append(_name((labels[box] == k).astype(np.uint8), frame[box], left, top))
    return sorted((thing for thing in found if thing is not None), key=lambda thing: thing.x)


def _apart(smooth: Plane, ground: Plane, reach: float) -> Mask:
    """Where a frame is lighter or darker than the ground by more than its grain, or of another tint: grain is grey."""
    off = smooth - ground
    tint = off - off.mean(axis=2, keepdims=True)
    return np.asarray(((np.abs(off).max(axis=2) > reach) | (np.abs(tint).max(axis=2) > _TINT)).astype(np.uint8))


def _around(smooth: Plane, reach: float) -> Plane:
    """The ground as the pixels around show that are not on things, worked out on a quarter of the frame's size."""
    small = cv2.resize(smooth, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA).astype(np.float32)
    usual = np.median(small.reshape(-1, 3), axis=0).astype(np.float32)
    things = cv2.dilate(_apart(small, usual, 1.6 * reach), np.ones((3, 3), np.uint8))
    bare = (things == 0).astype(np.float32)[..., None]
    near = cv2.GaussianBlur(np.concatenate([small * bare, bare], axis=2), (0, 0), 5)
    ground = (near[..., :3] + 1e-4 * usual) / (near[..., 3:] + 1e-4)
    return np.asarray(cv2.resize(ground, smooth.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _name(mask: Mask, pixels: Frame, left: int, top: int) -> SeenThing | None:
    """What a connected patch is; None where it is like nothing of the world."""
    h, w = mask.shape
    padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    contours, levels = cv2.findContours(padded, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outer = max((c for c, level in zip(contours, levels[0], strict=True) if level[3] < 0), key=cv2.contourArea)
    holes = [cv2.contourArea(c) for c, level in zip(contours, levels[0], strict=True) if level[3] >= 0]
    area, hull = cv2.contourArea(outer), cv2.contourArea(cv2.convexHull(outer))
    bright = np.percentile(pixels[mask > 0].mean(axis=1), 3)
    if hull <= 0 or bright > 110:
        return None  # all things have a dark edge or a dark inside
    moments = cv2.moments(outer)
    off_x = (moments["m10"] / moments["m00"] - 1) / max(1, w - 1) - 0.5
    off_y = (moments["m01"] / moments["m00"] - 1) / max(1, h - 1) - 0.5
    solid, full = area / hull, area / max(1, (w - 1) * (h - 1))
    shape = _shape(w / h, solid, full, off_x, off_y, max(holes, default=0.0) / area)
    x, y = left + (w - 1) / 2, top + (h - 1) / 2
    if shape == SIGN:
        return SeenThing(SIGN, "white", "small", x, y, w, h)
    size = "large" if shape == FLAG or h >= _LARGE else "small"
    return SeenThing(shape, _colour(mask, pixels), size, x, y, w, h)


def _shape(aspect: float, solid: float, full: float, off_x: float, off_y: float, hole: float) -> str:
    """The shape of a patch by its box's width over height, its share of its hull and of its box, where its weight
    lies (0 in the middle, as a share of the box), and its largest hole's share."""
    if aspect > 1.45:
        return SIGN
    if aspect < 0.9:
        if off_y < -0.09:
            return FLAG
        return "moon" if off_x < -0.045 else "diamond"
    if off_y > 0.1:
        return "triangle"
    if solid > 0.88:
        if full > 0.88:
            return "square"
        return "ring" if hole > 0.05 else "circle"
    return "star" if off_y > 0.022 else "cross"


def _colour(mask: Mask, pixels: Frame) -> str:
    """The colour of a patch's inside, away from its edge."""
    depth = cv2.distanceTransform(cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT), cv2.DIST_L2, 5)[1:-1, 1:-1]
    inside = pixels[depth >= 0.7 * depth.max()]
    red, green, blue = (float(v) for v in np.median(inside, axis=0))
    high, low = max(red, green, blue), min(red, green, blue)
    if high - low < 75:
        return "white" if high + low > 256 else "black"
    hue = math.degrees(math.atan2(math.sqrt(3) * (green - blue), 2 * red - green - blue)) % 360
    return min(_HUES, key=lambda name: abs((hue - _HUES[name] + 180) % 360 - 180))
