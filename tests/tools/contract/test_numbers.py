"""Each number of the tools, by what changes at its edge."""

from __future__ import annotations

import pytest

from lvqa.errors import UsageError
from lvqa.models.fake import FakeVision
from lvqa.recall import Retriever
from lvqa.store import Store, note_id
from lvqa.tools.look import look
from lvqa.tools.measure import measure
from lvqa.tools.overview import overview
from lvqa.tools.read import read
from lvqa.tools.search import search
from lvqa.types import Note, Scope, Span, Video


@pytest.fixture
def archive(tmp_path):
    """An empty index, and how notes and videos are put into it."""
    with Store.open(tmp_path / ".lvqa", write=True) as store:

        def put(*rows: tuple[str, float, float, str], seconds: float = 100.0, source: str = "caption") -> Store:
            for video, start_s, end_s, words in rows:
                store.videos.put(Video(video, f"{video}.mp4", video, seconds))
                if words:
                    span = Span(start_s, end_s)
                    made = note_id(video, source, span, "", "", words)
                    store.notes.put([Note(made, video, None, span, words, source)])
            return store

        yield put


def test_a_gap_between_captions_is_two_seconds_long(bench, archive, tmp_path):
    store = archive(("v", 0, 10, "a"), ("v", 11.9, 20, "b"), ("v", 22, 30, "c"), seconds=31.9)
    told = read(bench(store=store, folder=tmp_path), "v.mp4")
    assert told.left_out == ("v.mp4 00:00:20-00:00:22 has no captions",)


@pytest.mark.parametrize("n", [8, 9])
def test_eight_gaps_are_named(bench, archive, tmp_path, n):
    store = archive(*(("v", 10 * k, 10 * k + 5, f"note {k}") for k in range(n)), seconds=10.0 * n)
    told = read(bench(store=store, folder=tmp_path), "v.mp4").left_out
    assert len(told) == n
    assert ("v.mp4 has no captions in 1 stretches more" in told) == (n > 8)


@pytest.mark.parametrize("n", [50, 51])
def test_fifty_videos_are_told_of(bench, archive, tmp_path, n):
    store = archive(*((f"v{k:02}", 0, 1, "") for k in range(n)))
    told = overview(bench(store=store, folder=tmp_path))
    assert len(told.videos) == 50
    assert ("1 videos more" in told.left_out) == (n > 50)
    bare = search(bench(store=store, folder=tmp_path, image_embedder=None), "x").left_out
    assert bare[-1] == f"{n - 8} videos more have no captions"


@pytest.mark.parametrize("n", [300, 301])
def test_a_text_is_told_up_to_300_characters(bench, archive, tmp_path, n):
    store = archive(("v", 0, 100, "x" * n))
    (note,) = read(bench(store=store, folder=tmp_path), "v.mp4").to_dict()["notes"]
    assert note["text"] == ("x" * 300 if n == 300 else "x" * 299 + "…")


def test_eight_events_are_measured(bench):
    made = bench(vision=None, image_embedder=None)
    assert measure(made, "order", ["a cat"] * 8).basis == "notes"
    with pytest.raises(UsageError, match="1 to 8 events"):
        measure(made, "order", ["a cat"] * 9)


def test_as_many_hits_as_are_asked_for_up_to_fifty(bench):
    made = bench(image_embedder=None)
    assert search(made, "green square", k=50).hits
    with pytest.raises(UsageError, match="from 1 to 50"):
        search(made, "green square", k=51)


@pytest.mark.parametrize(
    ("near", "counted"),
    [
        ((0.8, 0.61, 0.2), 2),  # 0.75 of the closest
        ((0.8, 0.59, 0.2), 1),
        ((0.4, 0.36, 0.34), 2),  # 0.35 at least
        ((0.34, 0.34, 0.34), 0),
    ],
)
def test_notes_that_come_close_to_an_event_are_its_rows(bench, archive, tmp_path, monkeypatch, near, counted):
    store = archive(*(("v", 20 * k, 20 * k + 5, f"a cat {k}") for k in range(3)))
    made = bench(store=store, folder=tmp_path, vision=None, image_embedder=None)
    by_text = {f"a cat {k}": value for k, value in enumerate(near)}
    monkeypatch.setattr("lvqa.tools.workbench.lexical_closeness", lambda phrase, text: by_text[text])
    found = measure(made, "count", ["a cat"], Scope(("v.mp4",))).found
    assert (len(found.rows) if found is not None else 0) == counted
    assert isinstance(made.retriever, Retriever)


def test_what_was_seen_at_a_named_time_stands_for_a_second(bench):
    (note,) = look(bench(vision=FakeVision("x")), "a.mp4", times=[20.0]).notes
    assert note.span == Span(20.0, 21.0)
