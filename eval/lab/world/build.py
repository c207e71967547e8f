"""A world on disk: videos, truth.json and questions.jsonl, rendered once and reused. Knows no index and no model."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from lvqa.errors import UsageError
from lvqa.eval.lab.world.questions.make import WorldQuestion, ask, to_jsonl
from lvqa.eval.lab.world.scenes.make import make_videos, name_of
from lvqa.eval.lab.world.scenes.render import render, srt_name
from lvqa.eval.lab.world.scenes.truth import VideoTruth

# To be raised when the painter or the encoder's settings change, so that videos rendered before are not reused.
VERSION = 1
TRUTH, QUESTIONS = "truth.json", "questions.jsonl"
SHORTEST_MINUTES, LONGEST_MINUTES, MOST_VIDEOS = 0.5, 24 * 60, 99
# Says whose the videos in a folder are, from before the first of them is rendered.
_MARK = ".world.json"
_WORKSHOP = ".rendering"


@dataclass(frozen=True, slots=True)
class WorldSet:
    """A world on disk: its folder, the truth of each video in it, and the questions."""

    folder: Path
    minutes: float
    seed: int
    videos: tuple[VideoTruth, ...]
    questions: tuple[WorldQuestion, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The video files."""
        return tuple(self.folder / video.name for video in self.videos)

    def video(self, name: str) -> VideoTruth:
        """The truth of a video by its file name; raises KeyError."""
        return {video.name: video for video in self.videos}[name]


def build(
    folder: Path,
    minutes: float,
    seed: int,
    *,
    videos: int | None = None,
    on_video: Callable[[str], None] | None = None,
) -> WorldSet:
    """Render a world into a folder of its own; what stands there from the same arguments is reused.

    Each file is put in its place in one step, truth.json and questions.jsonl last, so a build that was cut off goes on
    where it stopped. A world from other arguments is replaced.

    Args:
        folder: made where it is missing; holds nothing else that is visible.
        minutes: the length of all videos together, at least half a minute a video.
        seed: decides everything.
        videos: how many, of equal length; when not given one for every twenty minutes begun, two or more.
        on_video: told the name of each video when it is there.

    Returns:
        The world.

    Raises:
        UsageError: a length or number that makes no sense, or a folder that holds something else or cannot be written.
    """
    n_videos, minutes = _checked(minutes, videos), float(minutes)
    truths = make_videos(minutes, seed, n_videos)
    questions = ask(truths, seed)
    truth = json.dumps(
        {"version": VERSION, "seed": seed, "minutes": minutes, "videos": [video.to_json() for video in truths]}
    )
    mark = {"version": VERSION, "videos": n_videos, "truth": hashlib.sha256(truth.encode()).hexdigest()}
    folder = Path(folder)
    try:
        _take(folder, mark, {TRUTH: truth, QUESTIONS: to_jsonl(questions)})
        _render_missing(truths, folder, on_video or (lambda name: None))
        _write(folder / QUESTIONS, to_jsonl(questions))
        _write(folder / TRUTH, truth)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written ({error.strerror or error}); name another folder") from error
    return WorldSet(folder, minutes, seed, truths, questions)


def _checked(minutes: float, videos: int | None) -> int:
    if not (math.isfinite(minutes) and minutes >= SHORTEST_MINUTES):
        raise UsageError(f"a world of {minutes:g} minutes is too short; ask for {SHORTEST_MINUTES:g} or more")
    n = videos if videos is not None else max(min(2, int(minutes / SHORTEST_MINUTES)), math.ceil(minutes / 20))
    if not 1 <= n <= MOST_VIDEOS:
        raise UsageError(f"a world has 1 to {MOST_VIDEOS} videos, not {n}")
    if not SHORTEST_MINUTES <= minutes / n <= LONGEST_MINUTES:
        raise UsageError(
            f"{n} videos in {minutes:g} minutes are {minutes / n:g} minutes each; "
            f"ask for {SHORTEST_MINUTES:g} to {LONGEST_MINUTES} minutes a video"
        )
    return n


def _take(folder: Path, mark: Mapping[str, Any], texts: Mapping[str, str]) -> None:
    """Make the folder ours: refuse one that is another's, and clear away a world from other arguments."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a folder")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / _WORKSHOP, ignore_errors=True)
    before = _read_mark(folder / _MARK)
    if before is None:
        others = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        if others:
            raise UsageError(f"{folder} holds something else ({others[0]}); name a new or an empty folder")
    if before != mark:
        for name in [name_of(k) for k in range((before or {}).get("videos", 0))]:
            (folder / name).unlink(missing_ok=True)
            (folder / name).with_suffix(".srt").unlink(missing_ok=True)
        _write(folder / _MARK, json.dumps(mark))
    for name, text in texts.items():
        # What stands there is true of what stands beside it, or it is not there.
        path = folder / name
        if path.exists() and path.read_bytes() != text.encode():
            path.unlink()


def _read_mark(path: Path) -> dict[str, Any] | None:
    try:
        mark = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    known = isinstance(mark, dict) and isinstance(mark.get("videos"), int)
    return mark if known else None


def _render_missing(truths: tuple[VideoTruth, ...], folder: Path, on_video: Callable[[str], None]) -> None:
    missing = [truth for truth in truths if not (folder / truth.name).exists()]
    if not missing:
        return
    workshop = folder / _WORKSHOP
    workshop.mkdir()
    stop = Event()

    def make(truth: VideoTruth) -> str:
        # The video comes last: where it is, its subtitles are.
        (folder / srt_name(truth)).unlink(missing_ok=True)
        for path in render(truth, workshop, stop):
            path.replace(folder / path.name)
        return truth.name

    # Threads suffice: painting, encoding and decoding let go of the interpreter's lock.
    pool = ThreadPoolExecutor(min(len(missing), os.cpu_count() or 1))
    try:
        for made in as_completed([pool.submit(make, truth) for truth in missing]):
            on_video(made.result())
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
        shutil.rmtree(workshop, ignore_errors=True)


def _write(path: Path, text: str) -> None:
    """Put a text in its place in one step; one that is there already is left alone."""
    data = text.encode()
    if path.exists() and path.read_bytes() == data:
        return
    partial = path.with_name(f".{path.name}.part")
    partial.write_bytes(data)
    partial.replace(path)
