"""The tasks by name: what each YAML file of this folder says, and the loader it names. Knows no benchmark's format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, field_validator

from lvqa.errors import PromptError, UsageError
from lvqa.eval.tasks.base import TaskData
from lvqa.prompts import Prompt
from lvqa.types import Source

Scorer = Literal["choice", "choice+grounding", "choice+frames"]
Loader = Callable[["Task", Path, Path | None], TaskData]

_FOLDER = Path(__file__).resolve().parent


class Task(BaseModel):
    """A benchmark as its YAML file gives it.

    `version` changes with the prompt, the loader or the scoring: scores of two versions are not comparable. `paper` is
    an arXiv id, or empty; `source` says where the annotations come from. `loader` is an import string. `sources` are
    the kinds of notes that may be used. `files` says of each annotation file, by its path in the user's folder, what
    it is. `args` are the loader's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    version: PositiveInt
    paper: str
    source: str
    loader: str
    scorer: Scorer
    license: str = ""
    prompt: str = "{{question}}"
    sources: tuple[Source, ...] = get_args(Source)
    files: Mapping[str, str] = Field(min_length=1)
    args: Mapping[str, Any] = Field(default_factory=dict)

    @field_validator("prompt")
    @classmethod
    def _one_hole(cls, text: str) -> str:
        try:
            holes = Prompt.of("task", text).holes
        except PromptError as error:
            raise ValueError(str(error)) from error
        if holes != {"question"}:
            raise ValueError("the prompt has the one hole {{question}}")
        return text

    def find(self, data: Path, *names: str) -> Path | None:
        """The first of these annotation files that lies in the folder, at its path or by its mere name.

        An export of a Parquet file, which has another suffix and lies in its place, goes before it.
        """
        places = (place for name in names for path in (data / name, data / Path(name).name) for place in _forms(path))
        return next((place for place in places if place.is_file()), None)

    def file(self, data: Path, *names: str) -> Path:
        """As `find`; raises UsageError that says what the files are and where they come from where none is there."""
        found = self.find(data, *names)
        if found is None:
            wanted = " or ".join(f"{name} ({self.files[name]})" if name in self.files else name for name in names)
            raise UsageError(f"{data} lacks {wanted}; {self.title} comes from {self.source}")
        return found


def _forms(path: Path) -> list[Path]:
    exports = (".jsonl", ".json", ".csv") if path.suffix == ".parquet" else ()
    return [*(path.with_suffix(suffix) for suffix in exports), path]


@cache
def _names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


@cache
def task(name: str) -> Task:
    """The task of this name. Raises UsageError that lists those there are."""
    if name not in _names():
        raise UsageError(f"there is no task {name!r}; the tasks are {', '.join(_names())}")
    return read_task(_FOLDER / f"{name}.yaml")


def tasks() -> list[Task]:
    """Every task, by name."""
    return [task(name) for name in _names()]


def read_task(path: Path) -> Task:
    """Read a task's YAML file. Raises UsageError where it cannot be read, or lacks something."""
    try:
        found = Task.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise UsageError(f"{path} is no task ({error}); compare the other YAML files of lvqa.eval.tasks") from error
    if found.name != path.stem:
        raise UsageError(f"{path} names the task {found.name!r}; a task is called like its file")
    return found


def loader_of(task: Task) -> Loader:
    """The function that a task's `loader` names. Raises UsageError where there is none."""
    module, _, function = task.loader.partition(":")
    try:
        loader: Loader = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"the task {task.name!r} names the loader {task.loader!r}: {error}") from error
    return loader


def load(task: Task, data: Path, videos: Path | None = None) -> TaskData:
    """Read a task's questions from a folder with its official annotation files.

    Args:
        task: from `task(name)`.
        data: the folder; footage is looked for in its `videos`, ready-made captions in its `captions.jsonl`.
        videos: the folder of the footage where it lies elsewhere.

    Returns:
        At least one question; those whose video is missing are left out and counted in the notes.

    Raises:
        UsageError: a file is missing or malformed, there is neither footage nor captions, or no question is left.
    """
    data = Path(data)
    if not data.is_dir():
        raise UsageError(f"{data} is no folder; name the one that holds the annotations of {task.title}")
    return loader_of(task)(task, data, None if videos is None else Path(videos))
