"""Hybrid search: literal matches first, channels that may be missing, filters, the same ranking every time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lvqa.models.fake import FakeEmbedder, FakeImageEmbedder
from lvqa.models.profiles import Models
from lvqa.recall import RecallRules, hybrid_search, merge
from lvqa.store import Filter, Store
from lvqa.types import Clip, Span


@pytest.mark.parametrize("second", range(40))
def test_a_time_code_is_found_by_what_it_reads(store, embedder, second):
    hits = hybrid_search(store, embedder, f"01:00:{second:02d}", 5)
    assert hits[0].span == Span(second, second + 1)
    assert hits[0].video == "code.mp4"
    assert hits[0].score > 0.9


def test_quoted_text_and_whole_queries_come_first(store, embedder):
    assert hybrid_search(store, embedder, 'the words "a man in a blue shirt"', 3)[0].span == Span(12, 18)
    assert hybrid_search(store, embedder, "the peach open movie project presents", 3)[0].span == Span(6, 9)
    assert hybrid_search(store, embedder, "Big Buck Bunny", 3)[0].span == Span(14, 17)


def test_each_channel_works_alone(store, embedder):
    text = hybrid_search(store, None, "opens the fridge, milk carton", 3)
    dense = hybrid_search(store, embedder, "opens the fridge, milk carton", 3, channels=("dense",))
    both = hybrid_search(store, embedder, "opens the fridge, milk carton", 3)
    assert [hits[0].span for hits in (text, dense, both)] == [Span(0, 6)] * 3
    assert set(text[0].channels) == {"text"}
    assert set(dense[0].channels) == {"dense"}
    assert set(both[0].channels) == {"text", "dense"}
    assert dense[0].channels["dense"] == pytest.approx(both[0].channels["dense"], abs=1e-5)


def test_archive_models_are_taken_as_they_are(store, embedder):
    models = Models.of(embedder=embedder)
    assert hybrid_search(store, models, "milk", 4) == hybrid_search(store, embedder, "milk", 4)


def test_dense_scores_are_exact_for_notes_that_only_the_words_found(store, embedder):
    hits = hybrid_search(store, embedder, "stove", 50)
    query = embedder.encode_query(["stove"])[0]
    for hit in hits:
        exact = float(embedder.encode_document([hit.note.text])[0] @ query)
        assert hit.channels["dense"] == pytest.approx(exact, abs=1e-5)


def test_filters_hold_in_every_channel(store, embedder):
    only = Filter(frozenset({"v-kitchen"}), Span(6, 12), frozenset({"caption"}))
    hits = hybrid_search(store, embedder, "milk stove", 10, only)
    assert [hit.note.text[:9] for hit in hits] == ["she pours"]
    assert hybrid_search(store, embedder, "milk", 10, Filter(frozenset())) == []


def test_notes_without_vectors_are_found_by_their_words(folder, fill, note):
    embedder = FakeEmbedder()
    with Store.open(folder / "bare", write=True) as store:
        fill(store, [note("v-kitchen", 0, 1, "a zebra runs")], None)
        assert hybrid_search(store, embedder, "zebra", 3)[0].note.text == "a zebra runs"
        fill(store, [note("v-kitchen", 2, 3, "a horse runs")], embedder)
        found = {hit.note.text: set(hit.channels) for hit in hybrid_search(store, embedder, "a horse or zebra runs", 3)}
    assert found == {"a zebra runs": {"text"}, "a horse runs": {"text", "dense"}}


def test_frames_speak_for_the_notes_that_cover_them(store, embedder):
    image = FakeImageEmbedder()
    shown = np.stack([np.full((4, 4, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 160, 0), (0, 0, 255))])
    with store.atomic():
        store.frames.put(image.name, "v-kitchen", [3.0, 9.0, 15.0], image.encode_frames(shown))
    hits = hybrid_search(store, None, "green", 3, channels=("frames",), image_embedder=image)
    assert hits[0].span == Span(6, 12)
    assert hits[0].channels["frames"] == pytest.approx(1.0, abs=1e-5)
    assert all(hit.note.source != "speech" for hit in hits)
    assert hybrid_search(store, embedder, "green", 1, image_embedder=image)[0].channels.keys() == {
        "text",
        "dense",
        "frames",
    }


def test_nothing_to_search_for(store, embedder):
    assert hybrid_search(store, embedder, "  ", 5) == []
    assert hybrid_search(store, embedder, "milk", 0) == []
    assert hybrid_search(store, None, "qwertyuiop", 5) == []


def test_ties_are_ordered_by_path_and_time(folder, fill, note, embedder):
    same = [note(v, s, s + 1, "a dog barks") for v in ("v-film", "v-code", "v-kitchen") for s in (8, 2, 5)]
    with Store.open(folder / "ties", write=True) as store:
        fill(store, same, embedder)
        by_likeness = hybrid_search(store, embedder, "dog", 9, rules=RecallRules(coverage_s=0.0))
        hits = hybrid_search(store, embedder, "dog", 9)
    every = [(path, s) for path in ("code.mp4", "film.webm", "kitchen.mp4") for s in (2, 5, 8)]
    assert [(hit.video, hit.span.start_s) for hit in by_likeness] == every
    # One of each video first, the middle one, which covers the others; then the rest.
    assert [(hit.video, hit.span.start_s) for hit in hits[:3]] == every[1::3]
    assert sorted((hit.video, hit.span.start_s) for hit in hits) == every


def test_hits_spread_over_time_and_their_scores_are_one_probability(store, embedder):
    hits = hybrid_search(store, embedder, "01 00", 6)
    middles = sorted(hit.span.middle_s for hit in hits if hit.video == "code.mp4")
    assert middles[-1] - middles[0] > 20
    assert 0 < sum(hit.score for hit in hits) <= 1
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_time_that_the_query_names_is_where_it_looks(store, embedder):
    hits = hybrid_search(store, embedder, "what is on the wall between 0:12 and 0:18", 9)
    assert {hit.span for hit in hits if hit.video == "kitchen.mp4"} == {Span(12, 18)}
    assert all(hit.span.overlaps(Span(12, 18)) for hit in hits)
    other = Filter(frozenset({"v-kitchen"}), Span(0, 6))
    assert [h.span for h in hybrid_search(store, embedder, "the wall between 0:12 and 0:18", 9, other)] == [Span(0, 6)]
    assert hybrid_search(store, embedder, "milk between 10:00 and 12:00", 3)


def test_summaries_are_found_only_when_asked_for(folder, fill, note, embedder):
    with Store.open(folder / "levels", write=True) as store:
        fill(store, [note("v-kitchen", 0, 1, "a zebra runs")], embedder)
        clip = Clip.of("v-kitchen", Span(0, 24), "video")
        summary = replace(note("v-kitchen", 0, 24, "zebras all day", "summary"), clip_id=clip.id)
        with store.atomic():
            store.clips.put([clip])
            store.notes.put([summary])
            store.vectors.put(embedder.name, [summary.id], embedder.encode_document([summary.text]))
        assert {hit.note.source for hit in hybrid_search(store, embedder, "zebra", 9)} == {"caption"}
        for only in (Filter(level="video"), Filter(sources=frozenset({"summary"}))):
            assert [hit.note.text for hit in hybrid_search(store, embedder, "zebra", 9, only)] == ["zebras all day"]


def test_nothing_relevant_is_no_hits(store):
    class Far(FakeEmbedder):
        """Puts every text of a question far from everything."""

        def encode_query(self, texts):
            vectors = super().encode_query(texts)
            return np.stack(
                [
                    np.eye(self.dim, dtype=np.float32)[0] if "neutrino" in t else v
                    for t, v in zip(texts, vectors, strict=True)
                ]
            )

    embedder = Far(256)
    assert hybrid_search(store, embedder, "the mass of the neutrino", 5) == []
    assert hybrid_search(store, embedder, "the mass of the neutrino", 5, rules=RecallRules(least_relevance=-9.0))
    assert hybrid_search(store, embedder, "the milk carton and the neutrino", 5)


def test_merging_keeps_the_best_of_each(store, embedder):
    one = hybrid_search(store, embedder, "milk", 5)
    two = hybrid_search(store, None, "milk carton", 5)
    both = merge([one, two])
    assert len({hit.note.id for hit in both}) == len(both)
    top = max(h.score for h in [*one, *two] if h.note.id == both[0].note.id)
    assert both[0].score == top
    assert merge([both, both]) == both


def test_frames_are_heard_where_captions_say_nothing(folder, fill, note, embedder):
    image = FakeImageEmbedder()
    grey, green = (np.full((4, 4, 3), colour, np.uint8) for colour in ((128, 128, 128), (0, 160, 0)))
    with Store.open(folder / "witness", write=True) as store:
        fill(
            store,
            [note("v-film", s, s + 1, "green green green" if s < 3 else "a picture") for s in range(40)],
            embedder,
        )
        shown = [green if s == 30 else grey for s in range(40)]
        with store.atomic():
            store.frames.put(image.name, "v-film", np.arange(40) + 0.5, image.encode_frames(np.stack(shown)))
        hits = hybrid_search(store, embedder, "green", 6, image_embedder=image)
        unseen = hybrid_search(store, embedder, "green", 1, image_embedder=image, rules=RecallRules(seen_share=0.0))
    starts = [hit.span.start_s for hit in hits]
    assert 30.0 in starts
    assert any(start < 3 for start in starts)
    assert unseen[0].span.start_s < 3
