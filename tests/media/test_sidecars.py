"""Which subtitle file belongs to which video, by their names alone."""

from __future__ import annotations

import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvqa.media.language_names import charsets_of, language_code
from lvqa.media.sidecars import SUFFIXES, Label, label_of, sidecars_in, track_label

# How people set a word off from the name before it.
FORMS = (".{}", "_{}", "-{}", " {}", ".[{}]", " ({})", " - {}", "[{}]", ".{{{}}}", "__{}")
LANGUAGES = {
    "en": "en", "EN": "en", "eng": "en", "English": "en", "de": "de", "ger": "de", "Deutsch": "de", "fre": "fr",
    "français": "fr", "es": "es", "Español": "es", "pt-BR": "pt-br", "pt_br": "pt-br",
    "pob": "pt", "zh-Hans": "zh-hans",
    "zh_TW": "zh-tw", "chs": "zh", "Chinese": "zh", "ja": "ja", "jpn": "ja", "日本語": "ja", "ru": "ru", "hi": "hi",
    "es-419": "es-419", "no": "no",
}  # fmt: skip
FLAGS = {
    "": "full", "default": "full", "full": "full", "non-forced": "full", "sdh": "sdh", "SDH": "sdh", "cc": "sdh",
    "hi": "sdh", "hearing impaired": "sdh", "forced": "signs", "Forced": "signs", "foreign": "signs", "signs": "signs",
    "Signs & Songs": "signs", "commentary": "signs", "lyrics": "signs", "karaoke": "signs",
    "Directors Commentary": "signs", "full signs": "full", "full commentary": "signs",
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_languages_and_flags_in_any_form(form):
    for (language, code), (flag, kind) in itertools.product(LANGUAGES.items(), FLAGS.items()):
        if (language, flag) != ("hi", "hi"):
            after = form.format(language) + (form.format(flag) if flag else "")
            label = label_of(after)
            assert label is not None, after
            assert (label.language, label.kind) == (code, kind), after


@pytest.mark.parametrize("flag", [flag for flag in FLAGS if flag and " " not in flag and flag != "hi"])
def test_a_flag_may_stand_first_or_alone(flag):
    alone, first = label_of(f".{flag}"), label_of(f".{flag}.en")
    assert (alone.language, alone.kind) == ("", FLAGS[flag])
    assert (first.language, first.kind) == ("en", FLAGS[flag])


@given(st.permutations(["en", "forced", "default", "track3", "utf8"]), st.sampled_from("._- "))
def test_flags_come_in_any_order(words, mark):
    assert label_of(mark + mark.join(words)) == Label("en", "signs")


@pytest.mark.parametrize(
    "rest",
    ["ative", " 2", ".part two", ".cd1", "-in", "_extended", ".2019.1080p", ".sample", " part 2 en", ".chapters"],
)
def test_the_rest_of_another_name_is_no_label(rest):
    assert label_of(rest) is None


@pytest.mark.parametrize("folder", ["", "Subs/", "subs/", "Subtitles/", "SUBTITLES/"])
@pytest.mark.parametrize("form", ["{stem}", "{stem}.en", "{name}", "{name}.en", "{upper}", "{upper}_EN", "{other}"])
@pytest.mark.parametrize("suffix", [".srt", ".SRT", ".vtt"])
def test_places_and_forms_of_a_name(tmp_path, folder, form, suffix):
    video = "Übung eins.mp4"
    (tmp_path / video).touch()
    (tmp_path / folder).mkdir(exist_ok=True)
    stem = video[:-4]
    decomposed = unicodedata.normalize("NFD", stem)
    (tmp_path / f"{folder}{form.format(stem=stem, name=video, upper=stem.upper(), other=decomposed)}{suffix}").touch()
    (sidecar,) = sidecars_in(tmp_path)[video]
    assert sidecar.label == Label("en" if "en" in form.lower().split("}")[1] else "")


def test_files_named_by_their_language_alone(tmp_path):
    for name in ("a.mp4", "b.mp4", "Subs/a/2_English.srt", "Subs/a/3_French.forced.srt", "Subs/b/English.srt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "Subs/German.srt").touch()  # of which of the two it is, nobody knows
    found = sidecars_in(tmp_path)
    labels = {video: [(s.label.language, s.label.kind) for s in files] for video, files in found.items()}
    assert labels == {"a.mp4": [("en", "full"), ("fr", "signs")], "b.mp4": [("en", "full")]}
    (tmp_path / "b.mp4").unlink()
    assert "de" in {s.label.language for s in sidecars_in(tmp_path)["a.mp4"]}


VIDEOS = ("ep.mp4", "ep.en.mp4", "ep.en.part.mkv", "Ep 2.avi", "talk.mp4", "talk.mkv")
NAMES = (
    "ep.srt",
    "ep.en.srt",
    "ep.en.part.srt",
    "ep.en.part.de.srt",
    "Ep 2.srt",
    "ep 2_fr.ass",
    "ep.mp4.srt",
    "talk.vtt",
)


@given(st.lists(st.sampled_from(VIDEOS), unique=True), st.lists(st.sampled_from(NAMES), unique=True))
def test_each_file_belongs_to_one_video_alone(tmp_path_factory, videos, names):
    folder = tmp_path_factory.mktemp("names")
    for name in [*videos, *names]:
        (folder / name).touch()
    found = sidecars_in(folder)
    owned = list(itertools.chain(*found.values()))
    assert len({sidecar.path for sidecar in owned}) == len(owned)
    for video, files in found.items():
        for sidecar in files:
            longer = [v for v in videos if sidecar.path.name.casefold().startswith(f"{v[:-4]}.".casefold())]
            assert len(video) >= max(map(len, longer), default=0)


def test_the_longest_name_wins(tmp_path):
    for name in ("ep.mp4", "ep.en.mp4", "ep.en.srt", "ep.en.de.srt", "ep.fr.srt"):
        (tmp_path / name).touch()
    names = {video: [s.path.name for s in files] for video, files in sidecars_in(tmp_path).items()}
    assert names == {"ep.en.mp4": ["ep.en.de.srt", "ep.en.srt"], "ep.mp4": ["ep.fr.srt"]}


def test_of_two_videos_of_one_name_the_first_has_the_file_unless_it_names_the_other(tmp_path):
    for name in ("talk.mkv", "talk.mp4", "talk.srt", "talk.mp4.en.srt"):
        (tmp_path / name).touch()
    names = {video: [s.path.name for s in files] for video, files in sidecars_in(tmp_path).items()}
    assert names == {"talk.mkv": ["talk.srt"], "talk.mp4": ["talk.mp4.en.srt"]}


def test_folders_and_other_files_are_no_subtitles(tmp_path):
    (tmp_path / "a.mp4").touch()
    (tmp_path / "a.srt").mkdir()
    for name in ("a.txt", "a.nfo", "a.jpg", "b.srt"):
        (tmp_path / name).touch()
    assert sidecars_in(tmp_path) == {}
    assert sidecars_in(tmp_path / "none") == {}


def test_a_file_that_is_a_video_by_its_content_has_its_own(tmp_path):
    for name in ("film", "film.srt"):
        (tmp_path / name).touch()
    assert sidecars_in(tmp_path) == {}
    assert [s.path.name for s in sidecars_in(tmp_path, ["film"])["film"]] == ["film.srt"]


@pytest.mark.parametrize(
    ("language", "title", "kind", "right"),
    [
        ("eng", "", "full", Label("en")),
        ("und", "", "full", Label("")),
        ("ger", "Forced", "full", Label("de", "signs")),
        ("eng", "Signs / Songs", "full", Label("en", "signs")),
        ("eng", "Full (dialogue, signs)", "full", Label("en")),
        ("eng", "English [SDH]", "full", Label("en", "sdh")),
        ("eng", "Commentary with the director", "full", Label("en", "signs")),
        ("eng", "", "signs", Label("en", "signs")),
        ("eng", "English", "sdh", Label("en", "sdh")),
        ("pt-BR", "", "full", Label("pt-br")),
        ("xyz", "", "full", Label("xyz")),
    ],
)
def test_what_a_track_inside_says_of_itself(language, title, kind, right):
    assert track_label(language, title, kind) == right


def test_suffixes_and_languages():
    assert {".srt", ".vtt", ".ass", ".ssa", ".sbv", ".ttml", ".smi", ".sub", ".lrc", ".json3"} <= SUFFIXES
    assert {language_code(word) for word in ("ger", "deu", "german", "de")} == {"de"}
    assert language_code("nothing") == ""
    assert charsets_of("zh-tw")[0] == "big5hkscs"
    assert charsets_of("zh")[0] == "gb18030"
    assert charsets_of("") == []
    assert charsets_of("xx") == ["cp1252"]
