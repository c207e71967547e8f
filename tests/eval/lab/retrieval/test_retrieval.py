from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from lvqa.errors import UsageError
from lvqa.eval.lab.retrieval import data, format_table, run_retrieval
from lvqa.eval.lab.retrieval.__main__ import main
from lvqa.eval.lab.retrieval.offtopic import CALIBRATION, MEASURED
from lvqa.models.fake import FakeEmbedder
from lvqa.types import Hit, Note, Span


def _hit(video: str, start_s: float, end_s: float) -> Hit:
    return Hit(video, Note(f"{video}{start_s}", video, None, Span(start_s, end_s), "text", "imported"), 1.0)


def test_archives_follow_the_hash_of_the_name_and_drop_the_rest():
    names = [str(number) for number in range(7)]
    ordered = sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    assert data.cut_archives([*names, "3"], 3) == [ordered[:3], ordered[3:6]]
    assert data.cut_archives(names, 8) == []


def test_moments_are_middles_in_distinct_seconds():
    hits = [_hit("a", 3.0, 4.0), _hit("a", 3.2, 4.2), _hit("b", 3.0, 4.0), _hit("a", 0.0, 9.0)]
    assert data.moments(hits, 2) == [("a", 3.5), ("b", 3.5)]
    assert data.moments(hits, 9) == [("a", 3.5), ("b", 3.5), ("a", 4.5)]


def test_figures_of_a_small_world(haystack_data: Path, tmp_path: Path):
    embedder = FakeEmbedder(dim=512)
    result = run_retrieval(haystack_data, k=1, archive_size=2, embedder=embedder, work_dir=tmp_path / "work")
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
    table = format_table(result)
    assert "8 questions on 2 archives of 2 videos (40 captions), 1 seconds returned" in table
    assert [line.split()[0] for line in table.splitlines()[3:6]] == ["BM25", "dense", "hybrid"]
    assert "0.500 +- 0.000" in table


def test_within_one_video_off_topic_and_piece_by_piece(haystack_data: Path, tmp_path: Path):
    result = run_retrieval(
        haystack_data,
        k=2,
        archive_size=2,
        embedder=FakeEmbedder(dim=512),
        work_dir=tmp_path / "work",
        with_pieces=True,
    )
    within = result["within"]
    assert within["whole video"]["iou"]["value"] == pytest.approx(0.1)
    # Seconds 2.5 and 7.5 of ten: one of the two windows of the second kind of question, 8 to 9 with slack.
    assert within["uniform"]["hit"]["value"] == pytest.approx(0.5)
    assert 0 < within["hybrid"]["iou"]["value"] <= 1
    assert set(result["best_single"]) == {"hit", "right_video", "f1"}
    assert result["best_single"]["hit"]["difference"] >= 0
    assert result["off_topic"]["questions"] == 2 * len(MEASURED)
    assert result["off_topic"]["nothing_found"] > 0.5
    assert "without the rewrite" in result["pieces"]
    table = format_table(result)
    for part in ("within the one right video", "against the best single channel", "off-topic", "one piece changed"):
        assert part in table


def test_what_set_the_cut_off_is_not_what_it_is_measured_on():
    assert not set(CALIBRATION) & set(MEASURED)
    assert len(MEASURED) == len(set(MEASURED))


def test_a_second_run_embeds_no_caption_again_and_gives_the_same(haystack_data: Path, tmp_path: Path):
    def run(embedder: FakeEmbedder) -> dict[str, object]:
        result = run_retrieval(
            haystack_data, archive_size=5, embedder=embedder, work_dir=tmp_path / "work", channels=["dense"]
        )
        return result["systems"]["dense"]["hit"]

    first, second = FakeEmbedder(), FakeEmbedder()
    assert run(first) == run(second)
    assert any("a man holds a kettle" in texts for texts in first.calls)
    assert not any("a man holds a kettle" in texts for texts in second.calls)


def test_bm25_alone_needs_no_embedder(haystack_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    arguments = ["--data", str(haystack_data), "--work-dir", str(tmp_path / "work"), "--archive-size", "5"]
    status = main([*arguments, "--channels", "bm25", "--json"])
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
        run_retrieval(haystack_data, archive_size=5, embedder=FakeEmbedder())


def test_calls_that_make_no_sense(haystack_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(UsageError, match="unknown channel sound"):
        run_retrieval(haystack_data, channels=["sound"])
    with pytest.raises(UsageError, match="fewer than 50 videos"):
        run_retrieval(haystack_data, embedder=FakeEmbedder())
    with pytest.raises(UsageError, match="at least 1"):
        run_retrieval(haystack_data, k=0)
    assert main(["--data", str(tmp_path / "nowhere")]) == 2
    assert "cannot read" in capsys.readouterr().err
