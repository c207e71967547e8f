"""NExT-QA, and IntentQA, which took over its format: a CSV of questions with five options. Knows no grounding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lvqa.eval.tasks.base import TaskData
from lvqa.eval.tasks.files import AnnotationRow, read_object, read_rows
from lvqa.eval.tasks.registry import Task
from lvqa.eval.tasks.videos import Gathering

OPTIONS = ("a0", "a1", "a2", "a3", "a4")
MAP = "map_vid_vidorID.json"


def load(task: Task, data: Path, videos: Path | None = None) -> TaskData:
    """Questions of the first split of the argument `splits` whose CSV is there. Raises UsageError."""
    path = task.file(data, *(f"{split}.csv" for split in task.args["splits"]))
    gathering = Gathering(task, data, videos)
    gathering.notes.append(f"the questions are those of {path.name}")
    places = video_places(task, data)
    rows = read_rows(path)
    indexed = are_indexed(rows)
    for row in rows:
        video = video_of(row)
        options = row.options(*OPTIONS)
        gathering.add(
            id=f"{video}_{row.text('qid')}",
            text=row.text("question"),
            options=options,
            choice=choice_of(row, options, indexed),
            video=names_of(video, places),
            type=row.maybe("type"),
        )
    return gathering.done()


def video_places(task: Task, data: Path) -> dict[str, Any]:
    """Where the official map of videos says that they lie below the footage, by id; nothing without the map."""
    path = task.find(data, MAP)
    return read_object(path) if path is not None else {}


def video_of(row: AnnotationRow) -> str:
    """The id of a row's video; the columns are called `video` in NExT-QA and `video_id` in what came after."""
    return row.text("video", "video_id")


def names_of(video: str, places: dict[str, Any]) -> list[str]:
    """What a video may be called: its id, or its place in VidOR."""
    return [video, str(places[video])] if video in places else [video]


def are_indexed(rows: Sequence[AnnotationRow]) -> bool:
    """Whether a file gives the right answers by index, not by their text; most rows say which, a wrong one does not."""
    return 2 * sum(row.text("answer").isdecimal() for row in rows) > len(rows)


def choice_of(row: AnnotationRow, options: Sequence[str], indexed: bool) -> int:
    """The right option of a row. Raises UsageError."""
    return row.by_index("answer", options) if indexed else row.by_text("answer", options)
