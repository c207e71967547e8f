"""The search bench: its scores by hand, its targets, and a run in small."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lvqa.errors import UsageError
from lvqa.eval.lab.search import bench, report, score
from lvqa.eval.lab.search.systems import SYSTEMS, systems_named
from lvqa.eval.lab.search.targets import targets_of
from lvqa.eval.lab.world.scenes.make import make_videos
from lvqa.eval.runner import chart
from lvqa.types import Span


def test_scores_by_hand():
    gold = Span(10, 12)
    assert score.is_found([9.9, 12.0, 11.0], gold)
    assert not score.is_found([9.9, 12.0], gold)
    assert score.is_found([5.5], gold, 5.0)
    assert score.gold_times(gold) == [10.5, 11.5]
    assert score.gold_times(Span(3, 3.5)) == [3.25]
    # One of two is near, and both gold seconds are found: precision 0.5, recall 1.
    assert score.f1([11, 40], gold) == pytest.approx(2 / 3)
    assert score.f1([], gold) == 0


def test_curves_are_a_picture(tmp_path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "c.png"
    curve = report.Curve("full", [(0, 0.2, 0.1, 0.3), (64, 0.9, 0.95, 1.0)])
    assert report.draw_curves(path, {"cued": [curve], "uncued": []}, "frames")
    assert path.stat().st_size > 1000
    assert chart.picture(path, "recall") == "![recall](c.png)"
    monkeypatch.setattr(chart.importlib.util, "find_spec", lambda name: None)
    assert not report.draw_curves(path, {"a": [curve]}, "frames")
    assert not path.exists()


def test_ssim():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 255, (40, 60, 3)).astype(np.uint8)
    b = rng.integers(0, 255, (40, 60, 3)).astype(np.uint8)
    assert score.ssim(a, a) == pytest.approx(1)
    assert abs(score.ssim(a, b)) < 0.2
    assert score.ssim(a, np.clip(a.astype(int) + 8, 0, 255).astype(np.uint8)) > 0.9
    precision = (1 + score.ssim(a, b)) / 2
    assert score.visual_f1([a, b], [a]) == pytest.approx(2 * precision / (precision + 1))
    assert score.visual_f1([], [a]) == 0


def test_what_uniform_needs_is_computed_to_the_window():
    windows = [(Span(10, 12), 100.0), (Span(70, 72), 100.0)]
    n = score.uniform_needs(windows, 1.0)
    assert 30 <= n <= 51
    assert score.uniform_needs([(Span(0, 100), 100.0)], 1.0) == 8


def test_intervals_hold_the_mean():
    mean, low, high = score.interval([0, 1, 1, 1, 0, 1])
    assert mean == pytest.approx(4 / 6)
    assert low < mean < high
    assert np.isnan(score.interval([])).all()


def test_targets_appear_once_and_say_their_cue():
    (video,) = make_videos(20.0, 5, 1)
    targets = targets_of(video)
    assert len({t.name for t in targets}) == len(targets) > 4
    for target in targets:
        seen = [e for e in video.events if e.kind == "appear" and e.target == target.name]
        assert [(e.start_s, e.end_s) for e in seen] == [(target.span.start_s, target.span.end_s)]
        assert target.query.cues == ((target.cue,) if target.cue else ())
        assert target.cue in ("", f"{target.name.split()[0]} flag")
    some = bench.thinned(targets, 6)
    assert len(some) == 6
    assert some == sorted(some, key=lambda t: t.span)


@pytest.mark.real_models
def test_a_run_in_small_and_again(tmp_path):
    systems = [s for s in SYSTEMS if s.name in ("uniform", "aks", "lvqa")]
    given = {"minutes": 2.0, "seed": 3, "worlds": 1, "targets": 2, "budgets": (8, 16), "systems": systems}
    lines: list[str] = []
    outcome = bench.run(tmp_path / "s", **given, say=lines.append)
    assert {row.system for row in outcome.rows} == {"uniform", "aks", "lvqa"}
    assert all(row.frames <= row.budget for row in outcome.rows)
    assert {row.frames for row in outcome.rows if row.system == "uniform"} == {8, 16}
    document = outcome.to_json()
    assert json.loads(json.dumps(document)) == document
    assert {line["system"] for line in document["table"]} == {"uniform", "aks", "lvqa"}
    page = (tmp_path / "s" / "report.md").read_text()
    assert "| lvqa |" in page
    assert (tmp_path / "s" / "report.png").stat().st_size > 1000
    assert {path.name[-9:] for path in (tmp_path / "s" / "plots").iterdir()} == {"-lvqa.png"}
    assert any("frames for recall" in line for line in report.text(outcome))
    again: list[str] = []
    assert bench.run(tmp_path / "s", **given, say=again.append).rows == outcome.rows
    assert "indexing" not in again
    (tmp_path / "s" / bench._MARK).write_text("another program")
    bench._take(tmp_path / "s")
    assert not (tmp_path / "s" / "results.jsonl").exists()


def test_systems_by_name():
    assert systems_named([]) == SYSTEMS
    assert [s.searcher for s in systems_named(["lvqa, no index", "aks"])] == ["lvqa", "aks"]
    with pytest.raises(UsageError, match="there is no system 'magic'"):
        systems_named(["magic"])


def test_what_makes_no_sense_is_refused(tmp_path):
    (tmp_path / "other.txt").write_text("mine")
    with pytest.raises(UsageError, match="other files"):
        bench.run(tmp_path, minutes=2.0)
    with pytest.raises(UsageError, match="makes no sense"):
        bench.run(tmp_path / "n", minutes=float("nan"))
    with pytest.raises(UsageError, match="at least one"):
        bench.run(tmp_path / "n", targets=0)
