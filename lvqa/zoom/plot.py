"""A picture of one search along its video: what was looked at in each round, what was believed, what came of it.

Drawn with matplotlib (the extra `plot`) from a trace alone. It knows no frame and no model: whether a look was right
can be told only from the gold windows, which the caller brings. Scripts that matplotlib's own font lacks come out as
empty boxes.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lvqa.errors import UsageError
from lvqa.extras import needs_extra
from lvqa.types import Keyframe, Span, format_time
from lvqa.zoom.base import Round, Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL import Image

# All lengths are in pixels. The first and the last moment of a video lie at LEFT and width - RIGHT - 1.
LEFT, RIGHT = 136, 28
_ROWS, _ROW, _BELIEF, _TAG, _NAME, _COLUMN = 24, 24, 84, 18, 190, 184
_LEAST_WIDTH, _LONGEST, _SEEN = 400, 400, 0.5
_STEPS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_DPI = 100
# The mean width of a character, as a share of its size: texts are cut by it.
_CHARACTER = 0.56

Gold = Sequence[Span]
_INK, _FAINT, _LINE, _PALE, _STRONG = "#222222", "#777777", "#dddddd", "#b8b8c2", "#c01028"
_HILL, _SHADE, _CUE, _FOUND, _GOLD = "#8296c4", "#beccec", "#008c95", "#1d7a33", "#f0b40059"
# Markers, with their size in pixels.
_MARKERS = {"look": ("|", 15), "crops": ("s", 9), "confirm": ("D", 11), "cue": ("s", 5)}
_MARKERS |= {"found": ("v", 11), "keyframe": ("^", 12), "area": ("s", 12)}
_LEGEND = (
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
    """The axes, in seconds and pixels from the top, and what texts beside them are placed by."""

    figure: Figure
    axes: Axes
    width: int
    height: int
    duration_s: float

    def at(self, time_s: float) -> float:
        """A time moved inside the video."""
        return min(max(time_s, 0.0), self.duration_s)

    @property
    def pixel_s(self) -> float:
        """The seconds of one pixel."""
        return self.duration_s / (self.width - RIGHT - 1 - LEFT)

    @property
    def end_s(self) -> float:
        """Where the last pixel ends, the one that begins with the end of the video."""
        return self.duration_s + self.pixel_s

    def marks(self, kind: str, times_s: Sequence[float], y: Sequence[float] | float, colours: object) -> None:
        """Marks of one kind at times, those that come later on top."""
        if not len(times_s):
            return
        marker, size = _MARKERS[kind]
        self.axes.scatter(
            # A bar of two pixels begins at the time.
            [self.at(time_s) + (0.75 * self.pixel_s if marker == "|" else 0.0) for time_s in times_s],
            np.broadcast_to(np.asarray(y, np.float64), len(times_s)),
            s=_points(size) ** 2,
            c=colours,  # type: ignore[arg-type]
            marker=marker,
            linewidths=_points(2) if marker == "|" else 0,
            antialiased=False,
            clip_on=False,
            zorder=4,
        )

    def text(self, x: float, y: float, text: str, room: float, colour: str = _INK, size: int = 13) -> None:
        """A text of one line, cut to the room, its left end and its middle at a place in pixels."""
        self.figure.text(
            x / self.width,
            1 - y / self.height,
            _cut(text, room, size),
            color=colour,
            fontsize=_points(size),
            va="center",
            parse_math=False,
        )


def picture(
    trace: Trace, keyframes: Sequence[Keyframe], *, gold: Gold = (), title: str = "", width: int = 1200
) -> Image.Image:
    """Draw a search: its last belief, a row for each round, its keyframes, over the time of the video.

    `gold` are the stretches where the answer lies, if they are known; `title` stands before what was searched for.
    `width` is in pixels, at least 400; the height follows. Beyond 24 rounds, later ones share rows. The rows' beliefs
    are shaded on one scale, the last one is scaled to its own maximum. Raises UsageError where matplotlib is not
    installed.
    """
    from PIL import Image

    with needs_extra("plot", "a picture of a search"):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

    width = max(width, _LEAST_WIDTH)
    rows, tags = _rows(trace.rounds), sorted(trace.found.items(), key=lambda tag: tag[1])
    legend, abreast = _LEGEND if gold else _LEGEND[:-1], max(1, (width - 32) // _COLUMN)
    top = 62 + _TAG * len(tags)
    first = top + _BELIEF + 8
    last = first + _ROW * len(rows)
    axis = last + 28
    height = axis + 40 + 20 * math.ceil(len(legend) / abreast)
    figure = Figure((width / _DPI, height / _DPI), _DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    place = (LEFT / width, 1 - axis / height, (width - RIGHT - LEFT) / width, (axis - top) / height)
    duration_s = trace.duration_s if trace.duration_s > 0 else 1.0
    axes = figure.add_axes(place, ylim=(axis, top))
    sheet = _Sheet(figure, axes, width, height, duration_s)
    axes.set_xlim(0.0, sheet.end_s)
    targets, cues = (", ".join(part) for part in (trace.things[: trace.targets], trace.things[trace.targets :]))
    searched = f"{trace.searcher} searched for {targets}" + (f" (cues: {cues})" if cues else "")
    sheet.text(16, 20, f"{title}: {searched}" if title else searched, width - 32, size=16)
    sheet.text(16, 42, trace.summary(), width - 32, _FAINT)
    _clock(sheet)
    sheet.text(16, top + _BELIEF / 2, "last belief", LEFT - 24)
    _hill(sheet, trace.belief, top, top + _BELIEF)
    # A belief's height over an even one, so that rows can be compared however many stretches they have.
    most = max((max(one.belief) * len(one.belief) for one in trace.rounds if one.belief), default=0.0)
    for n, (label, rounds) in enumerate(rows):
        belief = next((one.belief for one in rounds if one.belief), ())
        sheet.text(16, first + _ROW * (n + 0.5), label, LEFT - 24)
        _shade(sheet, belief, most / max(1, len(belief)), first + _ROW * n, first + _ROW * (n + 1))
    for span in gold:
        start = min(sheet.at(span.start_s), duration_s - sheet.pixel_s)
        end = max(start + sheet.pixel_s, sheet.at(span.end_s)) + sheet.pixel_s
        axes.axvspan(start, end, color=_GOLD, linewidth=0, zorder=2)
    for n, (name, time_s) in enumerate(tags):
        _tag(sheet, name, time_s, 62 + _TAG * n, axis)
    _looks(sheet, [(first + _ROW * n + _ROW // 2, rounds) for n, (_, rounds) in enumerate(rows)], trace.targets)
    sheet.text(16, last + 14, f"{len(keyframes)} keyframes", LEFT - 24)
    sheet.marks("keyframe", [one.time_s for one in keyframes], last + 14, _INK)
    for n, (kind, colour, label) in enumerate(legend):
        _entry(sheet, kind, colour, label, 24 + n % abreast * _COLUMN, axis + 42 + n // abreast * 20)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        drawn, size = canvas.print_to_buffer()  # type: ignore[no-untyped-call]
    return Image.frombytes("RGBA", size, drawn).convert("RGB")


def save(
    path: Path, trace: Trace, keyframes: Sequence[Keyframe], *, gold: Gold = (), title: str = "", width: int = 1200
) -> None:
    """Write `picture` as PNG to a path in a folder that exists. Raises UsageError where that
    cannot be written, and where matplotlib is not installed."""
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


def _clock(sheet: _Sheet) -> None:
    """The time of the video along the bottom, as many round steps as there is room for, each with a line upwards."""
    axes, duration_s = sheet.axes, sheet.duration_s
    most = max(2, (sheet.width - RIGHT - LEFT) // 90)
    step = next((one for one in _STEPS if duration_s / one <= most), 3600.0 * math.ceil(duration_s / most / 3600))
    ticks = [n * step for n in range(int(duration_s / step + 1e-6) + 1)]
    texts = [format_time(tick, milliseconds=step < 1) for tick in ticks]
    if duration_s < 3600:
        texts = [text.removeprefix("00:").removeprefix("0") for text in texts]
    axes.set_xticks(ticks, texts, fontsize=_points(13), color=_INK)
    axes.set_yticks([])
    axes.tick_params(axis="x", length=_points(5), color=_LINE)
    axes.grid(axis="x", color=_LINE, linewidth=_points(1), zorder=0)
    axes.set_axisbelow(True)
    axes.spines[["left", "top", "right"]].set_visible(False)
    axes.spines["bottom"].set_color(_INK)


def _hill(sheet: _Sheet, belief: Sequence[float], top: float, bottom: float) -> None:
    """A belief as a filled curve, full at its own maximum."""
    shares = _pooled(sheet, belief)
    if len(shares) and shares.max() > 0:
        edges = np.linspace(0.0, sheet.end_s, len(shares) + 1)
        heights = bottom - (bottom - top) * shares / shares.max()
        sheet.axes.stairs(heights, edges, baseline=bottom, fill=True, color=_HILL, linewidth=0, antialiased=False)
    sheet.axes.axhline(bottom, color=_FAINT, linewidth=_points(1), zorder=1)


def _shade(sheet: _Sheet, belief: Sequence[float], most: float, top: float, bottom: float) -> None:
    """A belief as shading, full at the `most`."""
    from matplotlib.colors import LinearSegmentedColormap

    shares = _pooled(sheet, belief)
    if len(shares) and most > 0:
        # The root keeps an even belief visible beside a sharp one.
        sheet.axes.imshow(
            np.sqrt(shares / most)[None, :],
            cmap=LinearSegmentedColormap.from_list("belief", ["white", _SHADE]),
            vmin=0.0,
            vmax=1.0,
            extent=(0.0, sheet.end_s, bottom, top),
            aspect="auto",
            interpolation="nearest",
            zorder=0,
        )
        sheet.axes.set_xlim(0.0, sheet.end_s)
    sheet.axes.axhline(bottom, color=_LINE, linewidth=_points(1), zorder=1)


def _pooled(sheet: _Sheet, belief: Sequence[float]) -> np.ndarray:
    """A belief, at most a share a pixel: of several that share one, the highest."""
    wide, shares = sheet.width - RIGHT - LEFT, np.maximum(np.asarray(belief, np.float64), 0.0)
    if len(shares) <= wide:
        return shares
    return np.maximum.reduceat(shares, np.arange(wide) * len(shares) // wide)


def _looks(sheet: _Sheet, rows: Sequence[tuple[float, Sequence[Round]]], targets: int) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("looks", [_PALE, _STRONG])
    looks = [
        (max(presence[:targets], default=0.0), max(presence[targets:], default=0.0), one.why, crop, time_s, y)
        for y, rounds in rows
        for one in rounds
        for time_s, crop, presence in zip(one.times_s, one.crops, one.presence, strict=False)
    ]
    # The strongest are drawn last, on top of the others.
    looks.sort(key=lambda look: look[0])
    of_kind: dict[str, list[tuple[float, float, float]]] = {"look": [], "crops": [], "confirm": []}
    for target, _, why, crop, time_s, y in looks:
        kind = "crops" if crop is not None else why if why in _MARKERS else "look"
        of_kind.setdefault(kind, []).append((time_s, y - 3, target))
    for kind, marks in of_kind.items():
        strengths = np.clip([target for _, _, target in marks], 0.0, 1.0)
        sheet.marks(kind, [time_s for time_s, _, _ in marks], [y for _, y, _ in marks], colours(strengths))
    cues = [(time_s, y + 8) for _, cue, _, _, time_s, y in looks if cue >= _SEEN]
    sheet.marks("cue", [time_s for time_s, _ in cues], [y for _, y in cues], _CUE)


def _tag(sheet: _Sheet, name: str, time_s: float, y: float, bottom: float) -> None:
    """A target that was found: a line at its time, and its name beside the top, where there is room for it."""
    at, name = sheet.at(time_s), _cut(name, _NAME, 13)
    sheet.axes.plot([at, at], [y, bottom], color=_FOUND, linewidth=_points(1), clip_on=False, zorder=3)
    sheet.marks("found", [at], y, _FOUND)
    left = LEFT + at / sheet.pixel_s + 9 + _wide(name, 13) > sheet.width
    sheet.axes.annotate(
        name,
        (at, y),
        (_points(-9 if left else 9), 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="center",
        color=_FOUND,
        fontsize=_points(13),
        parse_math=False,
        annotation_clip=False,
    )


def _entry(sheet: _Sheet, kind: str, colour: str, label: str, x: float, y: float) -> None:
    """An entry of the legend: a mark and what it says."""
    from matplotlib.lines import Line2D

    marker, size = _MARKERS[kind]
    mark = Line2D(
        [x / sheet.width],
        [1 - y / sheet.height],
        color=colour,
        marker=marker,
        markersize=_points(size),
        markeredgewidth=_points(2) if marker == "|" else 0,
    )
    sheet.figure.add_artist(mark)
    sheet.text(x + 14, y, label, _COLUMN - 18)


def _points(pixels: float) -> float:
    return 72 * pixels / _DPI


def _wide(text: str, size: int) -> float:
    """How wide a text is, in pixels, about."""
    return _CHARACTER * size * len(text)


def _cut(text: str, room: float, size: int) -> str:
    """A text on one line, at most `room` pixels wide; what cannot be printed is left out."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text[:_LONGEST]).split())
    most = max(1, int(room / (_CHARACTER * size)))
    return text if len(text) <= most else text[: max(0, most - 3)].rstrip() + "..."
