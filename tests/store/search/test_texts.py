from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvqa.errors import StoreError
from lvqa.store import Filter, Store
from lvqa.types import Clip, Note, Span


def test_rows_come_back_as_they_were_put(store: Store, make):
    notes = make.filled(store, videos=2)
    assert store.notes.select() == sorted(notes, key=lambda n: (n.video_id, n.span.start_s))
    assert store.clips.of("v1") == [make.clip("v1", 4.0 * i) for i in range(20)]
    assert store.clips.of("v1", span=Span(3.9, 8.0)) == [make.clip("v1", 0.0), make.clip("v1", 4.0)]
    assert store.clips.of("v1", "segment") == []
    wanted = [notes[5].id, "gone", notes[1].id, notes[5].id]
    assert store.notes.get_many(wanted) == [notes[5], notes[1], notes[5]]
    assert store.notes.get_many([]) == []


def test_putting_twice_changes_nothing(store: Store, make):
    notes = make.filled(store)
    tables = [f"SELECT * FROM {name}" for name in ("notes", "clips", "embeddings", "frames", "versions", "files")]
    before = [store.connections.rows(sql) for sql in tables]
    assert make.filled(store) == notes
    assert [store.connections.rows(sql) for sql in tables] == before


def test_a_known_id_with_another_text_is_replaced(store: Store, make):
    notes = make.filled(store, videos=1)
    old = notes[3]
    new = Note(old.id, "v0", old.clip_id, old.span, "a zebra", "caption", *("fake:vlm", "p1"))
    store.notes.put([new])
    assert store.notes.get_many([old.id]) == [new]
    assert [found for found, _ in store.notes.search("zebra", 5)] == [old.id]
    assert old.id not in [found for found, _ in store.notes.search("number3", 50)]
    assert store.vectors.missing("emb") == [new]


def test_a_known_clip_with_another_span_is_replaced(store: Store, make):
    make.filled(store, videos=1)
    clip = store.clips.of("v0")[2]
    store.clips.put([Clip(clip.id, "v0", Span(0.5, 1.5))])
    assert [note for note in store.notes.select() if note.clip_id == clip.id] == []
    assert len(store.notes.select()) == 19


def test_what_a_note_stands_on_must_be_there(store: Store, make):
    with pytest.raises(StoreError, match="put the video first"):
        store.notes.put([make.note("x")])
    store.videos.put(make.video("a"))
    store.videos.put(make.video("b"))
    with pytest.raises(StoreError, match="put the clip before"):
        store.notes.put([make.note("x", clip=make.clip("a"))])
    store.clips.put([make.clip("a")])
    with pytest.raises(StoreError, match="belongs to video 'a'"):
        store.notes.put([Note("n", "b", make.clip("a").id, Span(0, 1), "x", "caption")])
    with pytest.raises(StoreError, match="put the video first"):
        store.clips.put([make.clip("c")])
    assert store.notes.select() == []


def test_deleting_notes_takes_their_text_and_vectors(store: Store, make):
    notes = make.filled(store, videos=1)
    assert store.notes.delete([notes[0].id, "gone", notes[0].id]) == 1
    assert store.notes.delete([]) == 0
    assert store.notes.search("number0", 5) == []
    assert store.counts()["embeddings"] == 19


def test_text_that_sqlite_cannot_hold_is_mended(store: Store, make):
    store.videos.put(make.video())
    store.notes.put([make.note("bad \udcff byte\0 milk")])
    (note,) = store.notes.select()
    assert note.text == "bad \ufffd byte\0 milk"
    assert len(store.notes.search("byte", 1)) == len(store.notes.search("milk", 1)) == 1


def test_ties_are_settled_by_video_time_and_id(store: Store, make):
    for name in ("b", "a"):
        store.videos.put(make.video(name))
        store.notes.put(
            [make.note("same words here", name, start_s=float(t)) for t in (*range(90, 50, -1), *range(51))]
        )
    found = store.notes.get_many(note_id for note_id, _ in store.notes.search("same words", 100))
    assert [(note.video_id, note.span.start_s) for note in found] == [
        *(("a", float(t)) for t in range(91)),
        *(("b", float(t)) for t in range(9)),
    ]


def test_the_filter_holds_before_the_best_are_taken(store: Store, make):
    notes = make.filled(store, videos=3, notes=50)
    store.notes.put([make.note("thing0 " * 20, "v0", start_s=float(i)) for i in range(50)])
    found = store.notes.search("thing0", 5, Filter(video_ids=frozenset({"v2"}), span=Span(100, 200)))
    assert len(found) == 4
    by_id = {note.id: note for note in notes}
    assert all(by_id[note_id].video_id == "v2" and by_id[note_id].span.end_s > 100 for note_id, _ in found)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Notes of every source and level in three videos."""
    with Store.open(tmp_path_factory.mktemp("mixed"), write=True) as store, store.atomic():
        from lvqa.types import SOURCES, Video

        for v in "abc":
            store.videos.put(Video(v, f"{v}.mp4", v, 100.0))
            for i in range(24):
                level = ("clip", "segment", "video")[i % 3]
                clip = Clip.of(v, Span(i * 2, i * 2 + 5), level)
                store.clips.put([clip])
                text = f"red w{i % 5} " + "blue " * (i % 4)
                store.notes.put([Note(f"{v}{i}", v, clip.id if i % 5 else None, clip.span, text, SOURCES[i % 6])])
        yield store


FILTERS = st.builds(
    Filter,
    video_ids=st.none() | st.frozensets(st.sampled_from(["a", "b", "c", "nobody"])),
    span=st.none() | st.builds(lambda a, n: Span(a, a + n), st.integers(0, 60), st.integers(1, 20)),
    sources=st.none() | st.frozensets(st.sampled_from(["caption", "speech", "screen", "summary", "imported", "seen"])),
    level=st.none() | st.sampled_from(["clip", "segment", "video"]),
)


def allows(wanted: Filter, note: Note) -> bool:
    level = "clip" if note.clip_id is None else note.clip_id.split(":")[1]
    return (
        (wanted.video_ids is None or note.video_id in wanted.video_ids)
        and (wanted.span is None or wanted.span.overlaps(note.span))
        and (wanted.sources is None or note.source in wanted.sources)
        and (wanted.level is None or level == wanted.level)
    )


@given(FILTERS, st.sampled_from(["red", "blue", "w1 w2", "w3", "green"]), st.integers(1, 80))
@settings(max_examples=150, deadline=None)
def test_filtered_search_is_the_unfiltered_one_without_the_rest(mixed, wanted, query, k):
    every = mixed.notes.search(query, 1000)
    notes = {note.id: note for note in mixed.notes.select()}
    allowed = [(note_id, score) for note_id, score in every if allows(wanted, notes[note_id])]
    assert mixed.notes.search(query, k, wanted) == allowed[:k]
    assert {note.id for note in mixed.notes.select(wanted)} == {n.id for n in notes.values() if allows(wanted, n)}


def test_a_filter_is_checked():
    with pytest.raises(ValueError, match="a source is one of"):
        Filter(sources=frozenset({"captions"}))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a level is one of"):
        Filter(level="scene")  # type: ignore[arg-type]


def test_what_covers_a_time(store: Store, make):
    make.filled(store, videos=2, notes=5)
    said = make.note("a long speech", "v1", start_s=2.0, length_s=12.0, source="speech")
    whole = make.clip("v1", 0.0, 20.0, level="segment")
    store.clips.put([whole])
    store.notes.put([said, make.note("all of it", clip=whole, video="v1", source="summary")])
    asked = [("v1", 5.0), ("v0", 5.0), ("v1", 4.0), ("v1", 14.0), ("nobody", 1.0), ("v1", 20.0)]

    def texts(wanted: Filter | None) -> list[list[str]]:
        return [[note.text for note in notes] for notes in store.notes.at(asked, wanted)]

    mine = "thing1 number1 of video1"
    assert texts(None) == [
        ["all of it", "a long speech", mine],
        ["thing1 number1 of video0"],
        ["all of it", "a long speech", mine],
        ["all of it", "thing3 number3 of video1"],
        [],
        [],
    ]
    assert texts(Filter(level="clip"))[0] == ["a long speech", mine]
    assert texts(Filter(sources=frozenset({"caption"})))[0] == [mine]
    assert texts(Filter(video_ids=frozenset({"v0"})))[0] == []
    store.notes.put([make.note("longer still", "v1", start_s=0.0, length_s=19.0, source="speech")])
    assert texts(Filter(level="clip"))[3] == ["longer still", "thing3 number3 of video1"]
    assert store.notes.at([], None) == []


def test_ids_and_notes_go_together(store: Store, make):
    notes = make.filled(store, videos=2, notes=5)
    assert store.notes.ids() == [note.id for note in notes]
    wanted = Filter(video_ids=frozenset({"v1"}), span=Span(4.0, 9.0))
    assert (
        store.notes.ids(wanted) == [note.id for note in store.notes.select(wanted)] == [note.id for note in notes[6:8]]
    )
    assert store.notes.get_many([notes[3].id, "none", notes[1].id]) == [notes[3], notes[1]]
    assert store.notes.delete([notes[3].id, "none"]) == 1
    clip_id = notes[0].clip_id
    assert clip_id is not None
    assert store.clips.delete([clip_id, "none"]) == 1
    assert store.notes.ids() == [note.id for note in notes if note not in (notes[0], notes[3])]
