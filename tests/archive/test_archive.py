"""The Python API: an archive from its folder to its answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lvqa import Answer, Archive, Span, Step, UsageError
from lvqa.models.profiles import Models


def test_making_an_archive_writes_nothing_and_loads_nothing(folder: Path) -> None:
    archive = Archive(folder)
    assert not archive.exists
    assert not (folder / ".lvqa").exists()


def test_index_search_ask(folder: Path, models: Models) -> None:
    archive = Archive(str(folder), models=models)
    report = archive.index()
    assert (report.indexed, report.failed) == (2, [])
    hits = archive.search("carton of milk", k=3)
    assert hits[0].video == "kitchen.mp4"
    assert hits[0].span == Span(2, 4)
    answer = archive.ask("What does she take out?", options=["a bone", "a carton of milk"])
    assert answer.choice == 1
    assert answer.evidence[0].video == "kitchen.mp4"
    assert answer.evidence[0].span.overlaps(Span(2, 4))
    assert 0 <= answer.confidence <= 1


def test_indexing_again_changes_nothing(archive: Archive) -> None:
    before = archive.status()
    report = archive.index()
    assert (report.indexed, report.unchanged) == (0, 2)
    after = archive.status()
    assert {**after, "bytes": 0} == {**before, "bytes": 0}


def test_ask_tells_of_every_step_and_stream_ends_with_the_answer(archive: Archive) -> None:
    told: list[Step] = []
    answer = archive.ask("What does the dog dig up?", on_step=told.append)
    *steps, last = archive.stream("What does the dog dig up?")
    assert isinstance(last, Answer)
    assert [s.node for s in told] == [s.node for s in steps if isinstance(s, Step)]
    assert last.text == answer.text
    assert last.evidence == answer.evidence


def test_the_same_question_has_the_same_answer(archive: Archive, folder: Path, models: Models) -> None:
    one = archive.ask("What does the dog dig up?", seed=3)
    two = Archive(folder, models=models).ask("What does the dog dig up?", seed=3)
    assert {**one.to_dict(), "cost": 0} == {**two.to_dict(), "cost": 0}


def test_filters(archive: Archive) -> None:
    assert {h.video for h in archive.search("the", videos=["garden.mp4"])} == {"garden.mp4"}
    assert {h.video for h in archive.search("the", videos=["*.mp4"])} == {"garden.mp4", "kitchen.mp4"}
    assert all(h.span.overlaps(Span(4, 6)) for h in archive.search("she", between=(4, 6)))
    assert archive.search("she", between=Span(4, 6))
    assert archive.search("the", sources=["screen"]) == []
    answer = archive.ask("What happens?", videos=["garden.mp4"])
    assert {e.video for e in answer.evidence} <= {"garden.mp4"}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda a: a.ask(" "), "question is empty"),
        (lambda a: a.search(""), "query is empty"),
        (lambda a: a.stream(""), "question is empty"),
        (lambda a: a.search("x", k=0), "at least 1"),
        (lambda a: a.ask("Why?", options=["one"]), "two options"),
        (lambda a: a.ask("Why?", options=["one", " "]), "option is empty"),
        (lambda a: a.ask("Why?", videos=["x.mp4"]), "no video 'x.mp4'"),
        (lambda a: a.search("x", between=(3, 2)), "bad time range"),
        (lambda a: a.search("x", sources=["gossip"]), "there are: caption"),
        (lambda a: a.show("*.mp4"), "names 2 videos"),
        (lambda a: a.import_captions("nope.jsonl"), "no file"),
    ],
)
def test_calls_that_make_no_sense(archive: Archive, call: Callable[[Archive], object], words: str) -> None:
    with pytest.raises(UsageError, match=words.replace("*", r"\*")):
        call(archive)


def test_an_archive_needs_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, words in (("", "empty"), ("  ", "empty"), (tmp_path / "no", "no folder"), (tmp_path / "file", "a file")):
        with pytest.raises(UsageError, match=words):
            Archive(name)
    with pytest.raises(UsageError, match="index folder's name is empty"):
        Archive(tmp_path, archive_dir="")
    with pytest.raises(UsageError, match="bad setting: sample_fps"):
        Archive(tmp_path, sample_fps=0)


def test_a_home_folder_is_understood(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    assert Archive("~/videos").folder == folder


def test_settings_come_from_arguments_environment_and_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".lvqa").mkdir()
    (folder / ".lvqa" / "settings.toml").write_text("top_k = 3\nrounds = 3\n")
    monkeypatch.setenv("LVQA_ROUNDS", "4")
    settings = Archive(folder, explore=0.5).settings
    assert (settings.top_k, settings.rounds, settings.explore) == (3, 4, 0.5)


def test_the_index_may_lie_elsewhere(folder: Path, tmp_path: Path, models: Models) -> None:
    archive = Archive(folder, archive_dir=tmp_path / "elsewhere", models=models)
    archive.index()
    assert not (folder / ".lvqa").exists()
    assert archive.search("milk")
    with pytest.raises(UsageError, match="no index"):
        Archive(folder, models=models).search("milk")


def test_show_and_remove(archive: Archive, folder: Path) -> None:
    report = archive.show("kitchen")
    assert report.video.path == "kitchen.mp4"
    assert next(n.text for n in report.notes if n.source == "speech") == "She opens the fridge."
    assert report.clips
    removed = archive.remove("kitchen.mp4")
    assert removed.videos == 1
    assert [v.path for v in archive.videos()] == ["garden.mp4"]
    assert "kitchen.mp4" not in {h.video for h in archive.search("milk fridge glass")}
    assert (folder / "kitchen.mp4").is_file()


def test_imported_captions_are_found_beside_videos(archive: Archive, tmp_path: Path) -> None:
    lines = tmp_path / "more.jsonl"
    lines.write_text(json.dumps({"video": "kitchen.mp4", "start_s": 1, "end_s": 2, "text": "a purple teapot"}) + "\n")
    archive.import_captions(lines)
    (hit, *_) = archive.search("purple teapot")
    assert (hit.video, hit.span, hit.note.source) == ("kitchen.mp4", Span(1, 2), "imported")


def test_closed_archives_open_again(archive: Archive) -> None:
    with archive as opened:
        assert opened.search("milk")
    assert archive.search("milk")
    archive.close()
    archive.close()


def test_an_archive_can_be_asked_from_several_threads(archive: Archive) -> None:
    archive.search("milk")
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(archive.search("milk")[0].video)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["kitchen.mp4"] * 6


def test_queries_are_embedded_with_what_embedded_the_notes(folder: Path) -> None:
    from lvqa.models.fake import FakeEmbedder

    Archive(folder, models=Models.of(embedder=FakeEmbedder(name="st:held"))).index()
    with pytest.raises(UsageError, match="embedded with st:held, not with st:other"):
        Archive(folder, models=Models.of(embedder=FakeEmbedder(name="st:other"))).search("milk")
    with pytest.raises(UsageError, match="--embedder st:held"):
        Archive(folder, profile="text", embedder="minilm").search("milk")
    unsaid = Archive(folder, profile="text")
    unsaid._match_embedder()
    assert unsaid.models.names["embedder"] == "st:held"
    assert Archive(folder, profile="text", embedder="none").search("milk")[0].video == "kitchen.mp4"


def test_an_index_is_not_filled_from_another_folder(
    folder: Path, models: Models, tmp_path: Path, make_video: Callable[..., Path]
) -> None:
    index = tmp_path / "index"
    Archive(folder, archive_dir=index, models=models).index()
    held = [v.path for v in Archive(folder, archive_dir=index).videos()]
    other = tmp_path / "other"
    other.mkdir()
    make_video(other / "x.mp4", "a")
    with pytest.raises(UsageError, match=r"is that of .*, not of .*other"):
        Archive(other, archive_dir=index, models=models).index()
    assert [v.path for v in Archive(folder, archive_dir=index).videos()] == held
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert Archive(link, archive_dir=index, models=models).index().unchanged == len(held)
    link.unlink()
    moved = folder.rename(tmp_path / "moved")
    assert Archive(moved, archive_dir=index, models=models).index().unchanged == len(held)


def test_an_answer_rests_on_the_kinds_of_notes_that_were_allowed(archive: Archive) -> None:
    asked = "What does she take out of the fridge?"
    heard = archive.ask(asked, sources=["speech"])
    assert {piece.source for piece in heard.evidence} == {"speech"}
    assert not archive.ask(asked, sources=["imported"]).evidence
    with pytest.raises(UsageError, match="smell"):
        archive.ask(asked, sources=["smell"])


def test_a_twin_reads_the_same_index_with_the_same_models(archive: Archive) -> None:
    with archive.twin() as twin:
        assert twin.models is archive.models
        assert twin.store is not archive.store
        assert [video.id for video in twin.videos()] == [video.id for video in archive.videos()]
    assert archive.videos()


def test_only_some_videos_are_indexed(folder: Path, models) -> None:
    made = Archive(folder, models=models, profile="text")
    made.index(only=["garden.mp4"])
    assert [video.path for video in made.videos()] == ["garden.mp4"]
