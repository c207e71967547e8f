"""Several calls on one moment of the store, while other threads write and search."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lvqa.errors import StoreError
from lvqa.store import Store
from lvqa.store.database import BehindError
from lvqa.store.search.text_index import TextIndex
from lvqa.store.search.vector_index import VectorIndex


def _elsewhere(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def _searches(store: Store, make) -> tuple[list[str], list[str], list[tuple[str, float]]]:
    query = make.vectors(1, seed=7)[0]
    notes = [note_id for note_id, _ in store.notes.search("thing1", 99)]
    near = [note_id for note_id, _ in store.vectors.search("emb", query, 99)]
    frames = [(f.video_id, f.time_s) for f in store.frames.search("img", query, 99)]
    return notes, near, frames


@pytest.fixture
def filled(index_dir: Path, make, backend: str):
    with Store.open(index_dir, write=True) as store:
        make.filled(store, videos=2)
        _searches(store, make)  # the shared indexes are there
        yield store


def _grow(store: Store, make) -> Callable[[], None]:
    def grow() -> None:
        store.videos.remove("v0")
        _searches(store, make)

    return grow


def test_work_begins_again_where_another_thread_has_gone_further(filled: Store, make):
    before, calls, dropped = _searches(filled, make), [], []

    def work() -> tuple[object, int]:
        calls.append(1)
        videos = len(filled.videos.all())
        if len(calls) == 1:
            _elsewhere(_grow(filled, make))
        return _searches(filled, make), videos

    found, videos = filled.consistent(work, again=lambda: dropped.append(1))
    assert (len(calls), len(dropped), videos) == (2, 1, 1)
    assert found == _searches(filled, make) != before


def test_a_snapshot_goes_on_by_itself_where_another_thread_has_gone_further(filled: Store, make):
    before = _searches(filled, make)
    with filled.snapshot():
        assert len(filled.videos.all()) == 2
        _elsewhere(_grow(filled, make))
        assert len(filled.videos.all()) == 2
        assert _searches(filled, make) == before
    assert _searches(filled, make) != before
    # The shared indexes are those of the newest moment, and good.
    _elsewhere(lambda: _searches(filled, make))
    assert len(_searches(filled, make)[1]) == 20


def test_a_snapshot_uses_and_fills_what_is_shared(filled: Store, make, monkeypatch: pytest.MonkeyPatch):
    made: list[object] = []
    for kind in (TextIndex, VectorIndex):
        first = kind.__init__
        monkeypatch.setattr(
            kind, "__init__", lambda self, *a, _init=first, **k: (made.append(self), _init(self, *a, **k))[1]
        )
    make.filled(filled, videos=3)
    with filled.snapshot():
        found = _searches(filled, make)
    assert filled.consistent(lambda: _searches(filled, make)) == found
    assert made == []
    with filled.atomic():
        filled.videos.remove("v1")
        assert _searches(filled, make) != found
    assert len(made) == 3  # what may yet be rolled back enters indexes of its own


def test_inside_a_transaction_nothing_begins_again(filled: Store, make):
    with filled.atomic():
        filled.videos.remove("v1")
        assert len(filled.consistent(filled.videos.all)) == 1
        assert {video for video, _ in filled.consistent(lambda: _searches(filled, make))[2]} == {"v0"}


def test_an_index_that_is_always_further_is_done_without(filled: Store, make, monkeypatch: pytest.MonkeyPatch):
    expected, calls = _searches(filled, make), []
    for index in (*filled._vector_search.indexes.values(), filled._text_search.index):

        def behind(*_: object) -> object:
            raise BehindError

        monkeypatch.setattr(index, "search", behind)

    def work() -> object:
        calls.append(1)
        return _searches(filled, make)

    assert filled.consistent(work) == expected
    assert len(calls) == 5


def test_an_error_ends_the_snapshot(filled: Store):
    with pytest.raises(ZeroDivisionError):
        filled.consistent(lambda: 1 // 0)
    assert not filled.connections.in_transaction
    assert not filled.connections.restarts

    def closing() -> None:
        filled.close()
        filled.videos.all()

    with pytest.raises(StoreError, match="closed"):
        filled.consistent(closing)


def test_no_reader_sees_two_versions_at_once(index_dir: Path, make):
    """Each transaction puts a video of another name in place of the last, with its notes and vectors."""
    rounds, size = 40, 6
    failures: list[BaseException] = []
    seen: set[str] = set()
    done, looked = threading.Event(), threading.Condition()

    def replace(store: Store, n: int) -> None:
        notes = [make.note(f"round{n} word", f"v{n}", start_s=4.0 * i) for i in range(size)]
        with store.atomic():
            if n:
                store.videos.remove(f"v{n - 1}")
            store.videos.put(make.video(f"v{n}"))
            store.notes.put(notes)
            store.vectors.put("emb", [note.id for note in notes], make.vectors(size, seed=n))
            store.frames.put("img", f"v{n}", [float(i) for i in range(size)], make.vectors(size, seed=n))

    def write(store: Store) -> None:
        try:
            for n in range(1, rounds):
                replace(store, n)
                if n % 8 == 0:
                    with looked:
                        looked.wait_for(lambda n=n: f"v{n}" in seen or failures)
        except BaseException as error:
            failures.append(error)
        finally:
            done.set()

    def read(store: Store) -> None:
        query = make.vectors(1, seed=99)[0]

        def once() -> None:
            found = [note_id for note_id, _ in store.notes.search("word", 50)]
            near = [note_id for note_id, _ in store.vectors.search("emb", query, 50)]
            frames = store.frames.search("img", query, 50)
            notes = store.notes.get_many(found)
            (video,) = store.videos.all()
            assert sorted(found) == sorted(near) == sorted(note.id for note in notes)
            assert len(frames) == size
            assert {note.video_id for note in notes} | {frame.video_id for frame in frames} == {video.id}
            with looked:
                seen.add(video.id)
                looked.notify_all()

        try:
            while not done.is_set():
                store.consistent(once)
                with store.snapshot():
                    once()
        except BaseException as error:
            with looked:
                failures.append(error)
                looked.notify_all()

    with Store.open(index_dir, write=True) as writer, Store.open(index_dir) as other:
        replace(writer, 0)
        threads = [threading.Thread(target=read, args=(store,)) for store in (writer, writer, other, other)]
        threads.append(threading.Thread(target=write, args=(writer,)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert len(seen) > 3
