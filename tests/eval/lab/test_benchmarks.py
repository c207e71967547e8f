"""The benchmarks measure what they say, tried on the smallest of footage; their bounds are not held here."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvqa.eval.lab.bench import ask, decode, memory, overlap
from lvqa.eval.lab.bench.footage import make
from lvqa.eval.lab.bench.timed import Stopwatch, TimedEmbedder, timed_decoding
from lvqa.types import Span


def test_all_loops_see_the_same_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(decode, "SECONDS", 4)
    path = make(tmp_path / "video.mp4", 4, 10, (64, 48))
    outcome = decode.measure(path, rounds=1)
    assert outcome.value > 0
    assert {"FrameReader, frames/s", "PyAV, frames/s"} <= outcome.facts.keys()


def test_loops_that_differ_are_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(decode, "SECONDS", 3)
    with pytest.raises(RuntimeError, match="not comparable"):
        decode.measure(make(tmp_path / "video.mp4", 4, 10, (64, 48)), rounds=1)


def test_indexing_cannot_be_quicker_than_its_slowest_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(overlap, "LATENCY_S", 0.05)
    monkeypatch.setattr(overlap, "PER_REQUEST_S", 0.0)
    make(tmp_path / "0.mp4", 4, 5, (64, 48))
    outcome = overlap.measure(tmp_path)
    assert outcome.facts["indexing, s"] >= 0.05 * outcome.facts["calls of the VLM"] > 0
    assert outcome.value == outcome.facts["indexing, s"] / outcome.facts["VLM alone, s"]
    assert outcome.facts["videos"] == 1
    assert outcome.facts["VLM alone, s"] >= 0.05


def test_every_stage_is_on_when_memory_is_measured(tmp_path: Path):
    from lvqa.store import Store

    memory.make_video(tmp_path / "video.mp4", 0.2)
    found = memory.index(tmp_path)
    assert found["peak_mib"] >= found["before_mib"] > 0
    with Store.open(tmp_path / ".lvqa", create=False) as store:
        counts = store.counts()
    assert set(counts["sources"]) == {"caption", "screen", "speech", "summary"}
    assert counts["frames"] == 12
    assert counts["embeddings"] == counts["notes"] == found["notes"] + counts["sources"]["summary"]


def test_a_question_is_timed_with_and_without_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, value in (("NOTES", 60), ("VIDEOS", 2), ("QUESTIONS", 2), ("WARM_UP", 1)):
        monkeypatch.setattr(ask, name, value)
    outcome = ask.measure(tmp_path)
    assert outcome.facts["no language model, frames a question"] == 0
    assert outcome.facts["no language model, decoding, median ms"] == 0
    assert outcome.facts["VLM and chat model, frames a question"] > 0
    assert outcome.facts["VLM and chat model, decoding, median ms"] > 0
    assert outcome.value > 0


def test_decoding_is_timed_wherever_it_happens(tmp_path: Path):
    from lvqa.media import FrameReader

    path = make(tmp_path / "video.mp4", 2, 5, (64, 48))
    watch = Stopwatch()
    with timed_decoding(watch), FrameReader(path) as reader:
        assert len(reader.span(Span(0, 2), 2)) == 2
    timed = watch.seconds
    assert timed > 0
    with FrameReader(path) as reader:
        reader.at([0.0])
    assert watch.seconds == timed


def test_the_timed_embedder_is_a_unit_norm_embedder_of_words():
    import numpy as np

    watch = Stopwatch()
    embedder = TimedEmbedder(watch, 64)
    vectors = embedder.encode_document(["red kettle", "red kettle", "red ladder", "blue violin"])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert np.array_equal(vectors[0], vectors[1])
    assert vectors[0] @ vectors[2] > vectors[0] @ vectors[3]
    assert np.array_equal(embedder.encode_query(["red kettle"])[0], vectors[0])
    assert watch.seconds > 0
