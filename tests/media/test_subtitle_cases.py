"""Subtitles as people have them: small inputs whose right values were worked out by hand."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path

import pytest

from lvqa.errors import SubtitleError
from lvqa.media import read_subtitles

CASES = Path(__file__).parents[1] / "cases/subtitles"

# Video -> cues: begin, end, text, language, kind.
RIGHT = {
    "embforced.mkv": [(15, 17, "HARBOUR OFFICE sign", "en", "signs")],
    "enc1251.mp4": [(2, 5, "Поезд отправляется в полдень.", "ru", "dialogue")],
    "enc1252.mp4": [(2, 5, "“Smart quotes” — it’s €5…", "", "dialogue")],
    "encgbk.mp4": [(2, 5, "火车中午出发。", "zh", "dialogue")],
    "encsjis.mp4": [(2, 5, "電車は正午に出発します。", "ja", "dialogue")],
    "ep.mp4": [],
    "ep.en.mp4": [(2, 5, "English version file text.", "", "dialogue")],
    "fmtass.mp4": [(2, 5, "An external ass line second row", "", "dialogue")],
    "fmtjson3.mp4": [(2, 5, "A json3 line.", "en", "dialogue")],
    "fmtsbv.mp4": [(2, 5, "A youtube sbv line.", "", "dialogue")],
    "fmtttml.mp4": [(2, 5, "A ttml line.", "", "dialogue")],
    # The forced cue says what the dialogue says at the same time.
    "forced.mp4": [
        (2, 5, "The ferry leaves at noon.", "en", "dialogue"),
        (10, 13, "I lost my passport.", "en", "dialogue"),
        (30, 33, "Sign: HARBOUR OFFICE.", "en", "dialogue"),
    ],
    "forcedonly.mp4": [(15, 17, "(in German) Achtung.", "en", "signs")],
    "nameCase.MP4": [(2, 5, "Case differs in name.", "", "dialogue")],
    "namebrack.mp4": [(2, 5, "Bracketed language.", "en", "dialogue")],
    "nameext.mp4": [(2, 5, "Extension kept in name.", "", "dialogue")],
    "namefull.mp4": [(2, 5, "Full language name.", "en", "dialogue")],
    "namesubs/film.mp4": [(2, 5, "Subs folder.", "", "dialogue")],
    "nametitle.mp4": [
        (2, 5, "Commentary text here.", "en", "signs"),
        (2, 5, "Dialogue of the film.", "en", "dialogue"),
    ],
    "nameunder.mp4": [(2, 5, "Underscore language name.", "en", "dialogue")],
    "tblankmid.mp4": [
        (2, 5, "First paragraph. Second paragraph after blank.", "", "dialogue"),
        (7, 9, "Next cue.", "", "dialogue"),
    ],
    "tcolon.mp4": [(2, 5, "Colon before millis.", "", "dialogue")],
    "tnoms.mp4": [(2, 5, "No milliseconds at all.", "", "dialogue"), (7, 9, "Second one.", "", "dialogue")],
    "tspace.mp4": [(2, 5, "Spaces in time.", "", "dialogue")],
    "vyt.mp4": [
        (2, 6, "welcome to the pottery course", "en", "dialogue"),
        (6.01, 10, "today we centre the clay", "en", "dialogue"),
        (20, 25, "after a break glazing begins", "en", "dialogue"),
    ],
    "vytsrt.mp4": [
        (2, 6, "welcome to the pottery course", "en", "dialogue"),
        (6.01, 10, "today we centre the clay", "en", "dialogue"),
        (10.01, 14, "with both thumbs pressed", "en", "dialogue"),
    ],
}


def told(cues):
    return [(cue.span.start_s, cue.span.end_s, cue.text, cue.language, cue.kind) for cue in cues]


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("name", RIGHT)
def test_each_is_read_as_it_is_right(name):
    lines: list[str] = []
    assert told(read_subtitles(CASES / name, on_problem=lines.append)) == RIGHT[name]
    assert lines == []


def test_a_decomposed_name_finds_its_composed_sidecar():
    (video,) = (path for path in CASES.glob("nfd*.mp4"))
    assert video.name != unicodedata.normalize("NFC", video.name)
    assert told(read_subtitles(video)) == [(2, 5, "Umlaut name differs in form.", "", "dialogue")]


def test_a_page_named_srt_is_an_error_in_one_line():
    with pytest.raises(SubtitleError, match=r"htmlside\.srt holds no readable subtitle") as error:
        read_subtitles(CASES / "htmlside.mp4")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("isolated", [True, False])
def test_a_bad_cue_and_an_unreadable_file_beside_a_good_one_are_told_in_a_line_each(tmp_path, isolated):
    from lvqa.media import Limits, use_limits

    shutil.copy(CASES / "ep.mp4", tmp_path / "a.mp4")
    good, bad = "1\n00:00:02,000 --> 00:00:05,000\nGood.\n\n", "2\n00:99:02,000 --> 00:00:09,000\nBad.\n\n"
    (tmp_path / "a.srt").write_text(good + bad)
    (tmp_path / "a.en.vtt").write_text("<html>404</html>")
    lines: list[str] = []
    use_limits(Limits(isolate=isolated))
    try:
        cues = read_subtitles(tmp_path / "a.mp4", on_problem=lines.append)
    finally:
        use_limits(None)
    assert [cue.text for cue in cues] == ["Good."]
    assert len(lines) == 2
    assert [line for line in lines if "a.srt: 1 of 2 cues cannot be read, the first in line 6" in line]
    assert [line for line in lines if "a.en.vtt holds no readable subtitle" in line]
