"""What is made of subtitles when a video is indexed: its transcript where they cover it, notes beside one elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lvqa.indexers.progress import NoProgress
from lvqa.indexers.stages.listen import parts_in, pauses, sentences, signs_in, spoken_by
from lvqa.media import Subtitle
from lvqa.models.base import Utterance
from lvqa.store import Filter
from lvqa.types import Span

CASES = Path(__file__).parents[1] / "cases/subtitles"
SAID = (
    (0.5, 4, "The blue lighthouse stands on the northern cliff."),
    (5, 9, "The keeper lights the lamp every evening."),
)
SPOKEN = [(Span(a, b), text) for a, b, text in SAID]


class Told(NoProgress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def case(kit: Any, folder: Path) -> Callable[..., tuple[list[Any], list[Any], list[str]]]:
    """Index a case: what is said, what is signs, and what was told."""

    def index(*names: str) -> tuple[list[Any], list[Any], list[str]]:
        for name in names:
            shutil.copy(CASES / name, folder / name)
        told = Told()
        kit.run(progress=told)
        with kit.store() as store:
            said, signs = (
                [(note.span, note.text) for note in store.notes.select(Filter(sources=frozenset([source])))]
                for source in ("speech", "signs")
            )
        return said, signs, told.lines

    return index


@pytest.mark.parametrize(
    ("names", "cue"),
    [
        (["forcedonly.mp4", "forcedonly.en.forced.srt"], "(in German) Achtung."),
        (["embforced.mkv"], "HARBOUR OFFICE sign"),
    ],
)
def test_a_forced_track_is_no_transcript(kit: Any, case: Any, names: list[str], cue: str) -> None:
    kit.hear(*SAID)
    assert case(*names) == (SPOKEN, [(Span(15, 17), cue)], [])


def test_without_a_transcriber_a_forced_track_is_signs_all_the_same(case: Any) -> None:
    assert case("embforced.mkv") == ([], [(Span(15, 17), "HARBOUR OFFICE sign")], [])


def test_an_unreadable_sidecar_is_told_in_one_line_and_the_sound_is_heard(kit: Any, case: Any) -> None:
    kit.hear(*SAID)
    said, signs, lines = case("htmlside.mp4", "htmlside.srt")
    assert (said, signs) == (SPOKEN, [])
    assert len(lines) == 1
    assert "htmlside.srt holds no readable subtitle" in lines[0]
    assert "\n" not in lines[0]


def test_cues_that_cannot_be_read_are_told(case: Any, folder: Path) -> None:
    good, bad = "1\n00:00:02,000 --> 00:00:05,000\nGood.\n\n", "2\n00:99:02,000 --> 00:00:09,000\nBad.\n\n"
    (folder / "ep.srt").write_text(good + bad)
    said, _, lines = case("ep.mp4")
    assert said == [(Span(2, 5), "Good.")]
    assert [line for line in lines if "1 of 2 cues cannot be read, the first in line 6" in line]


@pytest.mark.parametrize(
    ("names", "right"),
    [
        (
            ["vyt.mp4", "vyt.en.vtt"],
            [
                (Span(2, 6), "welcome to the pottery course"),
                (Span(6.01, 10), "today we centre the clay"),
                (Span(20, 25), "after a break glazing begins"),
            ],
        ),
        (
            ["vytsrt.mp4", "vytsrt.en.srt"],
            [
                (Span(2, 6), "welcome to the pottery course"),
                (Span(6.01, 10), "today we centre the clay"),
                (Span(10.01, 14), "with both thumbs pressed"),
            ],
        ),
        (
            ["nametitle.mp4", "nametitle.en.srt", "nametitle.en.Directors Commentary.srt"],
            [(Span(2, 5), "Dialogue of the film.")],
        ),
        (
            ["forced.mp4", "forced.en.srt", "forced.en.forced.srt"],
            [
                (Span(2, 5), "The ferry leaves at noon."),
                (Span(10, 13), "I lost my passport."),
                (Span(30, 33), "Sign: HARBOUR OFFICE."),
            ],
        ),
        (
            ["tblankmid.mp4", "tblankmid.srt"],
            [(Span(2, 5), "First paragraph. Second paragraph after blank."), (Span(7, 9), "Next cue.")],
        ),
        (["tnoms.mp4", "tnoms.srt"], [(Span(2, 5), "No milliseconds at all."), (Span(7, 9), "Second one.")]),
    ],
)  # fmt: skip
def test_notes_keep_the_times_of_their_cues(case: Any, names: list[str], right: list[Any]) -> None:
    assert case(*names)[0] == right


def test_each_file_makes_the_notes_of_one_video(kit: Any, case: Any) -> None:
    said, _, _ = case("ep.mp4", "ep.en.mp4", "ep.en.srt")
    assert said == [(Span(2, 5), "English version file text.")]
    with kit.store() as store:
        paths = {video.id: video.path for video in store.videos.all()}
        (note,) = store.notes.select(Filter(sources=frozenset(["speech"])))
        assert paths[note.video_id] == "ep.en.mp4"
        assert sorted(paths.values()) == ["ep.en.mp4", "ep.mp4"]


def test_a_sidecar_in_a_folder_of_subtitles_that_comes_later_is_taken_in(kit: Any, case: Any) -> None:
    assert case("ep.mp4")[0] == []
    (kit.folder / "Subs").mkdir()
    (kit.folder / "Subs/EP_en.srt").write_text("1\n00:00:02,000 --> 00:00:05,000\nLate.\n")
    assert case("ep.mp4")[0] == [(Span(2, 5), "Late.")]
    (kit.folder / "Subs/EP_en.srt").unlink()
    assert case("ep.mp4")[0] == []


def test_signs_go_when_the_speech_is_made_anew(kit: Any, case: Any) -> None:
    (kit.folder / "ep.forced.srt").write_text("1\n00:00:02,000 --> 00:00:05,000\nSign.\n")
    assert case("ep.mp4")[:2] == ([], [(Span(2, 5), "Sign.")])
    (kit.folder / "ep.forced.srt").unlink()
    assert case("ep.mp4")[:2] == ([], [])


def test_where_subtitles_leave_long_pauses_the_sound_is_heard(
    kit: Any, counter: Callable[..., Path], folder: Path
) -> None:
    counter("a.mp4", 20, audio=True)
    (folder / "a.srt").write_text("1\n00:00:14,000 --> 00:00:16,000\nOne line alone.\n")
    kit.hear(*SAID)
    kit.run()
    with kit.store() as store:
        spoken = store.notes.select(Filter(sources=frozenset(["speech"])))
        assert [(n.span, n.text, n.model) for n in spoken] == [
            *[(span, text, "fake:asr") for span, text in SPOKEN],
            (Span(14, 16), "One line alone.", ""),
        ]
    assert len(kit.asr.calls) == 1
    before = kit.rows()
    assert kit.run().unchanged == 1
    assert kit.rows() == before


def _cue(begin_s: float, end_s: float, text: str = "said", language: str = "", kind: Any = "dialogue") -> Subtitle:
    return Subtitle(Span(begin_s, end_s), text, language, kind)


@pytest.mark.parametrize(
    ("cues", "duration_s", "right"),
    [
        ([], 100, [Span(0, 100)]),
        ([_cue(1, 2, kind="signs")], 100, [Span(0, 100)]),
        ([_cue(1, 5)], 8, []),
        ([_cue(15, 17)], 20, [Span(0, 15)]),
        ([_cue(2, 5)], 20, [Span(5, 20)]),
        ([_cue(2, 5), _cue(10, 13), _cue(30, 33)], 40, []),
        ([_cue(0, 5), _cue(35, 40)], 3600, [Span(40, 3600)]),
        ([_cue(0, 5), _cue(35.1, 3600)], 3600, [Span(5, 35.1)]),
        ([_cue(0, 50), _cue(10, 12), _cue(70, 100)], 100, []),
        ([_cue(0, 50, language="en"), _cue(50, 100, language="de")], 100, []),
        ([_cue(0, 200)], 100, []),
    ],
)
def test_the_pauses_of_subtitles(cues: list[Subtitle], duration_s: float, right: list[Span]) -> None:
    assert pauses(cues, duration_s) == right


def test_only_the_sound_in_the_pauses_is_heard() -> None:
    import numpy as np

    rate, sound = 10, np.arange(1000, dtype=np.float32)
    chunks = [(0.0, sound[:300]), (30.0, sound[300:600]), (60.0, sound[600:])]
    pause = [Span(5, 40), Span(95, 1e9)]
    parts = [part for offset_s, samples in chunks for part in parts_in(offset_s, samples, pause, rate)]
    assert [(offset_s, part[0], len(part)) for offset_s, part in parts] == [(5, 50, 250), (30, 300, 100), (95, 950, 50)]
    ((offset_s, whole),) = parts_in(60.0, sound, [Span(0, 1e9)], rate)
    assert (offset_s, len(whole)) == (60, 1000)


def test_cues_without_full_stops_are_not_joined() -> None:
    words = ["welcome to the course", "today we centre", "the clay", "with both thumbs"]
    cues = [_cue(2.0 * n, 2 * n + 2.0, text) for n, text in enumerate(words)]
    assert [u.text for u in spoken_by(cues, 100)] == words
    cues[3] = _cue(6, 8, "with both thumbs.")  # one in four ends a sentence
    assert [u.text for u in spoken_by(cues, 100)] == [" ".join(words) + "."]
    utterances = [Utterance(cue.span, cue.text) for cue in cues]
    assert sentences(utterances, 100) == spoken_by(cues, 100)
    assert [u.text for u in sentences(utterances, 100, join=False)] == [*words[:3], "with both thumbs."]


def test_one_cue_in_ten_with_a_full_stop_is_enough_to_join_by() -> None:
    plain = [_cue(1.0 * n, n + 1.0, "so") for n in range(10)]
    stopped = [*plain[:9], _cue(9, 10, "so.")]
    assert len(spoken_by(plain, 100)) == 10
    assert len(spoken_by(stopped, 100)) < 10
    assert len(spoken_by([*stopped, _cue(10, 11, "so")], 100)) == 11


def test_signs_are_neither_cut_nor_joined() -> None:
    cues = [_cue(0, 30, "Harbour. Office. " * 20, kind="signs"), _cue(30, 31, "and", kind="signs"), _cue(1, 2)]
    assert [(u.span, len(u.text)) for u in signs_in(cues, 30.5)] == [(Span(0, 30), 339), (Span(30, 30.5), 3)]
