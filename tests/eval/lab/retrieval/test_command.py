"""`python -m lvqa.eval.lab.retrieval`: one document or one table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lvqa.eval.lab.retrieval.__main__ import main


def test_one_document_and_one_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from lvqa.models.fake import FakeEmbedder

    asked = [("a", "red kite"), ("b", "blue boat")]
    rows = [
        {"video": v, "start_s": s, "end_s": s + 1, "text": t if s == 5 else "x"} for v, t in asked for s in range(9)
    ]
    (tmp_path / "captions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    questions = [{"id": v, "video": v, "question": f"Where is the {t}?", "windows": [[5, 6]]} for v, t in asked]
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in questions))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("lvqa.models.registry.load_embedder", lambda spec: FakeEmbedder(name=spec))
    argv = ("--data", str(tmp_path), "--archive-size", "2", "-k", "1", "--embedder", "st:fake")
    assert main([*argv, "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert {name: system["hit"]["value"] for name, system in done["systems"].items()} == {
        "bm25": 1.0, "dense": 1.0, "hybrid": 1.0, "precise": 1.0,
    }  # fmt: skip
    assert main(argv) == 0
    assert "hybrid" in capsys.readouterr().out
    assert main(["--data", str(tmp_path / "no")]) == 2
