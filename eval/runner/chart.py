"""Three pictures by Pillow: accuracy by type of question as bars, the risk-coverage curve, the reliability diagram.

Knows figures only.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from lvqa.eval.metrics import Mean
from lvqa.eval.runner.score import Summary

COLOURS = (
    "#1f4e9c",
    "#e08a1e",
    "#6ba35a",
    "#9a6fb0",
    "#4bb3b3",
    "#8c6d46",
    "#c9a77c",
    "#8a8a8a",
    "#cfcfcf",
    "#b24a4a",
)
_INK, _GRID = "#222222", "#dddddd"
_LEFT, _TOP, _HEIGHT, _BELOW = 60, 70, 360, 110
_BAR, _GAP = 12, 26


_SIDE, _PANEL_GAP = 320, 70
Line = tuple[str, Sequence[tuple[float, float]]]


def draw(path: Path, summaries: Sequence[Summary], chance: float) -> None:
    """Write accuracy by type as PNG, with a line at `chance`."""
    _bars(summaries, chance).save(path)


def draw_all(path: Path, summaries: Sequence[Summary], chance: float) -> None:
    """Write accuracy by type and, below it, risk-coverage curves and reliability, as one PNG."""
    above = _bars(summaries, chance)
    below = _panels(summaries)
    picture = Image.new("RGB", (max(above.width, below.width), above.height + below.height), "white")
    picture.paste(above, (0, 0))
    picture.paste(below, (0, above.height))
    picture.save(path)


def _bars(summaries: Sequence[Summary], chance: float) -> Image.Image:
    types = list(dict.fromkeys(name for s in summaries for name in s.by_type))
    groups: list[tuple[str, list[Mean | None]]] = [
        ("all", [s.accuracy for s in summaries]),
        ("events", [s.events for s in summaries]),
        *((name, [s.by_type.get(name) for s in summaries]) for name in types),
    ]
    groups = [group for group in groups if any(group[1])]
    small, usual = _fonts()
    wide = max(_BAR * len(summaries), 34)
    labels = [_label(name) for name, _ in groups]
    texts = sum(40 + small.getlength(s.system) for s in summaries) + 100
    width = int(max(_LEFT + len(groups) * (wide + _GAP) + 30, _LEFT + texts, 640))
    picture = Image.new("RGB", (width, _TOP + _HEIGHT + _BELOW), "white")
    pen = ImageDraw.Draw(picture)
    for tenth in range(0, 11, 2):
        y = _y(tenth / 10)
        pen.line([(_LEFT, y), (width - 20, y)], fill=_GRID)
        pen.text((_LEFT - 10, y), f"{tenth / 10:.1f}", fill=_INK, font=small, anchor="rm")
    for g, (_, means) in enumerate(groups):
        left = _LEFT + _GAP / 2 + g * (wide + _GAP)
        for n, mean in enumerate(means):
            if mean is not None:
                _bar(pen, left + n * _BAR, mean, COLOURS[n % len(COLOURS)])
        pen.multiline_text((left + wide / 2, _y(0) + 10), labels[g], fill=_INK, font=small, anchor="ma", align="center")
    for dash in range(_LEFT, width - 20, 10):
        pen.line([(dash, _y(chance)), (dash + 5, _y(chance))], fill="#aa3333")
    pen.text((_LEFT, 12), "Accuracy by type of question", fill=_INK, font=usual)
    x = float(_LEFT)
    for n, summary in enumerate(summaries):
        pen.rectangle([x, 42, x + 12, 54], fill=COLOURS[n % len(COLOURS)])
        pen.text((x + 18, 48), summary.system, fill=_INK, font=small, anchor="lm")
        x += 40 + pen.textlength(summary.system, font=small)
    pen.text((x, 48), "- - chance", fill="#aa3333", font=small, anchor="lm")
    note = "Black lines: one standard error, clustered by video. Unanswerable: right is to abstain."
    pen.text((_LEFT, _TOP + _HEIGHT + _BELOW - 22), note, fill=_INK, font=small)
    return picture


def _panels(summaries: Sequence[Summary]) -> Image.Image:
    curves: list[Line] = [
        (s.system, [((k + 1) / len(s.risk.curve), v) for k, v in enumerate(s.risk.curve)] if s.risk else [])
        for s in summaries
    ]
    bins: list[Line] = [(s.system, [(b.confidence, b.accuracy) for b in s.reliability]) for s in summaries]
    picture = Image.new("RGB", (2 * (_LEFT + _SIDE + _PANEL_GAP), _TOP + _SIDE + 60), "white")
    pen = ImageDraw.Draw(picture)
    _panel(pen, _LEFT, "Accuracy over the most confident share", "share of the questions", curves)
    left = _LEFT + _SIDE + _PANEL_GAP + _LEFT
    _panel(pen, left, "Reliability (on the line: as sure as right)", "confidence", bins, diagonal=True)
    return picture


def _panel(
    pen: ImageDraw.ImageDraw, left: int, title: str, axis: str, lines: Sequence[Line], *, diagonal: bool = False
) -> None:
    small, usual = _fonts()

    def at(x: float, y: float) -> tuple[float, float]:
        return left + x * _SIDE, 40 + (1 - y) * _SIDE

    pen.text((left, 12), title, fill=_INK, font=usual)
    for tenth in range(0, 11, 2):
        share = tenth / 10
        pen.line([at(0, share), at(1, share)], fill=_GRID)
        pen.text((at(0, share)[0] - 8, at(0, share)[1]), f"{share:.1f}", fill=_INK, font=small, anchor="rm")
        pen.text((at(share, 0)[0], at(share, 0)[1] + 8), f"{share:.1f}", fill=_INK, font=small, anchor="ma")
    pen.text((left + _SIDE / 2, at(0, 0)[1] + 28), axis, fill=_INK, font=small, anchor="ma")
    if diagonal:
        pen.line([at(0, 0), at(1, 1)], fill="#aa3333")
    for n, (_, points) in enumerate(lines):
        colour = COLOURS[n % len(COLOURS)]
        if len(points) > 1:
            pen.line([at(x, y) for x, y in points], fill=colour, width=2)
        for x, y in points if diagonal or len(points) == 1 else ():
            px, py = at(x, y)
            pen.ellipse([px - 3, py - 3, px + 3, py + 3], fill=colour)


def _label(name: str) -> str:
    text = name.replace("_", "\n").replace("unanswerable", "un-\nanswerable")
    return "\n".join(line for part in text.split("\n") for line in textwrap.wrap(part, 12)) or "-"


def _fonts() -> tuple[ImageFont.ImageFont | ImageFont.FreeTypeFont, ImageFont.ImageFont | ImageFont.FreeTypeFont]:
    return ImageFont.load_default(13), ImageFont.load_default(15)


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
