"""One question of a run again, as it was asked: from its line of the results and the first line of the file.

Asks over the run's own index, with the code, the models and the prompts that are there now. Keeps nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvqa.archive.archive import Archive
from lvqa.errors import UsageError
from lvqa.eval.runner import place
from lvqa.eval.runner.asking import by_agent
from lvqa.eval.runner.rows import AnswerRow, read_results
from lvqa.phrasing import for_terminal
from lvqa.types import Step

if TYPE_CHECKING:
    from lvqa.models.profiles import Models


@dataclass(frozen=True, slots=True)
class Again:
    """The row that stands, that of now, and the steps to it."""

    before: AnswerRow
    now: AnswerRow
    steps: tuple[Step, ...]

    def to_json(self) -> dict[str, Any]:
        """The document that `lvqa eval rerun --json` prints."""
        steps = [step.to_dict() for step in self.steps]
        return {"before": self.before.to_json(), "now": self.now.to_json(), "steps": steps}


def rerun(
    folder: Path,
    question: str,
    *,
    system: str | None = None,
    models: Models | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> Again:
    """Ask one question of a run once more.

    Args:
        folder: that of the run.
        question: its id.
        system: as the results name it; the first that was asked this unless given.
        models: in place of those that the run's settings name.
        on_step: told of each step as it happens.

    Raises UsageError where the run, the question or the system is not there, or no agent answered; as `Archive.ask`.
    """
    header, rows = read_results(folder / place.RESULTS)
    if not header:
        raise UsageError(f"there are no results in {folder}; name the folder of a run")
    mine = [row for row in rows if row.id == question]
    if not mine:
        raise UsageError(f"question {question!r} was not asked in {folder}; see the ids in {folder / place.RESULTS}")
    found = next((row for row in mine if system in (None, row.system)), None)
    if found is None or not found.agent:
        known = ", ".join(row.system for row in mine if row.agent)
        raise UsageError(f"no agent {system or ''!r} answered {question!r}; there are: {known or 'none'}")
    task = found.as_task()
    with Archive(header["footage"], archive_dir=header["index"], models=models, **header["settings"]) as archive:
        answer = by_agent(found.agent, found.seed, header["sources"], on_step)(archive, task, found.order)
    now = AnswerRow.of(found.system, task, answer, agent=found.agent, seed=found.seed, order=found.order)
    return Again(found, now, tuple(answer.steps))


def lines(again: Again) -> list[str]:
    """Both answers as people read them."""
    row = again.now
    shown = [for_terminal(row.question), *(f"  ({_mark(row, n)}) {for_terminal(o)}" for n, o in enumerate(row.options))]
    for when, one in (("before", again.before), ("now", again.now)):
        said = one.error or (one.chosen if one.choice is not None else one.answer)
        verdict = "right" if one.right else "wrong" if one.scored else "no public answer"
        shown.append(f"{when}: {for_terminal(said)} (confidence {one.confidence:.2f}; {verdict})")
    shown += [f"  {e['video']}  {e['start_s']}-{e['end_s']} s  {for_terminal(e['text'], 160)}" for e in row.evidence]
    return shown


def _mark(row: AnswerRow, n: int) -> str:
    letter = chr(ord("A") + n) if n < 26 else str(n + 1)
    return f"{letter}*" if row.order[n] == row.gold else letter
