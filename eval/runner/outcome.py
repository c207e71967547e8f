"""What a run on a task came to, as values. Measures nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lvqa.eval.metrics import Mean
from lvqa.eval.runner import place
from lvqa.eval.runner.controls import Baseline
from lvqa.eval.runner.score import Gain, Summary, as_json


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """What a run measured.

    `summaries` holds one for the agent, the one it is compared with, and each control that was asked; `baselines` the
    controls that ask nothing; `gains` paired comparisons; `same` the share of questions to which an agent chose the
    same option when they were shuffled. `failures` are (system, why there is no readable answer, how often, the id of
    the first). `seconds` are of this run: a part that stood is short.
    """

    folder: Path
    task: str
    title: str
    version: str
    scorer: str
    agent: str
    seed: int
    asked: int
    videos: int
    chance: float
    summaries: tuple[Summary, ...]
    baselines: tuple[Baseline, ...]
    gains: tuple[Gain, ...]
    same: dict[str, Mean]
    failures: tuple[tuple[str, str, int, str], ...]
    notes: tuple[str, ...]
    models: dict[str, str]
    seconds: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """The document that `lvqa eval TASK --json` prints."""
        return {
            "task": self.task,
            "version": self.version,
            "scorer": self.scorer,
            "agent": self.agent,
            "seed": self.seed,
            "questions": self.asked,
            "videos": self.videos,
            "systems": {summary.system: summary.to_json() for summary in self.summaries},
            "controls": {one.name: one.to_json() for one in self.baselines},
            "comparisons": [one.to_json() for one in self.gains],
            "same_choice_when_shuffled": {agent: as_json(mean) for agent, mean in self.same.items()},
            "failures": [
                {"system": system, "reason": reason, "questions": n, "first": first}
                for system, reason, n, first in self.failures
            ],
            "notes": list(self.notes),
            "models": self.models,
            "seconds": {name: round(value, 1) for name, value in self.seconds.items()},
            "report": str(self.folder / "report.md"),
            "chart": str(self.folder / "report.png"),
            "results": str(self.folder / place.RESULTS),
        }
