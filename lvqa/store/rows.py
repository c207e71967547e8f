"""The records the store keeps beside those of `lvqa.types`, and what it counts. Knows nothing of the database."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Literal, TypedDict, get_args

JobStatus = Literal["pending", "done", "failed"]
# What vectors are of.
VectorKind = Literal["notes", "frames"]
JOB_STATUSES: tuple[str, ...] = get_args(JobStatus)


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file of the archive. `path` is relative with forward slashes; `video_id` is empty for what is no video."""

    path: str
    video_id: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class JobRow:
    """How far one stage of one video has come: everything before `progress_s` seconds is in the index.

    `video_id` is empty for a file that could not even be probed; such a job is known by its path. `key` is the
    `stage_key` that the rows were made with, `reason` the line that says why it failed. `spec` is JSON that tells what
    the key was made of, so that a change can be named; empty where that is not known. `blank` is how many clips the
    captioner had nothing to say of.
    """

    video_id: str
    path: str
    stage: str
    key: str = ""
    status: JobStatus = "pending"
    progress_s: float = 0.0
    reason: str = ""
    spec: str = ""
    blank: int = 0

    def __post_init__(self) -> None:
        if self.status not in JOB_STATUSES:
            raise ValueError(f"status must be one of {', '.join(JOB_STATUSES)}, got {self.status!r}")
        if not self.stage or not (self.video_id or self.path):
            raise ValueError("a job needs a stage, and a video or a path")
        if not (math.isfinite(self.progress_s) and self.progress_s >= 0):
            raise ValueError(f"progress is a time in seconds, got {self.progress_s!r}")


@dataclass(frozen=True, slots=True)
class RemovedCounts:
    """How many rows of each kind a removal took with it; adds up with `+`."""

    videos: int = 0
    files: int = 0
    clips: int = 0
    notes: int = 0
    embeddings: int = 0
    frames: int = 0

    def __add__(self, other: RemovedCounts) -> RemovedCounts:
        return RemovedCounts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


class VideoCounts(TypedDict):
    """Videos by how far they are; a file that could not be read as video counts as failed."""

    indexed: int
    failed: int
    pending: int


class StoreCounts(TypedDict):
    """What `lvqa status` prints. `bytes` is the size of the whole index folder, `frames` the embedded ones.

    `clips` are those of the lowest level, `notes` those of all levels.
    """

    videos: VideoCounts
    clips: int
    segments: int
    notes: int
    embeddings: int
    frames: int
    bytes: int
    sources: dict[str, int]
    models: list[str]
    schema: int
