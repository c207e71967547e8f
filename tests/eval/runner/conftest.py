from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lvqa.eval.tasks.base import TaskData, TaskQuestion, Window
from lvqa.models.fake import FakeEmbedder
from lvqa.models.profiles import Models

THINGS = ("kettle", "bicycle", "parrot", "ladder", "violin", "anchor")


@dataclass(frozen=True)
class FakeTask:
    name: str = "tiny"
    title: str = "Tiny"
    version: int = 1
    scorer: str = "choice+grounding"
    prompt: str = "{{question}}"
    sources: tuple[str, ...] | None = None


@pytest.fixture
def task() -> FakeTask:
    return FakeTask()


@pytest.fixture
def models() -> Models:
    return Models.of(embedder=FakeEmbedder())


@pytest.fixture
def data(tmp_path: Path) -> TaskData:
    """Six captioned videos without files; second 4 of each shows a man with a thing, and so says an option."""
    captions = tmp_path / "captions.jsonl"
    rows, questions = [], []
    for n, thing in enumerate(THINGS):
        video = f"video{n}.mp4"
        for second in range(10):
            text = f"the man holds a {thing}" if second == 4 else f"a grey wall in room {n}, part {second}"
            rows.append({"video": video, "start_s": second, "end_s": second + 1, "text": text})
        options = [f"a {THINGS[(n + k) % len(THINGS)]}" for k in range(4)]
        options = options[n % 4 :] + options[: n % 4]
        questions.append(
            TaskQuestion(
                f"q{n}",
                "What does the man hold?",
                tuple(options),
                options.index(f"a {thing}"),
                (video,),
                "what" if n % 2 else "holding",
                (Window(video, 4.0, 5.0),),
            )
        )
    captions.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return TaskData(tuple(questions), captions=captions)


@pytest.fixture
def runs(task: FakeTask, data: TaskData, models: Models, tmp_path: Path) -> Callable[..., object]:
    """Run the fake task in a folder below tmp_path, without a chat model unless given other models."""
    from lvqa.eval.runner import run

    def start(folder: str = "run", **given: object) -> object:
        usual = {"models": models, "settings": {"profile": "text"}}
        return run(given.pop("task", task), given.pop("data", data), tmp_path / folder, **(usual | given))  # type: ignore[arg-type]

    return start
