"""Of the footage, what the questions are about is indexed, once; what cannot be is why its questions fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvqa.archive.archive import Archive
from lvqa.eval.lab.footage_writer import write_video
from lvqa.eval.runner import estimate
from lvqa.eval.tasks.base import TaskData, TaskQuestion
from lvqa.models.profiles import Models

SAID = {
    name: f"The man holds a {thing}."
    for name, thing in zip(("a.mp4", "b.mp4", "c.mp4"), ("parrot", "ladder", "violin"), strict=True)
}


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    folder = tmp_path / "films" / "deep"
    folder.mkdir(parents=True)
    for n, (name, said) in enumerate(SAID.items()):
        frames = [np.full((48, 64, 3), 40 * n + k, np.uint8) for k in range(12)]
        write_video(folder / name, frames, fps=4)
        (folder / name).with_suffix(".srt").write_text(f"1\n00:00:01,000 --> 00:00:02,000\n{said}\n")
    return folder.parent


def question(name: str) -> TaskQuestion:
    options = ("a parrot", "a ladder", "a violin")
    return TaskQuestion(name, "What does the man hold?", options, list(SAID).index(name), (f"deep/{name}",))


def test_only_what_is_asked_about_is_indexed(
    runs: Callable[..., Any], footage: Path, tmp_path: Path, task: Any, models: Models
) -> None:
    one, all_ = (TaskData(tuple(map(question, names)), footage=footage) for names in (["b.mp4"], list(SAID)))
    outcome = runs(data=one)
    assert outcome.summaries[0].accuracy.value == 1.0
    index = tmp_path / "run" / "index"
    with Archive(footage, archive_dir=index) as archive:
        assert [video.path for video in archive.videos()] == ["deep/b.mp4"]
        began = archive.store.videos.get(archive.videos()[0].id)
    found = estimate.estimate(task, all_, tmp_path / "run", settings={"profile": "text"}, models=models)
    assert found.hours == pytest.approx(9 / 3600, rel=0.05)
    assert found.hours_to_index == pytest.approx(6 / 3600, rel=0.05)
    said: list[str] = []
    assert runs(data=all_, say=said.append).summaries[0].accuracy.value == 1.0
    with Archive(footage, archive_dir=index) as archive:
        assert [video.path for video in archive.videos()] == [f"deep/{name}" for name in SAID]
        assert archive.store.videos.get(archive.show("deep/b.mp4").video.id) == began
    assert not (footage / ".lvqa").exists()


def test_a_video_that_cannot_be_read_is_why_its_questions_fail(runs: Callable[..., Any], footage: Path) -> None:
    (footage / "deep" / "c.mp4").write_bytes(b"no video at all")
    outcome = runs(data=TaskData(tuple(map(question, SAID)), footage=footage))
    (summary,) = outcome.summaries
    assert (summary.errors, summary.accuracy.value) == (1, pytest.approx(2 / 3))
    ((system, reason, n, first),) = outcome.failures
    assert (system, n, first) == ("lvqa", 1, "c.mp4")
    assert "c.mp4" in reason


def test_captions_that_changed_take_the_place_of_those_before(
    runs: Callable[..., Any], data: TaskData, tmp_path: Path
) -> None:
    first = runs()
    assert first.summaries[0].accuracy.value == 1.0
    text = data.captions.read_text()
    # As long as before, letter by letter: only its digest tells.
    data.captions.write_text(text.replace("holds a kettle", "waters a kale"))
    again = runs()
    lines = (tmp_path / "run" / "results.jsonl").read_text().splitlines()[1:]
    cited = [piece["text"] for line in lines for piece in json.loads(line)["evidence"]]
    assert cited
    assert not any("holds a kettle" in said for said in cited)
    assert again.summaries[0].questions == first.summaries[0].questions
