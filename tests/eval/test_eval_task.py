"""`lvqa eval TASK` on the command line, over a data folder of captions alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from lvqa.agents.baselines.presets import AGENTS
from lvqa.cli import options
from lvqa.eval import runner
from lvqa.eval.runner.controls import CONTROLS
from lvqa.eval.tasks.base import TaskData, TaskQuestion


@dataclass(frozen=True)
class FakeTask:
    name: str
    title: str = "Tiny"
    version: int = 2
    scorer: str = "choice"
    prompt: str = "{{question}}"
    sources: tuple[str, ...] | None = None


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    lines = [
        {"video": f"v{n}.mp4", "start_s": s, "end_s": s + 2, "text": f"she {'feeds a parrot' if s == 4 else 'waits'}"}
        for n in range(3)
        for s in range(0, 10, 2)
    ]
    (folder / "captions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    questions = tuple(
        TaskQuestion(f"q{n}", "What does she feed?", ("a horse", "a parrot", "a cat"), 1, (f"v{n}.mp4",), "what")
        for n in range(3)
    )

    def load(
        name: str, source: Path, videos: Path | None = None, split: str | None = None
    ) -> tuple[FakeTask, TaskData]:
        return FakeTask(name), TaskData(questions, captions=source / "captions.jsonl", notes=("a note",))

    monkeypatch.setattr(runner, "load_task", load)
    return folder


def test_one_document_and_one_table(data: Path, tmp_path: Path, lvqa, light) -> None:
    argv = ("eval", "egoschema", "--data", data, "--dir", tmp_path / "out", *light)
    done = lvqa(*argv, "--compare", "uniform", "--control", "shuffled", "--workers", "2", "--json")
    assert done.status == 0, done.err
    assert (done.json["task"], done.json["version"], done.json["questions"]) == ("egoschema", "2", 3)
    assert set(done.json["systems"]) == {"lvqa", "lvqa, shuffled", "uniform", "uniform, shuffled"}
    assert done.json["systems"]["lvqa"]["accuracy"]["value"] == 1.0
    assert done.json["controls"]["random"]["accuracy"]["value"] == pytest.approx(1 / 3, abs=1e-3)
    assert Path(done.json["report"]).is_file()
    assert "asking lvqa: 3 questions" in done.err
    again = lvqa(*argv)
    assert "asking" not in again.err
    assert again.out.splitlines()[0].split()[:2] == ["system", "accuracy"]
    assert "a note" in again.out


def test_an_estimate_and_a_sample(data: Path, tmp_path: Path, lvqa, light) -> None:
    argv = ("eval", "nextqa", "--data", data, "--dir", tmp_path / "out", *light)
    done = lvqa(*argv, "--estimate", "--json")
    assert done.status == 0, done.err
    assert "asking" not in done.err
    assert (done.json["questions"], done.json["agents"]["lvqa"]["expected"]) == (3, None)
    assert done.json["agents"]["lvqa"]["at_most"]["frames"] == 3 * 32
    sampled = lvqa(*argv, "--sample", "2")
    assert "asking lvqa: 2 questions" in sampled.err
    assert "lvqa: 1 question still to ask" in sampled.out
    assert "the mean of 2 answers" in sampled.out


def test_a_question_again(data: Path, tmp_path: Path, lvqa, light) -> None:
    assert lvqa("eval", "mlvu", "--data", data, "--dir", tmp_path / "out", *light).status == 0
    done = lvqa("eval", "rerun", tmp_path / "out", "q1", "--steps")
    assert done.status == 0, done.err
    assert "now: a parrot (confidence" in done.out
    assert "recall:" in done.err
    assert lvqa("eval", "rerun", tmp_path / "out", "q1", "--json").json["now"]["right"]


def test_usage_errors_are_one_line(data: Path, tmp_path: Path, lvqa, light) -> None:
    for argv, words in (
        (("--agent", "oracle"), "oracle"),
        (("--control", "deaf"), "deaf"),
        (("--set", "sample_fbs=1"), "sample_fbs"),
    ):
        done = lvqa("eval", "lvbench", "--data", data, "--dir", tmp_path / "out", *light, *argv)
        assert (done.status, done.out, len(done.err.splitlines())) == (2, "", 1), argv
        assert words in done.err
    assert lvqa("eval", "lvbench").status == 2


def test_options_name_what_there_is() -> None:
    assert options.AGENTS == AGENTS
    assert options.CONTROLS == CONTROLS


def test_the_tasks_are_those_of_the_registry() -> None:
    registry = pytest.importorskip("lvqa.eval.tasks.registry", exc_type=ImportError)
    assert {task.name for task in registry.tasks()} == set(options.TASKS)
