"""What a search bench measured, as tables, a page and a picture of curves. Knows rows only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lvqa.eval.lab.search.outcome import GROUPS, WANTED, SearchOutcome, SearchRow, in_group, lines_of, needs_of
from lvqa.eval.runner import chart
from lvqa.phrasing import markdown_cell

_WHAT = {
    "cued": "targets of 1 to 4 s with a flag of their colour around them",
    "uncued": "targets of 1 to 4 s without one",
    "short": "targets of less than 1 s",
    "small": "small targets of 1 to 4 s",
}
Table = list[list[str]]


@dataclass(frozen=True, slots=True)
class Curve:
    """A system's curve: points (x, y, low, high) in the order of x, low and high the ends of y's interval."""

    name: str
    points: Sequence[tuple[float, float, float, float]]


def needs_lines(rows: Sequence[SearchRow]) -> list[str]:
    """The same in words."""
    lines = []
    for group, systems in needs_of(rows).items():
        parts = []
        for system, need in systems.items():
            if system == "targets":
                continue
            if need["frames"] is None:
                parts.append(f"{system} more than {need['budget']} (recall {need['recall']:.2f})")
            else:
                parts.append(f"{system} {need['frames']:g}")
        lines.append(f"{group} ({systems['targets']}): frames for recall {WANTED:g}: " + ", ".join(parts))
    return lines


def text(outcome: SearchOutcome) -> list[str]:
    """The tables as lines for a terminal."""
    made: list[str] = []
    for group in GROUPS:
        table = table_of(outcome.rows, group)
        if len(table) > 1:
            widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
            made += [f"{_WHAT[group]} ({_count(outcome.rows, group)})"]
            made += ["  ".join([r[0].ljust(widths[0]), *map(str.rjust, r[1:], widths[1:])]).rstrip() for r in table]
            made.append("")
    made += needs_lines(outcome.rows)
    made += [f"report: {outcome.folder / 'report.md'}, {chart.named(outcome.folder / 'report.png')}"]
    return made


def _count(rows: Sequence[SearchRow], group: str) -> int:
    return len({(row.world, row.target) for row in rows if in_group(row, group)})


def table_of(rows: Sequence[SearchRow], group: str) -> Table:
    """A row a system: recall and cost at each budget, then what is told of one budget."""
    lines = lines_of(rows, [group])
    budgets = sorted({line.budget for line in lines})
    head = ["system", *(f"recall@{b}" for b in budgets), *(f"frames@{b}" for b in budgets)]
    table = [[*head, "F1", "visual", "s", "ms a round"]]
    for system in dict.fromkeys(line.system for line in lines):
        own = {line.budget: line for line in lines if line.system == system}
        middle = own[budgets[min(1, len(budgets) - 1)]]
        cells = [f"{own[b].recall[0]:.2f} [{own[b].recall[1]:.2f}, {own[b].recall[2]:.2f}]" for b in budgets]
        cells += [f"{own[b].frames:.0f}" for b in budgets]
        visual = "" if middle.visual is None else f"{middle.visual:.2f}"
        cells += [f"{middle.f1[0]:.2f}", visual, f"{middle.seconds:.2f}", f"{middle.own_ms_a_round:.1f}"]
        table.append([system, *cells])
    return table


def write(outcome: SearchOutcome) -> None:
    """`report.md` and `report.png` in the run's folder."""
    draw_curves(
        outcome.folder / "report.png",
        {
            f"{group}: recall against frames, with 95 % intervals": curves_of(outcome.rows, group)
            for group in ("cued", "uncued")
        },
        "frames",
    )
    (outcome.folder / "report.md").write_text(page(outcome), encoding="utf-8")


def draw_curves(path: Path, panels: Mapping[str, Sequence[Curve]], axis: str) -> bool:
    """Write curves over a cost, which grows by factors along the axis called `axis`: a panel a title, as one PNG.

    False where it cannot be drawn.
    """
    figure = chart.empty_figure(path, 7.0 * max(1, len(panels)), 6.2)
    if figure is None:
        return False
    names = list(dict.fromkeys(curve.name for mine in panels.values() for curve in mine))
    seen: dict[str, Any] = {}
    for place, (title, mine) in enumerate(panels.items(), 1):
        axes = figure.add_subplot(1, len(panels), place)
        for curve in mine:
            xs, ys = [max(p[0], 1.0) for p in curve.points], [p[1] for p in curve.points]
            colour = chart.COLOURS[names.index(curve.name) % len(chart.COLOURS)]
            errors = [[p[1] - p[2] for p in curve.points], [p[3] - p[1] for p in curve.points]]
            errors = [[max(0.0, value) for value in side] for side in errors]
            seen[curve.name] = axes.errorbar(xs, ys, yerr=errors, color=colour, marker="o", markersize=4, elinewidth=1)
        axes.set_xscale("log", base=4)
        chart.dress(axes, title, axis)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    figure.legend(seen.values(), seen.keys(), loc="outside lower center", ncols=5, fontsize="small", frameon=False)
    chart.save(figure, path)
    return True


def curves_of(rows: Sequence[SearchRow], group: str) -> list[Curve]:
    """Recall with its interval over the frames that it cost, a curve a system."""
    lines = lines_of(rows, [group])
    return [
        Curve(system, [(line.frames, *line.recall) for line in lines if line.system == system])
        for system in dict.fromkeys(line.system for line in lines)
    ]


def page(outcome: SearchOutcome) -> str:
    """The report in Markdown."""
    lines = [
        f"# Search, {outcome.minutes:g} minutes, worlds {', '.join(map(str, outcome.worlds))}",
        "",
        "Each target appears once in its video. Recall: a returned frame shows its window; brackets are 95 % intervals "
        "(bootstrap over targets). Frames: those looked at, and those returned that nobody looked at. F1 is "
        "LV-Haystack's at 5 s of the 8 best frames, visual F1 the same by SSIM, both, like seconds, at the second "
        "budget. Seconds are a search's own and what its frames take (decoding, the VLM) where each is looked at anew.",
        "",
        chart.picture(outcome.folder / "report.png", "recall against frames"),
        "",
    ]
    for group in GROUPS:
        table = table_of(outcome.rows, group)
        if len(table) > 1:
            lines += [f"## {_WHAT[group].capitalize()} ({_count(outcome.rows, group)})", ""]
            head, *rest = table
            rule = ["---", *("---:" for _ in head[1:])]
            lines += ["| " + " | ".join(map(markdown_cell, row)) + " |" for row in (head, rule, *rest)] + [""]
    lines += ["## Frames needed", "", *(f"- {line}" for line in needs_lines(outcome.rows))]
    return "\n".join(lines) + "\n"
