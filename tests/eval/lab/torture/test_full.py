from __future__ import annotations

import random
from pathlib import Path

import pytest

from lvqa.errors import LvqaError
from lvqa.eval.lab.torture import full

needs_mount = pytest.mark.skipif(not full.namespace(), reason="no file system can be mounted here")


@pytest.mark.slow
@needs_mount
def test_an_index_on_a_disk_that_fills_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(full, "_SHORT", {"index": 1})
    said: list[str] = []
    (check,) = full.run(short=True, seed=3, say=said.append)
    assert check.ok, check.problems
    assert (check.passed, check.of, said) == (1, 1, ["full: 1 of 1"])


def test_a_child_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(full, "namespace", lambda: ["false"])
    with pytest.raises(LvqaError, match="ended early"):
        full.run(short=True, seed=0, say=lambda _: None)


def test_without_mounting_it_is_skipped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(full.shutil, "which", lambda name: None)
    (check,) = full.run(short=True, seed=0, say=lambda _: None)
    assert check.ok
    assert "mounted" in check.skipped


class Pretended(full.FullStage):
    """A disk that is full below so many bytes."""

    def __init__(self, enough: int, problem: str = "") -> None:
        super().__init__(Path("/nowhere"))
        self.enough, self.problem = enough, problem

    def _peak(self, kind: full.Kind) -> int:
        return 1000

    def _on(self, kind: full.Kind, room_bytes: int) -> tuple[bool, str]:
        return room_bytes < self.enough, self.problem


def test_byte_counts_are_drawn_until_the_disk_is_full():
    for seed in range(20):
        trial = Pretended(100).trial("index", random.Random(seed))
        assert trial.room_bytes < 100
        assert trial.problem == ""
    assert "never was full" in Pretended(0).trial("index", random.Random(0)).problem
    assert Pretended(0, "lost").trial("index", random.Random(0)).problem == "lost"
