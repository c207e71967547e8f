"""Recall against frames as curves, a panel for targets with cues and one for those without; by Pillow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from lvqa.eval.lab.search.report import Line

COLOURS = (
    "#8a8a8a", "#e08a1e", "#6ba35a", "#b05a9c", "#c4b8a8", "#8c6d46", "#c23b3b", "#2a9d8f", "#1f4e9c", "#5b85c9",
    "#7fb0e6", "#a8c4ea", "#e7a0a0", "#c9d8f2",
)  # fmt: skip
_INK, _GRID = "#222222", "#dddddd"
_LEFT, _TOP, _WIDTH, _HEIGHT, _BETWEEN, _BELOW = 60, 40, 520, 340, 70, 110
_LEAST, _MOST = 1.0, 1024.0


def draw(path: Path, lines: Sequence[Line]) -> None:
    """Write the picture as PNG."""
    groups = list(dict.fromkeys(line.group for line in lines))
    systems = list(dict.fromkeys(line.system for line in lines))
    width = _LEFT + len(groups) * (_WIDTH + _BETWEEN)
    picture = Image.new("RGB", (max(width, 700), _TOP + _HEIGHT + _BELOW), "white")
    pen = ImageDraw.Draw(picture)
    small, usual = (ImageFont.load_default(size) for size in (12, 15))
    for n, group in enumerate(groups):
        left = _LEFT + n * (_WIDTH + _BETWEEN)
        pen.text((left, 12), f"{group}: recall against frames, with 95 % intervals", fill=_INK, font=usual)
        for tenth in range(0, 11, 2):
            y = _y(tenth / 10)
            pen.line([(left, y), (left + _WIDTH, y)], fill=_GRID)
            pen.text((left - 8, y), f"{tenth / 10:.1f}", fill=_INK, font=small, anchor="rm")
        for frames in (1, 4, 16, 64, 256, 1024):
            x = _x(left, frames)
            pen.line([(x, _y(0)), (x, _y(0) + 4)], fill=_INK)
            pen.text((x, _y(0) + 8), str(frames), fill=_INK, font=small, anchor="ma")
        for k, system in enumerate(systems):
            own = [line for line in lines if (line.group, line.system) == (group, system)]
            colour = COLOURS[k % len(COLOURS)]
            points = [(_x(left, line.frames), _y(line.recall[0])) for line in own]
            if len(points) > 1:
                pen.line(points, fill=colour, width=3 if system.startswith("lvqa") else 2)
            for line, (x, y) in zip(own, points, strict=True):
                pen.line([(x, _y(line.recall[1])), (x, _y(line.recall[2]))], fill=colour)
                pen.ellipse([x - 3, y - 3, x + 3, y + 3], fill=colour)
    x, y = float(_LEFT), _y(0) + 44
    for k, system in enumerate(systems):
        wide = 34 + pen.textlength(system, font=small)
        if x + wide > picture.width - 20:
            x, y = float(_LEFT), y + 20
        pen.rectangle([x, y - 5, x + 10, y + 5], fill=COLOURS[k % len(COLOURS)])
        pen.text((x + 16, y), system, fill=_INK, font=small, anchor="lm")
        x += wide
    picture.save(path)


def _x(left: float, frames: float) -> float:
    share = math.log(min(max(frames, _LEAST), _MOST) / _LEAST) / math.log(_MOST / _LEAST)
    return left + share * _WIDTH


def _y(value: float) -> float:
    return _TOP + _HEIGHT * (1 - value)
