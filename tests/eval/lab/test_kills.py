from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lvqa.demo_footage import make_footage
from lvqa.errors import LvqaError
from lvqa.eval.lab import kills


@pytest.mark.slow
def test_a_killed_index_ends_with_the_rows_of_an_undisturbed_one(tmp_path: Path):
    """Kills of the real command, captions from a stand-in VLM; no embedder and no OCR, which would only take time."""
    make_footage(tmp_path)
    with kills.chosen_models(None) as models:
        light = (*models, "--embedder", "none", "--ocr", "none")
        report = kills.run_kills(tmp_path, rounds=2, seed=1, models=light)
    assert report.rows > 20
    assert len(report.rounds) == report.equal == 2
    for step in report.rounds:
        assert step.killed_at_s
        assert step.differences == ()
    assert not (tmp_path / ".lvqa").exists()


def test_a_run_that_fails_by_itself_is_an_error(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(LvqaError, match="status 2"):
        kills.run_kills(tmp_path / "empty", rounds=1)


def test_the_command_prints_what_it_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    good = kills.KillRound((0.5,), (3,), ())
    bad = kills.KillRound((0.7, 0.2), (0, 4), ("notes: 1 missing, such as ...",))

    def steps(folder: Path, **given: Any):
        assert given["models"] == ["--profile", "text"]
        given["on_round"](good)
        given["on_round"](bad)
        return kills.Report(1.5, 12, (good, bad))

    monkeypatch.setattr(kills, "run_kills", steps)
    arguments = ["somewhere", "--rounds", "2", "--models", "--profile text"]
    assert kills.main(arguments) == 1
    out = capsys.readouterr().out
    assert "equal   killed at 0.50 s (3 rows)" in out
    assert "DIFFER  killed at 0.70 s (0 rows), 0.20 s (4 rows)" in out
    assert "notes: 1 missing" in out
    assert out.splitlines()[-1] == "1 of 2 equal (12 rows, 1.5 s undisturbed)"
    assert kills.main([*arguments, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["rounds"][1]["rows_then"] == [0, 4]


def test_killing_before_the_end_is_told_from_ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def command(seconds: str):
        return lambda *_: [sys.executable, "-c", f"import time; time.sleep({seconds})"]

    monkeypatch.setattr(kills, "_command", command("86400"))
    assert kills._run_and_kill(tmp_path, tmp_path, (), 0.3) is True
    monkeypatch.setattr(kills, "_command", command("0"))
    assert kills._run_and_kill(tmp_path, tmp_path, (), 86400.0) is False


def test_settings_of_the_shell_do_not_reach_the_runs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LVQA_OCR", "none")
    environment = kills._environment()
    assert "LVQA_OCR" not in environment
    done = subprocess.run(
        [sys.executable, "-c", "import os; print([n for n in os.environ if n.startswith('LVQA_')])"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
