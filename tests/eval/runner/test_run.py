"""A run goes on where it stopped and is the same in parallel; failures count; controls are what they are said to be."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lvqa.agents.state import Draft
from lvqa.agents.steps import AnswerStep
from lvqa.archive.archive import Archive
from lvqa.errors import LvqaError, ModelError, UsageError
from lvqa.eval.runner import estimate, place, report, rerun
from lvqa.eval.runner.rows import read_results
from lvqa.eval.tasks.base import TaskData, TaskQuestion
from lvqa.models.fake import FakeChat, FakeEmbedder
from lvqa.models.profiles import Models
from lvqa.types import Answer, Cost

Ask = Callable[..., Answer]
Run = Callable[..., Any]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids, by video, of what the archive is really asked."""
    seen: list[str] = []
    real = Archive.ask

    def ask(self: Archive, *args: Any, **named: Any) -> Answer:
        seen.append(named["videos"][0])
        return real(self, *args, **named)

    monkeypatch.setattr(Archive, "ask", ask)
    return seen


def scripted(monkeypatch: pytest.MonkeyPatch, answer: Callable[[str, list[str]], Answer]) -> None:
    monkeypatch.setattr(Archive, "ask", lambda self, question, options, **named: answer(named["videos"][0], options))


def rows_of(folder: Path) -> list[dict[str, Any]]:
    found = [row.to_json() for row in read_results(folder / "results.jsonl")[1]]
    return sorted(({**row, "seconds": 0} for row in found), key=lambda row: (row["system"], row["id"]))


def test_captions_alone_are_enough(runs: Run, tmp_path: Path) -> None:
    outcome = runs()
    (summary,) = outcome.summaries
    assert (summary.system, summary.questions, summary.accuracy.value, summary.acc_gqa.value) == ("lvqa", 6, 1.0, 1.0)
    assert set(summary.by_type) == {"what", "holding"}
    page = (tmp_path / "run" / "report.md").read_text()
    assert "| lvqa | 1.00 ± 0.00 |" in page
    assert (tmp_path / "run" / "report.png").stat().st_size > 1000
    json.dumps(outcome.to_json(), allow_nan=False)
    assert any(line.startswith("lvqa ") for line in report.text(outcome))


def test_a_run_goes_on_where_it_stopped(runs: Run, tmp_path: Path, asked: list[str], monkeypatch: Any) -> None:
    runs(limit=3)
    first = list(asked)
    assert len(first) == 3
    imports: list[Any] = []
    monkeypatch.setattr(Archive, "import_captions", lambda self, *a, **n: imports.append(a))
    whole = runs()
    assert len(asked) == 6
    assert set(asked[3:]).isdisjoint(first)  # the first three of the draw stand, and the index too
    assert imports == []
    path = tmp_path / "run" / "results.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-1], lines[-1][:30]]))
    again = runs()
    assert len(asked) == 7
    drop = ("seconds", "systems")
    assert {k: v for k, v in again.to_json().items() if k not in drop} == {
        k: v for k, v in whole.to_json().items() if k not in drop
    }


def test_answers_of_other_settings_are_kept_elsewhere(runs: Run, tmp_path: Path, asked: list[str]) -> None:
    runs()
    said: list[str] = []
    runs(settings={"profile": "text", "top_k": 5}, say=said.append)
    assert len(asked) == 12
    (old,) = (tmp_path / "run").glob("results-*.jsonl")
    assert len(read_results(old)[1]) == 6
    assert any(str(old) in line for line in said)


def test_parallel_is_serial(runs: Run, tmp_path: Path) -> None:
    runs("one", controls=["shuffled"])
    runs("four", controls=["shuffled"], workers=4)
    assert rows_of(tmp_path / "one") == rows_of(tmp_path / "four")


def test_a_limit_draws_the_same_for_all(runs: Run, tmp_path: Path) -> None:
    runs(limit=2, compare="uniform")
    found = rows_of(tmp_path / "run")
    ids = [{row["id"] for row in found if row["system"] == name} for name in ("lvqa", "uniform")]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 2
    runs("other", limit=2, seed=3)
    assert {row["id"] for row in rows_of(tmp_path / "other")} != ids[0]


def test_failures_and_unread_replies_count_as_wrong_and_are_shown(
    runs: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(video: str, options: list[str]) -> Answer:
        if video == "video2.mp4":
            raise ModelError("the server is gone; start it")
        if video == "video3.mp4":
            raise ZeroDivisionError("a defect")
        unread = video == "video4.mp4"
        steps = [AnswerStep(Draft("", None, ()), 0, unparsed=unread)]
        return Answer(
            "", None if unread else 0, 0.5, "absent" if unread else "answered", steps=steps, cost=Cost(frames=2)
        )

    scripted(monkeypatch, answer)
    outcome = runs()
    (summary,) = outcome.summaries
    assert (summary.questions, summary.errors, summary.unparsed) == (6, 2, 1)
    assert summary.accuracy.questions == 6
    assert summary.accuracy.value == pytest.approx(1 / 6)  # of videos 0, 1 and 5, option 0 is right in 0 alone
    reasons = {reason: (n, first) for _, reason, n, first in outcome.failures}
    assert reasons["the server is gone; start it"] == (1, "q2")
    assert reasons["ZeroDivisionError: a defect"] == (1, "q3")
    page = (tmp_path / "run" / "report.md").read_text()
    assert "a reply could not be read, in: answer (it abstained, which counts as wrong)" in page
    assert "such as q2: the server is gone" in page

    asked: list[str] = []
    scripted(monkeypatch, lambda video, options: (asked.append(video), Answer("", 0, 0.5))[1])
    again = runs()
    assert sorted(asked) == ["video2.mp4", "video3.mp4"]  # what failed is asked again, what was unread stands
    assert again.summaries[0].errors == 0


def test_a_run_goes_on_with_a_server_that_moved(data: TaskData, task: Any, tmp_path: Path) -> None:
    def of(**settings: Any) -> str:
        with Archive(tmp_path, profile="text", **settings) as archive:
            return place.fingerprint(task, data, archive, 0)

    here = of(chat="openai:qwen@http://here:1/v1")
    assert of(chat="openai:qwen@https://there.example:8443/openai/v1") == here
    assert of(chat="openai:qwen@http://here:1/v1", patience_s=5, timeout_s=9, chat_in_flight=64) == here
    assert of(chat="openai:llama@http://here:1/v1") != here
    assert of(chat="openai:default@http://here:1/v1") != of(chat="openai:default@http://there:1/v1")
    assert of(chat="openai:default@http://here:1/v1", model_id="qwen") == here
    assert of(chat="openai:qwen@http://here:1/v1", think=True) != here


@pytest.mark.parametrize("workers", [1, 3])
def test_a_dead_model_stops_the_run(runs: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    def fail(video: str, options: list[str]) -> Answer:
        raise ModelError("nothing answers at that address")

    scripted(monkeypatch, fail)
    with pytest.raises(ModelError, match="nothing answers"):
        runs(workers=workers)
    assert rows_of(tmp_path / "run") == []


def test_a_video_that_is_not_there_fails_its_questions_alone(runs: Run, data: TaskData) -> None:
    lost = replace(data.questions[0], id="lost", videos=("gone.mp4",))
    outcome = runs(data=replace(data, questions=(*data.questions, lost)))
    (summary,) = outcome.summaries
    assert (summary.errors, summary.questions) == (1, 7)
    assert "gone.mp4 is not below" in outcome.failures[0][1]
    with pytest.raises(LvqaError, match=r"gone\.mp4"):
        runs("none", data=replace(data, questions=(lost,)))


def test_shuffled_options_are_the_same_options(runs: Run, tmp_path: Path) -> None:
    outcome = runs(controls=["shuffled"])
    assert outcome.same["lvqa"].value == 1.0
    found = [row for row in rows_of(tmp_path / "run") if row["system"] == "lvqa, shuffled"]
    assert len(found) == 6
    usual = {row["id"]: row for row in rows_of(tmp_path / "run") if row["system"] == "lvqa"}
    for row in found:
        assert sorted(row["options"]) == sorted(usual[row["id"]]["options"])
        assert row["options"] != usual[row["id"]]["options"]
        assert row["right"]


def test_one_who_always_takes_the_first_option_is_found_out(runs: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, lambda video, options: Answer(options[0], 0, 0.5))
    outcome = runs(controls=["shuffled"])
    assert outcome.same["lvqa"].value < 0.6
    assert any("same option in another order" in line for line in report.text(outcome))


def test_the_cheap_controls(runs: Run, data: TaskData) -> None:
    def made(n: int, text: str, options: tuple[str, ...], choice: int) -> TaskQuestion:
        return TaskQuestion(f"c{n}", text, options, choice, (f"video{n}.mp4",), "why")

    questions = (
        made(0, "why is the dog red", ("a", "bbb", "the dog is red", "cc"), 3),
        made(1, "what", ("aaaa", "bb", "cc", "d"), 1),
    )
    outcome = runs(data=replace(data, questions=questions))
    found = {one.name: one.accuracy.value for one in outcome.baselines}
    assert found["random"] == pytest.approx(0.25)
    assert found["longest"] == 0.0
    assert found["shortest"] == 0.0
    assert found["second-shortest"] == pytest.approx((1 + 0.5) / 2)  # of two as long, either
    told = replace(questions[0], choice=2)
    near = {one.name: one.accuracy.value for one in runs("n", data=replace(data, questions=(told,))).baselines}
    assert near["blind"] == 1.0


def test_without_an_embedder_nothing_is_nearest(runs: Run) -> None:
    outcome = runs(models=Models.of())
    assert "blind" not in {one.name for one in outcome.baselines}


def test_a_chat_model_chooses_without_evidence(runs: Run, tmp_path: Path) -> None:
    def reply(messages: list[Any]) -> str:
        prompt = str(messages[-1].text)
        if "Choose the likeliest of these options" not in prompt:
            return "no idea"
        assert "grey wall" not in prompt
        return '{"choice": "B", "confidence": 0.3}'

    outcome = runs(models=Models.of(embedder=FakeEmbedder(), chat=FakeChat(reply)), controls=["blind"])
    blind = [row for row in rows_of(tmp_path / "run") if row["system"] == "blind (chat model)"]
    assert [row["choice"] for row in blind] == [1] * 6
    assert all(row["llm_calls"] == 1 and row["tokens_in"] > 0 for row in blind)
    agent = next(s for s in outcome.summaries if s.system == "lvqa")
    assert agent.unparsed == 6  # "no idea" is no JSON
    assert agent.accuracy.value == 0.0 or agent.errors == 0
    assert any(one.over == "blind (chat model)" for one in outcome.gains)


def test_only_the_tasks_notes_are_used(runs: Run, task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def ask(self: Archive, question: str, options: list[str], **named: Any) -> Answer:
        seen.append((question, named["sources"]))
        return Answer("", 0, 0.5)

    monkeypatch.setattr(Archive, "ask", ask)
    runs(task=replace(task, sources=("speech",), prompt="Of the video: {{question}}"), limit=1)
    assert seen == [("Of the video: What does the man hold?", ["speech"])]


def test_what_makes_no_sense_is_refused(runs: Run, data: TaskData, tmp_path: Path) -> None:
    for given, words in (
        ({"agent": "oracle"}, "oracle"),
        ({"compare": "lvqa"}, "agent itself"),
        ({"controls": ["deaf"]}, "deaf"),
        ({"limit": 0}, "--limit"),
        ({"workers": 0}, "worker"),
        ({"data": TaskData(())}, "no questions"),
        ({"data": TaskData(data.questions)}, "--videos"),
        ({"data": replace(data, questions=data.questions[:1] * 2)}, "'q0'"),
    ):
        with pytest.raises(UsageError, match=words):
            runs(**given)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "holiday.mp4").touch()
    with pytest.raises(UsageError, match=r"holiday\.mp4"):
        runs("mine")


def test_an_estimate_asks_nothing(
    runs: Run, task: Any, data: TaskData, models: Models, tmp_path: Path, asked: list[str]
) -> None:
    settings = {"profile": "text", "budget_frames": 10, "budget_tokens": 1000, "budget_seconds": 36.0}
    folder = tmp_path / "run"
    before = estimate.estimate(task, data, folder, compare="uniform", workers=2, settings=settings, models=models)
    assert asked == []
    assert (before.questions, before.videos, before.hours) == (6, 6, pytest.approx(60 / 3600))
    assert before.hours_to_index == 0
    mine, other = before.agents
    assert (mine.agent, other.agent, mine.questions, mine.mean) == ("lvqa", "uniform", 6, None)
    assert mine.most["frames"] == 60
    assert mine.most["tokens"] == 6000
    assert mine.most["hours"] == pytest.approx(6 * 36 / 3600 / 2)
    runs(settings=settings, limit=2)
    (after,) = estimate.estimate(task, data, folder, settings=settings, models=models).agents
    assert (after.questions, after.answered) == (4, 2)
    assert after.mean is not None
    assert after.mean["frames"] == 0
    assert 0 < after.mean["hours"] < 0.01
    json.dumps(before.to_json(), allow_nan=False)
    assert any("at most" in line for line in estimate.lines(before))


def test_one_question_can_be_asked_again(runs: Run, models: Models, tmp_path: Path) -> None:
    runs(controls=["shuffled"])
    for system in (None, "lvqa, shuffled"):
        again = rerun.rerun(tmp_path / "run", "q3", system=system, models=models)
        assert {**again.now.to_json(), "seconds": 0} == {**again.before.to_json(), "seconds": 0}
        assert again.now.system == (system or "lvqa")
        assert again.steps
    assert any("a ladder" in line and "right" in line for line in rerun.lines(again))
    with pytest.raises(UsageError, match="q99"):
        rerun.rerun(tmp_path / "run", "q99", models=models)
    with pytest.raises(UsageError, match="no results"):
        rerun.rerun(tmp_path, "q3", models=models)
