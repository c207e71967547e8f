"""Ready-made captions: read strictly, matched to files where there are some, taken in once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lvqa.errors import UsageError
from lvqa.indexers import ImportReport, import_captions
from lvqa.store import Filter
from lvqa.types import Span

RED = (255, 0, 0)
IMPORTED = Filter(sources=frozenset(["imported"]))


@pytest.fixture
def take(kit: Any, tmp_path: Path) -> Callable[..., ImportReport]:
    """Write lines (dicts or raw text) to a file and import it."""

    def take(*lines: Any, **more: Any) -> ImportReport:
        path = tmp_path / "captions.jsonl"
        path.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines), encoding="utf-8")
        with kit.store(write=True) as store:
            return import_captions(path, kit.folder, store, kit.embedder, **{"summaries": "none", **more})

    return take


def line(video: str, start_s: float, end_s: float, text: str) -> dict[str, Any]:
    return {"video": video, "start_s": start_s, "end_s": end_s, "text": text}


def test_captions_without_files_are_found_and_embedded(kit: Any, take: Callable[..., ImportReport]) -> None:
    report = take(line("x/1", 0, 2.5, "a dog runs"), line("x/1", 2.5, 5, "a cat sleeps"), line("y", 0, 1, "a dog"))
    assert (report.captions, report.notes, report.embeddings, report.videos, report.without_file) == (3, 3, 3, 2, 2)
    with kit.store() as store:
        assert [(v.path, v.duration_s, v.width) for v in store.videos.all()] == [("x/1", 5, 0), ("y", 1, 0)]
        (hit, _), *_ = store.notes.search("cat", 3)
        (note,) = store.notes.get_many([hit])
        assert (note.span, note.text, note.source, note.model) == (Span(2.5, 5), "a cat sleeps", "imported", "")
        assert [c.id for c in store.clips.of(note.video_id)][1] == note.clip_id
        assert store.vectors.missing("fake:embedder") == []


def test_the_same_captions_again_change_nothing(kit: Any, take: Callable[..., ImportReport]) -> None:
    lines = [line("v", k, k + 1, f"scene {k}") for k in range(30)]
    take(*lines)
    before, calls = kit.rows(), len(kit.embedder.calls)
    again = take(*lines, *lines)
    assert (again.notes, again.embeddings) == (0, 0)
    assert kit.rows() == before
    assert len(kit.embedder.calls) == calls


@pytest.mark.parametrize("name", ["deep/a.mp4", "a.mp4", "a", "deep/a", "deep\\a.mp4"])
def test_a_caption_belongs_to_the_file_of_its_name(
    kit: Any, take: Callable[..., ImportReport], counter: Callable[..., Path], name: str
) -> None:
    counter("deep/a.mp4", 6)
    assert take(line(name, 0, 2, "given by hand")).without_file == 0
    report = kit.run()
    assert (report.indexed, report.failed) == (1, [])
    with kit.store() as store:
        (video,) = store.videos.all()
        assert (video.path, video.width) == ("deep/a.mp4", 96)
        assert [n.text for n in store.notes.select(IMPORTED)] == ["given by hand"]
        assert store.counts()["videos"] == {"indexed": 1, "failed": 0, "pending": 0}
    assert kit.run().unchanged == 1


def test_a_name_that_two_files_have_is_refused(take: Callable[..., ImportReport], counter: Callable[..., Path]) -> None:
    counter("x/a.mp4", 3)
    counter("y/a.mp4", 4)
    with pytest.raises(UsageError, match=r"2 videos have that name"):
        take(line("a", 0, 1, "which?"))


def test_indexing_leaves_imported_captions_alone(
    kit: Any, take: Callable[..., ImportReport], counter: Callable[..., Path], folder: Path
) -> None:
    path = counter("a.mp4", 8)
    counter("b.mp4", 5)
    take(line("a.mp4", 1, 2, "mine"), line("nowhere", 0, 3, "virtual"))
    for change in ({}, {"clip_max_s": 3.0}, {"caption_tokens": 20}):
        kit.settings |= change
        assert kit.run().failed == []
        with kit.store() as store:
            assert [n.text for n in store.notes.select(IMPORTED)] in (["mine", "virtual"], ["virtual", "mine"])
    path.unlink()
    assert kit.run().removed == ["a.mp4"]
    with kit.store() as store:
        assert sorted(n.text for n in store.notes.select() if n.source == "imported") == ["mine", "virtual"]
        assert {n.source for n in store.notes.select() if n.video_id != store.videos.find("b.mp4")[0].id} == {
            "imported"
        }
    assert kit.run().removed == []


def test_an_archive_of_captions_alone_can_be_indexed(kit: Any, take: Callable[..., ImportReport]) -> None:
    take(line("nowhere", 0, 3, "virtual"))
    report = kit.run()
    assert (report.indexed, report.failed, report.removed) == (0, [], [])
    assert len(kit.rows()["notes"]) == 1


def test_captions_imported_without_an_embedder_are_embedded_by_the_next_index(
    kit: Any, take: Callable[..., ImportReport]
) -> None:
    embedder, kit.embedder = kit.embedder, None
    assert take(line("nowhere", 0, 3, "virtual")).embeddings == 0
    kit.embedder = embedder
    assert kit.run().embeddings == 1


def test_a_file_with_bad_lines_is_refused_whole_and_names_them(kit: Any, take: Callable[..., ImportReport]) -> None:
    bad = [
        "{not json",
        '["a list"]',
        line("a", 3, 3, "no length"),
        line("a", -1, 3, "before the start"),
        {"video": "a", "start_s": 0, "text": "no end"},
        line("", 0, 1, "no name"),
        line("a", 0, 1, " ... "),
        '{"video": "a", "start_s": 0, "end_s": NaN, "text": "x"}',
        '{"video": "a", "start_s": 0, "end_s": 1e999, "text": "x"}',
        {"video": "a", "start_s": True, "end_s": 2, "text": "x"},
        {"video": 3, "start_s": 0, "end_s": 2, "text": "x"},
        "[" * 100000,
    ]
    with pytest.raises(UsageError) as caught:
        take(line("good", 0, 1, "fine"), "", *bad)
    message = str(caught.value)
    assert "12 of its lines" in message
    assert all(f"line {n}:" in message for n in range(3, 8))
    assert "line 8" not in message
    assert "and 7 more" in message
    assert "lacks end_s" in message
    assert kit.rows()["videos"] == []


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe\x00bad"])
def test_a_file_without_captions_is_refused(kit: Any, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(content)
    with kit.store(write=True) as store, pytest.raises(UsageError, match=r"c\.jsonl"):
        import_captions(path, kit.folder, store, None)
    with kit.store(write=True) as store, pytest.raises(UsageError, match="cannot be read"):
        import_captions(tmp_path / "nothing.jsonl", kit.folder, store, None)


def test_control_characters_do_not_reach_the_store(kit: Any, take: Callable[..., ImportReport]) -> None:
    take(line("v", 0, 1, "a \u001b[31mred\u0007 cat\u202e\n here"))
    assert [n.text for n in kit.rows()["notes"]] == ["a [31mred cat here"]


@pytest.mark.parametrize("again", ["index", "import"])
def test_captions_that_came_before_their_video_go_to_it(
    kit: Any, take: Callable[..., ImportReport], shots: Callable[..., Path], again: str
) -> None:
    lines = [line("a.mp4", 0, 1, "a dog runs"), line("a.mp4", 1, 2, "a cat sleeps"), line("b", 0, 9, "nobody's")]
    take(*lines)
    shots("a.mp4", (RED, 2))
    if again == "index":
        kit.run()
    take(*lines)
    kit.run()
    with kit.store() as store:
        assert sorted((v.path, v.width > 0) for v in store.videos.all()) == [("a.mp4", True), ("b", False)]
        (video,) = store.videos.find("a.mp4")
        found = store.notes.select(Filter(frozenset([video.id]), sources=frozenset(["imported"])))
        assert [(n.span, n.text) for n in found] == [(Span(0, 1), "a dog runs"), (Span(1, 2), "a cat sleeps")]
        assert store.vectors.missing("fake:embedder") == []
    before = kit.rows()
    assert take(*lines).notes == 0
    kit.run()
    assert kit.rows() == before
