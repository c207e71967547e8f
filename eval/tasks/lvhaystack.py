"""LV-Haystack: questions about hours of Ego4D with the frames that show the answer. Knows its table only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from lvqa.eval.tasks.base import TaskData
from lvqa.eval.tasks.files import AnnotationRow, Seconds, read_rows
from lvqa.eval.tasks.registry import Task
from lvqa.eval.tasks.videos import Gathering

# What the published table calls them, and what the repository's own does.
_IN_VIDEO, _IN_CLIP = ("frame_indexes_video",), ("frame_indexes_vclip", "frame_indexes")


def load(task: Task, data: Path, videos: Path | None = None) -> TaskData:
    """Questions with their gold frames as windows of no length, in seconds of the whole video.

    With the argument `clip: true` a question may only be answered from its eight-minute clip, else from all of the
    video. Raises UsageError.
    """
    path = task.file(data, *task.files)
    gathering = Gathering(task, data, videos)
    gathering.notes.append(f"the questions are those of {path.name}")
    frameless = 0
    for number, row in enumerate(read_rows(path)):
        options = row.options("options")
        metadata = row.values.get("video_metadata")
        about = AnnotationRow(f"{row.where}, video_metadata", metadata if isinstance(metadata, Mapping) else {})
        times = _times(row, about)
        frameless += not times
        gathering.add(
            id=row.maybe("id", "question_id") or f"{path.stem}_{number}",
            text=row.text("question"),
            options=options,
            choice=row.by_letter("answer", options),
            video=row.text("video_id"),
            windows=[(time_s, time_s) for time_s in times],
            between=_clip(about) if task.args.get("clip") else None,
        )
    if frameless:
        gathering.notes.append(f"{frameless} questions have no gold frame")
    return gathering.done()


def _times(row: AnnotationRow, about: AnnotationRow) -> list[float]:
    """The gold frames' seconds in the video, in order."""
    name = next((name for name in (*_IN_VIDEO, *_IN_CLIP) if row.values.get(name) is not None), None)
    if name is None:
        raise row.error(f"no {_IN_VIDEO[0]}")
    frames = row.values[name]
    if not isinstance(frames, list) or not all(isinstance(f, (int, float)) and f >= 0 for f in frames):
        raise row.error(f"{name} is no list of frame numbers")
    if not frames:
        return []
    try:
        rate = float(about.text("frame_rate"))
    except ValueError:
        rate = math.nan
    if not (0 < rate < math.inf):
        raise about.error(f"frame_rate is {about.text('frame_rate')!r}")
    start_s = _clip(about)[0] if name in _IN_CLIP else 0.0
    return sorted(start_s + frame / rate for frame in frames)


def _clip(about: AnnotationRow) -> Seconds:
    (clip,) = about.spans([about.values.get("vclip_interval_in_video")], "vclip_interval_in_video")
    return clip
