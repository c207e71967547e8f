"""The search benchmark in small: its archive crowds and its queries are held out, its steps agree, its bounds bite."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvqa.eval.lab.bench import large, retrieval, rivals
from lvqa.eval.lab.bench.corpus import PER_VIDEO, Corpus


def test_the_archive_is_the_same_for_the_same_seed_and_its_frames_crowd():
    one, two = (list(Corpus(2 * PER_VIDEO).blocks()) for _ in range(2))
    assert [block.texts for block in one] == [block.texts for block in two]
    np.testing.assert_array_equal(one[1].frames, two[1].frames)
    frames = one[0].frames
    near = (frames[1:] * frames[:-1]).sum(axis=1)
    assert np.median(1 - near) < 0.01
    np.testing.assert_allclose(np.linalg.norm(one[0].notes, axis=1), 1, atol=1e-5)


def test_queries_are_no_documents():
    corpus = Corpus(2 * PER_VIDEO)
    queries = corpus.queries(12)
    texts = {text for block in corpus.blocks() for text in block.texts}
    assert not texts & set(queries.texts)
    notes = np.concatenate([block.notes for block in corpus.blocks()])
    assert (notes @ queries.notes.T).max() < 0.99


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """All steps on two thousand rows, in this process."""
    folder = tmp_path_factory.mktemp("large")
    corpus = Corpus(2 * PER_VIDEO)
    queries = corpus.queries(6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large, "encode_ms", lambda texts: None)
        return folder, {name: step(folder, corpus, queries) for name, step in large.STEPS.items()}


def test_a_small_archive_is_searched_exactly(steps):
    _, done = steps
    for of in done["search"]["filters"].values():
        assert of["recall notes"] == of["recall frames"] == 1.0
    assert done["add"]["found"]
    assert done["recall"]["hits"] > 0


def test_every_figure_is_held_to_a_bound(steps):
    _, done = steps
    held = retrieval.bounds(done)
    assert len(held) == 16
    assert all(bound.held for bound in held if bound.name.startswith("recall"))
    slow = {**done, "recall": {**done["recall"], "p50 ms": 26.0}}
    missed = [bound for bound in retrieval.bounds(slow) if not bound.held]
    assert "hybrid query, p50" in [bound.name for bound in missed]
    assert "MISSED" in str(missed[0])


def test_rivals_are_measured_or_said_to_be_missing(steps, monkeypatch: pytest.MonkeyPatch):
    folder, _ = steps
    corpus = Corpus(2 * PER_VIDEO)
    found = rivals.run("flat scan", folder, corpus, 6)
    assert found["notes"]["recall"] == found["frames"]["recall"] == 1.0

    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    for name in ("sqlite-vec", "LanceDB"):
        assert "pip install" in rivals.run(name, folder, corpus, 6)["missing"]


def test_what_is_kept_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made: list[str] = []

    def child(module: str, step: str, *rest: str, timeout_s: float = 0.0) -> dict[str, Any]:
        made.append(step)
        return {"step": step}

    monkeypatch.setattr(retrieval, "run_child", child)
    for _ in range(2):
        for step in ("fill", "search"):
            assert retrieval._step(step, tmp_path, 1000, 5) == {"step": step}
    assert made == ["fill", "search", "search"]
