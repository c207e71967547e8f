"""Curves from confidence to being right: they rise, they mend what is off, and they are read back from the settings."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lvqa.agents.calibration import on_curve, shipped
from lvqa.errors import UsageError
from lvqa.eval import calibrate
from lvqa.eval.metrics import calibration_error
from lvqa.settings import Settings


def made_up(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, and answers that are right far more often than they say."""
    rng = np.random.default_rng(seed)
    sure = rng.random(n)
    return sure, rng.random(n) < 0.6 + 0.4 * sure


def test_a_curve_rises_and_mends_what_is_off() -> None:
    sure, right = made_up(2000)
    curve = calibrate.fit(sure, right)
    xs, ys = zip(*curve, strict=True)
    assert list(xs) == sorted(xs)
    assert list(ys) == sorted(ys)
    assert max(ys) < 1
    other, truth = made_up(2000, seed=1)
    assert calibration_error(other, truth) > 0.25
    assert calibration_error([on_curve(curve, value) for value in other], truth) < 0.04


def test_a_few_answers_give_a_level_curve() -> None:
    assert calibrate.fit([0.5, 0.9, 0.1], [True, True, False]) == [[0.0, 0.0], [0.5, 0.6]]


def test_a_curve_between_and_beside_its_points() -> None:
    curve = [[0.2, 0.4], [0.6, 0.8]]
    assert [on_curve(curve, x) for x in (0.0, 0.2, 0.4, 0.6, 1.0)] == pytest.approx([0.4, 0.4, 0.6, 0.8, 0.8])


def test_held_out_videos_are_not_their_own_teachers() -> None:
    rows = [("w", 0.5, True, "a")] * 30 + [("w", 0.5, False, "b")] * 30
    held = calibrate.held_out(rows)
    assert held[:30].max() < 0.1
    assert held[30:].min() > 0.9


def test_written_curves_hold_for_their_archive(tmp_path, capsys) -> None:
    def row(n: int, **given) -> str:
        usual = {"system": "lvqa", "way": "rules:options", "abstained": False, "error": "", "video": f"{n % 5}.mp4"}
        return json.dumps({**usual, "uncalibrated": (n % 10) / 10, "right": n % 10 > 2, **given})

    lines = [json.dumps({"run": "x"}), *map(row, range(200)), row(1, abstained=True), row(1, system="llovi")]
    (tmp_path / "results.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "settings.toml").write_text('profile = "text"\n\n[calibration]\n"old:open" = [[0.1, 0.2]]\n')
    calibrate.main([str(tmp_path / "results.jsonl"), "--write", str(tmp_path)])
    calibrate.main([str(tmp_path / "results.jsonl"), "--write", str(tmp_path)])
    assert "rules:options: 200 answers" in capsys.readouterr().out
    read = Settings.load(tmp_path)
    assert read.profile == "text"
    assert set(read.calibration) == {"rules:options"}
    curve = read.calibration["rules:options"]
    assert all(right < 0.2 for sure, right in curve if sure < 0.2)
    assert curve[-1][1] > 0.9
    with pytest.raises(UsageError, match=r"none\.jsonl"):
        calibrate.main([str(tmp_path / "none.jsonl")])


@pytest.mark.parametrize("curve", [[], [[0.5, 1.2]], [[0.5, 0.6], [0.4, 0.7]], [[0.1, 0.6], [0.4, 0.5]]])
def test_a_setting_that_is_no_curve_is_refused(tmp_path, curve) -> None:
    with pytest.raises(UsageError, match="calibration"):
        Settings.load(None, calibration={"chat:open": curve})


def test_the_curves_that_come_with_lvqa_are_curves() -> None:
    assert Settings.load(None, calibration=dict(shipped())).calibration.keys() == shipped().keys()
