"""Rows of annotation files: JSON, JSON Lines, CSV and, where a reader is installed, Parquet. Knows no benchmark.

A row remembers where it stands, so that what is wrong with it can be said by file and row.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from lvqa.errors import UsageError

_LETTERS = "ABCDEFGHIJ"
# Annotators' tools write the beginning of a video as a little before it.
_EARLY_S = 1.0
_PREFIX = re.compile(r"^\s*\(?([A-J])[).:]\s*")
_STAMP = r"(\d+(?::\d{1,2}){1,2}(?:\.\d+)?)"
_RANGE = re.compile(rf"{_STAMP}(?:\s*[-–~]\s*{_STAMP})?")
# Without the reader's commas between them, as pandas writes an array of texts into a CSV.
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")

Seconds = tuple[float, float]


@dataclass(frozen=True, slots=True)
class AnnotationRow:
    """One row of a file: its values by column, and the words that name it in an error."""

    where: str
    values: Mapping[str, Any]

    def error(self, problem: str) -> UsageError:
        """What to raise where this row is wrong."""
        return UsageError(f"{self.where}: {problem}; mend or remove it")

    def text(self, *names: str) -> str:
        """The first of these columns that is there, as text that is not empty. Raises UsageError."""
        for name in names:
            value = self.values.get(name)
            if isinstance(value, (str, int, float)) and not isinstance(value, bool) and str(value).strip():
                return str(value).strip()
        raise self.error(f"no {' or '.join(names)}")

    def maybe(self, *names: str) -> str:
        """As `text`, or nothing."""
        return self.text(*names) if any(self.values.get(name) not in (None, "") for name in names) else ""

    def rows(self, name: str) -> list[AnnotationRow]:
        """The rows nested in a column, each named by its place. Raises UsageError."""
        value = self.values.get(name)
        if not isinstance(value, list):
            raise self.error(f"{name} is no list")
        return rows_in(value, f"{self.where}, {name}")

    def options(self, *names: str) -> tuple[str, ...]:
        """The options: one column that holds them all, or a column each; letters before them go. Raises UsageError."""
        values: Any = [self.values.get(name) for name in names] if len(names) > 1 else self.values.get(names[0])
        if isinstance(values, str):
            values = _listed(values)
        if isinstance(values, Mapping):
            values = [values[key] for key in sorted(values) if values[key] is not None]
        if not isinstance(values, Sequence) or len(values) < 2:
            raise self.error(f"{names[0]} holds fewer than two options")
        options = [str(value).strip() if isinstance(value, (str, int, float)) else "" for value in values]
        if not all(options):
            raise self.error(f"option {options.index('') + 1} is empty")
        marks = [match.group(1) if (match := _PREFIX.match(option)) else "" for option in options]
        if "".join(marks) == _LETTERS[: len(options)]:
            options = [_PREFIX.sub("", option, count=1).strip() or option for option in options]
        return tuple(options)

    def by_index(self, name: str, options: Sequence[str]) -> int:
        """The right option by its index from 0. Raises UsageError where it is none or out of range."""
        value = self.text(name)
        try:
            index = int(float(value)) if float(value) == int(float(value)) else -1
        except (ValueError, OverflowError) as error:
            raise self.error(f"{name} is {value!r}, not an index") from error
        if not 0 <= index < len(options):
            raise self.error(f"{name} is {value}, and there are options 0 to {len(options) - 1}")
        return index

    def by_letter(self, name: str, options: Sequence[str]) -> int:
        """The right option by its letter. Raises UsageError."""
        value = self.text(name)
        match = re.fullmatch(r"\(?([A-Ja-j])[).:]?", value) or _PREFIX.match(value)
        index = _LETTERS.index(match.group(1).upper()) if match else -1
        if not 0 <= index < len(options):
            raise self.error(f"{name} is {value!r}, and there are options A to {_LETTERS[len(options) - 1]}")
        return index

    def by_text(self, name: str, options: Sequence[str]) -> int:
        """The right option by its own text. Raises UsageError."""
        value = self.text(name)
        for same in (str, str.casefold):
            wanted = same(value)
            if wanted in (found := [same(option) for option in options]):
                return found.index(wanted)
        raise self.error(f"{name} is {value!r}, which is none of the options")

    def spans(self, value: Any, name: str, early: list[float] | None = None) -> tuple[Seconds, ...]:
        """Pairs of seconds `[[start, end], ...]`. Raises UsageError.

        Where `early` is given, a span that begins less than a second before the video begins with it, and where it was
        said to begin is added to that list.
        """
        try:
            spans = tuple((float(start), float(end)) for start, end in value)
        except (TypeError, ValueError) as error:
            raise self.error(f"{name} holds no pairs of seconds") from error
        if early is not None:
            early += [start for start, _ in spans if -_EARLY_S < start < 0]
            spans = tuple((max(0.0, start) if start > -_EARLY_S else start, end) for start, end in spans)
        for start, end in spans:
            if not (0 <= start <= end and math.isfinite(end)):
                raise self.error(f"{name} has the span {start} to {end}")
        return spans


def rows_in(values: Iterable[Any], where: str) -> list[AnnotationRow]:
    """Objects as rows, numbered from 1. Raises UsageError where one is no object."""
    rows = []
    for number, value in enumerate(values, 1):
        row = AnnotationRow(f"{where}, row {number}", value if isinstance(value, Mapping) else {})
        if not isinstance(value, Mapping):
            raise row.error("no object")
        rows.append(row)
    return rows


def read_json(path: Path) -> Any:
    """The value of a JSON file. Raises UsageError."""
    try:
        return json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON ({error}); fetch it again") from error


def read_object(path: Path) -> dict[str, Any]:
    """The object of a JSON file. Raises UsageError."""
    value = read_json(path)
    if not isinstance(value, dict):
        raise UsageError(f"{path} holds no object; fetch it again")
    return value


def read_rows(path: Path) -> list[AnnotationRow]:
    """The rows of a .json, .jsonl, .csv, .tsv or .parquet file; at least one.

    A JSON file holds a list of objects, or an object of columns that are lists of one length. Raises UsageError.
    """
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        rows = rows_in(_parquet(path), path.name)
    elif suffix in (".csv", ".tsv"):
        rows = _csv(path, "\t" if suffix == ".tsv" else ",")
    elif suffix == ".jsonl":
        rows = _json_lines(path)
    else:
        rows = rows_in(_records(path), path.name)
    if not rows:
        raise UsageError(f"{path} holds no rows; fetch it again")
    return rows


def read_lines(path: Path, fields: Sequence[str]) -> list[dict[str, Any]]:
    """Read JSON objects, one a line, that have these fields. Raises UsageError that names the file and the line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"cannot read {path}: {reason}; --data names the folder that holds {path.name}") from error
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise UsageError(f"{path}, line {number} is not JSON ({error}); mend or remove it") from error
        missing = [name for name in fields if not isinstance(row, dict) or name not in row]
        if missing:
            raise UsageError(f"{path}, line {number} lacks {', '.join(missing)}; mend or remove it")
        rows.append(row)
    return rows


def times_in(text: str) -> tuple[Seconds, ...]:
    """Spans in a text such as `00:15-00:19` or `1:02:03`, in seconds; what is no time or runs backwards is skipped."""
    spans = [(seconds_of(first), seconds_of(last or first)) for first, last in _RANGE.findall(text)]
    return tuple((start, end) for start, end in spans if start <= end)


def seconds_of(stamp: str) -> float:
    """Seconds of a time such as `1:02:03.5`. Raises ValueError."""
    total = 0.0
    for part in stamp.split(":"):
        total = total * 60 + float(part)
    return total


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text; fetch it again") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror or error})") from error


def _records(path: Path) -> list[Any]:
    value = read_json(path)
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and value and all(isinstance(column, list) for column in value.values()):
        lengths = {len(column) for column in value.values()}
        if len(lengths) == 1:
            return [dict(zip(value, cells, strict=True)) for cells in zip(*value.values(), strict=True)]
    raise UsageError(f"{path} holds neither a list of rows nor columns of one length; fetch it again")


def _json_lines(path: Path) -> list[AnnotationRow]:
    rows = []
    for number, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        row = AnnotationRow(f"{path.name}, line {number}", {})
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise row.error(f"not JSON ({error})") from error
        if not isinstance(value, dict):
            raise row.error("no object")
        rows.append(AnnotationRow(row.where, value))
    return rows


def _csv(path: Path, delimiter: str) -> list[AnnotationRow]:
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), delimiter=delimiter)
    try:
        # Rows are counted as a table shows them: the header is none.
        rows = [AnnotationRow(f"{path.name}, row {number}", values) for number, values in enumerate(reader, 1)]
    except csv.Error as error:
        raise UsageError(f"{path} is no table ({error}); fetch it again") from error
    for row in rows:
        if None in row.values or None in row.values.values():
            raise row.error(f"{'more' if None in row.values else 'fewer'} cells than the header has")
    return rows


def _parquet(path: Path) -> list[Any]:
    try:
        reader: Any = import_module("pyarrow.parquet")
    except ImportError as error:
        raise UsageError(
            f"{path} is a Parquet file, and pyarrow, which reads it, is not installed; install pyarrow, or export the "
            f"rows as JSON Lines to {path.with_suffix('.jsonl').name} beside it"
        ) from error
    try:
        rows: list[Any] = reader.read_table(path).to_pylist()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is no Parquet file ({error}); fetch it again") from error
    return rows


def _listed(text: str) -> list[str]:
    """Options from one cell: a JSON list, or texts in quotes, or a line each."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, list):
        return value
    if text.strip().startswith("["):
        return [re.sub(r"\\(.)", r"\1", single or double) for single, double in _QUOTED.findall(text)]
    return [line for line in text.splitlines() if line.strip()]
