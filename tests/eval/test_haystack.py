from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from lvqa.errors import UsageError
from lvqa.eval import haystack
from lvqa.models.fake import FakeEmbedder
from lvqa.types import Hit, Note, Span


def _hit(video: str, start_s: float, end_s: float) -> Hit:
    return Hit(video, Note(f"{video}{start_s}", video, None, Span(start_s, end_s), "text", "imported"), 1.0)


def test_archives_follow_the_hash_of_the_name_and_drop_the_rest():
    names = [str(number) for number in range(7)]
    ordered = sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    assert haystack.cut_archives([*names, "3"], 3) == [ordered[:3], ordered[3:6]]
    assert haystack.cut_archives(names, 8) == []


def test_moments_are_middles_in_distinct_seconds():
    hits = [_hit("a", 3.0, 4.0), _hit("a", 3.2, 4.2), _hit("b", 3.0, 4.0), _hit("a", 0.0, 9.0)]
    assert haystack.moments(hits, 2) == [("a", 3.5), ("b", 3.5)]
    assert haystack.moments(hits, 9) == [("a", 3.5), ("b", 3.5), ("a", 4.5)]


def test_figures_of_a_small_world(haystack_data: Path, tmp_path: Path):
    embedder = FakeEmbedder(dim=512)
    result = haystack.run_retrieval(haystack_data, k=1, archive_size=2, embedder=embedder, work_dir=tmp_path / "work")
    assert {key: result[key] for key in ("questions", "videos", "archives", "captions")} == {
        "questions": 8,
        "videos": 4,
        "archives": 2,
        "captions": 40,
    }
    # The named thing is found by its word, and by a vector that is a bag of words; nothing matches the other question.
    assert result["systems"]["bm25"]["hit"] == {"value": 0.5, "error": 0.0, "questions": 8, "clusters": 4}
    assert result["systems"]["bm25"]["right_video"]["value"] == 0.5
    assert result["systems"]["bm25"]["f1"]["value"] == 0.5
    assert result["systems"]["hybrid"]["hit"]["value"] >= 0.5
    assert result["paired"]["hybrid - bm25"]["difference"] >= 0
    table = haystack.format_table(result)
    assert "8 questions on 2 archives of 2 videos (40 captions), 1 seconds returned" in table
    assert [line.split()[0] for line in table.splitlines()[3:6]] == ["BM25", "dense", "hybrid"]
    assert "0.500 +- 0.000" in table


def test_a_second_run_embeds_no_caption_again_and_gives_the_same(haystack_data: Path, tmp_path: Path):
    def run(embedder: FakeEmbedder) -> dict[str, object]:
        result = haystack.run_retrieval(
            haystack_data, archive_size=5, embedder=embedder, work_dir=tmp_path / "work", channels=["dense"]
        )
        return result["systems"]["dense"]["hit"]

    first, second = FakeEmbedder(), FakeEmbedder()
    assert run(first) == run(second)
    assert any("a man holds a kettle" in texts for texts in first.calls)
    assert not any("a man holds a kettle" in texts for texts in second.calls)


def test_bm25_alone_needs_no_embedder(haystack_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    arguments = ["--data", str(haystack_data), "--work-dir", str(tmp_path / "work"), "--archive-size", "5"]
    status = haystack.main([*arguments, "--channels", "bm25", "--json"])
    assert status == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["embedder"] == ""
    assert list(printed["systems"]) == ["bm25"]


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("captions.jsonl", "{not json", "captions.jsonl, line 51 is not JSON"),
        ("captions.jsonl", '{"video": "x"}', "line 51 lacks start_s, end_s, text"),
        ("questions.jsonl", '["a"]', "line 11 lacks id, video, question, windows"),
        ("questions.jsonl", '{"id": 1, "video": "x", "question": "?", "windows": [3]}', "not pairs of seconds"),
    ],
)
def test_bad_data_names_the_line(haystack_data: Path, name: str, line: str, message: str):
    with (haystack_data / name).open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(UsageError, match=message):
        haystack.run_retrieval(haystack_data, archive_size=5, embedder=FakeEmbedder())


def test_calls_that_make_no_sense(haystack_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(UsageError, match="unknown channel sound"):
        haystack.run_retrieval(haystack_data, channels=["sound"])
    with pytest.raises(UsageError, match="fewer than 50 videos"):
        haystack.run_retrieval(haystack_data, embedder=FakeEmbedder())
    with pytest.raises(UsageError, match="at least 1"):
        haystack.run_retrieval(haystack_data, k=0)
    assert haystack.main(["--data", str(tmp_path / "nowhere")]) == 2
    assert "cannot read" in capsys.readouterr().err
