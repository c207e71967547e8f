"""Known values on rows made by hand: risk and coverage, reliability, Acc@GQA, frames, McNemar."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lvqa.agents.state import Draft, Plan
from lvqa.agents.steps import AnswerStep, PlanStep
from lvqa.eval.metrics import mcnemar, temporal_match
from lvqa.eval.runner.rows import AnswerRow, is_right
from lvqa.eval.runner.score import gain, reliability, risk, summarise
from lvqa.eval.tasks.base import TaskQuestion, Window
from lvqa.types import Answer, Cost, Evidence, Span

OPTIONS = ("a", "b", "c", "d")


def question(n: int = 0, choice: int | None = 1, *, windows: bool = True) -> TaskQuestion:
    shown = (Window("a.mp4", 10.0, 20.0),) if windows else ()
    return TaskQuestion(f"q{n}", "why?", OPTIONS, choice, ("a.mp4",), "why", shown)


def evidence(start: float, end: float, video: str = "a.mp4") -> Evidence:
    return Evidence(video, Span(start, end), "x", "caption", 0.9)


def row(n: int, right: bool, confidence: float, **changes: object) -> AnswerRow:
    made = AnswerRow.of("lvqa", question(n), Answer("b", 1 if right else 0, confidence, False))
    return replace(made, video=f"v{n % 3}", **changes)


def test_risk_and_coverage() -> None:
    rows = [row(0, True, 0.9), row(1, False, 0.8), row(2, True, 0.7), row(3, False, 0.99, abstained=True)]
    found = risk(rows)
    assert found.curve == pytest.approx((1.0, 1 / 2, 2 / 3, 2 / 4))
    assert found.aurc == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert found.half == pytest.approx(0.5)
    failed = AnswerRow.failed("lvqa", question(4), "the model is gone")
    assert risk([*rows, failed]).curve[-1] == pytest.approx(2 / 5)


def test_equal_confidence_counts_as_any_order_would() -> None:
    one, other = [row(0, True, 0.5), row(1, False, 0.5)], [row(0, False, 0.5), row(1, True, 0.5)]
    assert risk(one) == risk(other)
    assert risk(one).curve == pytest.approx((0.5, 0.5))


def test_reliability_and_its_error() -> None:
    rows = [row(0, True, 0.95), row(1, False, 1.0), row(2, True, 0.31), row(3, True, 0.39)]
    bins = reliability(rows)
    assert [(b.low, b.n) for b in bins] == [(pytest.approx(0.3), 2), (pytest.approx(0.9), 2)]
    assert [(b.confidence, b.accuracy) for b in bins] == [
        (pytest.approx(0.35), 1.0),
        (pytest.approx(0.975), pytest.approx(0.5)),
    ]
    assert summarise("lvqa", rows).calibration == pytest.approx((2 * 0.65 + 2 * 0.475) / 4)


def test_acc_gqa_is_over_the_questions_that_have_windows() -> None:
    def answered(n: int, choice: int, start: float, end: float, *, windows: bool = True) -> AnswerRow:
        shown = [evidence(start, end)]
        return AnswerRow.of("lvqa", question(n, windows=windows), Answer("b", choice, 0.7, False, shown))

    rows = [
        answered(0, 1, 5, 15),  # right, IoP 0.5, IoU 1/3
        answered(1, 1, 0, 11),  # right, IoP 1/11
        answered(2, 0, 12, 14),  # wrong, IoP 1, IoU 0.2
        answered(3, 1, 12, 14, windows=False),
    ]
    found = summarise("lvqa", rows)
    values = {name: getattr(found, name).value for name in ("acc_gqa", "iop", "iop_03", "iop_05", "iou_03", "accuracy")}
    assert values == {
        "acc_gqa": pytest.approx(1 / 3),
        "iop": pytest.approx((0.5 + 1 / 11 + 1) / 3),
        "iop_03": pytest.approx(2 / 3),
        "iop_05": pytest.approx(2 / 3),
        "iou_03": pytest.approx(1 / 3),
        "accuracy": pytest.approx(3 / 4),
    }
    json.dumps(found.to_json(), allow_nan=False)


def test_frames_are_matched_within_five_seconds() -> None:
    gold = [("a", 10.0), ("a", 100.0)]
    assert temporal_match([("a", 14.0), ("a", 50.0), ("b", 100.0)], gold) == (pytest.approx(1 / 3), 0.5)
    assert temporal_match([], gold) == (0.0, 0.0)
    made = AnswerRow.of("lvqa", question(), Answer("b", 1, 0.5, False, [evidence(14, 18), evidence(60, 70)]))
    assert (made.precision, made.recall, made.f1) == (0.5, 1.0, pytest.approx(2 / 3))


def test_mcnemar_is_exact() -> None:
    first = [True] * 1 + [False] * 6 + [True] * 3
    second = [False] * 1 + [True] * 6 + [True] * 3
    assert mcnemar(first, second) == pytest.approx(2 * (1 + 7) / 2**7)
    assert mcnemar(first, first) == 1.0
    assert 0 < mcnemar([True] * 1200 + [False] * 1300, [False] * 1200 + [True] * 1300) < 0.06
    mine, theirs = ([row(n, right, 0.5) for n, right in enumerate(many)] for many in (second, first))
    found = gain(mine, theirs)
    assert found is not None
    assert found.mcnemar == pytest.approx(0.125)
    assert found.to_json()["mcnemar_p"] == pytest.approx(0.125)


def test_what_could_not_be_read_is_wrong_even_where_abstaining_is_right() -> None:
    steps = [AnswerStep(Draft("", None, ()), 0, unparsed=True)]
    absent = question(choice=-1, windows=False)
    unread = AnswerRow.of("lvqa", absent, Answer("", None, 0.0, True, steps=steps))
    assert (unread.right, unread.unparsed) == (False, "answer")
    assert AnswerRow.of("lvqa", absent, Answer("", None, 0.0, True)).right
    planned = AnswerRow.of(
        "lvqa", question(), Answer("b", 1, 0.5, False, steps=[PlanStep(Plan(), "rules", unparsed=True)])
    )
    assert (planned.right, planned.unparsed) == (True, "plan")
    found = summarise("lvqa", [unread, planned])
    assert (found.unparsed, found.errors) == (2, 0)


def test_a_question_without_a_public_answer_is_not_scored() -> None:
    hidden = AnswerRow.of("lvqa", question(choice=None), Answer("b", 1, 0.5, False, cost=Cost(frames=8)))
    assert not hidden.right
    found = summarise("lvqa", [hidden])
    assert (found.accuracy, found.risk, found.calibration, found.by_type) == (None, None, None, {})
    assert found.costs["frames"] == 8
    both = summarise("lvqa", [hidden, row(1, True, 0.5)])
    assert both.accuracy is not None
    assert (both.accuracy.value, both.accuracy.questions, both.costs["frames"]) == (1.0, 1, 4)


def test_a_choice_is_of_the_tasks_own_options() -> None:
    made = AnswerRow.of("lvqa", question(), Answer("b", 0, 0.5, False), order=(1, 3, 0, 2), agent="lvqa", seed=4)
    assert (made.choice, made.right, made.options, made.chosen) == (1, True, ("b", "d", "a", "c"), "b")
    assert made.as_task() == question()
    assert AnswerRow.from_json(json.loads(json.dumps(made.to_json()))) == made


@pytest.mark.parametrize(
    ("gold", "choice", "abstained", "right"),
    [
        (1, 1, False, True),
        (1, 1, True, False),
        (-1, None, True, True),
        (-1, None, False, False),
        (None, 1, False, False),
    ],
)
def test_what_is_right(gold: int | None, choice: int | None, abstained: bool, right: bool) -> None:
    assert is_right(gold, choice, abstained) is right
