"""`python -m lvqa.eval.lab.world`: one document on stdout, progress on stderr, one line for every error."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from lvqa.eval.lab.wordings import WorldPlanner
from lvqa.eval.lab.world import bench
from lvqa.eval.lab.world.__main__ import main
from lvqa.models.fake import FakeVision
from lvqa.models.profiles import Models


@pytest.fixture
def _ready_made(monkeypatch: pytest.MonkeyPatch) -> None:
    models = Models.of(vision=FakeVision("sand, nothing else.", yes=0.1), planner=WorldPlanner())
    monkeypatch.setattr(bench, "_SCHOOL", (900_001,))
    monkeypatch.setattr(bench, "run", partial(bench.run, models=models))


@pytest.mark.usefixtures("_ready_made")
def test_one_document_and_one_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ("--minutes", "1", "--seed", "2", "--questions", "6", "--videos", "2")
    assert main([*argv, "--dir", str(tmp_path / "w"), "--json"]) == 0
    captured = capsys.readouterr()
    done = json.loads(captured.out)
    assert (done["minutes"], done["seed"], done["videos"], done["questions"]) == (1, 2, 2, 6)
    assert set(done["systems"]) == set(bench.SYSTEMS)
    assert Path(done["report"]).is_file()
    assert "asking lvqa: 6 questions" in captured.err
    assert main([*argv, "--dir", str(tmp_path / "w")]) == 0
    again = capsys.readouterr()
    assert "asking" not in again.err
    assert again.out.splitlines()[0].split()[:3] == ["system", "accuracy", "events"]


def test_usage_errors_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "holiday.mp4").touch()
    for argv, words in (
        (("--questions", "0"), "--questions"),
        (("--minutes", "nan"), "minutes"),
        (("--dir", tmp_path), "holiday.mp4"),
    ):
        given = argv if "--dir" in argv else (*argv, "--dir", tmp_path / "new")
        assert main([str(one) for one in given]) == 2, argv
        err = capsys.readouterr().err
        assert words in err
        assert len(err.splitlines()) <= 2
