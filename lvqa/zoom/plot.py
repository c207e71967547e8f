"""A picture of one search along its video: what was looked at in each round, what was believed, what came of it.

Drawn by Pillow from a trace alone. It knows no frame and no model: whether a look was right can be told only from the
gold windows, which the caller brings. Scripts that Pillow's own font lacks come out as empty boxes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from lvqa.errors import UsageError
from lvqa.types import Keyframe, Span, format_time
from lvqa.zoom.base import Round, Trace

LEFT, RIGHT = 136, 28  # Margins: the first and the last moment of a video lie at LEFT and width - RIGHT - 1.
_ROWS, _ROW, _BELIEF, _TAG, _NAME, _COLUMN = 24, 24, 84, 18, 190, 184
_LEAST_WIDTH, _LONGEST, _SEEN = 400, 400, 0.5
_STEPS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)

Gold = Sequence[Span]
_Colour = tuple[int, ...]
_INK, _FAINT, _LINE, _PALE, _STRONG = (34, 34, 34), (119, 119, 119), (221, 221, 221), (184, 184, 194), (192, 16, 40)
_HILL, _BLANK, _SHADE = (130, 150, 196), (255, 255, 255), (190, 204, 236)
_CUE, _FOUND, _GOLD = (0, 140, 149), (29, 122, 51), (240, 180, 0, 90)
_SHAPES = {
    "look": ((0, -7), (1, -7), (1, 7), (0, 7)),
    "crops": ((-4, -4), (4, -4), (4, 4), (-4, 4)),
    "confirm": ((0, -7), (7, 0), (0, 7), (-7, 0)),
    "cue": ((-2, -2), (2, -2), (2, 2), (-2, 2)),
    "found": ((-6, -5), (6, -5), (0, 5)),
    "keyframe": ((-6, 6), (6, 6), (0, -6)),
    "area": ((-6, -6), (6, -6), (6, 6), (-6, 6)),
}
_LEGEND: tuple[tuple[str, _Colour, str], ...] = (
    ("area", _HILL, "belief (rows: shading)"),
    ("look", _STRONG, "look (pale: not seen)"),
    ("crops", _STRONG, "crop of a frame"),
    ("confirm", _STRONG, "confirmation"),
    ("cue", _CUE, "cue seen"),
    ("found", _FOUND, "target found"),
    ("keyframe", _INK, "keyframe"),
    ("area", _GOLD, "gold window"),
)


@dataclass(frozen=True, slots=True)
class _Sheet:
    pen: ImageDraw.ImageDraw
    right: int
    duration_s: float

    def x(self, time_s: float) -> int:
        share = max(0.0, time_s / self.duration_s) if self.duration_s > 0 else 0.0
        return LEFT + round(min(1.0, share) * (self.right - LEFT))

    def mark(self, kind: str, x: int, y: int, colour: _Colour) -> None:
        self.pen.polygon([(x + right, y + down) for right, down in _SHAPES.get(kind, _SHAPES["look"])], fill=colour)

    def text(self, x: float, y: float, text: str, room: float, fill: _Colour = _INK, size: int = 13) -> None:
        self.pen.text((x, y), _cut(text, room, size), fill=fill, font=ImageFont.load_default(size), anchor="lm")


def picture(
    trace: Trace, keyframes: Sequence[Keyframe], *, gold: Gold = (), title: str = "", width: int = 1200
) -> Image.Image:
    """Draw a search: its last belief, a row for each round, its keyframes, over the time of the video.

    `gold` are the stretches where the answer lies, if they are known; `title` stands before what was searched for.
    `width` is in pixels, at least 400; the height follows. Beyond 24 rounds, later ones share rows. The rows' beliefs
    are shaded on one scale, the last one is scaled to its own maximum.
    """
    width = max(width, _LEAST_WIDTH)
    rows, tags = _rows(trace.rounds), sorted(trace.found.items(), key=lambda tag: tag[1])
    legend, abreast = _LEGEND if gold else _LEGEND[:-1], max(1, (width - 32) // _COLUMN)
    top = 62 + _TAG * len(tags)
    first = top + _BELIEF + 8
    last = first + _ROW * len(rows)
    axis = last + 28
    drawn = Image.new("RGB", (width, axis + 40 + 20 * math.ceil(len(legend) / abreast)), "white")
    sheet = _Sheet(ImageDraw.Draw(drawn, "RGBA"), width - RIGHT - 1, trace.duration_s)
    targets, cues = (", ".join(part) for part in (trace.things[: trace.targets], trace.things[trace.targets :]))
    searched = f"{trace.searcher} searched for {targets}" + (f" (cues: {cues})" if cues else "")
    sheet.text(16, 20, f"{title}: {searched}" if title else searched, width - 32, size=16)
    sheet.text(16, 42, trace.summary(), width - 32, _FAINT)
    _axis(sheet, top, axis)
    _belief(sheet, "last belief", trace.belief, max(trace.belief, default=0.0), top, _BELIEF, shaded=False)
    # A belief's height over an even one, so that rows can be compared however many stretches they have.
    most = max((max(one.belief) * len(one.belief) for one in trace.rounds if one.belief), default=0.0)
    for n, (label, rounds) in enumerate(rows):
        belief = next((one.belief for one in rounds if one.belief), ())
        _belief(sheet, label, belief, most / max(1, len(belief)), first + _ROW * n, _ROW, shaded=True)
    for span in gold:
        start = min(sheet.x(span.start_s), sheet.right - 1)
        sheet.pen.rectangle([start, top, max(start + 1, sheet.x(span.end_s)), axis - 1], fill=_GOLD)
    for n, (name, time_s) in enumerate(tags):
        _tag(sheet, name, time_s, 62 + _TAG * n, axis)
    for n, (_, rounds) in enumerate(rows):
        _looks(sheet, rounds, trace.targets, first + _ROW * n + _ROW // 2)
    sheet.text(16, last + 14, f"{len(keyframes)} keyframes", LEFT - 24)
    for one in keyframes:
        sheet.mark("keyframe", sheet.x(one.time_s), last + 14, _INK)
    for n, (kind, colour, label) in enumerate(legend):
        x, y = 24 + n % abreast * _COLUMN, axis + 42 + n // abreast * 20
        sheet.mark(kind, x, y, colour)
        sheet.text(x + 14, y, label, _COLUMN - 18)
    return drawn


def save(
    path: Path, trace: Trace, keyframes: Sequence[Keyframe], *, gold: Gold = (), title: str = "", width: int = 1200
) -> None:
    """Write `picture` as PNG to a path in a folder that exists. Raises UsageError where that cannot be written."""
    drawn = picture(trace, keyframes, gold=gold, title=title, width=width)
    try:
        drawn.save(path, "PNG")
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror or error}); name another file") from error


def _rows(rounds: Sequence[Round]) -> list[tuple[str, Sequence[Round]]]:
    """Rounds by row, with a label. Where there are too many, the first half of the rows hold one, the others more."""
    half, n = _ROWS // 2, len(rounds)
    shared = [half + k * (n - half) // half for k in range(1, half + 1)]
    ends = [*range(1, n + 1)] if n <= _ROWS else [*range(1, half + 1), *shared]
    rows: list[tuple[str, Sequence[Round]]] = []
    for start, end in zip([0, *ends], ends, strict=False):
        part = rounds[start:end]
        numbers = f"{end}" if len(part) == 1 else f"{start + 1}-{end}"
        why = part[0].why if len({one.why for one in part}) == 1 else "mixed"
        rows.append((f"{numbers} {why} x{sum(len(one.times_s) for one in part)}", part))
    return rows


def _axis(sheet: _Sheet, top: float, y: float) -> None:
    most, duration_s = max(2, (sheet.right - LEFT) // 90), sheet.duration_s
    step = next((one for one in _STEPS if duration_s / one <= most), 3600.0 * math.ceil(duration_s / most / 3600))
    for n in range(int(duration_s / step + 1e-6) + 1):
        text = format_time(n * step, milliseconds=step < 1)
        text = text if duration_s >= 3600 else text.removeprefix("00:").removeprefix("0")
        x = sheet.x(n * step)
        sheet.pen.line([(x, top), (x, y + 5)], fill=_LINE)
        sheet.pen.text((x, y + 15), text, fill=_INK, font=ImageFont.load_default(13), anchor="mm")
    sheet.pen.line([(LEFT, y), (sheet.right, y)], fill=_INK)


def _belief(
    sheet: _Sheet, label: str, belief: Sequence[float], most: float, top: int, height: int, *, shaded: bool
) -> None:
    """A row with its label and a belief, as shading or as a filled curve, which is full at the `most`."""
    sheet.text(16, top + height / 2, label, LEFT - 24)
    wide = sheet.right - LEFT + 1
    for n in range(wide if belief and most > 0 else 0):
        start = n * len(belief) // wide
        share = max(0.0, *belief[start : max(start + 1, (n + 1) * len(belief) // wide)]) / most
        # The root keeps an even belief in sight beside a sharp one.
        colour = _between(_BLANK, _SHADE, math.sqrt(share)) if shaded else _HILL
        sheet.pen.line([(LEFT + n, top + (0 if shaded else height * (1 - share))), (LEFT + n, top + height)], colour)
    sheet.pen.line([(LEFT, top + height), (sheet.right, top + height)], _LINE if shaded else _FAINT)


def _looks(sheet: _Sheet, rounds: Sequence[Round], targets: int, y: int) -> None:
    looks = [
        (max(presence[:targets], default=0.0), max(presence[targets:], default=0.0), one.why, crop, sheet.x(time_s))
        for one in rounds
        for time_s, crop, presence in zip(one.times_s, one.crops, one.presence, strict=False)
    ]
    # The strongest are drawn last, on top of the others.
    for target, cue, why, crop, x in sorted(looks, key=lambda look: look[0]):
        sheet.mark(why if crop is None else "crops", x, y - 3, _between(_PALE, _STRONG, target))
        if cue >= _SEEN:
            sheet.mark("cue", x, y + 8, _CUE)


def _tag(sheet: _Sheet, name: str, time_s: float, y: int, bottom: int) -> None:
    x, name = sheet.x(time_s), _cut(name, _NAME)
    wide = ImageFont.load_default(13).getlength(name)
    sheet.pen.line([(x, y), (x, bottom)], fill=_FOUND)
    sheet.mark("found", x, y, _FOUND)
    sheet.text(x + 9 if x + 9 + wide <= sheet.right + RIGHT else x - 9 - wide, y, name, wide, _FOUND)


def _between(one: _Colour, other: _Colour, share: float) -> _Colour:
    return tuple(round(a + (z - a) * min(1.0, max(0.0, share))) for a, z in zip(one, other, strict=True))


def _cut(text: str, room: float, size: int = 13) -> str:
    """A text on one line, at most `room` pixels wide; what cannot be printed is left out."""
    font = ImageFont.load_default(size)
    text = " ".join("".join(c if c.isprintable() else " " for c in text[:_LONGEST]).split())
    cut = text
    while text and font.getlength(cut) > room:
        text = text[:-1]
        cut = text.rstrip() + "..."
    return cut
