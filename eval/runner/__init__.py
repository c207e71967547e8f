"""Runs an agent on a task: resumable, in parallel, every failure counted, and reports what that came to."""

from __future__ import annotations

from pathlib import Path

from lvqa.eval.runner.outcome import TaskOutcome
from lvqa.eval.runner.runner import run
from lvqa.eval.tasks import registry
from lvqa.eval.tasks.base import TaskData

__all__ = ["TaskOutcome", "load_task", "run"]


def load_task(name: str, data: Path, videos: Path | None = None) -> tuple[registry.Task, TaskData]:
    """A task of the registry, and what it finds in the user's folders. Raises UsageError as the registry does."""
    task = registry.task(name)
    return task, registry.load(task, data, videos)
