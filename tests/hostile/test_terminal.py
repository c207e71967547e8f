"""What the command line prints: no hostile text reaches the terminal as anything but text, and a line stays a line."""

from __future__ import annotations

import functools
import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lvqa import Archive
from lvqa.agents.steps import NoTargetsStep
from lvqa.archive import archive as archives
from lvqa.characters import BIDI
from lvqa.cli import main, output
from lvqa.cli.shared import progress_bar
from lvqa.models.fake import FakeEmbedder, FakeImageEmbedder, FakeReader, FakeVision
from lvqa.models.profiles import Models
from lvqa.types import Answer, Evidence, Span

FORBIDDEN = {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029", *BIDI} - {"\n"}


def models(said: str = "a wall", yes: float = 0.9) -> Models:
    vision = FakeVision(said, yes)
    return Models.of(vision=vision, embedder=FakeEmbedder(), image_embedder=FakeImageEmbedder(), ocr=FakeReader())


def names_on_disk(texts: Any) -> list[str]:
    """Hostile names that a file can have."""
    known = [*texts.PATHS.values(), texts.TEXTS["terminal: bidi"], texts.TEXTS["markup: rich"].replace("/", "-")]
    return [
        f"{name.removesuffix('.mp4')}.mp4"
        for name in known
        if name[0] != "." and not {"/", "\0"} & set(name) and len(name) < 200
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, film: Callable[[Path], Path], texts: Any) -> Path:
    """Files with hostile names, and an imported caption of each text, under its own name where that may be one."""
    place = tmp_path_factory.mktemp("videos")
    for name in names_on_disk(texts):
        film(place / name)
    rows = [
        {"video": "plain.mp4", "start_s": 3 * n, "end_s": 3 * n + 2, "text": f"kite {text}"}
        for n, text in enumerate(texts.TEXTS.values())
    ]
    refused = {"terminal: nul", "terminal: surrogate", "terminal: long", "terminal: long words", "terminal: marks"}
    refused |= {"path: up", "path: root", "path: back", "path: too long"}
    rows += [
        {"video": text, "start_s": 0, "end_s": 2, "text": f"kite {text}"}
        for name, text in texts.TEXTS.items()
        if name not in refused
    ]
    captions = place / "captions.jsonl"
    captions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with Archive(place, models=models(), clip_max_s=8) as archive:
        report = archive.index()
        assert not report.failed
        assert report.indexed == len(names_on_disk(texts))
        archive.import_captions(captions)
    return place


@dataclass
class Done:
    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.removesuffix("\n").split("\n")

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def lvqa(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Run a command line in this process, with fake models; what it prints must be safe, whatever it is."""

    def run(*argv: str | Path, said: str = "a wall") -> Done:
        monkeypatch.setattr(archives, "Archive", functools.partial(Archive, models=models(said)))
        capsys.readouterr()
        status = main([str(a) for a in argv])
        captured = capsys.readouterr()
        for printed in (captured.out, captured.err):
            assert not FORBIDDEN & set(printed), (argv, sorted(FORBIDDEN & set(printed)))
            assert flood(printed) <= 9, argv
            printed.encode("utf-8")
        return Done(status, captured.out, captured.err)

    return run


def flood(text: str) -> int:
    """The longest run of combining marks."""
    longest = run = 0
    for character in text if not text.isascii() else "":
        run = run + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        longest = max(longest, run)
    return longest


def test_this_would_notice(folder, lvqa, monkeypatch):
    real = output.out
    monkeypatch.setattr(output, "out", lambda *lines: real(*(f"{line}\x1b[31m" for line in lines)))
    with pytest.raises(AssertionError):
        lvqa("status", folder)


def test_everything_that_shows_the_archive(folder, lvqa, texts):
    with Archive(folder) as archive:
        videos = [video.path for video in archive.videos()]
    assert len(videos) > 70
    done = lvqa("videos", folder)
    assert (done.status, len(done.lines)) == (0, len(videos))
    listed = lvqa("videos", folder, "--json").json
    assert [row["video"] for row in listed] == videos
    done = lvqa("status", folder)
    assert done.status == 0
    passed = lvqa("status", folder, "--json").json["passed_over"]
    assert len(done.lines) == 8 + len(passed)
    assert lvqa("status", folder, "--json").json["videos"]["indexed"] == len(videos)


def test_one_video_after_another(folder, lvqa):
    with Archive(folder) as archive:
        videos = [video.path for video in archive.videos()]
    for path in videos:
        done, told = lvqa("show", folder, "--", path), lvqa("show", folder, "--json", "--", path).json
        assert done.status == 0, done.err
        segments = len(told["segments"]) if len(told["segments"]) > 1 else 0
        assert len(done.lines) == 1 + (told["summary"] is not None) + segments + len(told["notes"]), path
        assert told["video"]["video"] == path


def test_searches(folder, lvqa, texts):
    for query in ("kite", *list(texts.TEXTS.values())[::2]):
        done = lvqa("search", folder, "-k", "12", "--", query)
        assert done.status == 0, done.err
        found = lvqa("search", folder, "-k", "12", "--json", "--", query).json
        assert len(done.lines) == max(1, len(found)), query[:80]
        for hit in found:
            assert set(hit) == {
                "video", "start_s", "end_s", "text", "source", "score", "window_start_s", "window_end_s"
            }  # fmt: skip


def test_answers_with_their_steps(hostile, folder, lvqa):
    asked = ("--steps", "--budget-frames", "4", "--option", hostile, "--option", "a kite")
    done = lvqa("ask", folder, *asked, "--", "What is that thing?", said=hostile)
    assert done.status == 0, done.err
    steps = done.err.removesuffix("\n").split("\n")
    assert {line.split(":")[0].strip() for line in steps} <= {
        "plan", "recall", "zoom", "inspect", "compute", "answer", "verify"
    }  # fmt: skip
    found = lvqa("ask", folder, *asked, "--json", "--", "What is that thing?", said=hostile).json
    assert found["choice"] in (None, 0, 1)
    between = bool(found["abstained"] and found["evidence"])
    assert len(done.lines) == 1 + between + len(found["evidence"]) + 1
    assert max(map(len, done.lines)) < 5000
    assert {step["node"] for step in found["steps"]} <= {*(line.split(":")[0].strip() for line in steps)}


def test_things_found_in_files_of_hostile_names(folder, lvqa, texts, tmp_path):
    names = names_on_disk(texts)
    given = ("--budget-frames", "24", "-k", str(len(names)))
    done = lvqa(
        "find", folder, *given, "--thumbnails", tmp_path / "t", "--plot", tmp_path / "p.png", "--", "red \x1b[1m"
    )
    assert done.status == 0, done.err
    sights = lvqa("find", folder, *given, "--json", "--", "red \x1b[1m").json["sights"]
    assert len(done.lines) == len(sights) + 1
    assert {sight["video"] for sight in sights} <= set(names)
    pictures = list((tmp_path / "t").iterdir())
    assert len(pictures) == len(sights)
    assert {path.parent for path in tmp_path.rglob("*.jpg")} == {tmp_path / "t"}


@pytest.mark.parametrize("name", ["lone \ud800", "\x1b[2J", "a\nb", "\u202egpj.exe", "z" + "\u0301" * 500])
def test_complaints_are_one_line(name, folder, lvqa, tmp_path):
    for argv in (
        ("show", folder, "--", f"no such {name}"),
        ("search", folder, "x", "--video", f"no such {name}"),
        ("ask", folder, "x", "--option", name),
        ("status", tmp_path / name.replace("\ud800", "")),
        ("import", folder, tmp_path / name.replace("\ud800", "")),
        ("search", folder, "x", "--between", name),
        ("search", folder, "x", "--source", name),
        ("search", folder, "x", name),
    ):
        done = lvqa(*argv)
        assert done.status in (1, 2)
        assert done.out == ""
        assert done.err.startswith("lvqa: ")
        assert done.err.count("\n") == 1


def test_errors_tell_names_as_text(folder):
    with Archive(folder) as archive, pytest.raises(ValueError, match="there is no video") as told:
        archive.show("no such")
    assert not FORBIDDEN & set(str(told.value))


def test_lines_of_an_answer_made_of_nothing_else(hostile):
    evidence = [Evidence(hostile, Span(1, 2), hostile, "screen", 0.5)]
    lines = output.answer_lines(Answer(hostile, None, 0.5, "answered", evidence))
    lines += [output.step_line(NoTargetsStep(hostile)), *output.moments([(hostile, Span(0, 1), hostile, "seen")])]
    assert len(lines) == 5
    for line in lines:
        assert not (FORBIDDEN | {"\n"}) & set(line)
        line.encode("utf-8")


def test_a_name_without_end_does_not_push_the_others_away():
    rows = output.table([("a.mp4", "x"), ("n" * 5000, "y"), ("bb.mp4", "z")])
    assert [len(row) for row in rows] == [11, 5005, 11]


def test_messages_of_the_progress_bar_are_no_markup(texts, capsys):
    with progress_bar() as progress:
        for text in texts.TEXTS.values():
            progress.message(text)
    err = capsys.readouterr().err
    assert not FORBIDDEN & set(err)
    assert err.count("\n") == len(texts.TEXTS)
    assert texts.MARKUP["rich"] in err
