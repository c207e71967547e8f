"""The folder of a run: the archive of a task's videos below it, filled as far as the questions need, and its mark.

`index/` is the index, `footage/` stands in for the footage where there are only captions. Asks no question.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvqa.archive.archive import Archive
from lvqa.errors import LvqaError, UsageError
from lvqa.eval.folder import code_hash
from lvqa.eval.runner.task import videos_of
from lvqa.eval.tasks.base import TaskData, TaskQuestion
from lvqa.eval.tasks.registry import Task
from lvqa.media import find_videos
from lvqa.models import ROLES

if TYPE_CHECKING:
    from lvqa.indexers import Progress
    from lvqa.models.profiles import Models

MARK = ".lvqa-eval-task"
INDEX = "index"
RESULTS = "results.jsonl"
_STAND_IN = "footage"
_IMPORTED = ".captions.json"
# Settings that no answer hangs on: how much is done at once, how long a server is waited for, and where it stands. What
# a model is called, wherever it is served, counts apart.
_WAITS = ("timeout_s", "patience_s", "retries", "vision_in_flight", "chat_in_flight", "device_map")
_FREE = frozenset(("workers", "agent", "model_id", "ocr_processes", *_WAITS, *ROLES))
_TEXTS = (".jsonl", ".json", ".srt", ".vtt", ".ass", ".ssa")
_ROOMS = ("agents", "indexers", "prompts", "models", "eval/runner", "eval/tasks")
_SUFFIXES = (".py", ".md", ".json", ".yaml", ".yml", ".safetensors")


def open_archive(data: TaskData, folder: Path, settings: Mapping[str, Any], models: Models | None) -> Archive:
    """The archive of a run, its index below `folder`; nothing is indexed yet.

    Raises UsageError where the task gives neither footage nor captions.
    """
    if data.footage is None and data.captions is None:
        raise UsageError("there is neither footage nor captions to answer from; name the videos' folder with --videos")
    footage = data.footage if data.footage is not None else folder / _STAND_IN
    if data.footage is None:
        footage.mkdir(parents=True, exist_ok=True)
    return Archive(footage, archive_dir=folder / INDEX, models=models, **settings)


def fill(
    archive: Archive,
    data: TaskData,
    questions: Sequence[TaskQuestion],
    *,
    progress: Progress | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, str]:
    """Import the captions, and index those videos of the questions that are not indexed yet.

    Returns why a video cannot be asked about, by path. Raises UsageError where none of them can, and as
    `Archive.index` and `import_captions` do.
    """
    wanted = videos_of(questions)
    failed: dict[str, str] = {}
    if data.footage is not None:
        there = {path.relative_to(archive.folder).as_posix() for path in find_videos(archive.folder)}
        only = sorted(there if wanted is None else there & set(wanted))
        if only:
            say(f"indexing what is new of {len(only)} videos")
            report = archive.index(progress=progress, only=only)
            failed = dict(report.failed)
    if data.captions is not None:
        mark = archive.index_dir.parent / _IMPORTED
        stamp = json.dumps([str(data.captions), hashlib.sha256(data.captions.read_bytes()).hexdigest()])
        # Also after more videos were indexed: captions go to the video whose file is there.
        if not archive.exists or not mark.is_file() or mark.read_text(encoding="utf-8") != stamp:
            if mark.is_file() and archive.exists:
                # Captions are added to those of before: what answers rest on would hang on what stood here once.
                if data.footage is not None:
                    raise UsageError(
                        f"{data.captions} has changed since it was imported; delete {archive.index_dir} to begin anew"
                    )
                say("the captions have changed: the index is made anew")
                archive.close()
                shutil.rmtree(archive.index_dir)
            say(f"importing {data.captions}")
            archive.import_captions(data.captions, progress=progress)
            mark.write_text(stamp, encoding="utf-8")
    held = {video.path for video in archive.store.videos.all()} if archive.exists else set()
    if archive.exists:
        held |= {row.path for row in archive.store.files.all() if row.video_id}
    missing = {name: failed.get(name, f"{name} is not below {archive.folder}") for name in set(wanted or ()) - held}
    if not held or (wanted and len(missing) == len(wanted)):
        first = next(iter(missing.values()), "there is no video")
        raise LvqaError(f"no question can be asked: {first}; check --videos, and the data folder")
    for name in sorted(missing)[:3]:
        say(f"{name}: its questions fail: {missing[name]}")
    if len(missing) > 3:
        say(f"and {len(missing) - 3} other videos whose questions fail")
    return missing


def fingerprint(task: Task, data: TaskData, archive: Archive, seed: int) -> str:
    """What an answer depends on: the task and its data, the videos' files, settings, models, and lvqa's own code.

    Which questions are asked, by which agents and how many at a time is not part of it.
    """
    settings = {name: value for name, value in archive.settings.model_dump().items() if name not in _FREE}
    parts = [
        [task.name, str(task.version), task.prompt, list(task.sources or ())],
        [repr(question) for question in data.questions],
        _sizes(data),
        settings,
        dict(archive.models.names),
        seed,
    ]
    return code_hash(_ROOMS, _SUFFIXES, json.dumps(parts, sort_keys=True, default=str).encode())


def _sizes(data: TaskData) -> list[tuple[str, str]]:
    files: list[tuple[str, Path]] = []
    if data.captions is not None:
        files.append((data.captions.name, data.captions))
    if data.footage is not None:
        names = videos_of(data.questions)
        files += [(name, data.footage / name) for name in names or ()]
    files += [(f"subtitles of {name}", one.path) for name, one in sorted(data.subtitles.items())]
    return [(name, _stamp(path)) for name, path in files]


def _stamp(path: Path) -> str:
    """A text's digest; a video's size and time of change, since it may be large."""
    if not path.is_file():
        return ""
    if path.suffix.lower() in _TEXTS:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    found = path.stat()
    return f"{found.st_size}:{found.st_mtime_ns}"
