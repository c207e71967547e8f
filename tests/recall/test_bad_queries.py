"""Whatever is typed, and whatever is asked for, a search gives right results or none; it never fails."""

from __future__ import annotations

import pytest

from lvqa.recall import hybrid_search
from lvqa.recall.candidates import runs_of
from lvqa.store import Filter
from lvqa.types import Span

QUERIES = (
    "a",
    "?",
    "x" * 10_000,
    "milk " * 2_000,
    '"',
    '"milk',
    "milk*",
    "NEAR(milk glass, 2)",
    "milk AND NOT (glass OR",
    "text:milk -- ; DROP TABLE notes",
    "^milk {a b} +c",
    "why did the",
    "the of and",
    "牛奶在哪里",
    "где молоко?",
    "أين الحليب",
    "🥛🥛",
    "\x00milk\x1b[31m",
    "\ud800 milk",
    "before",
    "what happens after",
    "at the end",
    "the first time",
    "while she while he while they",
)


@pytest.mark.parametrize("query", QUERIES)
def test_any_text_is_a_query(store, embedder, query):
    for searcher in (embedder, None):
        hits = hybrid_search(store, searcher, query, 5)
        assert len(hits) <= 5
        assert all(0 <= hit.score <= 1 + 1e-9 for hit in hits)
        assert len({hit.note.id for hit in hits}) == len(hits)


@pytest.mark.parametrize("query", ['"milk', "NEAR(milk glass, 2)", "milk*", "\x00milk\x1b[31m", "milk " * 2_000])
def test_syntax_does_not_hide_what_is_there(store, embedder, query):
    assert any("milk" in hit.note.text for hit in hybrid_search(store, embedder, query, 5))


def test_more_hits_than_notes_are_all_notes(store, embedder):
    everything = hybrid_search(store, embedder, "milk", 10_000)
    every = sorted(store.notes.select(), key=lambda n: (n.video_id, n.span.start_s, n.id))
    assert len(everything) == len(runs_of(every))
    assert len({hit.note.id for hit in everything}) == len(everything)


@pytest.mark.parametrize(
    "nothing",
    [
        Filter(frozenset()),
        Filter(frozenset({"no such video"})),
        Filter(span=Span(9_000, 9_001)),
        Filter(sources=frozenset()),
        Filter(level="video"),
    ],
)
def test_a_filter_that_excludes_everything_gives_nothing(store, embedder, nothing):
    for query in ("milk", "what happens after she opens the fridge at the end?", "01:00:21"):
        assert hybrid_search(store, embedder, query, 5, nothing) == []


def test_a_relation_keeps_to_the_filter(store, embedder):
    only = Filter(frozenset({"v-kitchen"}), Span(6, 12))
    hits = hybrid_search(
        store, embedder, "what does she do after she opens the fridge at the end of the video?", 9, only
    )
    assert hits
    assert all(hit.note.video_id == "v-kitchen" and hit.span.overlaps(Span(6, 12)) for hit in hits)
