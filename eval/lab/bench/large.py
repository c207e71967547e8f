"""What the search benchmark does with the archive, each step in a process of its own: fill, truth, search, add.

Knows lvqa's store through its public methods, and no other store.

    python -m lvqa.eval.lab.bench.large STEP FOLDER ROWS QUERIES
"""

from __future__ import annotations

import json
import resource
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lvqa.eval.lab.bench.corpus import FRAME_DIM, NOTE_DIM, PER_VIDEO, Block, Corpus, Queries
from lvqa.types import Note, Span, Video

if TYPE_CHECKING:
    from lvqa.store import Filter, Store

NOTE_MODEL, FRAME_MODEL = "bench:note", "bench:frame"
INDEX = "archive/.lvqa"
K = 10
# What the retriever asks each channel for.
CANDIDATES = 64
ADDED = 10_000
WARM_UP = 20
RANGE = Span(300, 400)

Rows = npt.NDArray[np.int64]


def video_of(number: int) -> Video:
    """The video of a block."""
    return Video(f"v{number:06d}", f"v{number:06d}.mp4", f"hash{number}", float(PER_VIDEO), 640, 360, 30.0, "h264")


def notes_of(block: Block) -> list[Note]:
    """A caption a second."""
    name = video_of(block.number).id
    return [
        Note(f"{name}:{s:04d}", name, None, Span(s, s + 1), text, "caption", "bench", "")
        for s, text in enumerate(block.texts)
    ]


def filters(corpus: Corpus, query_video: int) -> dict[str, tuple[Filter | None, npt.NDArray[np.bool_] | None]]:
    """The filters that are tried, as the store takes them and as a mask over rows; None allows all."""
    from lvqa.store import Filter

    rows = np.arange(corpus.videos * PER_VIDEO)
    tenth = list(range(query_video % 10, corpus.videos, 10))
    return {
        "none": (None, None),
        "one video": (Filter(frozenset({video_of(query_video).id})), rows // PER_VIDEO == query_video),
        "a tenth of the videos": (
            Filter(frozenset(video_of(number).id for number in tenth)),
            rows // PER_VIDEO % 10 == query_video % 10,
        ),
        "a time range": (
            Filter(span=RANGE),
            (rows % PER_VIDEO >= RANGE.start_s) & (rows % PER_VIDEO < RANGE.end_s),
        ),
    }


def put_notes(store: Store, block: Block) -> None:
    """A video with its notes and their vectors, in one transaction."""
    notes = notes_of(block)
    with store.atomic():
        store.videos.put(video_of(block.number))
        store.notes.put(notes)
        store.vectors.put(NOTE_MODEL, [note.id for note in notes], block.notes)


def fill(folder: Path, corpus: Corpus, queries: Queries) -> dict[str, Any]:
    """Index everything, notes first; seconds by what they went to. What an earlier, killed run wrote stays."""
    from lvqa.store import Store

    spent = dict.fromkeys(("notes", "note indexes", "frames", "frame index"), 0.0)
    times = np.arange(PER_VIDEO, dtype=np.float64)

    def timed(name: str, work: Callable[[], object]) -> None:
        started = time.perf_counter()
        work()
        spent[name] += time.perf_counter() - started

    with Store.open(folder / INDEX, write=True) as store:
        for block in corpus.blocks():
            if store.videos.get(video_of(block.number).id) is None:
                timed("notes", lambda block=block: put_notes(store, block))  # type: ignore[misc]
        timed("note indexes", store.build_indexes)
        for block in corpus.blocks():
            name = video_of(block.number).id
            timed("frames", lambda b=block, n=name: store.frames.put(FRAME_MODEL, n, times, b.frames))  # type: ignore[misc]
        timed("frame index", store.build_indexes)
    size = sum(path.stat().st_size for path in (folder / INDEX).rglob("*") if path.is_file())
    return {"seconds": spent, "peak GB": peak_gb(), "disk GB": size / 1e9}


def read_all(folder: Path, kind: str) -> npt.NDArray[np.float32]:
    """All vectors of notes or frames, float32 (rows, d), by video and second."""
    table, dim = {"notes": ("embeddings", NOTE_DIM), "frames": ("frames", FRAME_DIM)}[kind]
    db = sqlite3.connect(f"file:{folder / INDEX / 'archive.db'}?mode=ro", uri=True)
    size = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
    rows = np.empty((size, dim), np.float32)
    for at, (blob,) in enumerate(db.execute(f"SELECT vector FROM {table} ORDER BY n")):  # noqa: S608
        rows[at] = np.frombuffer(blob, "<f4")
    db.close()
    return rows


def truth(folder: Path, corpus: Corpus, queries: Queries) -> dict[str, Any]:
    """The best rows of every query and filter by a scan in float64, kept in a file."""
    found: dict[str, Rows] = {}
    for kind in ("notes", "frames"):
        rows = read_all(folder, kind)
        for at, vector in enumerate(getattr(queries, kind)):
            scores = rows @ vector
            for name, (_, mask) in filters(corpus, queries.videos[at]).items():
                allowed = scores if mask is None else np.where(mask, scores, -2.0)
                near = np.argpartition(-allowed, 4 * K)[: 4 * K]
                exact = rows[near].astype(np.float64) @ vector.astype(np.float64)
                best = near[np.lexsort((near, -exact))][:K]
                found.setdefault(f"{kind}/{name}", np.zeros((len(queries.texts), K), np.int64))[at] = best
        del rows
    np.savez(folder / "truth.npz", **found)  # type: ignore[arg-type]
    return {"queries": len(queries.texts)}


def recall(found: Sequence[Sequence[int]], wanted: Rows) -> float:
    """The mean share of the wanted rows that were found."""
    return float(np.mean([len(set(some) & set(best.tolist())) / K for some, best in zip(found, wanted, strict=False)]))


def summary(times_ms: Sequence[float]) -> dict[str, float]:
    """Median, 99th percentile and mean."""
    return {
        "p50 ms": float(np.percentile(times_ms, 50)),
        "p99 ms": float(np.percentile(times_ms, 99)),
        "mean ms": float(np.mean(times_ms)),
    }


def peak_gb() -> float:
    """The resident set at its largest, pages of mapped files included, as the kernel counted it."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def touch(folder: Path) -> None:
    """Read the files of the index once, so that they are in the page cache where it has room."""
    for path in sorted((folder / INDEX).rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                while file.read(1 << 24):
                    pass


def row_of_note(note_id: str) -> int:
    """The number of a note's row."""
    return int(note_id[1:7]) * PER_VIDEO + int(note_id[8:])


def hybrid(store: Store, queries: Queries, at: int, wanted: Filter | None, clock: dict[str, float]) -> dict[str, Any]:
    """One query through the three channels, and the notes of the best; adds up each channel's milliseconds."""
    started = time.perf_counter()
    text = store.notes.search(queries.texts[at], CANDIDATES, wanted)
    after_text = time.perf_counter()
    notes = store.vectors.search(NOTE_MODEL, queries.notes[at], CANDIDATES, wanted)
    after_notes = time.perf_counter()
    frames = store.frames.search(FRAME_MODEL, queries.frames[at], CANDIDATES, wanted)
    after_frames = time.perf_counter()
    best = [note_id for note_id, _ in [*text[:K], *notes[:K]]]
    shown = store.notes.get_many(best)
    done = time.perf_counter()
    if len(shown) < len(set(best)):
        raise RuntimeError("a note that was found is not there")
    parts = (after_text - started, after_notes - after_text, after_frames - after_notes, done - after_frames)
    for name, seconds in zip(("text", "notes", "frames", "fetch"), parts, strict=True):
        clock[name] = clock.get(name, 0.0) + seconds * 1000
    return {
        "ms": (done - started) * 1000,
        "notes": [row_of_note(note_id) for note_id, _ in notes[:K]],
        "frames": [int(f.video_id[1:]) * PER_VIDEO + round(f.time_s) for f in frames[:K]],
    }


def search(folder: Path, corpus: Corpus, queries: Queries) -> dict[str, Any]:
    """Open the archive and ask it, with and without filters."""
    touch(folder)
    started = time.perf_counter()
    from lvqa.store import Store

    with Store.open(folder / INDEX, create=False) as store:
        hybrid(store, queries, 0, None, {})
        opened_s = time.perf_counter() - started
        warm = corpus.queries(WARM_UP, seed=99)
        for at in range(WARM_UP):
            hybrid(store, warm, at, None, {})
        known = np.load(folder / "truth.npz")
        result: dict[str, Any] = {"open s": opened_s, "filters": {}}
        for name in filters(corpus, 0):
            # Filters are each their own, so that no mask is found ready-made.
            count = len(queries.texts) if name == "none" else min(100, len(queries.texts))
            clock: dict[str, float] = {}
            asked = [
                hybrid(store, queries, at, filters(corpus, queries.videos[at])[name][0], clock) for at in range(count)
            ]
            result["filters"][name] = {
                **summary([one["ms"] for one in asked]),
                **{f"{part} ms": total / count for part, total in clock.items()},
                "recall notes": recall([one["notes"] for one in asked], known[f"notes/{name}"]),
                "recall frames": recall([one["frames"] for one in asked], known[f"frames/{name}"]),
                "queries": count,
            }
    return {**result, "peak GB": peak_gb()}


def add(folder: Path, corpus: Corpus, queries: Queries) -> dict[str, Any]:
    """Add 10,000 notes to the archive, search, and take them out again."""
    from lvqa.store import Store

    blocks = list(corpus.blocks(corpus.videos, corpus.videos + ADDED // PER_VIDEO))
    with Store.open(folder / INDEX, write=True) as store:
        hybrid(store, queries, 0, None, {})
        started = time.perf_counter()
        for block in blocks:
            put_notes(store, block)
        store.build_indexes()
        added_s = time.perf_counter() - started
        first = hybrid(store, queries, 1, None, {})["ms"]
        clock: dict[str, float] = {}
        later = [hybrid(store, queries, at, None, clock)["ms"] for at in range(min(100, len(queries.texts)))]
        text = [note_id for note_id, _ in store.vectors.search(NOTE_MODEL, blocks[0].notes[7], 1)]
        for block in blocks:
            store.videos.remove(video_of(block.number).id)
        found = text == [notes_of(blocks[0])[7].id]
    return {"seconds": added_s, "first ms": first, **summary(later), "found": found, "peak GB": peak_gb()}


class GivenVectors:
    """An embedder of notes, or of frames, that knows the vectors of the queries, whatever phrase stands for one."""

    def __init__(self, name: str, vectors: npt.NDArray[np.float32]) -> None:
        self.name = name
        self.dim = vectors.shape[1]
        self.at = 0
        self._vectors = vectors

    def encode_query(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """The vector of the query at hand, once for each text."""
        return np.repeat(self._vectors[self.at : self.at + 1], len(texts), axis=0)

    def encode_document(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors of texts that are near to no query: what the scale of relevance is measured on."""
        noise = np.random.default_rng(0).standard_normal((len(texts), self.dim)).astype(np.float32)
        unit: npt.NDArray[np.float32] = noise / np.linalg.norm(noise, axis=1, keepdims=True)
        return unit

    def encode_frames(self, frames: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float32]:
        """Not asked for."""
        raise NotImplementedError


def recall_all(folder: Path, corpus: Corpus, queries: Queries) -> dict[str, Any]:
    """Ask the archive as `lvqa search` does: all channels, candidates weighed, picks, windows; the encoders apart."""
    touch(folder)
    from lvqa.recall import hybrid_search
    from lvqa.store import Store

    times_ms: list[float] = []
    hits = 0
    with Store.open(folder / INDEX, create=False) as store:
        for asked, count in ((corpus.queries(WARM_UP, seed=99), WARM_UP), (queries, len(queries.texts))):
            notes, frames = GivenVectors(NOTE_MODEL, asked.notes), GivenVectors(FRAME_MODEL, asked.frames)
            times_ms.clear()
            for at in range(count):
                notes.at = frames.at = at
                started = time.perf_counter()
                found = hybrid_search(store, notes, asked.texts[at], 8, image_embedder=frames)
                times_ms.append((time.perf_counter() - started) * 1000)
                hits += len(found)
    return {**summary(times_ms), "hits": hits, "encode ms": encode_ms(queries.texts[:20]), "peak GB": peak_gb()}


def encode_ms(texts: Sequence[str]) -> float | None:
    """How long MiniLM takes to encode a query, in milliseconds; None where its wheel is not there."""
    from lvqa.errors import LvqaError
    from lvqa.models.registry import load_embedder

    try:
        embedder = load_embedder("minilm")
        embedder.encode_query(texts[:1])
    except LvqaError:
        return None
    started = time.perf_counter()
    for text in texts:
        embedder.encode_query([text])
    return (time.perf_counter() - started) * 1000 / len(texts)


STEPS: dict[str, Callable[[Path, Corpus, Queries], dict[str, Any]]] = {
    "fill": fill,
    "truth": truth,
    "search": search,
    "recall": recall_all,
    "add": add,
}


def steps(arguments: Sequence[str]) -> Iterator[str]:
    """Run one step; gives its outcome as JSON."""
    step, folder, rows, queries = arguments
    corpus = Corpus(int(rows))
    yield json.dumps(STEPS[step](Path(folder), corpus, corpus.queries(int(queries))))


if __name__ == "__main__":
    for line in steps(sys.argv[1:]):
        print(line)
