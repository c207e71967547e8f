"""LVBench: hours of YouTube, with the options in the question's text and the time that it is about."""

from __future__ import annotations

import json
import re
from pathlib import Path

from lvqa.eval.tasks.base import TaskData
from lvqa.eval.tasks.files import AnnotationRow, read_rows, times_in
from lvqa.eval.tasks.registry import Task
from lvqa.eval.tasks.videos import Gathering
from lvqa.media import VIDEO_SUFFIXES

_OPTION = re.compile(r"(?:^|\n)\s*\(([A-J])\)\s*")
_ADDRESS = re.compile(r"(?:v=|youtu\.be/)([\w-]{6,})")


def load(task: Task, data: Path, videos: Path | None = None) -> TaskData:
    """Questions of `video_info.meta.jsonl`, their time references as windows. Raises UsageError.

    Videos that the official script fetched are numbered; the .json beside each says which it is.
    """
    path = task.file(data, "data/video_info.meta.jsonl")
    gathering = Gathering(task, data, videos)
    gathering.alias(_numbered(gathering.footage))
    untimed = 0
    for video in read_rows(path):
        for row in video.rows("qa"):
            text, options = _parts(row)
            windows = times_in(row.maybe("time_reference"))
            untimed += not windows
            gathering.add(
                id=row.text("uid"),
                text=text,
                options=options,
                choice=row.by_letter("answer", options),
                video=video.text("key"),
                type=_types(row),
                windows=windows,
            )
    if untimed:
        gathering.notes.append(f"{untimed} questions have no time reference that can be read")
    return gathering.done()


def _parts(row: AnnotationRow) -> tuple[str, tuple[str, ...]]:
    """The question, and the options that stand below it as `(A) ...`."""
    text = row.text("question")
    pieces = _OPTION.split(text)
    asked, letters, options = pieces[0].strip(), pieces[1::2], [piece.strip() for piece in pieces[2::2]]
    if not asked or len(letters) < 2 or "".join(letters) != "ABCDEFGHIJ"[: len(letters)]:
        raise row.error("question is not followed by options (A), (B) and so on, a line each")
    return asked, AnnotationRow(row.where, {"options": options}).options("options")


def _types(row: AnnotationRow) -> str:
    value = row.values.get("question_type")
    return ", ".join(str(part) for part in value) if isinstance(value, list) else row.maybe("question_type")


def _numbered(footage: Path | None) -> dict[str, str]:
    """Videos by YouTube id, as the .json that video2dataset puts beside each gives its address."""
    found: dict[str, str] = {}
    for path in sorted(footage.rglob("*.json")) if footage is not None else ():
        video = next((file for suffix in VIDEO_SUFFIXES if (file := path.with_suffix(suffix)).is_file()), None)
        if video is None or footage is None:
            continue
        try:
            match = _ADDRESS.search(str(json.loads(path.read_text(encoding="utf-8")).get("url")))
        except (OSError, ValueError, AttributeError):
            continue
        if match:
            found.setdefault(match.group(1), video.relative_to(footage).as_posix())
    return found
