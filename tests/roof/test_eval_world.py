"""`lvqa eval world` on the command line: one document on stdout, progress on stderr, one line for every error."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from lvqa.eval.lab.wordings import WorldPlanner
from lvqa.eval.lab.world import bench
from lvqa.models.fake import FakeVision
from lvqa.models.profiles import Models


@pytest.fixture
def _ready_made(monkeypatch: pytest.MonkeyPatch) -> None:
    models = Models.of(vision=FakeVision("sand, nothing else.", yes=0.1), planner=WorldPlanner())
    monkeypatch.setattr(bench, "PROFILE", "text")
    monkeypatch.setattr(bench, "_SCHOOL", (900_001,))
    monkeypatch.setattr(bench, "run", partial(bench.run, models=models))


@pytest.mark.usefixtures("_ready_made")
def test_one_document_and_one_table(tmp_path: Path, lvqa) -> None:
    argv = ("eval", "world", "--minutes", "1", "--seed", "2", "--questions", "6", "--videos", "2")
    done = lvqa(*argv, "--dir", tmp_path / "w", "--json")
    assert done.status == 0, done.err
    assert (done.json["minutes"], done.json["seed"], done.json["videos"], done.json["questions"]) == (1, 2, 2, 6)
    assert set(done.json["systems"]) == set(bench.SYSTEMS)
    assert Path(done.json["report"]).is_file()
    assert "asking lvqa: 6 questions" in done.err
    again = lvqa(*argv, "--dir", tmp_path / "w")
    assert "asking" not in again.err
    assert again.out.splitlines()[0].split()[:3] == ["system", "accuracy", "events"]


def test_usage_errors_are_one_line(tmp_path: Path, lvqa) -> None:
    (tmp_path / "holiday.mp4").touch()
    for argv, words in (
        (("--questions", "0"), "--questions"),
        (("--minutes", "nan"), "minutes"),
        (("--dir", tmp_path), "holiday.mp4"),
    ):
        done = lvqa("eval", "world", *(argv if "--dir" in argv else (*argv, "--dir", tmp_path / "new")))
        assert done.status == 2, argv
        assert words in done.err
        assert len(done.err.splitlines()) <= 2
