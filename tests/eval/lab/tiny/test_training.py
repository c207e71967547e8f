"""Training runs, goes on where it was cut off, and leaves models that lvqa loads; the check prints what falls short."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lvqa.eval.lab.tiny import check, dual, shards, train
from lvqa.models.embed_image import load as load_embedder
from lvqa.models.fake import FakeImageEmbedder, FakeVision
from lvqa.models.hf.vision import load as load_hf


@pytest.fixture
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD", 24)
    monkeypatch.setattr(train, "TOWER_BATCH", 4)
    for module in (train, dual):
        few = lambda kinds, seed, render=module.render: render(kinds[::40], seed)  # noqa: E731
        monkeypatch.setattr(module, "render", few)


@pytest.mark.slow
@pytest.mark.real_models
@pytest.mark.usefixtures("_few")
def test_it_trains_goes_on_and_is_loaded(tmp_path: Path) -> None:
    work, vlm = tmp_path / "work", tmp_path / "vlm"
    options = {"n_shards": 1, "tower_steps": 2, "batch": 3, "peak": 1e-3, "compiled": False}
    shards.make(work / "data", 1, shards.LESSONS, processes=1)
    shards.make(work / "crowds", 1, shards.CROWDS, processes=1)
    train.train(work, vlm, steps=3, **options)
    train.train(work, vlm, steps=4, **options)
    lines = [json.loads(line) for line in (work / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [3, 4]
    assert {"describe", "dense shape", "crop sign", "foreign describe"} <= set(lines[-1]["held"])
    vision = load_hf(f"hf:{vlm}", device="cpu")
    assert len(check.said(vision, [np.zeros((288, 512, 3), np.uint8)], ["describe the frame."])) == 1

    dual.train(work, vlm, tmp_path / "dual", n_shards=1, steps=2, batch=6, peak=1e-3)
    line = json.loads((work / "dual.jsonl").read_text().splitlines()[-1])
    assert 0 <= line["held"]["recall@5"] <= 1
    embedder = load_embedder(f"hf:{tmp_path / 'dual'}", device="cpu")
    assert embedder.encode_query(["a red star"]).shape == (1, embedder.dim)


def test_a_model_that_sees_nothing_falls_short() -> None:
    figures = check.check(FakeVision("unknown", yes=0.5), FakeImageEmbedder(), 24, 1, None)
    assert set(check.NEEDED) <= set(figures)
    assert figures["unknown on foreign pictures"] == 1
    assert figures["colour"] == figures["sign on a crop"] == figures["caption object F1"] == 0
    assert figures["yes-probability, area under the curve"] == 0.5


def test_the_check_is_a_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lvqa.eval.lab.tiny.check", "--help"], capture_output=True, text=True, check=True
    )
    assert "--frames" in done.stdout
