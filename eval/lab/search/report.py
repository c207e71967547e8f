"""What a search bench measured, as tables, a page and a picture of curves. Knows rows only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lvqa.eval.lab.search.score import interval, uniform_needs
from lvqa.phrasing import markdown_cell
from lvqa.types import Span

if TYPE_CHECKING:
    from lvqa.eval.lab.search.bench import SearchOutcome, SearchRow

GROUPS = ("cued", "uncued", "short", "small")
WANTED = 0.9
_WHAT = {
    "cued": "targets of 1 to 4 s with a flag of their colour around them",
    "uncued": "targets of 1 to 4 s without one",
    "short": "targets of less than 1 s",
    "small": "small targets of 1 to 4 s",
}
Table = list[list[str]]


@dataclass(frozen=True, slots=True)
class Line:
    """A system at a budget on a group of targets: means, and the recall's 95 % interval."""

    group: str
    system: str
    budget: int
    targets: int
    recall: tuple[float, float, float]
    near: float
    f1: tuple[float, float, float]
    visual: float | None
    frames: float
    seconds: float
    own_ms_a_round: float

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "group": self.group,
            "system": self.system,
            "budget": self.budget,
            "targets": self.targets,
            "recall": [round(v, 4) for v in self.recall],
            "recall_within_5s": round(self.near, 4),
            "f1": [round(v, 4) for v in self.f1],
            "visual_f1": None if self.visual is None else round(self.visual, 4),
            "frames": round(self.frames, 2),
            "seconds": round(self.seconds, 3),
            "own_ms_a_round": round(self.own_ms_a_round, 2),
        }


def in_group(row: SearchRow, group: str) -> bool:
    """Whether a search was for a target of that kind."""
    long = row.end_s - row.start_s >= 1.0
    if group == "short":
        return not long
    if group == "small":
        return long and row.size == "small"
    return long and row.cued == (group == "cued")


def lines_of(rows: Sequence[SearchRow], groups: Sequence[str] = GROUPS) -> list[Line]:
    """A line a group, system and budget, in that order."""
    systems = list(dict.fromkeys(row.system for row in rows))
    budgets = sorted({row.budget for row in rows})
    lines = []
    for group in groups:
        for system in systems:
            for budget in budgets:
                mine = [r for r in rows if (r.system, r.budget) == (system, budget) and in_group(r, group)]
                if mine:
                    lines.append(_line(group, system, budget, mine))
    return lines


def _line(group: str, system: str, budget: int, rows: Sequence[SearchRow]) -> Line:
    n = len(rows)
    visual = [row.visual for row in rows if row.visual is not None]
    return Line(
        group,
        system,
        budget,
        n,
        interval([float(row.found) for row in rows]),
        sum(row.near for row in rows) / n,
        interval([row.f1 for row in rows]),
        sum(visual) / len(visual) if visual else None,
        sum(row.frames for row in rows) / n,
        sum(row.seconds for row in rows) / n,
        sum(row.own_ms_a_round for row in rows) / n,
    )


def needs_of(rows: Sequence[SearchRow], wanted: float = WANTED) -> dict[str, dict[str, Any]]:
    """Frames that each system takes for a recall of `wanted`, by group; None where no budget sufficed.

    For uniform it is computed to the frame from the windows; for others it is the mean cost at the least budget that
    sufficed. `recall` is what was reached there, or at the largest budget.
    """
    found: dict[str, dict[str, Any]] = {}
    for group in GROUPS:
        lines = lines_of(rows, [group])
        mine = [row for row in rows if in_group(row, group)]
        windows = {(r.world, r.target): (Span(r.start_s, r.end_s), r.duration_s) for r in mine}
        if not windows:
            continue
        found[group] = {"targets": len(windows), "uniform": {"frames": uniform_needs(list(windows.values()), wanted)}}
        for system in dict.fromkeys(line.system for line in lines if line.system != "uniform"):
            own = [line for line in lines if line.system == system]
            enough = next((line for line in own if line.recall[0] >= wanted), None)
            best = enough or own[-1]
            found[group][system] = {
                "frames": round(best.frames, 1) if enough else None,
                "budget": best.budget,
                "recall": round(best.recall[0], 3),
            }
    return found


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
    made += [f"report: {outcome.folder / 'report.md'}, {outcome.folder / 'report.png'}"]
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
    from lvqa.eval.lab.search.chart import draw

    draw(outcome.folder / "report.png", lines_of(outcome.rows, ["cued", "uncued"]))
    (outcome.folder / "report.md").write_text(page(outcome), encoding="utf-8")


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
        "![recall against frames](report.png)",
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
