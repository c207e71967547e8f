"""Video-MME: videos of YouTube, three questions with four options each, with or without their subtitles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lvqa.errors import UsageError
from lvqa.eval.tasks.base import SubtitleFile, TaskData
from lvqa.eval.tasks.files import AnnotationRow, read_rows
from lvqa.eval.tasks.registry import Task
from lvqa.eval.tasks.videos import Gathering

_FOLDERS = ("subtitle", "subtitles")


def load(task: Task, data: Path, videos: Path | None = None) -> TaskData:
    """Questions of the published table, or of an export of it; with the argument `subtitles`, the .srt files too.

    Raises UsageError, also where subtitles are wanted and none are there.
    """
    path = task.file(data, *(name for name in task.files if not name.endswith("/")))
    folder = _subtitles(task, data) if task.args.get("subtitles") else None
    gathering = Gathering(task, data, videos)
    unsaid = set()
    for row, video in _flat(read_rows(path)):
        options = row.options("options")
        name = _youtube(video)
        found = gathering.add(
            id=row.text("question_id"),
            text=row.text("question"),
            options=options,
            choice=row.by_letter("answer", options),
            video=[name, video.maybe("video_id")],
            type=row.maybe("task_type"),
        )
        if folder is not None and found is not None:
            file = folder / f"{name}.srt"
            if file.is_file():
                gathering.subtitles[found] = SubtitleFile(file)
            else:
                unsaid.add(found)
    if unsaid:
        gathering.notes.append(f"{len(unsaid)} videos have no subtitles in {folder}, such as {min(unsaid)}")
    return gathering.done()


def _subtitles(task: Task, data: Path) -> Path:
    folder = next((data / name for name in _FOLDERS if any((data / name).glob("*.srt"))), None)
    if folder is None:
        raise UsageError(
            f"{data} lacks {_FOLDERS[0]}/ ({task.files['subtitle/']}); {task.title} comes from {task.source}"
        )
    return folder


def _flat(rows: list[AnnotationRow]) -> Iterator[tuple[AnnotationRow, AnnotationRow]]:
    """Each question and what says its video: itself, or the video that it is nested in."""
    for row in rows:
        if "questions" in row.values:
            yield from ((question, row) for question in row.rows("questions"))
        else:
            yield row, row


def _youtube(video: AnnotationRow) -> str:
    """The id at YouTube, which the files are called by; tables without it give the address."""
    if name := video.maybe("videoID"):
        return name
    match = re.search(r"(?:v=|youtu\.be/|/shorts/)([\w-]{6,})", video.maybe("url"))
    return match.group(1) if match else video.text("videoID", "video_id")
