"""Paints one frame of the world from its state: a ground, things on it, camera noise. Knows no time and no truth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from lvqa.eval.lab.world.words import COLOURS, FLAG, HEIGHT, RGB, SIGN, SIZES, WIDTH, place_of

Frame = npt.NDArray[np.uint8]

SIGN_W, SIGN_H = 50.0, 28.0
# Pixels that a ground is wider than the frame on each side, so that the camera can shake.
_SPARE = 8
_SHIFT = 4  # cv2 takes coordinates in sixteenths of a pixel
_DARK: RGB = (24, 24, 24)
_LIGHT: RGB = (188, 188, 188)


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that stands on the ground: its shape, colour and size by name, its middle in pixels, a sign's text."""

    shape: str
    colour: str
    size: str
    x: float
    y: float
    text: str = ""

    @property
    def place(self) -> str:
        """The name of the ninth of the frame that its middle lies in."""
        return place_of(self.x, self.y)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in pixels."""
        if self.shape == SIGN:
            w, h = SIGN_W / 2, SIGN_H / 2
        else:
            w = h = SIZES[self.size]
        return self.x - w, self.y - h, self.x + w, self.y + h


@dataclass(frozen=True, slots=True)
class View:
    """All that decides a frame's pixels; `shake` is the camera's offset in whole pixels, at most 8 each way."""

    ground: str
    ground_seed: int
    things: tuple[Thing, ...]
    light: float = 1.0
    shake: tuple[int, int] = (0, 0)
    noise: float = 4.0
    noise_seed: int = 0


def paint(view: View) -> Frame:
    """A frame, uint8 (HEIGHT, WIDTH, 3), RGB; the same for the same view."""
    ground = ground_of(view.ground, view.ground_seed)
    dx, dy = view.shake
    frame = ground[_SPARE + dy : _SPARE + dy + HEIGHT, _SPARE + dx : _SPARE + dx + WIDTH].copy()
    for thing in view.things:
        _paint_thing(frame, thing)
    out = frame.astype(np.float32) * view.light
    if view.noise > 0:
        out += _grain(view.noise_seed) * view.noise
    painted: Frame = np.clip(out, 0, 255).astype(np.uint8)
    return painted


def _grain(seed: int) -> npt.NDArray[np.float32]:
    """Camera noise of unit spread: one large field, cut and turned by seed, since drawing it anew is half the time."""
    field = _grain_field()
    rng = np.random.default_rng(seed)
    top, left = int(rng.integers(0, 160)), int(rng.integers(0, 256))
    cut = field[top : top + HEIGHT, left : left + WIDTH]
    if rng.random() < 0.5:
        cut = cut[:, ::-1]
    return cut if rng.random() < 0.5 else -cut


@lru_cache(1)
def _grain_field() -> npt.NDArray[np.float32]:
    return np.random.default_rng(12345).standard_normal((HEIGHT + 160, WIDTH + 256, 3)).astype(np.float32)


@lru_cache(32)
def ground_of(kind: str, seed: int) -> Frame:
    """The texture of a ground, a little larger than a frame; read-only."""
    rng = np.random.default_rng([seed, sum(map(ord, kind))])
    h, w = HEIGHT + 2 * _SPARE, WIDTH + 2 * _SPARE
    coarse = _smooth(rng, h, w, 5, 8)
    fine = _smooth(rng, h, w, h // 3, w // 3)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    base: RGB
    if kind == "grass":
        base, grey = (98, 124, 84), 12 * coarse + 9 * _smooth(rng, h, w, h // 12, w // 2)
    elif kind == "sand":
        base, grey = (188, 170, 134), 8 * coarse + 5 * fine
    elif kind == "water":
        waves = np.sin(y / 5.0 + 2.2 * np.sin(x / (30 + 20 * rng.random()) + 6.3 * rng.random()))
        base, grey = (92, 130, 152), 8 * coarse + 9 * waves
    elif kind == "snow":
        base, grey = (206, 212, 220), 7 * coarse + 2 * fine
    elif kind == "brick":
        bh, bw = 16, 40
        row = (y // bh).astype(int)
        joint = ((y % bh) < 2) | (((x + (row % 2) * bw / 2) % bw) < 2)
        base, grey = (142, 98, 82), 8 * coarse + 3 * fine + 34 * joint
    else:
        stars = np.zeros((h, w), np.float32)
        n = 60
        stars[rng.integers(0, h, n), rng.integers(0, w, n)] = rng.uniform(40, 110, n)
        base, grey = (34, 38, 62), 6 * coarse + stars
    tint = rng.uniform(-8, 8, 3)
    texture = (np.array(base, np.float32) + tint)[None, None] + grey[..., None]
    made: Frame = np.clip(texture, 0, 255).astype(np.uint8)
    made.setflags(write=False)
    return made


def _smooth(rng: np.random.Generator, h: int, w: int, rows: int, columns: int) -> npt.NDArray[np.float32]:
    """Noise of unit spread whose grain is as coarse as a grid of rows x columns."""
    small = rng.standard_normal((max(2, rows), max(2, columns))).astype(np.float32)
    return np.asarray(cv2.resize(small, (w, h), interpolation=cv2.INTER_CUBIC), np.float32)


def _paint_thing(frame: Frame, thing: Thing) -> None:
    if thing.shape == SIGN:
        _paint_sign(frame, thing)
        return
    radius = SIZES[thing.size]
    fill = COLOURS[thing.colour]
    edge = _LIGHT if thing.colour == "black" else _DARK
    if thing.shape == FLAG:
        pole = np.array([(-0.62, -1), (-0.48, -1), (-0.48, 1), (-0.62, 1)])
        _fill(frame, pole, thing, radius, edge)
        cloth = np.array([(-0.5, -1), (0.9, -0.5), (-0.5, 0.0)])
        _fill(frame, cloth, thing, radius, edge)
        _fill(frame, np.array([(-0.46, -0.86), (0.66, -0.5), (-0.46, -0.14)]), thing, radius, fill)
        return
    if thing.shape == "ring":
        centre = (round(thing.x * 2**_SHIFT), round(thing.y * 2**_SHIFT))
        for colour, inner, outer in ((edge, 0.44, 1.0), (fill, 0.54, 0.90)):
            middle, thick = (inner + outer) / 2 * radius, (outer - inner) * radius
            cv2.circle(frame, centre, round(middle * 2**_SHIFT), colour, max(1, round(thick)), cv2.LINE_AA, _SHIFT)
        return
    outline = _outline(thing.shape)
    _fill(frame, outline, thing, radius, edge)
    inset = 1 - 2.2 / (radius * _INSET.get(thing.shape, 1.0))
    _fill(frame, outline * inset + np.array(_CENTRE.get(thing.shape, (0.0, 0.0))) * (1 - inset), thing, radius, fill)


# How far the outline lies from the middle at its nearest, so that the edge is about as thick on every shape.
_INSET = {"star": 0.5, "cross": 0.55, "triangle": 0.5, "moon": 0.9, "diamond": 0.7}
# The point towards which a shape shrinks, where that is not its middle.
_CENTRE = {"triangle": (0.0, 0.2), "moon": (-0.55, 0.0)}


@lru_cache(16)
def _outline(shape: str) -> npt.NDArray[np.float64]:
    """A shape as a polygon around (0, 0) in units of its radius."""
    if shape == "circle":
        return _arc(0, 2 * math.pi, 40)
    if shape == "square":
        return np.array([(-0.82, -0.82), (0.82, -0.82), (0.82, 0.82), (-0.82, 0.82)])
    if shape == "triangle":
        return np.array([(0, -0.95), (0.98, 0.82), (-0.98, 0.82)])
    if shape == "diamond":
        return np.array([(0, -1), (0.78, 0), (0, 1), (-0.78, 0)])
    if shape == "cross":
        a, b = 0.34, 0.96
        return np.array(
            [(-a, -b), (a, -b), (a, -a), (b, -a), (b, a), (a, a), (a, b), (-a, b), (-a, a), (-b, a), (-b, -a), (-a, -a)]
        )
    if shape == "star":
        angles = [-math.pi / 2 + k * math.pi / 5 for k in range(10)]
        return np.array(
            [(math.cos(t) * (1.0, 0.44)[k % 2], math.sin(t) * (1.0, 0.44)[k % 2]) for k, t in enumerate(angles)]
        )
    # moon: a disc less another that stands to its right
    outer = _arc(math.radians(55), math.radians(305), 30)
    inner = _arc(math.radians(285), math.radians(75), 24) * 0.85 + np.array([0.36, 0.0])
    return np.concatenate([outer, inner])


def _arc(start: float, end: float, n: int) -> npt.NDArray[np.float64]:
    angles = np.linspace(start, end, n)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _fill(frame: Frame, points: npt.NDArray[np.float64], thing: Thing, radius: float, colour: RGB) -> None:
    scaled = (points * radius + np.array([thing.x, thing.y])) * 2**_SHIFT
    cv2.fillPoly(frame, [np.round(scaled).astype(np.int32)], colour, cv2.LINE_AA, _SHIFT)


def _paint_sign(frame: Frame, thing: Thing) -> None:
    w, h = SIGN_W / 2, SIGN_H / 2
    for grow, colour in ((0.0, _DARK), (-2.0, (236, 236, 228))):
        corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * np.array([w + grow, h + grow])
        _fill(frame, corners, thing, 1.0, colour)
    for k, character in enumerate(thing.text):
        left = thing.x + (k - len(thing.text) / 2) * CHARACTER_W + (CHARACTER_W - 2 * _STEP * 2) / 2
        for stroke in GLYPHS[character]:
            points = np.array(stroke) * _STEP + np.array([left, thing.y - 3 * _STEP])
            scaled = np.round(points * 2**_SHIFT).astype(np.int32)
            cv2.polylines(frame, [scaled], False, (12, 12, 12), 2, cv2.LINE_AA, _SHIFT)


CHARACTER_W = 19.0
_STEP = 2.7
# Letters and digits as strokes on a grid of 4 x 6: a font of our own looks the same with all versions of all libraries.
GLYPHS: dict[str, tuple[tuple[tuple[int, int], ...], ...]] = {
    "A": (((0, 6), (2, 0), (4, 6)), ((1, 4), (3, 4))),
    "C": (((4, 1), (3, 0), (1, 0), (0, 1), (0, 5), (1, 6), (3, 6), (4, 5)),),
    "E": (((4, 0), (0, 0), (0, 6), (4, 6)), ((0, 3), (3, 3))),
    "F": (((4, 0), (0, 0), (0, 6)), ((0, 3), (3, 3))),
    "H": (((0, 0), (0, 6)), ((4, 0), (4, 6)), ((0, 3), (4, 3))),
    "K": (((0, 0), (0, 6)), ((4, 0), (0, 3), (4, 6))),
    "L": (((0, 0), (0, 6), (4, 6)),),
    "M": (((0, 6), (0, 0), (2, 3), (4, 0), (4, 6)),),
    "N": (((0, 6), (0, 0), (4, 6), (4, 0)),),
    "P": (((0, 6), (0, 0), (3, 0), (4, 1), (4, 2), (3, 3), (0, 3)),),
    "R": (((0, 6), (0, 0), (3, 0), (4, 1), (4, 2), (3, 3), (0, 3)), ((2, 3), (4, 6))),
    "T": (((0, 0), (4, 0)), ((2, 0), (2, 6))),
    "U": (((0, 0), (0, 5), (1, 6), (3, 6), (4, 5), (4, 0)),),
    "X": (((0, 0), (4, 6)), ((4, 0), (0, 6))),
    "Y": (((0, 0), (2, 3), (4, 0)), ((2, 3), (2, 6))),
    "Z": (((0, 0), (4, 0), (0, 6), (4, 6)),),
    "2": (((0, 1), (1, 0), (3, 0), (4, 1), (4, 2), (0, 6), (4, 6)),),
    "3": (((0, 0), (4, 0), (2, 2), (4, 4), (4, 5), (3, 6), (1, 6), (0, 5)),),
    "4": (((3, 6), (3, 0), (0, 4), (4, 4)),),
    "5": (((4, 0), (0, 0), (0, 3), (3, 3), (4, 4), (4, 5), (3, 6), (0, 6)),),
    "6": (((4, 0), (2, 0), (0, 2), (0, 5), (1, 6), (3, 6), (4, 5), (4, 4), (3, 3), (0, 3)),),
    "7": (((0, 0), (4, 0), (1, 6)),),
    "8": (
        (
            (1, 3),
            (0, 2),
            (0, 1),
            (1, 0),
            (3, 0),
            (4, 1),
            (4, 2),
            (3, 3),
            (1, 3),
            (0, 4),
            (0, 5),
            (1, 6),
            (3, 6),
            (4, 5),
            (4, 4),
            (3, 3),
        ),
    ),
    "9": (((4, 3), (1, 3), (0, 2), (0, 1), (1, 0), (3, 0), (4, 1), (4, 4), (2, 6), (0, 6)),),
}
