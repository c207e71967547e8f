"""Subtitles that are pictures, indexed: read by OCR into a transcript, kept as long as nothing about them changes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from subtitle_pictures import bar, bar_number, cues, packed, sup, with_pictures

from lvqa.errors import ModelError
from lvqa.indexers.planning.dry_run import plan_index, plan_lines
from lvqa.indexers.progress import NoProgress
from lvqa.indexers.stages.picture_subtitles import Ended, subtitles_of
from lvqa.indexers.stages.specs import picture_params
from lvqa.indexers.stages.stage_model import StageModel
from lvqa.media import read_subtitles, sidecars_in
from lvqa.models.fake import FakeReader
from lvqa.settings import Settings
from lvqa.store import Filter

TEXTS = ["The lighthouse stands.", "The keeper lights the lamp.", "A ship comes home.", "Harbour office"]
Given = list[tuple[float, float, str]]


class Told(NoProgress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)


def _reader(texts: list[str] = TEXTS, name: str = "fake:ocr") -> FakeReader:
    return FakeReader(lambda frame: texts[bar_number(frame)] if 0 <= bar_number(frame) < len(texts) else "", name=name)


@pytest.fixture
def film(shots: Any, folder: Path, tmp_path: Path) -> Path:
    path = shots("film.mp4", ((255, 0, 0), 12))
    return Path(shutil.move(path, tmp_path / "film.mp4"))


@pytest.fixture
def read(film: Path, tmp_path: Path) -> Callable[..., tuple[Given, list[str], FakeReader]]:
    """What is read of pictures that show these texts from when to when, what was told, and the reader."""

    def run(*shown: tuple[float, float, str], language: str = "en") -> tuple[Given, list[str], FakeReader]:
        shutil.copy(film, tmp_path / "a.mkv")
        stretches = [(begin_s, end_s, bar(n)) for n, (begin_s, end_s, _) in enumerate(shown)]
        (tmp_path / f"a.{language}.sup").write_bytes(sup(cues(*stretches)))
        reader, lines = _reader([text for *_, text in shown]), []  # type: ignore[var-annotated]
        found = subtitles_of(tmp_path / "a.mkv", lambda: StageModel("fake:ocr", reader), lines.append)
        times = [(round(cue.span.start_s, 2), round(cue.span.end_s, 2), cue.text) for cue in found]
        return times, lines, reader

    return run


@pytest.mark.parametrize(
    ("shown", "right"),
    [
        ([(1, 2, "one\ntwo"), (3, 4, "three")], [(1, 2, "one two"), (3, 4, "three")]),
        # Noise, between two pictures of one text.
        ([(1, 2, "The lighthouse stands."), (2, 3, "The Iighthouse stands.")], [(1, 3, "The lighthouse stands.")]),
        ([(1, 2, "It is 17:05 o'clock now."), (2, 3, "It is 17:06 o'clock now.")], 2),
        ([(1, 2, "Run home."), (5, 6, "Run home.")], 2),
        # A line that grows word by word, as live captions do.
        (
            [(1, 2, "the prime"), (2, 3, "the prime minister"), (3, 4, "the prime minister said")],
            [(1, 4, "the prime minister said")],
        ),
        # Lines that scroll.
        (
            [(1, 2, "first line\nsecond line"), (2, 3, "second line\nthird line"), (3, 4, "third line\nfourth line")],
            [(1, 2, "first line second line"), (2, 3, "third line"), (3, 4, "fourth line")],
        ),
        ([(1, 2, " ."), (3, 4, "")], []),
    ],
)
def test_texts_of_pictures_are_cues(read: Any, shown: Given, right: Any) -> None:
    found, lines, _ = read(*shown)
    assert (len(found) if isinstance(right, int) else found) == right
    assert lines == []


def test_a_picture_that_is_shown_twice_is_read_once(film: Path, tmp_path: Path) -> None:
    shutil.copy(film, tmp_path / "a.mkv")
    (tmp_path / "a.sup").write_bytes(sup([one for k in range(5) for one in cues((1 + k, 2 + k, bar(1)))[:1]]))
    reader = _reader()
    found = subtitles_of(tmp_path / "a.mkv", lambda: StageModel("fake:ocr", reader), print)
    assert (sum(reader.calls), len(found)) == (1, 1)


@pytest.mark.parametrize(
    ("language", "text", "known"),
    [
        ("ru", "Маяк стоит на северном утёсе", True),
        ("ru", "MaRK CTOMT Ha ceBepHOM yTece", False),
        ("ja", "灯台は北の崖に立っている", True),
        ("ja", "AT HFOEEICD TE", False),
        ("de", "Der Leuchtturm steht im Norden", True),
        ("", "Maяк", True),
    ],
)
def test_a_language_whose_letters_the_model_does_not_know_is_told(
    read: Any, language: str, text: str, known: bool
) -> None:
    shown = [(k / 3, k / 3 + 0.3, f"{text} {k * 7919} {text[::-1]}") for k in range(24)]
    found, lines, reader = read(*shown, language=language)
    assert bool(found) == known
    assert [f"does not know the letters of its subtitles of pictures ({language})" in line for line in lines] == [
        True
    ] * (not known)
    assert known or sum(reader.calls) < 24


def test_signs_that_the_dialogue_says_too_are_left_out(film: Path, tmp_path: Path) -> None:
    dialogue = [(at_s, packed(s)) for at_s, s in cues((1, 2, bar(0)), (3, 4, bar(1)))]
    forced = [(at_s, packed(s)) for at_s, s in cues((3, 4, bar(2)), (6, 7, bar(3)))]
    path = with_pictures(tmp_path / "a.mkv", film, ("pgssub", "en", 0, dialogue), ("pgssub", "en", 64, forced))
    reader = _reader(["Come in.", "The keeper lights the lamp.", "The keeper Iights the lamp.", "Harbour office"])
    found = subtitles_of(path, lambda: StageModel("fake:ocr", reader), print)
    assert [(cue.text, cue.kind) for cue in found] == [
        ("Come in.", "dialogue"),
        ("The keeper lights the lamp.", "dialogue"),
        ("Harbour office", "signs"),
    ]


def test_a_run_that_ends_leaves_the_pictures(film: Path, tmp_path: Path) -> None:
    shutil.copy(film, tmp_path / "a.mkv")
    (tmp_path / "a.sup").write_bytes(sup(cues(*((k, k + 0.5, bar(k)) for k in range(10)))))
    reader = _reader()
    with pytest.raises(Ended):
        subtitles_of(tmp_path / "a.mkv", lambda: StageModel("fake:ocr", reader), print, lambda: sum(reader.calls) > 0)
    assert sum(reader.calls) == 8
    assert len(read_subtitles(tmp_path / "a.mkv", on_problem=lambda line: None)) == 0  # the child that read is replaced


def test_a_model_that_fails_is_a_model_error(film: Path, tmp_path: Path) -> None:
    shutil.copy(film, tmp_path / "a.mkv")
    (tmp_path / "a.sup").write_bytes(sup(cues((1, 2, bar(0)))))
    broken = FakeReader(lambda frame: 1 // 0)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="OCR model failed"):
        subtitles_of(tmp_path / "a.mkv", lambda: StageModel("fake:ocr", broken), print)


@pytest.fixture
def talk(film: Path, folder: Path) -> Path:
    """A film of 12 s with a track of pictures over all of it."""
    units = [(at_s, packed(s)) for at_s, s in cues((1, 4, bar(0)), (5, 8, bar(1)), (8.5, 11, bar(2)))]
    return with_pictures(folder / "talk.mkv", film, ("pgssub", "en", 0, units))


def _said(kit: Any, source: str = "speech") -> list[str]:
    with kit.store() as store:
        return [note.text for note in store.notes.select(Filter(sources=frozenset([source])))]


def test_pictures_are_the_transcript_where_ocr_is_on(kit: Any, talk: Path) -> None:
    kit.ocr = _reader()
    told = Told()
    kit.run(progress=told)
    assert _said(kit) == TEXTS[:3]
    assert told.lines == []
    kit.ocr = None
    assert kit.run().unchanged == 1  # what was read is kept
    assert _said(kit) == TEXTS[:3]


def test_without_ocr_they_are_told_and_read_once_it_is_on(kit: Any, talk: Path) -> None:
    kit.ocr = None
    told = Told()
    kit.run(progress=told)
    assert _said(kit) == []
    assert len(told.lines) == 1
    assert "talk.mkv holds 1 subtitle track of pictures, not read" in told.lines[0]
    kit.ocr = _reader()
    with kit.store() as store:
        plan = plan_index(kit.folder, store, kit.models().names, Settings(**kit.settings))
    assert "  speech: redo: subtitles that are pictures are read now" in plan_lines(plan)
    kit.run()
    assert _said(kit) == TEXTS[:3]


def test_another_ocr_model_reads_pictures_again_and_hears_nothing_again(
    kit: Any, talk: Path, shots: Any, footage_with_text: Path
) -> None:
    shots("plain.mkv", ((0, 160, 0), 4))
    (kit.folder / "beside.mkv").write_bytes(talk.read_bytes() + b"\0")
    (kit.folder / "beside.en.srt").write_text("1\n00:00:01,000 --> 00:00:11,000\nText.\n")
    kit.ocr = _reader()
    kit.run()
    kit.ocr = _reader(name="fake:other")
    with kit.store() as store:
        plan = plan_index(kit.folder, store, kit.models().names, Settings(**kit.settings))
    redone = [file.path for file in plan.files for stage in file.stages if stage.stage == "speech" and stage.open]
    assert redone == ["talk.mkv"]
    assert "  speech: redo: subtitles that are pictures are read in another way now" in plan_lines(plan)


@pytest.fixture
def footage_with_text(folder: Path) -> Path:
    """A film with a text track, and one of pictures of the same language."""
    from lvqa.eval.lab.footage_writer import write_video

    grey = (np.full((48, 64, 3), 128, np.uint8) for _ in range(20))
    return write_video(folder / "text.mkv", grey, fps=4, subtitles=[(0.5, 4.0, "inside")])


def test_a_file_of_pictures_that_comes_is_read(kit: Any, film: Path, folder: Path) -> None:
    shutil.copy(film, folder / "talk.mkv")
    kit.ocr = _reader()
    kit.run()
    assert _said(kit) == []
    (folder / "talk.en.sup").write_bytes(sup(cues((1, 4, bar(0)), (5, 8, bar(1)))))
    kit.run()
    assert _said(kit) == TEXTS[:2]
    (folder / "talk.en.srt").write_text("1\n00:00:01,000 --> 00:00:11,000\nText.\n")
    kit.run()
    assert _said(kit) == ["Text."]
    kit.ocr = _reader(name="fake:other")
    with kit.store() as store:
        plan = plan_index(kit.folder, store, kit.models().names, Settings(**kit.settings))
    assert not [s for file in plan.files for s in file.stages if s.stage == "speech" and s.open]


HELD = '{"model":"","params":{"pictures":"rapidocr"},"prompt_hash":""}'


@pytest.mark.parametrize(
    ("names", "inside", "ocr", "before", "right"),
    [
        ([], False, "rapidocr", "", {}),
        ([".en.srt"], False, "rapidocr", "", {}),
        ([], None, "rapidocr", "", {}),  # not looked at: as it was
        ([], None, "rapidocr", "no JSON", {}),
        ([], None, "other", HELD, {"pictures": "other"}),
        ([], None, "", HELD, {"pictures": "rapidocr"}),
        ([], True, "rapidocr", "", {"pictures": "rapidocr"}),
        ([], True, "", "", {"pictures": None}),
        ([], False, "rapidocr", HELD, {}),
        ([".en.srt"], True, "rapidocr", "", {"pictures": None}),
        ([".en.forced.srt"], True, "rapidocr", "", {"pictures": "rapidocr"}),
        ([".en.sup"], False, "rapidocr", "", {"pictures": "rapidocr"}),
        ([".idx", ".sub"], False, "rapidocr", "", {"pictures": "rapidocr"}),
        ([".sub"], False, "rapidocr", "", {}),  # may be text
        ([".en.sup", ".en.srt"], False, "rapidocr", "", {"pictures": None}),
        ([".en.sup", ".srt"], False, "rapidocr", "", {"pictures": None}),
        ([".en.sup", ".de.srt"], False, "rapidocr", "", {"pictures": "rapidocr"}),
        ([".idx", ".de.srt"], False, "rapidocr", "", {"pictures": "rapidocr"}),
    ],
)
def test_what_speech_is_made_with(
    tmp_path: Path, names: list[str], inside: bool | None, ocr: str, before: str, right: dict[str, str | None]
) -> None:
    (tmp_path / "a.mkv").touch()
    for name in names:
        (tmp_path / f"a{name}").touch()
    beside = sidecars_in(tmp_path).get("a.mkv", [])
    assert len(beside) == len(names)
    assert picture_params(beside, inside, ocr, before) == right
