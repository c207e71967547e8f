"""NExT-QA, and IntentQA, which took over its format: a CSV of questions with five options. Knows no grounding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lvqa.eval.tasks.base import TaskData
from lvqa.eval.tasks.files import AnnotationRow, Seconds, read_object, read_rows
from lvqa.eval.tasks.registry import Task
from lvqa.eval.tasks.videos import Gathering

_OPTIONS = ("a0", "a1", "a2", "a3", "a4")
_MAP = "map_vid_vidorID.json"


def load(task: Task, data: Path, videos: Path | None = None) -> TaskData:
    """Questions of the first split of the argument `splits` whose CSV is there. Raises UsageError."""
    path = task.file(data, *(f"{split}.csv" for split in task.args["splits"]))
    return read_table(task, data, videos, path, lambda row, video, qid: ())


def read_table(
    task: Task,
    data: Path,
    videos: Path | None,
    path: Path,
    windows: Callable[[AnnotationRow, str, str], tuple[Seconds, ...]],
) -> TaskData:
    """Questions of a CSV. `windows` gives what shows the answer, of a row, its video and its number. Raises UsageError.

    A video is found by its id or, where the official map of videos is there, by its place in VidOR.
    """
    gathering = Gathering(task, data, videos)
    gathering.notes.append(f"the questions are those of {path.name}")
    map_path = task.find(data, _MAP)
    places = read_object(map_path) if map_path is not None else {}
    rows = read_rows(path)
    # Whether a file gives the right answers by index, not by their text: most rows say which, a wrong one does not.
    indexed = 2 * sum(row.text("answer").isdecimal() for row in rows) > len(rows)
    for row in rows:
        # The column is called `video` in NExT-QA and `video_id` in what came after.
        video, qid = row.text("video", "video_id"), row.text("qid")
        options = row.options(*_OPTIONS)
        gathering.add(
            id=f"{video}_{qid}",
            text=row.text("question"),
            options=options,
            choice=row.by_index("answer", options) if indexed else row.by_text("answer", options),
            video=[video, str(places[video])] if video in places else video,
            type=row.maybe("type"),
            windows=windows(row, video, qid),
        )
    return gathering.done()
