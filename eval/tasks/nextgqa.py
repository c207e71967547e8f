"""NExT-GQA: questions of NExT-QA with the spans that show the answer; also this project's own development data.

Questions of both come with gold windows. Knows nothing of how they are scored.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lvqa.eval.tasks.base import TaskData
from lvqa.eval.tasks.files import AnnotationRow, Seconds, read_lines, read_object
from lvqa.eval.tasks.nextqa import read_table
from lvqa.eval.tasks.registry import Task
from lvqa.eval.tasks.videos import Gathering

_OWN = "questions.jsonl"
_OWN_FIELDS = ("id", "video", "question", "options", "answer_index", "windows")


def load(task: Task, data: Path, videos: Path | None = None) -> TaskData:
    """Questions of `questions.jsonl` where that is there, else of the first split of `splits`. Raises UsageError."""
    if (data / _OWN).is_file():
        return _own(task, data, videos)
    path = task.file(data, *(f"{split}.csv" for split in task.args["splits"]), _OWN)
    spans_path = task.file(data, f"gsub_{path.stem}.json")
    spans = read_object(spans_path)
    early: list[float] = []

    def windows(row: AnnotationRow, video: str, qid: str) -> tuple[Seconds, ...]:
        located = spans.get(video, {})
        found = located.get("location", {}).get(qid) if isinstance(located, dict) else None
        if found is None:
            raise row.error(f"{spans_path.name} has no span for question {qid} of video {video}")
        return AnnotationRow(f"{spans_path.name}, video {video}, question {qid}", {}).spans(found, "location", early)

    read = read_table(task, data, videos, path, windows)
    if not early:
        return read
    told = (
        f"{len(early)} spans of {spans_path.name} begin before their video, at {min(early):g} s at the earliest: from 0"
    )
    return replace(read, notes=(*read.notes, told))


def _own(task: Task, data: Path, videos: Path | None) -> TaskData:
    path = data / _OWN
    gathering = Gathering(task, data, videos)
    gathering.notes.append(f"the questions are those of {path.name}")
    for number, values in enumerate(read_lines(path, _OWN_FIELDS), 1):
        row = AnnotationRow(f"{path.name}, row {number}", values)
        options = row.options("options")
        gathering.add(
            id=str(values["id"]),
            text=str(values["question"]),
            options=options,
            choice=row.by_index("answer_index", options),
            video=str(values["video"]),
            type=row.maybe("type"),
            windows=row.spans(values["windows"], "windows"),
        )
    return gathering.done()
