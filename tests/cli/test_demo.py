"""The demos: their videos are what is said, their truth can be missed, and they touch no one else's files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lvqa import Answer, Evidence, Span, demo
from lvqa import demo_footage as footage
from lvqa.media import FrameReader, probe, read_subtitles


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("footage")
    footage.make_footage(folder)
    return folder


@pytest.mark.parametrize(
    "text", ["", "x", "01:00:21", "two\nlines", "a long line of many words that must shrink to fit"]
)
def test_a_card_shows_its_text_within_its_size(text: str) -> None:
    card = footage.text_card(text, (320, 180))
    assert card.shape == (180, 320, 3)
    assert card.dtype == np.uint8
    ink = (card.astype(int).sum(axis=2) > 400).nonzero()
    if not text:
        assert not len(ink[0])
    else:
        assert ink[0].min() >= 3
        assert ink[1].min() >= 3
        assert ink[0].max() < 177
        assert ink[1].max() < 317


def test_the_footage_is_what_the_script_says(made: Path) -> None:
    for name, script in footage.SCRIPTS.items():
        assert probe(made / name).duration_s == pytest.approx(sum(scene.seconds for scene in script), abs=0.25)
        said = [cue.text for cue in read_subtitles(made / name)]
        assert said == [scene.said for scene in script if scene.said]
    with FrameReader(made / "kitchen.mp4") as reader:
        (frame,) = reader.at([1.0])
    assert frame.image[5, 5] == pytest.approx(footage.KITCHEN[0].colour, abs=8)


def test_making_it_again_changes_no_file(made: Path) -> None:
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in made.iterdir()}
    footage.make_footage(made)
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in made.iterdir()} == before
    (made / "lecture.srt").write_text("something else")
    footage.make_footage(made)
    assert (made / "lecture.srt").read_bytes() == before["lecture.srt"][0]


def answer(text: str, *evidence: tuple[str, Span], choice: int | None = None, abstained: bool = False) -> Answer:
    shown = [Evidence(video, span, "x", "speech", 0.5) for video, span in evidence]
    return Answer(text, choice, 0.5, "absent" if abstained else "answered", shown)


def test_truth_holds_for_right_answers_only() -> None:
    here, there = ("a.mp4", Span(10, 20)), ("b.mp4", Span(0, 5))
    truth = footage.Truth(("B12", "room 12"), shown=(here, there))
    assert truth.holds(answer("it is b12", ("a.mp4", Span(19, 30)), there))
    assert not truth.holds(answer("it is B13", here, there))
    assert not truth.holds(answer("it is B12", here))
    assert not truth.holds(answer("it is B12", ("a.mp4", Span(20, 30)), there))
    assert not truth.holds(answer("it is B12", ("c.mp4", Span(0, 1)), here, there))
    assert not truth.holds(answer("it is B12", here, there, abstained=True))
    assert footage.Truth(choice=1).holds(answer("x", choice=1))
    assert not footage.Truth(choice=1).holds(answer("x", choice=0))
    assert footage.Truth(absent=True).holds(answer("no", abstained=True))
    assert not footage.Truth(absent=True).holds(answer("yes"))


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path, lvqa) -> None:
    (tmp_path / "holiday.mp4").write_bytes(b"mine")
    done = lvqa("demo", "--footage", "--dir", tmp_path)
    assert done.status == 2
    assert "holiday.mp4" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.mp4"]


def test_a_wrong_answer_fails_the_demo(made: Path, lvqa, monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("OCR", "ASR", "EMBEDDER"):
        monkeypatch.setenv(f"LVQA_{role}", "none")  # the room of the exam cannot be read
    done = lvqa("demo", "--footage", "--dir", made)
    assert done.status == 1
    assert "-> WRONG" in done.out
    assert "-> right" in done.out
    shown = lvqa("demo", "--footage", "--dir", made, "--json")
    assert shown.status == 1
    assert shown.json["right"] < len(footage.QUESTIONS)
    assert len(shown.json["questions"]) == len(footage.QUESTIONS) == 6


@pytest.mark.slow
@pytest.mark.real_models
def test_every_answer_is_right_with_the_embedded_default(made: Path) -> None:
    said: list[str] = []
    report = demo.run(made, say=said.append)
    assert report.passed, "\n".join(said)
    again: list[str] = []
    assert demo.run(made, say=again.append).passed
    assert "0 new notes, 3 videos unchanged" in again[1]
