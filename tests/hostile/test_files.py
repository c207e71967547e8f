"""What is read and written as files: captions, subtitles, the index and its search, JSON, reports."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lvqa import Archive, UsageError
from lvqa.archive.results import thumbnailer
from lvqa.eval.lab.search import report as search_report
from lvqa.eval.runner import tables
from lvqa.media.decoding.subtitles import parse_file
from lvqa.models.fake import FakeEmbedder, FakeReader, FakeVision
from lvqa.models.profiles import Models
from lvqa.phrasing import markdown_cell
from lvqa.store import Store
from lvqa.types import Span, Video

REFUSED = ("terminal: nul", "terminal: surrogate", "terminal: long", "terminal: long words", "terminal: marks")
REFUSED += ("path: up", "path: root", "path: back", "path: too long")
SEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\U000e0000-\U000e0fff]"
)


@pytest.fixture
def take(tmp_path: Path) -> Callable[..., Archive]:
    """Import lines into an archive of a folder of its own."""

    def run(*lines: object) -> Archive:
        folder = tmp_path / "videos"
        folder.mkdir(exist_ok=True)
        path = tmp_path / "captions.jsonl"
        path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
        archive = Archive(folder, models=Models.of(embedder=FakeEmbedder()))
        archive.import_captions(path)
        return archive

    return run


def row(video: str, text: str, start_s: Any = 0, end_s: Any = 2) -> dict[str, Any]:
    return {"video": video, "start_s": start_s, "end_s": end_s, "text": text}


def test_captions_come_in_as_they_are_but_for_what_cannot_be_seen(take, texts):
    archive = take(*[row("a.mp4", f"x {text}", 3 * n, 3 * n + 2) for n, text in enumerate(texts.TEXTS.values())])
    notes = archive.show("a.mp4").notes
    assert len(notes) == len(texts.TEXTS)
    for note, text in zip(notes, texts.TEXTS.values(), strict=True):
        assert not SEEN.search(note.text)
        assert len(note.text) <= len(text) + 2
    by_name = dict(zip(texts.TEXTS, notes, strict=True))
    for name in ("instruction: ignore", "fence: json", "markup: attribute", "syntax: sql", "hole: hole"):
        assert by_name[name].text == "x " + " ".join(texts.TEXTS[name].split())


def test_a_name_that_leads_out_of_the_folder_is_refused(take, texts):
    for name, text in texts.TEXTS.items():
        if name in REFUSED:
            with pytest.raises(UsageError, match="line 1: video must be the name of a file, or its path below"):
                take(row(text, "kite"))
        else:
            assert take(row(text, "kite")).show(text).video.path == text.strip()
    for text in ("..", "a/../b.mp4", "/", "\\\\host\\x", "a/\0", "a/.."):
        with pytest.raises(UsageError, match="its path below the folder"):
            take(row(text, "kite"))
    assert take(row("a/b..mp4", "kite")).show("a/b..mp4").video.path == "a/b..mp4"


@pytest.mark.parametrize(
    "line",
    [
        '{"video": "a", "start_s": 0, "end_s": 1' + "0" * 4000 + ', "text": "x"}',
        '{"video": "a", "start_s": 0, "end_s": 1e999, "text": "x"}',
        '{"video": "a", "start_s": 0, "end_s": NaN, "text": "x"}',
        '{"video": "a", "start_s": 0, "end_s": ' + "9" * 5000 + ', "text": "x"}',
        '{"video": "a", "start_s": 0, "end_s": true, "text": "x"}',
        '{"video": ["a"], "start_s": 0, "end_s": 1, "text": "x"}',
        '{"video": "a", "start_s": 0, "end_s": 1, "text": {"x": 1}}',
        '{"video": "a", "start_s": 0, "end_s": 1, "text": "\\u200b\\u202e"}',
        "[" * 100_000,
        '{"video": "a"}\u2028{"video": "b"}',
    ],
)
def test_a_line_that_holds_no_caption_is_named(line, take):
    with pytest.raises(UsageError, match="line 2: "):
        take(row("a.mp4", "x"), line)


def test_one_caption_stays_one(take, texts):
    archive = take(row("a.mp4", texts.SYNTAX["jsonl"]), row("a.mp4", texts.SYNTAX["csv"], 4, 6))
    assert [video.path for video in archive.videos()] == ["a.mp4"]
    assert len(archive.show("a.mp4").notes) == 2


def test_subtitles_are_text(tmp_path, texts):
    cues = [" ".join(text.split()) or "x" for text in texts.TEXTS.values()]
    blocks = [f"{n + 1}\n00:{n:02d}:00,000 --> 00:{n:02d}:02,000\nx {cue}\n" for n, cue in enumerate(cues[:59])]
    path = tmp_path / "a.srt"
    path.write_text("\n".join(blocks), encoding="utf-8", errors="replace")
    found = parse_file(path).cues
    assert len(found) == 59
    assert [cue.span for cue in found] == [Span(60 * n, 60 * n + 2) for n in range(59)]
    assert all("\n" not in cue.text for cue in found)


def test_speech_and_signs_come_in_clean(tmp_path, film, texts):
    film(tmp_path / "a.mp4")
    said = texts.TERMINAL["cursor"].replace("\x1b", "\x1b&#27;&#x202e;")
    (tmp_path / "a.srt").write_text(f"1\n00:00:01,000 --> 00:00:03,000\n{said}\n", encoding="utf-8")
    signs = iter([*texts.TERMINAL.values()] * 20)
    vision = FakeVision(lambda request: texts.TERMINAL["device"] + texts.TERMINAL["bidi"])
    models = Models.of(vision=vision, ocr=FakeReader(lambda frame: next(signs)))
    with Archive(tmp_path, models=models, clip_max_s=4) as archive:
        assert not archive.index().failed
        notes = archive.show("a.mp4").notes
        assert {note.source for note in notes} == {"caption", "screen", "speech"}
        for note in notes:
            assert not SEEN.search(note.text.replace("\n", ""))
        summary = archive.show("a.mp4").summary
        assert summary is not None
        assert not SEEN.search(summary.text)


def test_any_text_can_be_searched_for(hostile, index, texts):
    found = index.notes.search(hostile, 5)
    assert len(found) <= 5
    assert all(score >= 0 for _, score in found)
    assert index.videos.find(f"%{hostile}") == []
    assert len(index.videos.find(hostile)) == (hostile == "*"), "a star alone is every name"
    assert len(index.notes.search("kite", 500)) == len(texts.TEXTS)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, note: Any, texts: Any) -> Iterator[Store]:
    with Store.open(tmp_path_factory.mktemp("index"), write=True) as store:
        with store.atomic():
            store.videos.put(Video("v", "a.mp4", "v", 500.0))
            store.notes.put([note("v", n, n + 1, f"kite {text}") for n, text in enumerate(texts.TEXTS.values())])
        yield store


def test_a_quoted_operator_is_a_word(index, texts):
    for query in (
        "NEAR(kite x, 5)",
        "kite AND NOT kite",
        "text:kite",
        "kite*",
        '"kite',
        "^kite",
        "-kite",
        "{a b}: kite",
    ):
        assert len(index.notes.search(query, 500)) == len(texts.TEXTS)


def test_json_of_an_archive_comes_back_as_it_went(take, texts):
    archive = take(*[row("a.mp4", f"kite {text}", 3 * n, 3 * n + 2) for n, text in enumerate(texts.TEXTS.values())])
    hits = [hit.to_dict() for hit in archive.search("kite", k=100)]
    answer = archive.ask("What about the kite?")
    for value in (hits, answer.to_dict(), [step.to_dict() for step in answer.steps], archive.status()):
        written = json.dumps(value, ensure_ascii=True, allow_nan=False)
        assert written.isascii()
        assert json.loads(written) == json.loads(json.dumps(value))


def test_pictures_of_names_that_are_no_files(tmp_path, texts):
    picture = thumbnailer(tmp_path)
    for text in texts.TEXTS.values():
        assert picture(text, 0.0) is None


def cells(line: str) -> list[str]:
    """The cells of a row of a Markdown table: a bar that is not escaped ends one."""
    assert line.startswith("| ")
    assert line.endswith(" |")
    return re.findall(r"((?:\\.|[^|\\])*)\|", line[1:])


def test_a_cell_of_a_report_stays_a_cell(hostile):
    table = [["type", "n"], [hostile, "1"], ["plain", hostile]]
    made = tables.markdown(table)
    assert len(made) == 4
    for line in made:
        assert len(cells(line)) == 2
        assert len(line.splitlines()) == 1
        assert not re.search(r"(?<!\\)(?:\\\\)*`", line)
        assert "<" not in line
        assert "](" not in line


def test_an_ordinary_cell_reads_as_before():
    assert markdown_cell("0.90 [0.80, 1.00] ± 0.01 (a_b)") == "0.90 [0.80, 1.00] ± 0.01 (a_b)"
    assert markdown_cell("a|b\\|c `d` <e> [f](g)\nh") == "a\\|b\\\\\\|c \\`d\\` &lt;e> [f]\\(g) h"


def test_a_system_of_a_hostile_name_is_one_row_of_the_search_report(hostile, monkeypatch):
    monkeypatch.setattr(search_report, "table_of", lambda rows, group: [["system", "recall"], [hostile, "1"]])
    monkeypatch.setattr(search_report, "needs_lines", lambda rows: [])

    class Outcome:
        folder, minutes, worlds, rows = Path("nowhere"), 1, (1,), ()

    page = search_report.page(Outcome()).splitlines()  # type: ignore[arg-type]
    rows = [line for line in page if line.startswith("|")]
    assert len(rows) == 3 * len(search_report.GROUPS)
    assert {len(cells(line)) for line in rows} == {2}
