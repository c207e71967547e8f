"""Random frames of the world, crops of signs, and foreign pictures, each as the tower sees it: 128 x 128 pixels.

Labels come from the state that was painted. Knows no words of questions.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from lvqa.eval.lab.world.scenes.draw import Frame, Thing, View, paint
from lvqa.eval.lab.world.words import (
    COLOURS,
    FLAG,
    GROUNDS,
    HEIGHT,
    PLACES,
    SHAPES,
    SIGN,
    SIGN_DIGITS,
    SIGN_LETTERS,
    SIZES,
    WIDTH,
    centre_of,
)

SIDE = 128
# A crop that makes a sign legible: a quarter of the frame each way.
CROP_W, CROP_H = WIDTH // 4, HEIGHT // 4


@dataclass(frozen=True, slots=True)
class Picture:
    """What is on a picture: `kind` is one of MAKERS, `window` the part of the frame that is shown (x, y, w, h)."""

    kind: str
    ground: str = ""
    things: tuple[Thing, ...] = ()
    window: tuple[float, float, float, float] = (0.0, 0.0, WIDTH, HEIGHT)


def random_view(rng: random.Random) -> View:
    """A scene's state at one moment, as the world may show it."""
    n = rng.choices(range(7), (5, 12, 20, 22, 20, 13, 8))[0]
    colours, shapes = list(COLOURS), list(SHAPES)
    # Few colours or shapes in a frame make objects that differ in one thing only: the hard cases of binding.
    if rng.random() < 0.5:
        colours = rng.sample(colours, rng.randint(2, 3))
    if rng.random() < 0.5:
        shapes = rng.sample(shapes, rng.randint(2, 3))
    pairs = [(c, s) for c in colours for s in shapes]
    chosen = rng.sample(pairs, min(n, len(pairs)))
    kinds = [(shape, colour, rng.choice(list(SIZES)), "") for colour, shape in chosen]
    if rng.random() < 0.3:
        kinds.append((FLAG, rng.choice(list(COLOURS)), "large", ""))
    if rng.random() < 0.35:
        kinds.append((SIGN, "white", "small", rng.choice(SIGN_LETTERS) + rng.choice(SIGN_DIGITS)))
    places = rng.sample(PLACES, len(kinds))
    things = []
    for (shape, colour, size, text), place in zip(kinds, places, strict=True):
        x, y = centre_of(place)
        things.append(Thing(shape, colour, size, x + rng.uniform(-14, 14), y + rng.uniform(-8, 8), text))
    objects = [k for k, thing in enumerate(things) if thing.shape in SHAPES]
    if objects and rng.random() < 0.1:
        k = rng.choice(objects)
        to_x, to_y = centre_of(rng.choice([p for p in PLACES if p not in places] or list(PLACES)))
        at = rng.random()
        things[k] = replace(
            things[k], x=things[k].x + at * (to_x - things[k].x), y=things[k].y + at * (to_y - things[k].y)
        )
    return View(
        rng.choice(GROUNDS),
        rng.randrange(400),
        tuple(things),
        light=rng.uniform(0.88, 1.12),
        shake=(rng.randint(-3, 3), rng.randint(-3, 3)),
        noise=rng.uniform(2, 7),
        noise_seed=rng.randrange(1 << 30),
    )


def shrink(frame: Frame) -> Frame:
    """A picture at the tower's size, uint8 (128, 128, 3), as the image processor makes it."""
    return np.asarray(Image.fromarray(frame).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def like_video(frame: Frame, rng: random.Random) -> Frame:
    """What a codec leaves of a frame, roughly: the losses of JPEG at a random quality."""
    if rng.random() < 0.15:
        return frame
    _, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, rng.randint(45, 92)])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def a_frame(rng: random.Random) -> tuple[Frame, Picture]:
    """A whole frame."""
    view = random_view(rng)
    return shrink(like_video(paint(view), rng)), Picture("frame", view.ground, view.things)


def a_crop(rng: random.Random) -> tuple[Frame, Picture]:
    """A crop of about a quarter of a frame each way, mostly with a sign well inside."""
    view = random_view(rng)
    things = [thing for thing in view.things if thing.shape != SIGN]
    free = [place for place in PLACES if all(thing.place != place for thing in things)]
    x, y = centre_of(rng.choice(free or list(PLACES)))
    x, y = x + rng.uniform(-14, 14), y + rng.uniform(-8, 8)
    if free and rng.random() < 0.9:
        things.append(Thing(SIGN, "white", "small", x, y, rng.choice(SIGN_LETTERS) + rng.choice(SIGN_DIGITS)))
    view = replace(view, things=tuple(things))
    zoom = rng.uniform(0.8, 1.2)
    w, h = CROP_W * zoom, CROP_H * zoom
    left = min(max(0.0, x - w / 2 + rng.uniform(-0.26, 0.26) * w), WIDTH - w)
    top = min(max(0.0, y - h / 2 + rng.uniform(-0.26, 0.26) * h), HEIGHT - h)
    left, top, w, h = round(left), round(top), round(w), round(h)
    frame = like_video(paint(view), rng)[top : top + h, left : left + w]
    return shrink(np.ascontiguousarray(frame)), Picture("crop", view.ground, view.things, (left, top, w, h))


def a_crowd(rng: random.Random) -> tuple[Frame, Picture]:
    """A frame as the world never shows it, full of things: the tower learns shapes from some ten times as many."""
    columns, rows = rng.choice(((6, 4), (5, 4), (5, 3)))
    things = []
    for k in range(columns * rows):
        if rng.random() < 0.12:
            continue
        x = (k % columns + 0.5 + rng.uniform(-0.3, 0.3)) * WIDTH / columns
        y = (k // columns + 0.5 + rng.uniform(-0.3, 0.3)) * HEIGHT / rows
        shape = rng.choice((*SHAPES, *SHAPES, FLAG, SIGN))
        if shape == SIGN:
            things.append(Thing(SIGN, "white", "small", x, y, rng.choice(SIGN_LETTERS) + rng.choice(SIGN_DIGITS)))
        else:
            size = "large" if shape == FLAG else rng.choice(list(SIZES))
            things.append(Thing(shape, rng.choice(list(COLOURS)), size, x, y))
    rng.shuffle(things)
    view = replace(random_view(rng), things=tuple(things))
    return shrink(like_video(paint(view), rng)), Picture("crowd", view.ground, view.things)


def a_crowded_crop(rng: random.Random) -> tuple[Frame, Picture]:
    """A crop with several signs."""
    left, top = rng.randint(0, WIDTH - CROP_W), rng.randint(0, HEIGHT - CROP_H)
    things = [
        Thing(
            SIGN,
            "white",
            "small",
            left + (column + 0.5 + rng.uniform(-0.12, 0.12)) * CROP_W / 2,
            top + (row + 0.5 + rng.uniform(-0.12, 0.12)) * CROP_H / 2,
            rng.choice(SIGN_LETTERS) + rng.choice(SIGN_DIGITS),
        )
        for row in range(2)
        for column in range(2)
        if rng.random() < 0.9
    ]
    view = replace(random_view(rng), things=tuple(things))
    frame = like_video(paint(view), rng)[top : top + CROP_H, left : left + CROP_W]
    window = (float(left), float(top), float(CROP_W), float(CROP_H))
    return shrink(np.ascontiguousarray(frame)), Picture("crowded crop", view.ground, view.things, window)


def a_foreign(rng: random.Random) -> tuple[Frame, Picture]:
    """A picture with nothing of the world in it: noise, gradients, or the statistics of photographs."""
    np_rng = np.random.default_rng(rng.randrange(1 << 30))
    kinds = (_white_noise, _gradient, _pink_noise, _dead_leaves, _dead_leaves, _stripes, _plain, _text, _montage)
    made = rng.choice(kinds)(np_rng)
    if rng.random() < 0.3:
        made = 0.5 * made + 0.5 * rng.choice(kinds)(np_rng)
    grain = np_rng.normal(0, rng.uniform(0, 8), made.shape)
    return np.clip(made + grain, 0, 255).astype(np.uint8), Picture("foreign")


Field = npt.NDArray[np.float64]


def _white_noise(rng: np.random.Generator) -> Field:
    cell = int(rng.choice([1, 2, 4, 8]))
    small = rng.uniform(0, 255, (SIDE // cell, SIDE // cell, int(rng.choice([1, 3]))))
    return np.repeat(np.repeat(np.broadcast_to(small, (*small.shape[:2], 3)), cell, 0), cell, 1)


def _gradient(rng: np.random.Generator) -> Field:
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    angle = rng.uniform(0, 6.28)
    ramp = x * np.cos(angle) + y * np.sin(angle)
    if rng.random() < 0.4:
        ramp = np.hypot(x - rng.random(), y - rng.random())
    ramp = (ramp - ramp.min()) / np.ptp(ramp)
    a, b = rng.uniform(0, 255, (2, 3))
    return np.asarray(a + (b - a) * ramp[..., None])


def _pink_noise(rng: np.random.Generator) -> Field:
    """Power falls as 1 / f^2, as in photographs (Field, 1987); colours go together for the most part."""
    fy, fx = np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None]
    amplitude = 1 / np.maximum(np.hypot(fy, fx), 1 / SIDE) ** rng.uniform(0.8, 1.6)
    planes = []
    for _ in range(4):
        noise = rng.standard_normal(amplitude.shape) + 1j * rng.standard_normal(amplitude.shape)
        plane = np.fft.irfft2(noise * amplitude, (SIDE, SIDE))
        planes.append((plane - plane.mean()) / plane.std())
    own = rng.uniform(0.1, 0.7)
    mixed = np.stack([planes[0] + own * planes[k] for k in (1, 2, 3)], -1)
    return np.asarray(rng.uniform(60, 190, 3) + rng.uniform(20, 60) * mixed)


def _dead_leaves(rng: np.random.Generator) -> Field:
    """Things that hide each other, of all sizes: the dead leaves model of photographs (Lee, Mumford, Huang, 2001)."""
    picture = _pink_noise(rng) if rng.random() < 0.5 else np.full((SIDE, SIDE, 3), rng.uniform(30, 220, 3))
    picture = np.ascontiguousarray(picture, np.float32)
    for _ in range(int(rng.integers(15, 140))):
        radius = int(min(60, 3 / rng.random() ** 0.6))
        x, y = (int(v) for v in rng.integers(-10, SIDE + 10, 2))
        grey = rng.uniform(0, 255)
        colour = tuple(float(v) for v in np.clip(grey + rng.normal(0, rng.uniform(5, 60), 3), 0, 255))
        kind = rng.integers(0, 3)
        if kind == 0:
            axes = (radius, max(1, int(radius * rng.uniform(0.3, 1))))
            cv2.ellipse(picture, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, colour, -1)
        elif kind == 1:
            angles = np.sort(rng.uniform(0, 6.28, int(rng.integers(3, 9))))
            reach = radius * rng.uniform(0.4, 1.3, len(angles))
            points = np.stack([x + reach * np.cos(angles), y + reach * np.sin(angles)], 1).astype(np.int32)
            cv2.fillPoly(picture, [points], colour)
        else:
            end = tuple(int(v) for v in rng.integers(-10, SIDE + 10, 2))
            cv2.line(picture, (x, y), end, colour, int(rng.integers(1, 7)))
    if rng.random() < 0.6:
        picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.4, 2.5)))
    if rng.random() < 0.5:
        shade = _gradient(rng).mean(-1, keepdims=True) / 160
        picture = picture * (0.6 + 0.5 * shade)
    return np.asarray(picture, np.float64)


def _stripes(rng: np.random.Generator) -> Field:
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    angle, period = rng.uniform(0, 3.14), rng.uniform(3, 40)
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 6.28 / period)
    if rng.random() < 0.4:
        wave = wave * np.sin((y * np.cos(angle) - x * np.sin(angle)) * 6.28 / period)
    if rng.random() < 0.5:
        wave = np.sign(wave)
    a, b = rng.uniform(0, 255, (2, 3))
    return np.asarray(a + (b - a) * (wave[..., None] + 1) / 2)


def _plain(rng: np.random.Generator) -> Field:
    return np.broadcast_to(rng.uniform(0, 255, 3) * rng.choice([0.0, 1.0, 1.0]), (SIDE, SIDE, 3)).copy()


def _text(rng: np.random.Generator) -> Field:
    picture = np.ascontiguousarray(np.broadcast_to(rng.uniform(0, 255, 3), (SIDE, SIDE, 3)), np.uint8)
    for _ in range(int(rng.integers(2, 14))):
        letters = "".join(chr(int(c)) for c in rng.integers(97, 123, int(rng.integers(2, 12))))
        at = (int(rng.integers(-10, 90)), int(rng.integers(5, 125)))
        colour = tuple(float(v) for v in rng.uniform(0, 255, 3))
        cv2.putText(picture, letters, at, int(rng.integers(0, 8)), float(rng.uniform(0.25, 1.0)), colour, 1)
    return np.asarray(picture, np.float64)


def _montage(rng: np.random.Generator) -> Field:
    """A scene of sorts: sky or wall above, floor below, a few soft blobs that stand on it."""
    picture = _pink_noise(rng)
    line = int(rng.integers(30, 100))
    picture[line:] = _pink_noise(rng)[line:]
    picture = np.ascontiguousarray(picture, np.float32)
    for _ in range(int(rng.integers(1, 6))):
        colour = tuple(float(v) for v in np.clip(rng.uniform(0, 255) + rng.normal(0, 30, 3), 0, 255))
        centre = (int(rng.integers(0, SIDE)), line + int(rng.integers(-20, 30)))
        axes = (int(rng.integers(3, 20)), int(rng.integers(8, 45)))
        cv2.ellipse(picture, centre, axes, float(rng.uniform(-20, 20)), 0, 360, colour, -1)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.5, 2.0))), np.float64)


MAKERS = {
    "frame": a_frame,
    "crop": a_crop,
    "foreign": a_foreign,
    "crowd": a_crowd,
    "crowded crop": a_crowded_crop,
}


def render(kinds: Sequence[str], seed: int) -> tuple[npt.NDArray[np.uint8], list[Picture]]:
    """Pictures of the given kinds, uint8 (n, 128, 128, 3), and what is on them; the same for the same seed."""
    cv2.setNumThreads(1)
    pixels = np.empty((len(kinds), SIDE, SIDE, 3), np.uint8)
    pictures = []
    for k, kind in enumerate(kinds):
        pixels[k], picture = MAKERS[kind](random.Random(f"{seed}:{k}"))
        pictures.append(picture)
    return pixels, pictures
