"""Footage laid out with subtitles beside it, so that indexing reads them."""

from __future__ import annotations

import pytest

from lvqa.errors import UsageError
from lvqa.eval.tasks.base import SubtitleFile, TaskData, TaskQuestion
from lvqa.eval.tasks.subtitles import lay_out
from lvqa.media import find_videos, read_subtitles


def data(footage, subtitles, videos=("x/a.mp4", "b.mp4")):
    questions = tuple(TaskQuestion(video, "why", ("x", "y"), 0, (video,)) for video in videos)
    return TaskData(questions, footage, subtitles=subtitles)


@pytest.fixture
def footage(tmp_path):
    folder = tmp_path / "footage"
    (folder / "x").mkdir(parents=True)
    (folder / "x" / "a.mp4").write_bytes(b"first")
    (folder / "b.mp4").write_bytes(b"second")
    (folder / "unasked.mp4").touch()
    return folder


def test_srt_is_put_beside_the_link(tmp_path, footage):
    srt = tmp_path / "sub.srt"
    srt.write_text("1\n00:00:01,000 --> 00:00:02,500\nhello\n", encoding="utf-8")
    laid = lay_out(data(footage, {"x/a.mp4": SubtitleFile(srt)}), tmp_path / "laid")
    assert laid.footage == tmp_path / "laid"
    assert [path.relative_to(laid.footage).as_posix() for path in find_videos(laid.footage)] == ["b.mp4", "x/a.mp4"]
    assert (laid.footage / "x" / "a.mp4").read_bytes() == b"first"
    (cue,) = read_subtitles(laid.footage / "x" / "a.mp4")
    assert (cue.span.start_s, cue.span.end_s, cue.text) == (1, 2.5, "hello")
    assert not (footage / "x" / "a.srt").exists()


def test_longvideobench_lines_are_moved_to_the_start_of_the_video(tmp_path, footage):
    path = tmp_path / "b_en.json"
    path.write_text(
        '[{"timestamp": [5, 11.5], "text": "before"}, {"timestamp": [12, null], "text": "no\\nend"},'
        ' {"start": "00:00:20.250", "end": "00:00:21.500", "line": "clock"}, {"timestamp": [1, 2], "text": "gone"}]',
        encoding="utf-8",
    )
    laid = lay_out(data(footage, {"b.mp4": SubtitleFile(path, 10)}), tmp_path / "laid")
    again = lay_out(data(footage, {"b.mp4": SubtitleFile(path, 10)}), tmp_path / "laid")
    assert again.footage == laid.footage
    cues = [(cue.span.start_s, cue.span.end_s, cue.text) for cue in read_subtitles(laid.footage / "b.mp4")]
    assert cues == [(0, 1.5, "before"), (2, 6, "no end"), (10.25, 11.5, "clock")]


def test_without_subtitles_nothing_is_laid_out(tmp_path, footage):
    given = data(footage, {})
    assert lay_out(given, tmp_path / "laid") is given
    assert not (tmp_path / "laid").exists()


@pytest.mark.parametrize("text", ['{"a": 1}', '[{"text": "x"}]', '[{"timestamp": [1], "text": "x"}]', "["])
def test_wrong_subtitles_are_named(tmp_path, footage, text):
    path = tmp_path / "b_en.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"b_en\.json"):
        lay_out(data(footage, {"b.mp4": SubtitleFile(path)}), tmp_path / "laid")
