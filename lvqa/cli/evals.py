"""`lvqa eval TASK`, `lvqa eval rerun` and `lvqa demo`: measure lvqa against known answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lvqa.cli import options as o
from lvqa.cli import output
from lvqa.cli.shared import ERROR, OK, checked_settings, progress_bar

if TYPE_CHECKING:
    from lvqa.eval.runner import TaskOutcome


def score(
    name: str,
    settings: dict[str, Any],
    data: Annotated[str, typer.Option("--data", metavar="DIR", help="The folder of the task's own files.")],
    videos: Annotated[
        str | None, typer.Option("--videos", metavar="DIR", help="The folder of its videos, if another.")
    ] = None,
    split: Annotated[
        str | None, typer.Option("--split", metavar="NAME", help="Of a task with several: test, val; the first found.")
    ] = None,
    agent: o.Agent = None,
    compare: Annotated[
        str | None, typer.Option("--compare", metavar="NAME", help="Another agent, asked the same questions.")
    ] = None,
    control: Annotated[
        list[str] | None,
        typer.Option(
            "--control", metavar="NAME", help=f"Besides the cheap ones: {', '.join(o.CONTROLS[-2:])}; repeatable."
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="Most questions, drawn by the seed.")
    ] = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Say what it would take, and ask nothing.")] = False,
    sample: Annotated[
        int, typer.Option("--sample", metavar="N", min=0, help="Questions asked for an estimate by their mean.")
    ] = 0,
    folder: Annotated[
        str | None, typer.Option("--dir", metavar="DIR", help="Where all goes; ./eval-TASK if not given.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Decides which questions, and in which order.")] = 0,
    workers: Annotated[int, typer.Option("--workers", metavar="N", min=1, help="Questions asked at a time.")] = 1,
    as_json: o.AsJson = False,
) -> int:
    """Score agents and controls on the task of that name."""
    from lvqa.eval import runner
    from lvqa.eval.runner import estimate as estimates
    from lvqa.eval.runner import report

    checked_settings(settings)
    estimate = estimate or sample > 0
    source, place = Path(data).expanduser(), Path(folder or f"eval-{name}").expanduser()
    task, found = runner.load_task(name, source, Path(videos).expanduser() if videos else None, split)
    asking: dict[str, Any] = {
        "agent": agent,
        "compare": compare,
        "seed": seed,
        "workers": workers,
        "settings": settings,
    }

    def run(limit: int | None, controls: Sequence[str]) -> TaskOutcome:
        with progress_bar() as progress:
            return runner.run(
                task,
                found,
                place,
                **asking,
                limit=limit,
                controls=controls,
                source=source,
                reports=not estimate,
                progress=progress,
                say=output.note,
            )

    if not estimate:
        return _print(run(limit, tuple(control or ())), report.text, as_json)
    if sample:
        run(min(sample, limit or sample), ())
    return _print(estimates.estimate(task, found, place, **asking, limit=limit), estimates.lines, as_json)


def rerun(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="The folder of a run of a task.")],
    question: Annotated[str, typer.Argument(metavar="ID", help="The question's id, as results.jsonl has it.")],
    system: Annotated[
        str | None, typer.Option("--system", metavar="NAME", help="Who answers, as results.jsonl has it; the first.")
    ] = None,
    steps: o.Steps = False,
    as_json: o.AsJson = False,
) -> int:
    """Ask one question of a run again, as it was asked."""
    from lvqa.eval.runner import rerun as reruns

    on_step = output.note_step if steps else None
    again = reruns.rerun(Path(folder).expanduser(), question, system=system, on_step=on_step)
    return _print(again, reruns.lines, as_json)


def demo(
    folder: Annotated[
        str | None, typer.Option("--dir", metavar="DIR", help="Where the videos go; ./demo if not given.")
    ] = None,
    footage: Annotated[bool, typer.Option("--footage", hidden=True, help="What the demo does anyway.")] = False,
    as_json: o.AsJson = False,
) -> int:
    """Make videos, index them, ask, and check the answers."""
    from lvqa import demo as demos

    with progress_bar() as progress:
        report = demos.run(Path(folder or "demo"), progress=progress, say=None if as_json else output.out)
    if as_json:
        output.out_json(report.to_dict())
    return OK if report.passed else ERROR


def _print(outcome: Any, lines: Callable[[Any], list[str]], as_json: bool) -> int:
    """Print what a measurement came to: its document, or its report's lines."""
    if as_json:
        output.out_json(outcome.to_json())
    else:
        output.out(*lines(outcome))
    return OK
