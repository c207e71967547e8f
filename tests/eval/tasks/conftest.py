from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from lvqa.eval.tasks.base import TaskData
from lvqa.eval.tasks.registry import Task, load, task

Write = Callable[[str, Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file below the data folder: text as it is, a list as JSON Lines where the name says so, else JSON."""

    def put(name: str, value: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(value, str):
            value = "".join(json.dumps(row) + "\n" for row in value) if name.endswith(".jsonl") else json.dumps(value)
        path.write_text(value, encoding="utf-8")
        return path

    return put


@pytest.fixture
def footage(tmp_path: Path) -> Callable[[Iterable[str]], None]:
    """Empty files that are called like videos, below `videos`."""

    def put(names: Iterable[str]) -> None:
        for name in names:
            path = tmp_path / "videos" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    return put


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[..., TaskData]:
    """Load a task from the data folder, with some of its arguments replaced."""

    def run(name: str, **args: Any) -> TaskData:
        found: Task = task(name)
        return load(found.model_copy(update={"args": {**found.args, **args}}), tmp_path)

    return run
