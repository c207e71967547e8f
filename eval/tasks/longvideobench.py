"""LongVideoBench: questions that refer to a moment or a line of the subtitles. Knows its JSON and its folders."""

from __future__ import annotations

from pathlib import Path

from lvqa.eval.tasks.base import SubtitleFile, TaskData
from lvqa.eval.tasks.files import AnnotationRow, read_rows
from lvqa.eval.tasks.registry import Task
from lvqa.eval.tasks.videos import Gathering


def load(task: Task, data: Path, videos: Path | None = None) -> TaskData:
    """Questions of `lvb_val.json`, else of `lvb_test_wo_gt.json`, whose answers are not public. Raises UsageError.

    Gold frames stay unread: they are frame numbers of files whose rates the annotations do not give.
    """
    path = task.file(data, "lvb_val.json", "lvb_test_wo_gt.json")
    gathering = Gathering(task, data, videos)
    gathering.notes.append(f"the questions are those of {path.name}")
    folder = data / "subtitles"
    unsaid = set()
    for row in read_rows(path):
        options = row.options("candidates")
        found = gathering.add(
            id=row.text("id"),
            text=row.text("question"),
            options=options,
            choice=row.by_index("correct_choice", options) if row.maybe("correct_choice") else None,
            video=row.text("video_path", "video_id"),
            type=row.maybe("question_category"),
        )
        if found is None:
            continue
        file = folder / (row.maybe("subtitle_path") or f"{row.text('video_id')}_en.json")
        if file.is_file():
            gathering.subtitles[found] = SubtitleFile(file, _offset(row))
        else:
            unsaid.add(found)
    if unsaid:
        gathering.notes.append(f"{len(unsaid)} videos have no subtitles in {folder}, such as {min(unsaid)}")
    return gathering.done()


def _offset(row: AnnotationRow) -> float:
    value = row.maybe("starting_timestamp_for_subtitles") or "0"
    try:
        return float(value)
    except ValueError as error:
        raise row.error(f"starting_timestamp_for_subtitles is {value!r}, not seconds") from error
