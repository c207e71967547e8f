"""What the command line asks for, as plain values: parsed by cli/app.py, carried out by cli/commands.py.

Knows neither typer nor any model; a plan can be made, compared and run by a test as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lvqa.errors import UsageError
from lvqa.types import Span, parse_time


@dataclass(frozen=True, slots=True)
class Place:
    """Which archive, with which settings."""

    folder: str
    archive_dir: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Index:
    """`lvqa index`; like `import` and `remove` it waits so long for another writer.

    With `dry_run` it only says what it would do.
    """

    place: Place
    wait_s: float = 0.0
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Import:
    """`lvqa import`: a file of captions, or a folder that `lvqa export` wrote."""

    place: Place
    captions: str
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Export:
    """`lvqa export`."""

    place: Place
    out: str
    videos: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Backup:
    """`lvqa backup`."""

    place: Place
    out: str


@dataclass(frozen=True, slots=True)
class Ask:
    """`lvqa ask`; with `dry_run` only what it would take."""

    place: Place
    question: str
    options: Sequence[str] = ()
    videos: Sequence[str] = ()
    between: Span | None = None
    steps: bool = False
    seed: int = 0
    plot: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Chat:
    """`lvqa chat`: a new one, or the one of `resume`; with `list_all` or `forget` no question is read."""

    place: Place
    resume: str | None = None
    list_all: bool = False
    forget: str | None = None
    steps: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Search:
    """`lvqa search`."""

    place: Place
    query: str
    k: int = 10
    videos: Sequence[str] = ()
    between: Span | None = None
    sources: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Find:
    """`lvqa find`."""

    place: Place
    what: str
    k: int = 10
    cues: Sequence[str] = ()
    videos: Sequence[str] = ()
    between: Span | None = None
    thumbnails: str | None = None
    plot: str | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Videos:
    """`lvqa videos`."""

    place: Place


@dataclass(frozen=True, slots=True)
class Show:
    """`lvqa show`."""

    place: Place
    video: str


@dataclass(frozen=True, slots=True)
class Status:
    """`lvqa status`."""

    place: Place


@dataclass(frozen=True, slots=True)
class Remove:
    """`lvqa remove`."""

    place: Place
    video: str
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class CheckIndex:
    """`lvqa check`."""

    place: Place
    repair: bool = False


@dataclass(frozen=True, slots=True)
class ListModels:
    """`lvqa models`."""

    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Demo:
    """`lvqa demo`; `footage` is the only one that there is, and still accepted."""

    folder: str | None
    footage: bool = False


@dataclass(frozen=True, slots=True)
class EvalTask:
    """`lvqa eval TASK`; `sample` questions are asked before an estimate."""

    task: str
    data: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    videos: str | None = None
    agent: str | None = None
    compare: str | None = None
    controls: Sequence[str] = ()
    limit: int | None = None
    estimate: bool = False
    sample: int = 0
    folder: str | None = None
    seed: int = 0
    workers: int = 1


@dataclass(frozen=True, slots=True)
class EvalRerun:
    """`lvqa eval rerun`."""

    folder: str
    question: str
    system: str | None = None
    steps: bool = False


Plan = (
    Index
    | Import
    | Export
    | Backup
    | Ask
    | Chat
    | Search
    | Find
    | Videos
    | Show
    | Status
    | Remove
    | CheckIndex
    | ListModels
    | Demo
    | EvalTask
    | EvalRerun
)


@dataclass(frozen=True, slots=True)
class Request:
    """A plan, and whether a program reads what it prints."""

    plan: Plan
    as_json: bool = False


def parse_between(text: str) -> Span:
    """Read `A-B`, each a time as `parse_time` takes it. Raises UsageError."""
    start, dash, end = text.partition("-")
    try:
        if not dash:
            raise ValueError("two times with a '-' between them are needed")
        return Span(parse_time(start), parse_time(end))
    except ValueError as error:
        raise UsageError(f"--between {text!r}: {error}; write it like 10:00-12:30") from error


def spell_out_wait(arguments: Sequence[str]) -> list[str]:
    """The arguments, with the number that `--wait` may go without: as long as it takes."""
    spelt: list[str] = []
    for number, argument in enumerate(arguments):
        spelt.append(argument)
        if argument == "--wait" and not _is_number(arguments[number + 1 : number + 2]):
            spelt.append("inf")
    return spelt


def _is_number(texts: Sequence[str]) -> bool:
    try:
        return all(float(text) == float(text) for text in texts) and bool(texts)
    except ValueError:
        return False


def parse_assignments(pairs: Sequence[str]) -> dict[str, str]:
    """Read `name=value` pairs. Raises UsageError for one without a name or an equals sign."""
    settings = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--set {pair!r}: write it like --set sample_fps=1")
        settings[name.strip().replace("-", "_")] = value
    return settings
