"""Footage laid out with its subtitles beside it, as indexing finds them. Knows files, no benchmark and no index."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from lvqa.errors import UsageError
from lvqa.eval.tasks.base import SubtitleFile, TaskData
from lvqa.eval.tasks.files import read_json, seconds_of

# A line that is given no end, as LongVideoBench gives some, is shown this long.
_DEFAULT_S = 4.0
_Cue = tuple[float, float, str]


def lay_out(data: TaskData, folder: Path) -> TaskData:
    """Link the questions' videos into a folder, each with its subtitles beside it under the same name.

    Nothing is written where the footage lies. Data without subtitles, or without footage, is returned as it is.
    Laying out again replaces the links. Raises UsageError where a subtitle file or the folder cannot be used.
    """
    if data.footage is None or not data.subtitles:
        return data
    try:
        for video in sorted({name for question in data.questions for name in question.videos}):
            source = data.footage / video
            if not source.exists():
                continue
            link = folder / video
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(source.resolve())
            if (subtitles := data.subtitles.get(video)) is not None:
                _put_beside(subtitles, link)
    except OSError as error:
        raise UsageError(f"{folder} cannot be laid out ({error.strerror or error}); name another folder") from error
    return replace(data, footage=folder)


def _put_beside(subtitles: SubtitleFile, link: Path) -> None:
    if subtitles.path.suffix.lower() == ".json":
        link.with_suffix(".srt").write_text(_srt(_cues(subtitles)), encoding="utf-8")
    else:
        shutil.copyfile(subtitles.path, link.with_suffix(subtitles.path.suffix.lower()))


def _cues(subtitles: SubtitleFile) -> Iterator[_Cue]:
    """LongVideoBench's lines, `timestamp` and `text` or `start`, `end` and `line`, in seconds of the video."""
    lines = read_json(subtitles.path)
    if not isinstance(lines, list):
        raise UsageError(f"{subtitles.path} holds no list of subtitles; fetch it again")
    for number, line in enumerate(lines, 1):
        try:
            start, end = line["timestamp"] if "timestamp" in line else (line["start"], line["end"])
            start_s = _seconds(start)
            end_s = start_s + _DEFAULT_S if end is None else _seconds(end)
            text = " ".join(str(line["text"] if "timestamp" in line else line["line"]).split())
        except (TypeError, KeyError, ValueError) as error:
            raise UsageError(f"{subtitles.path}, row {number} is no subtitle; mend or remove it") from error
        begin_s, finish_s = max(0.0, start_s - subtitles.offset_s), end_s - subtitles.offset_s
        if text and begin_s < finish_s:
            yield begin_s, finish_s, text


def _seconds(value: Any) -> float:
    return seconds_of(value.replace(",", ".")) if isinstance(value, str) else float(value)


def _srt(cues: Iterator[_Cue]) -> str:
    return "".join(
        f"{number}\n{_stamp(start_s)} --> {_stamp(end_s)}\n{text}\n\n"
        for number, (start_s, end_s, text) in enumerate(cues, 1)
    )


def _stamp(time_s: float) -> str:
    whole = round(time_s * 1000)
    return f"{whole // 3_600_000:02}:{whole // 60_000 % 60:02}:{whole // 1000 % 60:02},{whole % 1000:03}"
