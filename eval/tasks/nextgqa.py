"""NExT-GQA: questions of NExT-QA with the spans that show the answer; also this project's own development data.

Questions of both come with gold windows. Knows nothing of how they are scored.
"""

from __future__ import annotations

from pathlib import Path

from lvqa.eval.tasks.base import TaskData
from lvqa.eval.tasks.files import AnnotationRow, read_object, read_rows
from lvqa.eval.tasks.nextqa import OPTIONS, are_indexed, choice_of, names_of, video_of, video_places
from lvqa.eval.tasks.own import read_lines, read_questions
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
    gathering = Gathering(task, data, videos)
    gathering.notes.append(f"the questions are those of {path.name}")
    places = video_places(task, data)
    rows = read_rows(path)
    indexed = are_indexed(rows)
    for row in rows:
        video, qid = video_of(row), row.text("qid")
        options = row.options(*OPTIONS)
        located = spans.get(video, {})
        windows = located.get("location", {}).get(qid) if isinstance(located, dict) else None
        if windows is None:
            raise row.error(f"{spans_path.name} has no span for question {qid} of video {video}")
        gathering.add(
            id=f"{video}_{qid}",
            text=row.text("question"),
            options=options,
            choice=choice_of(row, options, indexed),
            video=names_of(video, places),
            type=row.maybe("type"),
            windows=AnnotationRow(f"{spans_path.name}, video {video}, question {qid}", {}).spans(windows, "location"),
        )
    return gathering.done()


def _own(task: Task, data: Path, videos: Path | None) -> TaskData:
    path = data / _OWN
    gathering = Gathering(task, data, videos)
    gathering.notes.append(f"the questions are those of {path.name}")
    for number, (values, question) in enumerate(
        zip(read_lines(path, _OWN_FIELDS), read_questions(path), strict=True), 1
    ):
        row = AnnotationRow(f"{path.name}, row {number}", values)
        options = row.options("options")
        gathering.add(
            id=question.id,
            text=question.text,
            options=options,
            choice=row.by_index("answer_index", options),
            video=question.video,
            type=row.maybe("type"),
            windows=row.spans(question.windows, "windows"),
        )
    return gathering.done()
