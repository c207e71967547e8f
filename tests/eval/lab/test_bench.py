from __future__ import annotations

import itertools
import json

import pytest

from lvqa.errors import LvqaError
from lvqa.eval.lab.bench import BENCHMARKS, __main__, startup
from lvqa.eval.lab.bench.footage import panning
from lvqa.eval.lab.bench.outcome import BenchOutcome, run_child


def test_an_outcome_keeps_to_its_bound_on_the_right_side():
    fast = BenchOutcome("decode", "rate", 0.9, 0.9, "at least")
    assert fast.passed
    assert not BenchOutcome("decode", "rate", 0.899, 0.9, "at least").passed
    assert BenchOutcome("ask", "time", 50.0, 50.0, "at most", "ms").passed
    assert not BenchOutcome("ask", "time", 50.1, 50.0, "at most", "ms").passed


def test_an_outcome_survives_the_way_through_json():
    outcome = BenchOutcome("ask", "time", 12.5, 50.0, "at most", "ms", {"median, ms": 12.5, "loaded": []})
    assert BenchOutcome.from_dict(json.loads(json.dumps(outcome.to_dict()))) == outcome
    shown = str(outcome)
    assert shown.startswith("PASS  ask      12.5 ms (at most 50)")
    assert "loaded: none" in shown


def test_footage_is_the_same_each_time_and_moves():
    frames = [frame.copy() for frame in panning(2, 5, (64, 48), shot_s=1)]
    again = list(panning(2, 5, (64, 48), shot_s=1))
    assert len(frames) == 10
    assert all(frame.shape == (48, 64, 3) for frame in frames)
    assert all((a == b).all() for a, b in zip(frames, again, strict=True))
    assert all((a != b).any() for a, b in itertools.pairwise(frames))


def test_a_child_that_fails_says_why():
    with pytest.raises(LvqaError, match="no_such_benchmark"):
        run_child("lvqa.eval.lab.bench.no_such_benchmark")


def test_every_benchmark_is_a_module_that_runs_by_itself():
    import importlib.util

    for name in BENCHMARKS:
        spec = importlib.util.find_spec(f"lvqa.eval.lab.bench.{name}")
        assert spec is not None, name
        assert spec.loader is not None
        assert '__name__ == "__main__"' in spec.loader.get_source(spec.name)  # type: ignore[attr-defined]


def test_importing_lvqa_and_asking_for_help_load_nothing_heavy():
    outcome = startup.measure(rounds=1)
    assert outcome.facts["loaded"] == []
    assert outcome.passed


def test_exit_status_follows_the_bounds(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def child(module: str, timeout_s: float = 0.0) -> dict[str, object]:
        name = module.rpartition(".")[2]
        if name == "memory":
            raise LvqaError("it broke")
        return BenchOutcome(name, "what", {"decode": 1.0, "overlap": 2.0}[name], 1.1, "at most").to_dict()

    monkeypatch.setattr(__main__, "run_child", child)
    assert __main__.main(["decode"]) == 0
    assert __main__.main(["decode", "overlap"]) == 1
    assert "FAIL  overlap" in capsys.readouterr().out
    assert __main__.main(["decode", "memory", "--json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert printed["passed"] is False
    assert printed["benchmarks"]["decode"]["passed"] is True
    assert printed["errors"] == {"memory": "it broke"}


def test_long_benchmarks_run_only_when_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    ran: list[tuple[str, float]] = []

    def child(module: str, timeout_s: float = 0.0) -> dict[str, object]:
        ran.append((module.rpartition(".")[2], timeout_s))
        return BenchOutcome("x", "what", 0, 0, "at most").to_dict()

    monkeypatch.setattr(__main__, "run_child", child)
    assert __main__.main([]) == 0
    assert "retrieval" not in dict(ran)
    assert __main__.main(["retrieval"]) == 0
    assert dict(ran)["retrieval"] > 3600


def test_an_unknown_benchmark_is_a_usage_error(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as caught:
        __main__.main(["speed"])
    assert caught.value.code == 2
    assert "there are decode" in capsys.readouterr().err
