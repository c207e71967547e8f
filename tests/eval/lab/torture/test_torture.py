"""Every kind of harm, a few trials each, as `python -m lvqa.eval.lab.torture --short` tries them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from lvqa.eval.lab.torture.__main__ import KINDS, main
from lvqa.eval.lab.torture.check import Tally


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_survives(kind: str) -> None:
    # A process of its own: it forks, which a process with the test runner's threads must not.
    command = [sys.executable, "-m", "lvqa.eval.lab.torture", kind, "--short", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr[-2000:]
    checks = json.loads(done.stdout)
    assert checks
    for check in checks:
        assert check["ok"], f"{check['name']}: {check['passed']} of {check['of']}: {check['problems']}"


def test_a_check_is_ok_only_if_every_trial_passed() -> None:
    assert Tally("a", 3, 3).ok
    assert not Tally("a", 2, 3).ok
    assert not Tally("a", 0, 0).ok
    assert not Tally("a", 3, 3, problems=("one",)).ok
    assert Tally("a", 0, 0, skipped="no tmpfs here").ok


def test_lines_name_what_went_wrong() -> None:
    check = Tally("kills", 1, 12, "in a second", [f"kill {n}" for n in range(11)])
    assert check.lines()[0] == "FAIL      1 of 12    kills (in a second)"
    assert check.lines()[-1] == "      and 3 more"
    assert len(check.lines()) == 10
    assert check.to_dict()["ok"] is False
    assert Tally("kills", 0, 0, skipped="why").lines() == ["SKIP      0 of 0     kills (why)"]


def test_unknown_kinds_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["floods"])
    assert "there is no kind 'floods'; there are: kills" in capsys.readouterr().err
