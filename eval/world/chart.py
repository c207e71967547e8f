"""Accuracy by type of question as a picture: a group of bars a type, a bar a system, with error bars; by Pillow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from lvqa.eval.metrics import Mean
from lvqa.eval.world.score import CHANCE, Summary

COLOURS = ("#1f4e9c", "#e08a1e", "#6ba35a", "#b6b6c9", "#7d8fb5", "#8c6d46", "#c4b8a8")
_INK, _GRID = "#222222", "#dddddd"
_LEFT, _TOP, _HEIGHT, _BELOW = 60, 70, 360, 110
_BAR, _GAP = 12, 26


def draw(path: Path, summaries: Sequence[Summary]) -> None:
    """Write the picture as PNG."""
    types = list(dict.fromkeys(name for s in summaries for name in s.by_type))
    groups: list[tuple[str, list[Mean | None]]] = [
        ("all", [s.accuracy for s in summaries]),
        ("events", [s.events for s in summaries]),
        *((name, [s.by_type.get(name) for s in summaries]) for name in types),
    ]
    wide = _BAR * len(summaries)
    width = _LEFT + len(groups) * (wide + _GAP) + 30
    picture = Image.new("RGB", (width, _TOP + _HEIGHT + _BELOW), "white")
    pen = ImageDraw.Draw(picture)
    small, usual = (ImageFont.load_default(size) for size in (13, 15))
    for tenth in range(0, 11, 2):
        y = _y(tenth / 10)
        pen.line([(_LEFT, y), (width - 20, y)], fill=_GRID)
        pen.text((_LEFT - 10, y), f"{tenth / 10:.1f}", fill=_INK, font=small, anchor="rm")
    for g, (name, means) in enumerate(groups):
        left = _LEFT + _GAP / 2 + g * (wide + _GAP)
        for n, mean in enumerate(means):
            if mean is not None:
                _bar(pen, left + n * _BAR, mean, COLOURS[n % len(COLOURS)])
        label = name.replace("_", "\n").replace("unanswerable", "un-\nanswerable")
        pen.multiline_text((left + wide / 2, _y(0) + 10), label, fill=_INK, font=small, anchor="ma", align="center")
    for dash in range(_LEFT, width - 20, 10):
        pen.line([(dash, _y(CHANCE)), (dash + 5, _y(CHANCE))], fill="#aa3333")
    pen.text((_LEFT, 12), "Accuracy by type of question", fill=_INK, font=usual)
    x = float(_LEFT)
    for n, summary in enumerate(summaries):
        pen.rectangle([x, 42, x + 12, 54], fill=COLOURS[n % len(COLOURS)])
        pen.text((x + 18, 48), summary.system, fill=_INK, font=small, anchor="lm")
        x += 40 + pen.textlength(summary.system, font=small)
    pen.text((x, 48), "- - chance", fill="#aa3333", font=small, anchor="lm")
    note = "Black lines: one standard error, clustered by video. Unanswerable: right is to abstain."
    pen.text((_LEFT, _TOP + _HEIGHT + _BELOW - 22), note, fill=_INK, font=small)
    picture.save(path)


def _y(value: float) -> float:
    return _TOP + _HEIGHT * (1 - value)


def _bar(pen: ImageDraw.ImageDraw, left: float, mean: Mean, colour: str) -> None:
    pen.rectangle([left, min(_y(mean.value), _y(0) - 1), left + _BAR - 2, _y(0)], fill=colour)
    if math.isinf(mean.error) or mean.error == 0:
        return
    x, low, high = left + _BAR / 2 - 1, max(0.0, mean.value - mean.error), min(1.0, mean.value + mean.error)
    pen.line([(x, _y(low)), (x, _y(high))], fill="black")
    for end in (low, high):
        pen.line([(x - 2, _y(end)), (x + 2, _y(end))], fill="black")
