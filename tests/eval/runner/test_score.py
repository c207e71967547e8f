"""Rows are kept and resumed; what they come to is what can be worked out by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lvqa.eval.runner import chart
from lvqa.eval.runner.rows import AnswerRow, Results
from lvqa.eval.runner.score import gain, quantile_t, summarise, within_t
from lvqa.eval.tasks.base import TaskQuestion, Window
from lvqa.types import Answer, Cost, Evidence, Span


def question(n: int = 0, *, absent: bool = False) -> TaskQuestion:
    shown = () if absent else (Window("a.mp4", 10.0, 12.0),)
    kind = "unanswerable" if absent else "when"
    options = ("a", "b", "c", "d", "e")
    return TaskQuestion(f"q{n}", "?", options, -1 if absent else 1, ("a.mp4",), kind, shown)


def answer(choice: int | None = 1, *, abstained: bool = False, start: float = 11.0) -> Answer:
    shown = [Evidence("a.mp4", Span(start, start + 2), "x", "seen", 0.9)]
    return Answer(
        "b", choice, 0.75, "absent" if abstained else "answered", shown, Cost(frames=4, vlm_calls=4, seconds=0.5)
    )


def row(
    n: int, right: bool, video: str, *, system: str = "full", confidence: float = 0.75, event: bool = True
) -> AnswerRow:
    made = AnswerRow.of(system, question(n), answer(1 if right else 0))
    return replace(made, video=video, confidence=confidence, event=event)


def test_a_row_scores_its_answer() -> None:
    made = AnswerRow.of("full", question(), answer())
    assert made.right
    assert (made.iou, made.iop, made.f1) == (pytest.approx(1 / 3), pytest.approx(0.5), 1.0)
    assert (made.frames, made.vlm_calls, made.seconds) == (4, 4, 0.5)
    assert AnswerRow.of("full", question(), answer(start=100.0)).f1 == 0
    refused = AnswerRow.of("full", question(), answer(None, abstained=True))
    assert (refused.right, refused.iou, refused.f1) == (False, 0.0, 0.0)
    assert AnswerRow.of("full", question(absent=True), answer(None, abstained=True)).right
    assert AnswerRow.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_results_are_resumed_and_those_of_another_run_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with Results(path, "one") as results:
        results.add(row(0, True, "a"))
        results.add(row(1, False, "a"))
    with path.open("a") as file:
        file.write('{"system": "full", "id": "q2", "ty')  # cut off
    with Results(path, "one") as results:
        assert set(results.done) == {("full", "q0"), ("full", "q1")}
        results.add(row(2, True, "a"))
    assert [json.loads(line).get("id") for line in path.read_text().splitlines()] == [None, "q0", "q1", "q2"]
    with Results(path, "two") as results:
        assert (results.done, results.dropped) == ({}, 3)


def test_a_summary() -> None:
    rows = [row(0, True, "a"), row(1, False, "a"), row(2, True, "b", event=False)]
    refused = replace(
        AnswerRow.of("full", question(3, absent=True), answer(None, abstained=True), event=True), video="b"
    )
    failed = AnswerRow.failed("full", question(4), "the model is gone", event=True)
    found = summarise("full", [*rows, refused, failed], ("when", "unanswerable", "sign"))
    assert found.accuracy is not None
    assert (found.accuracy.value, found.accuracy.questions) == (0.5, 4)
    assert found.events is not None
    assert found.events.questions == 3
    assert found.refused is not None
    assert found.refused.value == 1.0
    assert found.wrongly_refused is not None
    assert found.wrongly_refused.value == 0.0
    assert set(found.by_type) == {"when", "unanswerable"}
    assert found.errors == 1
    json.dumps(found.to_json(), allow_nan=False)


def test_calibration() -> None:
    assert summarise("full", [replace(row(0, False, "a"), abstained=True)]).calibration is None
    sure = [row(n, n < 3, "a", confidence=0.75) for n in range(4)]
    assert summarise("full", sure).calibration == pytest.approx(0.0)
    off = [row(0, True, "a", confidence=0.6), row(1, False, "a", confidence=0.9)]
    assert summarise("full", off).calibration == pytest.approx(0.65)


def test_students_t() -> None:
    assert quantile_t(0.95, 5) == pytest.approx(2.5706, abs=1e-3)
    assert quantile_t(0.95, 1) == pytest.approx(12.706, abs=1e-2)
    assert 1 - within_t(2.015, 5) == pytest.approx(0.1, abs=1e-3)


def test_a_gain_is_paired_and_clustered() -> None:
    mine = [row(n, True, f"v{n // 4}") for n in range(24)]
    theirs = [row(n, n % 4 < (1 if n < 12 else 2), f"v{n // 4}", system="uniform") for n in range(24)]
    found = gain(mine, theirs)
    assert found is not None
    assert (found.system, found.over, found.clusters, found.questions) == ("full", "uniform", 6, 24)
    assert found.difference == pytest.approx(0.625)
    assert found.error == pytest.approx(0.0559, abs=1e-3)  # 0.125 x sqrt(6 / 5) / sqrt(6)
    assert found.low is not None
    assert found.low == pytest.approx(0.625 - 2.5706 * found.error, abs=1e-3)
    assert found.p_value is not None
    assert found.p_value < 0.001
    alone = gain(mine[:4], theirs[:4])
    assert alone is not None
    assert alone.error is None
    assert gain(mine, []) is None


def test_the_chart_is_a_picture(tmp_path: Path) -> None:
    from PIL import Image

    rows = [row(n, n % 2 == 0, f"v{n % 3}") for n in range(9)]
    made = [summarise(name, rows, ("when",)) for name in ("full", "blind")]
    assert chart.accuracy_and_confidence(tmp_path / "c.png", made, 0.2)
    with Image.open(tmp_path / "c.png") as picture:
        assert picture.width > 100
    assert (tmp_path / "c.png").stat().st_size > 1000
    assert chart.picture(tmp_path / "c.png", "accuracy") == "![accuracy](c.png)"


def test_without_matplotlib_a_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.png"
    path.write_bytes(b"of an earlier run")
    monkeypatch.setattr(chart.importlib.util, "find_spec", lambda name: None)
    made = [summarise("full", [row(n, n % 2 == 0, "v") for n in range(4)], ("when",))]
    assert not chart.accuracy_and_confidence(path, made, 0.2)
    assert not path.exists()
    assert "pip install 'lvqa[plot]'" in chart.picture(path, "accuracy")
    assert "pip install 'lvqa[plot]'" in chart.named(path)
