"""EgoSchema: one question with five options about each three-minute clip of Ego4D.

Its own two files, or `subset_anno.json`, in which LLoVi, VideoTree and others ship the public subset with its answers.
"""

from __future__ import annotations

from pathlib import Path

from lvqa.eval.tasks.base import TaskData
from lvqa.eval.tasks.files import AnnotationRow, read_object, read_rows
from lvqa.eval.tasks.registry import Task
from lvqa.eval.tasks.videos import Gathering

_OPTIONS = tuple(f"option {number}" for number in range(5))


def load(task: Task, data: Path, videos: Path | None = None) -> TaskData:
    """Questions of `questions.json` with the answers of `subset_answers.json`, those of the public subset.

    With the argument `subset: false` every question is kept, without its answer where that is not public. Where
    `questions.json` is not there, `subset_anno.json` is read: an object of questions by their id. Raises UsageError.
    """
    if task.find(data, "questions.json") is None and (shipped := task.find(data, "subset_anno.json")) is not None:
        return _shipped(task, data, videos, shipped)
    questions = task.file(data, "questions.json")
    answers_path = task.file(data, "subset_answers.json")
    answers = read_object(answers_path)
    gathering = Gathering(task, data, videos)
    asked = set()
    for row in read_rows(questions):
        video = row.text("q_uid")
        asked.add(video)
        if video not in answers and task.args.get("subset", True):
            continue
        options = row.options(*_OPTIONS)
        choice = None
        if video in answers:
            answer = AnnotationRow(f"{answers_path.name}, {video}", {"answer": answers[video]})
            choice = answer.by_index("answer", options)
        gathering.add(id=video, text=row.text("question"), options=options, choice=choice, video=video)
    if unknown := sorted(answers.keys() - asked):
        gathering.notes.append(f"{len(unknown)} answers of {answers_path.name} have no question, such as {unknown[0]}")
    return gathering.done()


def _shipped(task: Task, data: Path, videos: Path | None, path: Path) -> TaskData:
    """The public subset as `{q_uid: {"question", "option 0" to "option 4", "truth"}}`. Raises UsageError."""
    gathering = Gathering(task, data, videos)
    gathering.notes.append(f"the questions are those of {path.name}")
    for video, values in read_object(path).items():
        row = AnnotationRow(f"{path.name}, {video}", values if isinstance(values, dict) else {})
        options = row.options(*_OPTIONS)
        choice = row.by_index("truth", options)
        gathering.add(id=video, text=row.text("question"), options=options, choice=choice, video=video)
    return gathering.done()
