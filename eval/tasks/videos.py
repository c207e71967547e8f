"""Which of a task's videos are there, as footage or ready-made captions, and the questions that can be asked of them.

Names are matched with or without a suffix and at any depth, because every benchmark lays its videos out its own way.
Reads no video and no annotation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from lvqa.errors import MediaError, UsageError
from lvqa.eval.tasks.base import SubtitleFile, TaskData, TaskQuestion, Window
from lvqa.eval.tasks.files import Seconds, read_lines
from lvqa.eval.tasks.registry import Task
from lvqa.media import VIDEO_SUFFIXES, find_videos

_FOLDERS = ("videos", "video")
_SHOWN = 5


class Names:
    """Paths by every name that somebody may call them: in full, by their last parts, with and without suffix."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._by_name: dict[str, list[str]] = {}
        for path in paths:
            whole = PurePosixPath(_bare(path))
            for start in range(len(whole.parts)):
                self._by_name.setdefault("/".join(whole.parts[start:]), []).append(path)

    def alias(self, name: str, path: str) -> None:
        """Let a path be called by a further name, unless something is called so already."""
        self._by_name.setdefault(name, [path])

    def find(self, name: str) -> str | None:
        """The path that this names, or None. Raises UsageError where several files could be meant."""
        name = name.strip("/")
        found = self._by_name.get(_bare(name), [])
        for same in ([path for path in found if path == name], [path for path in found if _bare(path) == _bare(name)]):
            if same:
                found = same
                break
        if len(found) > 1:
            raise UsageError(f"both {found[0]} and {found[1]} could be the video {name}; move one of them away")
        return found[0] if found else None


class Gathering:
    """The questions of a task whose videos are there; counts those whose videos are not.

    Raises UsageError where there is neither footage nor captions.
    """

    def __init__(self, task: Task, data: Path, videos: Path | None) -> None:
        self.notes: list[str] = []
        self.subtitles: dict[str, SubtitleFile] = {}
        self._task = task
        self._captions = captions if (captions := data / "captions.jsonl").is_file() else None
        self._footage = _footage(data, videos)
        if self._footage is None and self._captions is None:
            raise UsageError(
                f"{data} has neither a folder of videos ({data / 'videos'}) nor ready-made captions "
                f"({data / 'captions.jsonl'}); put one there, or name the videos' folder with --videos. The videos of "
                f"{task.title} come from {task.source}"
            )
        self._files = Names([] if self._footage is None else _listed(self._footage))
        self._captioned = Names(_captioned(self._captions) if self._captions else ())
        self._kept: list[TaskQuestion] = []
        self._missing: Counter[str] = Counter()
        self._ids: Counter[str] = Counter()

    @property
    def footage(self) -> Path | None:
        """The folder of videos."""
        return self._footage

    def find(self, *names: str) -> str | None:
        """The first of these videos that is there: its path in the footage, else its name in the captions."""
        for kind in (self._files, self._captioned):
            for name in names:
                if name and (found := kind.find(name)) is not None:
                    return found
        return None

    def add(
        self,
        *,
        id: str,
        text: str,
        options: Sequence[str],
        choice: int | None,
        video: str | Sequence[str],
        type: str = "",
        windows: Iterable[Seconds] = (),
        between: Seconds | None = None,
    ) -> str | None:
        """Keep a question, or count it where its video is missing; an id that stands there before gets `-2`.

        `video` is what the video may be called, the official name first. `windows` and `between` are in seconds.
        Returns the video's path, or None.
        """
        names = [video] if isinstance(video, str) else list(video)
        found = self.find(*names)
        if found is None:
            self._missing[names[0]] += 1
            return None
        self._ids[id] += 1
        unique = id if self._ids[id] == 1 else f"{id}-{self._ids[id]}"
        shown = tuple(Window(found, start, end) for start, end in windows)
        self._kept.append(TaskQuestion(unique, text, tuple(options), choice, (found,), type, shown, between))
        return found

    def alias(self, names: Mapping[str, str]) -> None:
        """Let videos of the footage be found by further names: `{name: path}`."""
        for name, path in names.items():
            self._files.alias(name, path)

    def done(self) -> TaskData:
        """What was gathered. Raises UsageError where no question is left."""
        missing, total = sum(self._missing.values()), len(self._kept) + sum(self._missing.values())
        where = " or ".join(str(place) for place in (self._footage, self._captions) if place is not None)
        if missing:
            shown = ", ".join(_named(name) for name in sorted(self._missing)[:_SHOWN])
            more = f" and {len(self._missing) - _SHOWN} more" if len(self._missing) > _SHOWN else ""
            self.notes.append(
                f"{missing} of {total} questions are left out: their videos are not in {where}: {shown}{more}"
            )
        if not self._kept:
            problem = self.notes[-1] if missing else f"{self._task.title} has no question that can be asked"
            raise UsageError(f"{problem}. No question is left; the videos come from {self._task.source}")
        used = {name for question in self._kept for name in question.videos}
        subtitles = {name: file for name, file in self.subtitles.items() if name in used}
        return TaskData(tuple(self._kept), self._footage, self._captions, tuple(self.notes), subtitles)


def _footage(data: Path, videos: Path | None) -> Path | None:
    if videos is not None:
        if not videos.is_dir():
            raise UsageError(f"{videos} is no folder; name the one that holds the videos")
        return videos
    return next((data / name for name in _FOLDERS if (data / name).is_dir()), None)


def _listed(folder: Path) -> list[str]:
    try:
        return [path.relative_to(folder).as_posix() for path in find_videos(folder)]
    except MediaError as error:
        raise UsageError(str(error)) from error


def _captioned(captions: Path) -> list[str]:
    return list(dict.fromkeys(str(row["video"]) for row in read_lines(captions, ["video"])))


def _bare(name: str) -> str:
    """A name without the suffix of a video; other dots stay."""
    return name[: -len(suffix)] if (suffix := PurePosixPath(name).suffix).lower() in VIDEO_SUFFIXES else name


def _named(name: str) -> str:
    return name if PurePosixPath(name).suffix.lower() in VIDEO_SUFFIXES else f"{name}.mp4"
