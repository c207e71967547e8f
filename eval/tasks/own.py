"""Data in this project's own form: JSON Lines of captions, and of questions with the windows that show the answer.

Knows nothing of indexing, searching or scoring.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvqa.errors import UsageError

if TYPE_CHECKING:
    from lvqa.eval.metrics import Window


@dataclass(frozen=True, slots=True)
class GroundedQuestion:
    """A question about one video and the windows that hold its answer, in seconds."""

    id: str
    video: str
    text: str
    windows: tuple[Window, ...]


def read_questions(path: Path) -> list[GroundedQuestion]:
    """Read `questions.jsonl`: `{"id","video","question","windows"}` a line. Raises UsageError."""
    rows = read_lines(path, ("id", "video", "question", "windows"))
    try:
        return [
            GroundedQuestion(
                str(row["id"]),
                str(row["video"]),
                str(row["question"]),
                tuple((float(a), float(b)) for a, b in row["windows"]),
            )
            for row in rows
        ]
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{path} has windows that are not pairs of seconds ({error}); write [[start, end], ...]"
        ) from error


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
