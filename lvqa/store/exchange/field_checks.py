"""What each field of an export may hold; a check returns the value as the database has it, or raises ValueError.

Knows neither files nor the database. A message goes behind the field's name: `duration_s must be above 0`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import PureWindowsPath
from typing import Any

from lvqa.store.exchange.format import Table
from lvqa.store.keys import clean_text, decode_path, encode_path
from lvqa.store.rows import JOB_STATUSES
from lvqa.store.tables.videos import read_probe
from lvqa.types import LEVELS, SOURCES

_MOST_S = 1e9
_INT64 = 1 << 63


def checked_field(name: str, check: Callable[[Any], Any], value: Any) -> Any:
    """The value of a field as the database has it. Raises ValueError that names the field."""
    try:
        return check(value)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from error


def _text(value: Any) -> str:
    if not isinstance(value, str) or clean_text(value) != value:
        raise ValueError("must be text")
    return value


def word(value: Any) -> str:
    """A text that is not empty."""
    if not _text(value).strip():
        raise ValueError("must be a text that is not empty")
    return str(value)


def _maybe(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else check(value)


def _one_of(words: tuple[str, ...]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return value

    return check


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    if not 0 <= value <= _MOST_S:
        raise ValueError(f"must lie between 0 and {_MOST_S:g}")
    return float(value)


def _length(value: Any) -> float:
    if not _number(value):
        raise ValueError("must be above 0")
    return float(value)


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -_INT64 <= value < _INT64:
        raise ValueError("must be a whole number of 64 bits")
    return value


def whole(value: Any) -> int:
    """A number that counts something."""
    if _integer(value) < 0:
        raise ValueError("must not be below 0")
    return int(value)


def flag(value: Any) -> int:
    """A JSON boolean, as 0 or 1."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return int(value)


def _path(value: Any) -> str:
    """A path below the folder of videos, as the database holds it."""
    path = decode_path(word(value))
    if encode_path(path) != value:
        raise ValueError("is not written as the format says")
    parts = (path.replace("\\", "/") if os.name == "nt" else path).split("/")
    if parts[0] == "" or ".." in parts or "\0" in path or PureWindowsPath(path).is_absolute():
        raise ValueError("must be a path below the folder of videos")
    return str(value)


def _probe(value: Any) -> str:
    try:
        read_probe(_text(value))
    except (ValueError, TypeError, KeyError):
        raise ValueError("must say how the file's clock runs and what it holds, as JSON text, or be empty") from None
    return str(value)


def _in_order(row: Mapping[str, Any]) -> None:
    if not row["start_s"] < row["end_s"]:
        raise ValueError(f"needs start_s < end_s, has {row['start_s']:g} and {row['end_s']:g}")


def _of_something(row: Mapping[str, Any]) -> None:
    if row["video"] is None and not row["path"]:
        raise ValueError("needs a video or a path")


CHECKS: dict[Table, dict[str, Callable[[Any], Any]]] = {
    "videos": {
        "id": word,
        "path": _path,
        "content_hash": word,
        "duration_s": _length,
        "width": whole,
        "height": whole,
        "fps": _number,
        "codec": _text,
        "has_audio": flag,
        "probe": _probe,
    },
    "files": {"path": _path, "video": _maybe(word), "size": whole, "mtime_ns": _integer},
    "clips": {"id": word, "video": word, "start_s": _number, "end_s": _number, "level": _one_of(LEVELS)},
    "notes": {
        "id": word,
        "video": word,
        "clip": _maybe(word),
        "start_s": _number,
        "end_s": _number,
        "level": _one_of(LEVELS),
        "text": word,
        "source": _one_of(SOURCES),
        "model": _text,
        "prompt_hash": _text,
    },
    "jobs": {
        "video": _maybe(word),
        "path": lambda value: _path(value) if value != "" else "",
        "stage": word,
        "key": _text,
        "status": _one_of(JOB_STATUSES),
        "progress_s": _number,
        "reason": _text,
        "spec": _text,
        "blank": whole,
    },
    "meta": {"key": word, "value": _text},
}
ACROSS: dict[Table, Callable[[Mapping[str, Any]], None]] = {
    "clips": _in_order,
    "notes": _in_order,
    "jobs": _of_something,
}
VECTOR_CHECKS: dict[str, dict[str, Callable[[Any], Any]]] = {
    "notes": {"note": word},
    "frames": {"video": word, "time_s": _number},
}
