"""MLVU: seven tasks with options, a JSON file and a folder of videos each. Its two open tasks are left out."""

from __future__ import annotations

from pathlib import Path

from lvqa.eval.tasks.base import TaskData
from lvqa.eval.tasks.files import read_rows
from lvqa.eval.tasks.registry import Task
from lvqa.eval.tasks.videos import Gathering

_TEST = "test_mcq_gt.json"


def load(task: Task, data: Path, videos: Path | None = None) -> TaskData:
    """Questions of the development set's seven files, else of the test set's one. Raises UsageError.

    Of the seven at least one must be there; those that are missing are noted.
    """
    names = [name for name in task.files if name != _TEST]
    found = {name: path for name in names if (path := task.find(data, name)) is not None}
    if not found:
        found = {_TEST: task.file(data, *names, _TEST)}
    gathering = Gathering(task, data, videos)
    if missing := [name for name in names if name not in found and _TEST not in found]:
        gathering.notes.append(f"whole tasks are left out: {', '.join(missing)} are not in {data}")
    for name, path in found.items():
        part = Path(name).stem
        for number, row in enumerate(read_rows(path)):
            options = row.options("candidates")
            video = row.text("video")
            bare = part.partition("_")[2]
            gathering.add(
                id=row.maybe("question_id") or f"{part}_{number}",
                text=row.text("question"),
                options=options,
                choice=row.by_text("answer", options),
                # Files of two tasks may be called alike: the folder of the task tells them apart.
                video=[f"{part}/{video}", f"{bare}/{video}", video],
                type=row.maybe("question_type") or bare,
            )
    return gathering.done()
