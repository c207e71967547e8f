"""The words of the synthetic world and of the tiny models: what there is, how it is said, in which order. Data only."""

from __future__ import annotations

from collections.abc import Mapping

RGB = tuple[int, int, int]

WIDTH, HEIGHT = 512, 288

SHAPES = ("circle", "square", "triangle", "star", "cross", "diamond", "ring", "moon")
# A flag stands near events and is never asked about as an object.
FLAG = "flag"
SIGN = "sign"
PLURALS: Mapping[str, str] = {shape: shape + ("es" if shape.endswith("s") else "s") for shape in (*SHAPES, FLAG, SIGN)}

COLOURS: Mapping[str, RGB] = {
    "red": (214, 36, 40),
    "orange": (246, 140, 22),
    "yellow": (248, 224, 48),
    "green": (36, 158, 62),
    "blue": (38, 78, 216),
    "purple": (146, 48, 178),
    "white": (250, 250, 250),
    "black": (16, 16, 16),
}

# Radius in pixels of a frame of WIDTH x HEIGHT.
SIZES: Mapping[str, float] = {"small": 21.0, "large": 36.0}

# Row by row, as captions list them.
PLACES = (
    "top left",
    "top",
    "top right",
    "left",
    "middle",
    "right",
    "bottom left",
    "bottom",
    "bottom right",
)

GROUNDS = ("grass", "sand", "water", "snow", "brick", "night")

# A sign says one letter and one digit, none of which is easily taken for another.
SIGN_LETTERS = "ACEFHKLMNPRTUXYZ"
SIGN_DIGITS = "23456789"

CELL_W, CELL_H = WIDTH / 3, HEIGHT / 3


def place_of(x: float, y: float) -> str:
    """The name of the place, a ninth of the frame, that a point in pixels lies in."""
    column = min(2, max(0, int(x / CELL_W)))
    row = min(2, max(0, int(y / CELL_H)))
    return PLACES[3 * row + column]


def centre_of(place: str) -> tuple[float, float]:
    """The middle, in pixels, of a place."""
    row, column = divmod(PLACES.index(place), 3)
    return (column + 0.5) * CELL_W, (row + 0.5) * CELL_H


def at_place(place: str) -> str:
    """A place with its preposition: `at the top left`, `in the middle`."""
    return f"in the {place}" if place == "middle" else f"at the {place}"
