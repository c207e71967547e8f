"""HourVideo: questions with five options about hours of Ego4D. Options that are pictures cannot be asked as text."""

from __future__ import annotations

from pathlib import Path

from lvqa.eval.tasks.base import TaskData
from lvqa.eval.tasks.files import AnnotationRow, read_object, times_in
from lvqa.eval.tasks.registry import Task
from lvqa.eval.tasks.videos import Gathering

_OPTIONS = tuple(f"answer_{number}" for number in range(1, 6))
_PICTURES = (".jpg", ".jpeg", ".png")
_PREDICTIVE = "reasoning/predictive"


def load(task: Task, data: Path, videos: Path | None = None) -> TaskData:
    """Questions of the development set, else of the samples, else of the test set without answers. Raises UsageError.

    A question about what comes next may only be answered from what is before its time; the others' times are their
    windows.
    """
    path = task.file(data, *task.files)
    gathering = Gathering(task, data, videos)
    gathering.notes.append(f"the questions are those of {path.name}")
    pictured = 0
    for uid, value in read_object(path).items():
        video = AnnotationRow(f"{path.name}, {uid}", value if isinstance(value, dict) else {})
        for row in video.rows("benchmark_dataset"):
            options = row.options(*_OPTIONS)
            if all(option.lower().endswith(_PICTURES) for option in options):
                pictured += 1
                continue
            kind = row.maybe("task")
            times = times_in(_times(row))
            before = kind == _PREDICTIVE
            if before and not times:
                raise row.error("a question about what comes next has no relevant_timestamps")
            gathering.add(
                id=row.text("qid"),
                text=row.text("question"),
                options=options,
                choice=row.by_letter("correct_answer_label", options) if row.maybe("correct_answer_label") else None,
                video=uid,
                type=kind,
                windows=() if before else times,
                between=(0.0, times[0][0]) if before else None,
            )
    if pictured:
        gathering.notes.append(f"{pictured} questions are left out: their options are pictures")
    return gathering.done()


def _times(row: AnnotationRow) -> str:
    value = row.values.get("relevant_timestamps")
    return " ".join(str(part) for part in value) if isinstance(value, list) else row.maybe("relevant_timestamps")
