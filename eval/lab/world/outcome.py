"""What a run on a world came to, as values. Measures nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lvqa.eval.lab.world.build import WorldSet
from lvqa.eval.runner.score import Gain, Summary


@dataclass(frozen=True, slots=True)
class WorldOutcome:
    """What a run measured: a summary a system, the full agent's gains over controls, seconds, and where all of it lies.

    `gains` holds those on event questions, then those on all. `seconds` are of this run: a part that stood is short.
    """

    folder: Path
    world: WorldSet
    questions: int
    blind_by: str
    summaries: tuple[Summary, ...]
    gains: tuple[tuple[str, Gain], ...]
    seconds: dict[str, float]
    notes: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The document that `--json` prints."""
        return {
            "minutes": self.world.minutes,
            "seed": self.world.seed,
            "videos": len(self.world.videos),
            "questions": self.questions,
            "blind": self.blind_by,
            "systems": {summary.system: summary.to_json() for summary in self.summaries},
            "gains": [{"questions_on": on, **one.to_json()} for on, one in self.gains],
            "seconds": {name: round(value, 1) for name, value in self.seconds.items()},
            **self.notes,
            "report": str(self.folder / "report.md"),
            "chart": str(self.folder / "report.png"),
            "results": str(self.folder / "results.jsonl"),
        }
