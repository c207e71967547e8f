"""The world's demo: chosen unseen, told step by step, failed by a blind model, and touching no one else's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvqa.eval.lab import demo
from lvqa.eval.lab.wordings import WorldPlanner
from lvqa.eval.lab.world.questions.make import ask
from lvqa.eval.lab.world.questions.templates import TYPES
from lvqa.eval.lab.world.scenes.make import make_videos
from lvqa.models.fake import FakeVision
from lvqa.models.profiles import Models


def test_there_is_a_question_of_each_type_chosen_unseen() -> None:
    questions = ask(make_videos(30, 0, 3), 0)
    picked = demo.pick(questions)
    assert [question.type for question in picked] == list(TYPES)
    assert all(question is next(q for q in questions if q.type == question.type) for question in picked)


def test_the_world_is_asked_about_and_a_blind_model_fails(tmp_path: Path) -> None:
    said: list[str] = []
    models = Models.of(vision=FakeVision("grass, nothing else.", yes=0.1), planner=WorldPlanner())
    report = demo.run(tmp_path / "demo", minutes=3, models=models, say=said.append)
    assert not report.passed
    assert [one.open_ for one in report.results][:4] == [True, False, True, False]
    for one in report.results:
        assert one.right is (one.answer.abstained and one.question.unanswerable)
    text = "\n".join(said)
    assert "-> WRONG" in text
    assert text.count("   plan      ") >= len(report.results)
    assert f"{demo.SUMMARY}   [summary]" in text
    assert "   truth     not in these videos   -> right" in text
    assert f"{report.right} of {len(report.results)} right" in text
    shown = report.to_dict()
    assert shown["right"] == report.right
    assert {"question", "options", "kind", "truth", "right", "answer", "evidence", "cost"} <= set(shown["questions"][0])


def test_the_world_demo_leaves_other_folders_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "holiday.mp4").write_bytes(b"mine")
    assert demo.main(["--dir", str(tmp_path)]) == 2
    assert "holiday.mp4" in capsys.readouterr().err
