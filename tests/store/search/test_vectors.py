from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lvqa.errors import StoreError
from lvqa.store import Filter, Store
from lvqa.store.search.vector_bank import FaissBank, NumpyBank, best_rows, exact_scores, normalised
from lvqa.types import Span


def brute(store: Store, model: str, query: np.ndarray, k: int, wanted: Filter | None = None) -> list[tuple[str, float]]:
    """Cosine with every allowed note, in float64, ties by video, time and id."""
    bare = {note.id for note in store.vectors.missing(model)}
    notes = [note for note in store.notes.select(wanted) if note.id not in bare]
    if not notes:
        return []
    rows = store.vectors.of(model, [note.id for note in notes])
    scores = exact_scores(normalised(rows), normalised(np.asarray(query, np.float32)))
    ranked = sorted(
        zip(notes, scores.tolist(), strict=True),
        key=lambda pair: (-pair[1], pair[0].video_id, pair[0].span.start_s, pair[0].span.end_s, pair[0].id),
    )
    return [(note.id, score) for note, score in ranked[:k]]


def test_vectors_come_back_as_they_were_put(store: Store, make):
    notes = make.filled(store, videos=2)
    wanted = make.vectors(20, seed=1) * np.float32(3)
    store.vectors.put("other", [note.id for note in notes[20:]], wanted)
    assert np.array_equal(store.vectors.of("other", [notes[21].id, notes[20].id]), wanted[[1, 0]])
    assert store.vectors.of("other", []).dtype == np.float32
    assert store.vectors.missing("other") == notes[:20]
    assert store.vectors.missing("other", 3) == notes[:3]
    assert store.vectors.missing("emb") == []
    with pytest.raises(StoreError, match="index again"):
        store.vectors.of("other", [notes[0].id])


def test_frames_come_back_in_time_order(store: Store, make):
    store.videos.put(make.video())
    rows = make.vectors(4)
    store.frames.put("img", "a", [3.0, 1.0, 2.0, 0.0], rows)
    times, vectors = store.frames.of("img", "a")
    assert times.tolist() == [0, 1, 2, 3]
    assert np.array_equal(vectors, rows[[3, 1, 2, 0]])
    times, vectors = store.frames.of("img", "a", Span(1, 3))
    assert times.tolist() == [1, 2]
    assert vectors.shape == (2, 8)
    assert store.frames.of("img", "nobody")[0].shape == (0,)
    store.frames.put("img", "a", np.array([2.0]), rows[:1])
    assert np.array_equal(store.frames.of("img", "a", Span(2, 2.5))[1], rows[:1])


@pytest.mark.parametrize(
    ("vectors", "line"),
    [
        (np.zeros((1, 9), np.float32), "another model by the same name"),
        (np.zeros((2, 8), np.float32), "expected as an array"),
        (np.zeros(8, np.float32), "expected as an array"),
        (np.full((1, 8), np.nan, np.float32), "not finite"),
        (np.full((1, 8), np.inf, np.float32), "not finite"),
    ],
)
def test_unfit_vectors_are_refused(store: Store, make, vectors, line):
    notes = make.filled(store, videos=1)
    with pytest.raises(StoreError, match=line):
        store.vectors.put("emb", [notes[0].id], vectors)
    with pytest.raises(StoreError, match=line):
        store.frames.put("img", "v0", [0.0], vectors)


def test_a_vector_needs_its_note(store: Store, make):
    with pytest.raises(StoreError, match="put the note before"):
        store.vectors.put("emb", ["gone"], make.vectors(1))
    store.videos.put(make.video())
    with pytest.raises(StoreError, match="seconds from the start"):
        store.frames.put("img", "a", [-1.0], make.vectors(1))
    store.vectors.put("emb", [], np.zeros((0, 0), np.float32))


def test_search_equals_brute_force(store: Store, make, backend):
    make.filled(store, videos=4, notes=100)
    for seed in range(5):
        query = make.vectors(1, seed=1000 + seed)[0] * 7
        for k in (0, 1, 10, 399, 1000):
            assert store.vectors.search("emb", query, k) == brute(store, "emb", query, k)


def test_search_follows_every_change(store: Store, make, backend):
    notes = make.filled(store, videos=3)
    query = make.vectors(1, seed=7)[0]

    def same() -> None:
        assert store.vectors.search("emb", query, 7) == brute(store, "emb", query, 7)

    same()
    store.notes.delete([note.id for note in notes[10:30]])
    same()
    store.notes.put(notes[10:12])
    same()
    store.vectors.put("emb", [notes[10].id], query[None])
    same()
    assert store.vectors.search("emb", query, 1)[0][0] == notes[10].id
    store.vectors.put("emb", [notes[10].id], -query[None])
    same()
    with contextlib.suppress(KeyError), store.atomic():
        store.vectors.put("emb", [notes[11].id], query[None])
        assert store.vectors.search("emb", query, 1)[0][0] == notes[11].id
        raise KeyError
    same()
    store.vectors.put("emb", [notes[11].id], -query[None])
    same()
    store.videos.remove("v0")
    same()
    assert store.vectors.drop("another") == 30
    same()
    assert store.vectors.search("emb", query, 7) == []
    left = [note.id for note in store.notes.select()]
    store.vectors.put("emb", left, make.vectors(len(left), dim=5))
    query = query[:5]
    same()


def test_ties_are_complete_and_settled(store: Store, make, backend):
    for name in ("b", "a"):
        store.videos.put(make.video(name))
        notes = [make.note(f"n{t}", name, start_s=float(t)) for t in range(80)]
        store.notes.put(notes)
        store.vectors.put("emb", [note.id for note in notes], np.tile(make.vectors(1), (80, 1)))
    found = store.notes.get_many(note_id for note_id, _ in store.vectors.search("emb", make.vectors(1)[0], 100))
    assert [(n.video_id, n.span.start_s) for n in found] == [
        *(("a", float(t)) for t in range(80)),
        *(("b", float(t)) for t in range(20)),
    ]


def test_zero_vectors_are_like_nothing(store: Store, make, backend):
    store.videos.put(make.video())
    notes = [make.note(f"n{t}", start_s=float(t)) for t in range(3)]
    store.notes.put(notes)
    rows = np.array([[0, 0], [0, 2], [0, -3]], np.float32)
    store.vectors.put("emb", [note.id for note in notes], rows)
    assert store.vectors.search("emb", np.array([0, 1], np.float32), 5) == [
        (notes[1].id, 1.0),
        (notes[0].id, 0.0),
        (notes[2].id, -1.0),
    ]


def test_another_length_is_refused(store: Store, make, backend):
    make.filled(store)
    with pytest.raises(StoreError, match="have 8 values, the query has shape"):
        store.vectors.search("emb", np.ones(9, np.float32), 3)
    with pytest.raises(StoreError, match="have 8 values"):
        store.vectors.search("emb", np.ones((1, 8), np.float32), 3)
    assert store.vectors.search("unknown", np.ones(9, np.float32), 3) == []


def test_search_frames(store: Store, make, backend):
    make.filled(store, videos=3, notes=60)
    query = make.vectors(1, seed=5)[0]
    rows = [
        (-score, video, time_s)
        for video in ("v0", "v1", "v2")
        for times, vectors in [store.frames.of("img", video)]
        for time_s, score in zip(times, exact_scores(normalised(vectors), normalised(query)), strict=True)
    ]
    found = store.frames.search("img", query, 9)
    assert [(-f.score, f.video_id, f.time_s) for f in found] == sorted(rows)[:9]
    wanted = Filter(video_ids=frozenset({"v1"}), span=Span(10, 20), sources=frozenset({"speech"}), level="video")
    inside = [row for row in sorted(rows) if row[1] == "v1" and 10 <= row[2] < 20]
    assert [(-f.score, f.video_id, f.time_s) for f in store.frames.search("img", query, 50, wanted)] == inside
    assert len(inside) == 10


@pytest.fixture
def mixed(store: Store, make, backend: str) -> Store:
    make.filled(store, videos=3, notes=30)
    return store


@given(
    st.none() | st.frozensets(st.sampled_from(["v0", "v1", "v2"])),
    st.none() | st.builds(lambda a, n: Span(a, a + n), st.integers(0, 100), st.integers(1, 40)),
    st.integers(0, 5),
    st.integers(1, 70),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_filter_holds_before_the_best_are_taken(mixed, make, videos, span, seed, k):
    query = make.vectors(1, seed=seed)[0]
    wanted = Filter(video_ids=videos, span=span)
    assert mixed.vectors.search("emb", query, k, wanted) == brute(mixed, "emb", query, k, wanted)


def test_crowded_vectors_rank_alike_in_both_backends():
    """Frames of one video lie so close together that float32 cannot tell them apart; float64 settles it."""
    rng = np.random.default_rng(0)
    centre = rng.normal(size=64)
    rows = normalised((centre + 1e-5 * rng.normal(size=(3000, 64))).astype(np.float32))
    query = normalised((centre + 0.5 * rng.normal(size=64)).astype(np.float32))
    exact = np.lexsort((np.arange(3000), -exact_scores(rows, query)))
    mask = rng.random(3000) < 0.9
    for bank in (NumpyBank(64), FaissBank(64)):
        bank.add(rows[:2000], np.arange(2000))
        bank.add(rows[2000:], np.arange(2000, 3000))
        assert best_rows(bank, query, 20, None)[0][:20].tolist() == exact[:20].tolist()
        allowed = exact[mask[exact]]
        assert best_rows(bank, query, 20, mask)[0][:20].tolist() == allowed[:20].tolist()
        bank.keep(mask)
        kept = np.cumsum(mask) - 1
        assert best_rows(bank, query, 20, None)[0][:20].tolist() == kept[allowed[:20]].tolist()


def test_a_sample_is_spread_evenly_and_says_what_it_is_of(store: Store, make):
    notes = make.filled(store, videos=2, notes=10)
    store.notes.put([make.note("heard", "v1", start_s=80.0, source="speech")])
    store.vectors.put("emb", [store.notes.select(Filter(sources=frozenset({"speech"})))[0].id], make.vectors(1, seed=5))
    sources, vectors = store.vectors.sample("emb", 3)
    assert sources == ["caption", "caption", "speech"]
    expected = [*store.vectors.of("emb", [notes[0].id, notes[10].id]), make.vectors(1, seed=5)[0]]
    assert np.array_equal(vectors, np.stack(expected))
    sources, vectors = store.vectors.sample("img", 4, "frames")
    assert sources == [""] * 4
    assert vectors.shape == (4, 8)
    assert np.array_equal(vectors[0], store.frames.of("img", "v0")[1][0])
    assert np.array_equal(vectors[3], store.frames.of("img", "v1")[1][9])
    assert store.vectors.sample("emb", 99)[1].shape == (21, 8)
    for nothing in (store.vectors.sample("emb", 0), store.vectors.sample("none", 5)):
        assert nothing[0] == []
        assert nothing[1].shape == (0, 0)


def test_the_times_of_frames(store: Store, make):
    make.filled(store, videos=2, notes=10)
    assert store.frames.times("img", "v1").tolist() == [float(t) for t in range(10)]
    assert store.frames.times("img", "v1", Span(2.0, 5.0)).tolist() == [2.0, 3.0, 4.0]
    assert store.frames.of("img", "v1", Span(2.0, 5.0))[0].tolist() == [2.0, 3.0, 4.0]
    assert store.frames.times("none", "v1").size == 0


def test_models_and_versions(store: Store, make):
    assert store.vectors.models() == []
    assert store.vectors.version("emb") is None
    make.filled(store)
    before = store.vectors.version("emb"), store.vectors.version("img", "frames")
    assert None not in before
    assert store.vectors.models() == ["emb"]
    assert store.vectors.models("frames") == ["img"]
    store.vectors.put("emb", [store.notes.select()[0].id], make.vectors(1, seed=77))
    assert store.vectors.version("emb") != before[0]
    assert store.vectors.version("img", "frames") == before[1]
    assert store.vectors.drop(["other"]) == 60
    assert store.vectors.models() == []
    assert store.vectors.drop("img", "frames") == 0
