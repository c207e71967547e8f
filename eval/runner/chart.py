"""Pictures of figures, by matplotlib: accuracy by type of question, and confidence against being right.

matplotlib comes with the extra `plot` and is imported when something is drawn; without it every function draws nothing,
says so by returning False, and reports carry a line instead. Knows figures only.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lvqa.eval.metrics import Mean
from lvqa.eval.runner.score import Summary

INSTALL = "no chart was drawn: it takes matplotlib (pip install 'lvqa[plot]')"
COLOURS = (
    "#1f4e9c", "#e08a1e", "#6ba35a", "#9a6fb0", "#4bb3b3", "#8c6d46", "#c9a77c", "#8a8a8a", "#cfcfcf", "#b24a4a",
    "#5b85c9", "#2a9d8f", "#e7a0a0", "#c4b8a8",
)  # fmt: skip
_CHANCE, _GRID = "#aa3333", "#dddddd"
_DPI = 100


def accuracy_and_confidence(path: Path, summaries: Sequence[Summary], chance: float) -> bool:
    """Write a PNG: accuracy by type of question with a line at `chance`, risk-coverage curves and reliability below.

    False where it cannot be drawn.
    """
    groups = _groups(summaries)
    figure = empty_figure(path, max(9.0, 0.1 * len(groups) * (len(summaries) + 3)), 9.6)
    if figure is None:
        return False
    grid = figure.add_gridspec(2, 2)
    _bars(figure.add_subplot(grid[0, :]), groups, summaries, chance)
    risk, sure = figure.add_subplot(grid[1, 0]), figure.add_subplot(grid[1, 1])
    for number, summary in enumerate(summaries):
        colour = COLOURS[number % len(COLOURS)]
        if summary.risk is not None and summary.risk.curve:
            n = len(summary.risk.curve)
            shares = [(k + 1) / n for k in range(n)]
            risk.plot(shares, summary.risk.curve, color=colour, marker="o" if n == 1 else None)
        bins = summary.reliability
        sure.plot([one.confidence for one in bins], [one.accuracy for one in bins], color=colour, marker="o")
    sure.plot([0, 1], [0, 1], color=_CHANCE, linewidth=0.8)
    dress(risk, "Accuracy over the most confident share", "share of the questions")
    dress(sure, "Reliability (on the line: as sure as right)", "confidence")
    for axes in (risk, sure):
        axes.set_xlim(0, 1.02)
    save(figure, path)
    return True


def picture(path: Path, what: str) -> str:
    """A line of Markdown that shows a chart beside the page, or says why there is none."""
    return f"![{what}]({path.name})" if path.is_file() else f"({INSTALL})"


def named(path: Path) -> str:
    """Where a chart lies, or why there is none."""
    return str(path) if path.is_file() else f"({INSTALL})"


def _groups(summaries: Sequence[Summary]) -> list[tuple[str, list[Mean | None]]]:
    types = list(dict.fromkeys(name for one in summaries for name in one.by_type))
    groups: list[tuple[str, list[Mean | None]]] = [
        ("all", [one.accuracy for one in summaries]),
        ("events", [one.events for one in summaries]),
        *((name, [one.by_type.get(name) for one in summaries]) for name in types),
    ]
    return [group for group in groups if any(group[1])]


def _bars(
    axes: Any, groups: Sequence[tuple[str, list[Mean | None]]], summaries: Sequence[Summary], chance: float
) -> None:
    width = 0.8 / max(1, len(summaries))
    for number, summary in enumerate(summaries):
        found = [(place, means[number]) for place, (_, means) in enumerate(groups)]
        there = [(place, mean) for place, mean in found if mean is not None]
        axes.bar(
            [place - 0.4 + (number + 0.5) * width for place, _ in there],
            [mean.value for _, mean in there],
            width * 0.9,
            yerr=[0.0 if math.isinf(mean.error) else mean.error for _, mean in there],
            error_kw={"elinewidth": 0.8, "capsize": 1.5},
            color=COLOURS[number % len(COLOURS)],
            label=summary.system,
        )
    axes.axhline(chance, color=_CHANCE, linestyle="--", linewidth=0.8, label="chance")
    axes.set_xticks(range(len(groups)), [name.replace("_", "\n") or "-" for name, _ in groups], fontsize="small")
    axes.set_ylim(0, 1.02)
    axes.grid(axis="y", color=_GRID)
    axes.set_axisbelow(True)
    axes.set_title("Accuracy by type of question", loc="left", pad=34)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=6, fontsize="small", frameon=False)
    axes.set_xlabel(
        "Black lines: one standard error, clustered by video. Unanswerable: right is to abstain.", fontsize="small"
    )


def dress(axes: Any, title: str, axis: str) -> None:
    """Give axes of shares, in [0, 1], a title, a name along the bottom and a grid."""
    axes.set_title(title, fontsize="medium")
    axes.set_xlabel(axis)
    axes.grid(color=_GRID)
    axes.set_axisbelow(True)
    axes.set_ylim(0, 1.02)


def empty_figure(path: Path, width: float, height: float) -> Any | None:
    """An empty figure, in inches; None without matplotlib, and no chart of an earlier run is left then."""
    if importlib.util.find_spec("matplotlib") is None:
        path.unlink(missing_ok=True)
        return None
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=_DPI, layout="constrained")


def save(figure: Any, path: Path) -> None:
    """Write a figure as PNG, the same bytes for the same figure."""
    figure.savefig(path, format="png", metadata={"Software": None})
