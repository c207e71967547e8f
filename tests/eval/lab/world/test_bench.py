"""The benchmark runs through, resumes, is the same twice, and its controls are what they are said to be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lvqa.errors import UsageError
from lvqa.eval.lab.tiny.models import open_archive
from lvqa.eval.lab.wordings import WorldPlanner
from lvqa.eval.lab.world import bench, report, systems
from lvqa.eval.lab.world.questions.blind import train
from lvqa.eval.lab.world.questions.make import ask
from lvqa.eval.lab.world.reader import Golden
from lvqa.eval.lab.world.scenes.make import make_videos
from lvqa.eval.runner import chart
from lvqa.models.fake import FakeImageEmbedder, FakeVision
from lvqa.models.profiles import Models
from lvqa.types import Span


def fakes() -> Models:
    """A VLM that sees an empty meadow, and reasoning by programs."""
    vision = FakeVision("grass, nothing else.", yes=0.1)
    return Models.of(vision=vision, planner=WorldPlanner(), image_embedder=FakeImageEmbedder())


@pytest.fixture(scope="module", autouse=True)
def _ready_made() -> Iterator[None]:
    """The blind guesser learns from little."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "_SCHOOL", (900_001, 900_002))
        yield


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> bench.WorldOutcome:
    folder = tmp_path_factory.mktemp("bench") / "b"
    return bench.run(folder, minutes=2, seed=3, questions=24, videos=2, models=fakes())


def test_all_systems_answer_all_questions(ran: bench.WorldOutcome) -> None:
    rows = [json.loads(line) for line in (ran.folder / "results.jsonl").read_text().splitlines()[1:]]
    assert {row["system"] for row in rows} == set(bench.SYSTEMS)
    assert len(rows) == ran.questions * len(bench.SYSTEMS)
    assert not any(row["error"] for row in rows)
    free = [row for row in rows if row["system"] in ("llovi", "oracle captions", "blind", "random")]
    assert all(row["frames"] == row["vlm_calls"] == 0 for row in free)
    uniform = [row["frames"] for row in rows if row["system"] == "uniform"]
    assert max(uniform) == ran.notes["frames"]


def test_a_true_description_of_every_second_beats_a_meadow(ran: bench.WorldOutcome) -> None:
    by_name = {summary.system: summary for summary in ran.summaries}
    best, empty = by_name["oracle captions"].accuracy, by_name["llovi"].accuracy
    assert best is not None
    assert empty is not None
    assert best.value > empty.value + 0.2


def test_the_report_holds_the_figures(ran: bench.WorldOutcome) -> None:
    text = (ran.folder / "report.md").read_text()
    for name in bench.SYSTEMS:
        assert f"| {name} |" in text
    assert "lvqa over llovi" in text
    assert (ran.folder / "report.png").stat().st_size > 1000
    assert any("lvqa over uniform" in line for line in report.text(ran))
    json.dumps(ran.to_json(), allow_nan=False)


def test_no_two_systems_have_one_colour_in_the_chart() -> None:
    assert len(set(chart.COLOURS)) >= len(bench.SYSTEMS)


def test_a_run_goes_on_where_it_stopped(ran: bench.WorldOutcome, monkeypatch: pytest.MonkeyPatch) -> None:
    path = ran.folder / "results.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-5], lines[-5][:20]]))
    asked: list[str] = []
    real = systems.Systems.ask
    monkeypatch.setattr(systems.Systems, "ask", lambda self, s, q: (asked.append(s), real(self, s, q))[1])
    again = bench.run(ran.folder, minutes=2, seed=3, questions=24, videos=2, models=fakes())
    assert asked == []  # what was cut off is of the last system, which looks at nothing
    drop = {"seconds"}
    assert {k: v for k, v in again.to_json().items() if k not in drop} == {
        k: v for k, v in ran.to_json().items() if k not in drop
    }
    assert len(path.read_text().splitlines()) == len(lines)


def test_the_gold_windows_are_looked_at_first(ran: bench.WorldOutcome) -> None:
    models = fakes()
    with open_archive(ran.world.folder, ran.folder / "index", models=models) as archive:
        asked = [q for q in ran.world.questions if q.video and q.windows and q.targets]
        for question in asked:
            (video,) = (v for v in archive.store.videos.all() if v.path == question.video)
            gold = {video.id: [Span(w.start_s, w.end_s) for w in question.windows]}
            presence = Golden(archive.store, archive.models.image_embedder, windows=gold)
            first = presence.candidates(video.id, question.targets[0])[0]
            assert gold[video.id][0].contains(first.time_s)
        assert asked
        answer = systems.Systems(archive, ran.world).ask(systems.ORACLE_FRAMES, asked[0])
        assert answer.cost.frames > 0


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--questions"):
        bench.run(tmp_path / "b", questions=0)
    with pytest.raises(UsageError, match="too short"):
        bench.run(tmp_path / "b", minutes=0.1, models=fakes())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "holiday.mp4").touch()
    with pytest.raises(UsageError, match=r"holiday\.mp4"):
        bench.run(tmp_path / "mine", models=fakes())


def test_the_blind_guesser_learns_and_finds_nothing_here() -> None:
    def world(seed: int) -> list:
        return [q for q in ask(make_videos(60, seed, 3), seed) if q.choice >= 0]

    blind = train([q for seed in range(700, 704) for q in world(seed)])
    asked = [q for seed in range(710, 714) for q in world(seed)]
    right = sum(blind.ask(q).choice == q.choice for q in asked) / len(asked)
    assert right == pytest.approx(0.2, abs=3 * (0.16 / len(asked)) ** 0.5)
    # Where there is something to be learnt it is.
    told = [
        replace(q, options=tuple(f"{o} indeed" if n == q.choice else o for n, o in enumerate(q.options))) for q in asked
    ]
    knows = train(told)
    assert sum(knows.ask(q).choice == q.choice for q in told) / len(told) > 0.9
