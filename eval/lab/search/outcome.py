"""What a search bench came to, as values: a row a search, a line a system and budget, frames needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lvqa.eval.lab.search.score import interval, uniform_needs
from lvqa.types import Span

GROUPS = ("cued", "uncued", "short", "small")
WANTED = 0.9


@dataclass(frozen=True, slots=True)
class SearchRow:
    """One search: of which world, by whom, with which budget, for what; and what came of it.

    `frames` is what it cost; `found` that a returned frame shows the target's window, `near` that one lies within 5 s.
    `f1` and `visual` (None where it was not measured) are of the `RETURNED` best frames.
    """

    world: int
    system: str
    budget: int
    target: str
    start_s: float
    end_s: float
    size: str
    cued: bool
    duration_s: float
    frames: int
    found: bool
    near: bool
    f1: float
    visual: float | None
    seconds: float
    own_ms_a_round: float


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


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """What a run measured: all rows, the seconds of a look (0 where all stood already), and where it lies."""

    folder: Path
    minutes: float
    worlds: tuple[int, ...]
    rows: tuple[SearchRow, ...]
    look_s: float
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The document that `--json` prints."""
        return {
            "minutes": self.minutes,
            "worlds": list(self.worlds),
            "table": [line.to_json() for line in lines_of(self.rows)],
            "needs": needs_of(self.rows),
            "seconds": round(self.seconds, 1),
            "report": str(self.folder / "report.md"),
            "chart": str(self.folder / "report.png"),
            "results": str(self.folder / "results.jsonl"),
        }
