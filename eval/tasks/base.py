"""A task: questions about videos with known answers, as a public benchmark (or the world) gives them.

Values only; reads no file, asks nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a video, in seconds; a single frame is a stretch of no length."""

    video: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class TaskQuestion:
    """One question with options and what is right.

    `videos` are the only ones it may be answered from, by path in the archive, the one it is about first; none for all
    of the archive. `between` are the only seconds of them that may be used. `choice` is the right option's index, or
    -1 where no option is right and the right answer is to abstain; None where the gold answer is not public. `windows`
    are the stretches that show the answer, none where that is not known. `type` is the benchmark's own label.
    """

    id: str
    text: str
    options: tuple[str, ...]
    choice: int | None
    videos: tuple[str, ...] = ()
    type: str = ""
    windows: tuple[Window, ...] = ()
    between: tuple[float, float] | None = None

    @property
    def unanswerable(self) -> bool:
        """Whether the right answer is that there is none."""
        return self.choice == -1

    @property
    def video(self) -> str:
        """What errors are clustered by: the video that the question is about."""
        return self.videos[0] if self.videos else ""


@dataclass(frozen=True, slots=True)
class SubtitleFile:
    """Subtitles that do not lie beside their video: .srt, .vtt, or LongVideoBench's .json.

    `offset_s` is the second of the file at which the video begins.
    """

    path: Path
    offset_s: float = 0.0


@dataclass(frozen=True, slots=True)
class TaskData:
    """What a task found in the user's folder: questions, and the footage or ready-made captions they are about.

    `footage` is the folder that the questions' video paths are relative to, or None where there are only captions;
    `captions` is a file as `lvqa import` reads it, or None. `notes` are lines that a report should carry, such as which
    files were missing and left out. `subtitles` are files by video path, see `lvqa.eval.tasks.subtitles.lay_out`.
    """

    questions: tuple[TaskQuestion, ...]
    footage: Path | None = None
    captions: Path | None = None
    notes: Sequence[str] = ()
    subtitles: Mapping[str, SubtitleFile] = field(default_factory=dict)
