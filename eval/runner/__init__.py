"""Runs an agent on a task: resumable, in parallel, every failure counted, and reports what that came to."""

from __future__ import annotations

from pathlib import Path

from lvqa.errors import UsageError
from lvqa.eval.runner.outcome import TaskOutcome
from lvqa.eval.runner.runner import run
from lvqa.eval.tasks import registry
from lvqa.eval.tasks.base import TaskData

__all__ = ["TaskOutcome", "load_task", "run"]


def load_task(
    name: str, data: Path, videos: Path | None = None, split: str | None = None
) -> tuple[registry.Task, TaskData]:
    """A task of the registry, and what it finds in the user's folders.

    With `split`, the questions of that one where the task has several. Raises UsageError as the registry does, and for
    a split that there is not.
    """
    task = registry.task(name)
    if split is not None:
        splits = task.args.get("splits", ())
        if split not in splits:
            there = f"there are: {', '.join(splits)}" if splits else "it has one set of questions"
            raise UsageError(f"{task.title} has no split {split!r}; {there}")
        task = task.model_copy(update={"args": {**task.args, "splits": [split]}})
    return task, registry.load(task, data, videos)
