"""Carries out the plans of `lvqa eval`: one function a plan, each returning the exit status.

Knows the measurements, not typer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lvqa.cli import output
from lvqa.cli import plan as p
from lvqa.cli.shared import checked_settings, progress_bar
from lvqa.types import Step

OK = 0


def _eval_task(plan: p.EvalTask, as_json: bool) -> int:
    from lvqa.eval import runner
    from lvqa.eval.runner import estimate, report

    checked_settings(plan.settings)
    source = Path(plan.data).expanduser()
    folder = Path(plan.folder or f"eval-{plan.task}").expanduser()
    task, data = runner.load_task(plan.task, source, Path(plan.videos).expanduser() if plan.videos else None)
    asking: dict[str, Any] = {"agent": plan.agent, "compare": plan.compare, "seed": plan.seed, "workers": plan.workers}

    def run(limit: int | None, controls: Sequence[str]) -> runner.TaskOutcome:
        with progress_bar() as progress:
            return runner.run(
                task,
                data,
                folder,
                **asking,
                limit=limit,
                controls=controls,
                settings=plan.settings,
                source=source,
                reports=not plan.estimate,
                progress=progress,
                say=output.note,
            )

    if not plan.estimate:
        return _outcome(run(plan.limit, plan.controls), report.text, as_json)
    if plan.sample:
        run(min(plan.sample, plan.limit or plan.sample), ())
    found = estimate.estimate(task, data, folder, **asking, limit=plan.limit, settings=plan.settings)
    return _outcome(found, estimate.lines, as_json)


def _eval_rerun(plan: p.EvalRerun, as_json: bool) -> int:
    from lvqa.eval.runner import rerun

    def show(step: Step) -> None:
        output.note(output.step_line(step))

    again = rerun.rerun(
        Path(plan.folder).expanduser(), plan.question, system=plan.system, on_step=show if plan.steps else None
    )
    return _outcome(again, rerun.lines, as_json)


def _outcome(outcome: Any, lines: Callable[[Any], list[str]], as_json: bool) -> int:
    """Print what a measurement came to: its document, or its report's lines."""
    if as_json:
        output.out_json(outcome.to_json())
    else:
        for line in lines(outcome):
            output.out(line)
    return OK


EVALS: dict[type, Callable[[Any, bool], int]] = {
    p.EvalTask: _eval_task,
    p.EvalRerun: _eval_rerun,
}
