"""A picture of one search along its video: what was looked at in each round, what was believed, what came of it.

Drawn with matplotlib (the extra `plot`) from a trace alone. It knows no frame and no model: whether a look was right
can be told only from the gold windows, which the caller brings. Scripts that matplotlib's own font lacks come out as
empty boxes.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lvqa.errors import UsageError, needs_extra
from lvqa.types import Keyframe, Span, format_time
from lvqa.zoom.base import Round, Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from PIL import Image

# In pixels: the margins beside the time of the video and above it, and how high belief, a row and the clock are.
LEFT, RIGHT = 136, 28
_TOP, _BELIEF, _ROW, _CLOCK = 58, 84, 24, 32
# An entry of the legend, wide and high, and the width of a character of 13 pixels.
_ENTRY, _LINE_HEIGHT, _CHARACTER = 184, 20, 7.3
_ROWS, _LEAST_WIDTH, _SEEN, _DPI = 24, 400, 0.5, 100
_STEPS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)

Gold = Sequence[Span]
_INK, _FAINT, _LINE, _PALE, _STRONG = "#222222", "#777777", "#dddddd", "#b8b8c2", "#c01028"
_SHADE = "#beccec"
# Of each kind of mark: the marker, its size in points, its colour, and what the legend says.
_MARKS = {
    "belief": ("s", 9, "#8296c4", "belief (rows: shading)"),
    "look": ("|", 11, _STRONG, "look (pale: not seen)"),
    "crops": ("s", 6, _STRONG, "crop of a frame"),
    "confirm": ("D", 8, _STRONG, "confirmation"),
    "cue": ("s", 4, "#008c95", "cue seen"),
    "found": ("v", 8, "#1d7a33", "target found"),
    "keyframe": ("^", 9, _INK, "keyframe"),
    "gold": ("s", 9, "#f0b40059", "gold window"),
}


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
        from matplotlib.lines import Line2D

    width = max(width, _LEAST_WIDTH)
    duration_s = trace.duration_s if trace.duration_s > 0 else 1.0
    rows, found = _rows(trace.rounds), sorted(trace.found.items(), key=lambda one: one[1])
    labels = [*(label for label, _ in rows), f"{len(keyframes)} keyframes", *(name for name, _ in found)]
    shown = [mark for kind, mark in _MARKS.items() if gold or kind != "gold"]
    abreast = max(1, (width - 32) // _ENTRY)
    bottom = _CLOCK + 8 + _LINE_HEIGHT * math.ceil(len(shown) / abreast)
    height = _TOP + _BELIEF + _ROW * len(labels) + bottom
    figure = Figure((width / _DPI, height / _DPI), _DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    margins = {"left": LEFT / width, "right": 1 - RIGHT / width, "top": 1 - _TOP / height, "bottom": bottom / height}
    heights = [_BELIEF, _ROW * len(labels)]
    hill, table = figure.subplots(2, sharex=True, height_ratios=heights, gridspec_kw={**margins, "hspace": 0})

    targets, cues = (", ".join(part) for part in (trace.things[: trace.targets], trace.things[trace.targets :]))
    searched = f"{trace.searcher} searched for {targets}" + (f" (cues: {cues})" if cues else "")
    for y, size, colour, text in (
        (20, 12, _INK, f"{title}: {searched}" if title else searched),
        (42, 9, _FAINT, trace.summary()),
    ):
        cut = _cut(text, (width - 32) / _CHARACTER * 9 / size)
        figure.text(16 / width, 1 - y / height, cut, color=colour, fontsize=size, va="center", parse_math=False)
    _clock(table, duration_s, max(2, (width - RIGHT - LEFT) // 90))
    _label(hill, [0.5], ["last belief"])
    if (peak := max(trace.belief, default=0.0)) > 0:
        edges = np.linspace(0.0, duration_s, len(trace.belief) + 1)
        shares = np.maximum(trace.belief, 0.0) / peak
        hill.stairs(shares, edges, fill=True, color=_MARKS["belief"][2], linewidth=0, antialiased=False)
    hill.set_ylim(0.0, 1.0)
    _label(table, range(len(labels)), labels)
    table.set_ylim(len(labels) - 0.5, -0.5)
    _shade(table, rows, width - RIGHT - LEFT)
    pixel_s = duration_s / (width - RIGHT - LEFT)
    for axes in (hill, table):
        for span in gold:
            start = min(max(span.start_s, 0.0), duration_s - 2 * pixel_s)
            end = max(min(span.end_s, duration_s), start + 2 * pixel_s)
            axes.axvspan(start, end, color=_MARKS["gold"][2], linewidth=0, zorder=2)
        for _, time_s in found:
            at, green = min(max(time_s, 0.0), duration_s), _MARKS["found"][2]
            axes.axvline(at, color=green, linewidth=1, antialiased=False, zorder=3)
    _looks(table, rows, trace.targets)
    _mark(table, "keyframe", [(1.0, one.time_s, len(rows)) for one in keyframes])
    _mark(table, "found", [(1.0, time_s, len(rows) + 1 + n) for n, (_, time_s) in enumerate(found)])
    handles = [
        Line2D([], [], linestyle="", marker=marker, markersize=size, color=colour, label=label)
        for marker, size, colour, label in shown
    ]
    figure.legend(handles=handles, loc="lower left", ncols=abreast, fontsize=9, frameon=False, handletextpad=0.2)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        drawn, pixels = canvas.print_to_buffer()  # type: ignore[no-untyped-call]
    return Image.frombytes("RGBA", pixels, drawn).convert("RGB")


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


def _clock(axes: Axes, duration_s: float, most: int) -> None:
    """The time of the video along the bottom, in `most` round steps or fewer."""
    step = next((one for one in _STEPS if duration_s / one <= most), 3600.0 * math.ceil(duration_s / most / 3600))
    ticks = np.arange(int(duration_s / step + 1e-6) + 1) * step
    texts = [format_time(tick, milliseconds=step < 1) for tick in ticks.tolist()]
    if duration_s < 3600:
        texts = [text.removeprefix("00:").removeprefix("0") for text in texts]
    axes.set_xticks(ticks, texts, fontsize=9, color=_INK)
    axes.set_xlim(0.0, duration_s)


def _label(axes: Axes, places: Sequence[float], labels: Sequence[str]) -> None:
    """Names of rows to the left of axes, which get the look that all of them have."""
    texts = [_cut(label, (LEFT - 16) / _CHARACTER) for label in labels]
    axes.set_yticks(places, texts, fontsize=9, color=_INK, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", color=_LINE)
    axes.grid(axis="x", color=_LINE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["left", "top", "right"]].set_visible(False)
    axes.spines["bottom"].set_color(_FAINT)


def _shade(axes: Axes, rows: Sequence[tuple[str, Sequence[Round]]], most: int) -> None:
    """What was believed before each row as shading, of `most` stretches or fewer: of several in one, the highest.

    Heights are over an even belief's, so that rows can be compared however many stretches they have.
    """
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("belief", ["white", _SHADE])
    highest = max((max(r.belief) * len(r.belief) for _, rounds in rows for r in rounds if r.belief), default=0.0)
    for n, (_, rounds) in enumerate(rows):
        belief = np.maximum(next((one.belief for one in rounds if one.belief), ()), 0.0)
        axes.axhline(n + 0.5, color=_LINE, linewidth=0.7, zorder=1)
        if not len(belief) or highest <= 0:
            continue
        # The root keeps an even belief visible beside a sharp one.
        shares = np.sqrt(belief * len(belief) / highest)
        if len(shares) > most:
            shares = np.maximum.reduceat(shares, np.arange(most) * len(shares) // most)
        edges = np.linspace(*axes.get_xlim(), len(shares) + 1)
        axes.pcolormesh(edges, [n - 0.5, n + 0.5], shares[None, :], cmap=shades, vmin=0.0, vmax=1.0, zorder=0)


def _looks(axes: Axes, rows: Sequence[tuple[str, Sequence[Round]]], targets: int) -> None:
    """A mark for each frame looked at, the stronger the more is seen, and one for each cue seen."""
    kinds: dict[str, list[tuple[float, float, float]]] = {"look": [], "crops": [], "confirm": [], "cue": []}
    for y, (_, rounds) in enumerate(rows):
        for one in rounds:
            for time_s, crop, presence in zip(one.times_s, one.crops, one.presence, strict=False):
                kind = "crops" if crop is not None else one.why if one.why in kinds else "look"
                kinds[kind].append((max(presence[:targets], default=0.0), time_s, y - 0.12))
                if max(presence[targets:], default=0.0) >= _SEEN:
                    kinds["cue"].append((1.0, time_s, y + 0.33))
    for kind, marks in kinds.items():
        _mark(axes, kind, marks)


def _mark(axes: Axes, kind: str, marks: Sequence[tuple[float, float, float]]) -> None:
    """Marks of a kind by strength in [0, 1] (the weaker, the paler), time, moved inside the video, and row."""
    from matplotlib.colors import LinearSegmentedColormap

    if not marks:
        return
    marker, size, colour, _ = _MARKS[kind]
    # The strongest are drawn last, on top of the others.
    strengths, times_s, ys = np.array(sorted(marks, key=lambda mark: mark[0])).T
    axes.scatter(
        np.clip(times_s, *axes.get_xlim()),
        ys,
        size**2,
        LinearSegmentedColormap.from_list(kind, [_PALE, colour])(np.clip(strengths, 0.0, 1.0)),
        marker=marker,
        linewidths=2 if marker == "|" else 0,
        antialiased=False,
        clip_on=False,
        zorder=4,
    )


def _cut(text: str, most: float) -> str:
    """A text on one line, of at most so many characters; what cannot be printed is left out."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text[: 8 * int(most)]).split())
    return text if len(text) <= most else text[: max(0, int(most) - 3)].rstrip() + "..."
