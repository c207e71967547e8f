"""Index files of large archives: the same results as without them, whatever is added, deleted, broken or put back."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lvqa.errors import StoreError
from lvqa.store import Filter, Store
from lvqa.store.search.bundle import MANIFEST
from lvqa.types import Span

pytest.importorskip("faiss")

_WORDS = (
    "man woman dog runs running ran holds holding red blue ball kitchen street milk carton fridge opens opened the a "
    "in on with brown-haired 01:00:21 don't sign reads EXIT café naïve 牛奶 молоко it's number"
)
WORDS = _WORDS.split()
QUERIES = (
    "man",
    "the man",
    "running dog",
    "a man in a kitchen holding milk",
    "brown-haired woman",
    "01:00:21",
    '"milk carton"',
    "cafe",
    "молоко",
    "xylophone",
    "exit sign number",
    "the a in on",
)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files from a few hundred rows on, and behind as soon as some dozens came."""
    monkeypatch.setattr("lvqa.store.search.maintain.BASE_FROM", 200)
    monkeypatch.setattr("lvqa.store.search.maintain.TAIL_LEAST", 50)
    monkeypatch.setattr("lvqa.store.search.vector_bank.FEW", 0)


def add(store: Store, make, first: int, count: int, *, dim: int = 8) -> list[str]:
    """Notes of random words with vectors, and frames, over videos of fifty seconds each."""
    draw = random.Random(first)
    ids: list[str] = []
    for begin in range(first, first + count, 50):
        video = f"v{begin // 50:03d}"
        with store.atomic():
            store.videos.put(make.video(video))
            notes = [
                make.note(
                    " ".join(draw.choices(WORDS, k=draw.randint(1, 14))) + f" n{begin + s}",
                    video,
                    float(s),
                    1.5,
                    draw.choice(("caption", "speech", "screen")),
                )
                for s in range(min(50, first + count - begin))
            ]
            store.notes.put(notes)
            store.vectors.put("emb", [note.id for note in notes], make.vectors(len(notes), dim, seed=begin))
            store.frames.put("img", video, np.arange(len(notes)) + 0.5, make.vectors(len(notes), dim, begin + 1))
        ids += [note.id for note in notes]
    return ids


FILTERS = (
    None,
    Filter(frozenset({"v001"})),
    Filter(frozenset({"v000", "v003", "nobody"})),
    Filter(span=Span(10, 14)),
    Filter(frozenset({"v002"}), Span(3, 30), frozenset({"speech", "screen"})),
    Filter(level="clip"),
    Filter(level="video"),
    Filter(frozenset()),
)


def everything(store: Store, make) -> list[object]:
    """What every kind of search gives, with scores to nine digits."""
    found: list[object] = []
    for wanted in FILTERS:
        for k in (1, 7, 1000):
            for query in QUERIES:
                found.append([(i, round(s, 9)) for i, s in store.notes.search(query, k, wanted)])
            for seed in (5, 6):
                vector = make.vectors(1, seed=seed)[0]
                found.append([(i, round(s, 9)) for i, s in store.vectors.search("emb", vector, k, wanted)])
                frames = store.frames.search("img", vector, k, wanted)
                found.append([(f.video_id, f.time_s, round(f.score, 9)) for f in frames])
    return found


def without_files(index_dir: Path, make) -> list[object]:
    """The same from the database alone."""
    bare = index_dir.parent / "bare"
    shutil.copytree(index_dir, bare)
    shutil.rmtree(bare / "vectors", ignore_errors=True)
    with Store.open(bare) as store:
        result = everything(store, make)
    shutil.rmtree(bare)
    return result


def names(index_dir: Path) -> list[str]:
    return sorted(path.name.split("-")[0] for path in (index_dir / "vectors").iterdir() if path.is_dir())


def test_searches_give_the_same_with_files_and_without(index_dir, make):
    with Store.open(index_dir, write=True) as store:
        add(store, make, 0, 400)
        before = everything(store, make)
        assert store.build_indexes() == 3
        assert names(index_dir) == ["frames", "notes", "texts"]
        assert everything(store, make) == before
        assert store.build_indexes() == 0
    with Store.open(index_dir, create=False) as store:
        assert everything(store, make) == before


def test_small_archives_have_no_files(index_dir, make):
    with Store.open(index_dir, write=True) as store:
        add(store, make, 0, 150)
        assert store.build_indexes() == 0
        assert names(index_dir) == [] if (index_dir / "vectors").exists() else True


def test_what_is_added_and_deleted_is_seen_at_once_and_without_rebuilding(index_dir, make):
    with Store.open(index_dir, write=True) as store:
        ids = add(store, make, 0, 400)
        store.build_indexes()
        files = names(index_dir), sorted((index_dir / "vectors").iterdir())
        everything(store, make)
        add(store, make, 1000, 30)
        store.notes.delete(ids[3:90:7])
        store.videos.remove("v005")
        assert store.build_indexes() == 0
        assert (names(index_dir), sorted((index_dir / "vectors").iterdir())) == files
        assert everything(store, make) == without_files(index_dir, make)
        add(store, make, 2000, 120)
        store.videos.remove("v001")
        assert store.build_indexes() == 3
        assert everything(store, make) == without_files(index_dir, make)
    with Store.open(index_dir, create=False) as store:
        assert everything(store, make) == without_files(index_dir, make)


def test_an_archive_that_shrinks_loses_its_files(index_dir, make):
    with Store.open(index_dir, write=True) as store:
        add(store, make, 0, 300)
        store.build_indexes()
        for video in store.videos.all()[1:]:
            store.videos.remove(video.id)
        store.build_indexes()
        assert names(index_dir) == []
        assert everything(store, make) == without_files(index_dir, make)


def test_deleting_a_large_share_writes_the_files_again(index_dir, make):
    with Store.open(index_dir, write=True) as store:
        add(store, make, 0, 600)
        store.build_indexes()
        for video in store.videos.all()[:5]:
            store.videos.remove(video.id)
        assert store.build_indexes() == 3
        assert everything(store, make) == without_files(index_dir, make)


def delete(path: Path) -> None:
    path.unlink()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def garble(path: Path) -> None:
    path.write_bytes(bytes(random.Random(0).randbytes(path.stat().st_size)))


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("harm", [delete, truncate, garble, empty])
@pytest.mark.parametrize("name", ["vectors.ivf", "n.npy", "rows.npy", "letters.npy", MANIFEST])
def test_broken_files_are_as_good_as_none_and_made_anew(index_dir, make, harm: Callable[[Path], None], name):
    with Store.open(index_dir, write=True) as store:
        add(store, make, 0, 300)
        store.build_indexes()
    wanted = without_files(index_dir, make)
    for path in (index_dir / "vectors").rglob(name):
        harm(path)
    with Store.open(index_dir, create=False) as store:
        assert everything(store, make) == wanted
    with Store.open(index_dir, write=True) as store:
        assert store.build_indexes() > 0
        assert everything(store, make) == wanted


def test_files_of_another_model_or_size_are_not_taken(index_dir, make):
    with Store.open(index_dir, write=True) as store:
        add(store, make, 0, 300)
        store.build_indexes()
    other = index_dir.parent / "other"
    with Store.open(other, write=True) as store:
        add(store, make, 5000, 300, dim=16)
        store.build_indexes()
    wanted = without_files(index_dir, make)
    mine = {path.name.split("-")[0]: path for path in (index_dir / "vectors").iterdir() if path.is_dir()}
    for theirs in (other / "vectors").iterdir():
        if theirs.is_dir():
            target = mine[theirs.name.split("-")[0]]
            shutil.rmtree(target)
            shutil.copytree(theirs, target)
    with Store.open(index_dir, create=False) as store:
        assert everything(store, make) == wanted


def test_an_older_database_that_is_put_back_is_searched_as_it_is(index_dir, make, tmp_path):
    with Store.open(index_dir, write=True) as store:
        add(store, make, 0, 300)
        store.build_indexes()
    shutil.copy(index_dir / "archive.db", tmp_path / "older.db")
    with Store.open(index_dir, write=True) as store:
        add(store, make, 1000, 200)
        store.build_indexes()
    for path in index_dir.glob("archive.db*"):
        path.unlink()
    shutil.copy(tmp_path / "older.db", index_dir / "archive.db")
    with Store.open(index_dir, write=True) as store:
        assert everything(store, make) == without_files(index_dir, make)
        # Other rows under the numbers that the lost ones had.
        add(store, make, 7000, 200)
        assert everything(store, make) == without_files(index_dir, make)
        store.build_indexes()
        assert everything(store, make) == without_files(index_dir, make)


def test_a_reader_follows_a_writer_in_another_process(index_dir, make):
    with Store.open(index_dir, write=True) as store:
        add(store, make, 0, 300)
        store.build_indexes()
    with Store.open(index_dir, create=False) as reader:
        everything(reader, make)
        code = (
            "import sys; from pathlib import Path; from lvqa.store import Store\n"
            "from lvqa.store.search import maintain; maintain.BASE_FROM, maintain.TAIL_LEAST = 200, 0\n"
            "maintain.TAIL_SHARE = 0.0\n"
            "with Store.open(Path(sys.argv[1]), write=True) as s:\n"
            "    s.videos.remove('v002'); s.notes.delete([n.id for n in s.notes.select()][:5])\n"
            "    assert s.build_indexes() >= 0\n"
        )
        subprocess.run([sys.executable, "-c", code, str(index_dir)], check=True)
        assert everything(reader, make) == without_files(index_dir, make)


def test_only_a_writer_builds_and_not_within_a_transaction(index_dir, make):
    with Store.open(index_dir, write=True) as store:
        add(store, make, 0, 300)
        with store.atomic(), pytest.raises(StoreError, match="outside atomic"):
            store.build_indexes()
        store.build_indexes()
        with store.atomic():
            ids = add(store, make, 9000, 20)
            inside = [note_id for note_id, _ in store.notes.search("n9003", 3)]
            assert set(inside) <= set(ids)
            assert inside
    with Store.open(index_dir, create=False) as store, pytest.raises(StoreError, match="write=True"):
        store.build_indexes()


def test_many_cells_find_nearly_all_and_score_exactly(index_dir, make, monkeypatch):
    monkeypatch.setattr("lvqa.store.search.ivf.PROBES", 12)
    rng = np.random.default_rng(0)
    shots = rng.normal(size=(40, 32))
    rows = np.repeat(shots, 50, axis=0) + 0.05 * rng.normal(size=(2000, 32))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    with Store.open(index_dir, write=True) as store:
        for video in range(4):
            with store.atomic():
                store.videos.put(make.video(f"f{video}", 500.0))
                times = np.arange(500, dtype=np.float64)
                store.frames.put("img", f"f{video}", times, rows[500 * video : 500 * video + 500])
        exact = [store.frames.search("img", rows[at], 10) for at in range(0, 2000, 40)]
        assert store.build_indexes() == 1
        found = [store.frames.search("img", rows[at], 10) for at in range(0, 2000, 40)]
        shared = [len(set(a) & set(b)) for a, b in zip(exact, found, strict=True)]
        assert np.mean(shared) >= 9.5
        only = Filter(frozenset({"f2"}), Span(100, 130))
        assert len(store.frames.search("img", rows[0], 50, only)) == 30
