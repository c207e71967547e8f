"""What users would pick instead, over the same vectors and queries: a flat scan, sqlite-vec, LanceDB.

Each finds the ten nearest notes and frames by vector alone; none of them searches words beside, keeps what was deleted
apart or scores again. Every rival runs in a process of its own.

    python -m lvqa.eval.lab.bench.rivals NAME FOLDER ROWS QUERIES
"""

from __future__ import annotations

import importlib
import json
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lvqa.eval.lab.bench.corpus import Corpus
from lvqa.eval.lab.bench.large import K, peak_gb, read_all, recall, summary

Vectors = npt.NDArray[np.float32]
Search = Callable[[Vectors], list[int]]

NAMES = ("flat scan", "sqlite-vec", "LanceDB")
# A scan of a million vectors takes most of a second: a few queries tell.
MOST_QUERIES = {"flat scan": 50, "sqlite-vec": 20, "LanceDB": 100}
_MISSING = "not installed; pip install 'lvqa[bench]'"


def flat(folder: Path, kind: str, rows: Vectors) -> Search:
    """FAISS's exact index in memory, on one thread, as lvqa's searches are."""
    import faiss

    scan: Any = faiss
    scan.omp_set_num_threads(1)
    index = scan.IndexFlatIP(rows.shape[1])
    index.add(rows)
    return lambda query: index.search(query[None], K)[1][0].tolist()


def sqlite_vec(folder: Path, kind: str, rows: Vectors) -> Search:
    """sqlite-vec's vec0 table, through apsw: many builds of Python cannot load SQLite extensions."""
    apsw, extension = importlib.import_module("apsw"), importlib.import_module("sqlite_vec")
    path = folder / f"{kind}.db"
    path.unlink(missing_ok=True)
    db = apsw.Connection(str(path))
    db.enable_load_extension(True)
    db.load_extension(extension.loadable_path())
    db.execute("PRAGMA journal_mode = WAL")
    db.execute(f"CREATE VIRTUAL TABLE v USING vec0(e float[{rows.shape[1]}] distance_metric=cosine)")
    with db:
        db.executemany("INSERT INTO v(rowid, e) VALUES (?, ?)", ((i, row.tobytes()) for i, row in enumerate(rows)))
    sql = "SELECT rowid FROM v WHERE e MATCH ? AND k = ?"
    return lambda query: [row[0] for row in db.execute(sql, (query.tobytes(), K))]


def lance(folder: Path, kind: str, rows: Vectors) -> Search:
    """LanceDB's table with its usual index, IVF-PQ, and ten times as many candidates scored again."""
    lancedb, pyarrow = importlib.import_module("lancedb"), importlib.import_module("pyarrow")
    place = folder / f"{kind}.lance"
    shutil.rmtree(place, ignore_errors=True)
    vectors = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(rows.reshape(-1)), rows.shape[1])
    data = pyarrow.table({"id": pyarrow.array(np.arange(len(rows))), "vector": vectors})
    table = lancedb.connect(str(place)).create_table("v", data)
    table.create_index(metric="cosine", vector_column_name="vector")
    return lambda query: (
        table.search(query).metric("cosine").refine_factor(10).limit(K).select(["id"]).to_arrow()["id"].to_pylist()
    )


RIVALS: dict[str, Callable[[Path, str, Vectors], Search]] = {
    "flat scan": flat,
    "sqlite-vec": sqlite_vec,
    "LanceDB": lance,
}


def run(name: str, folder: Path, corpus: Corpus, count: int) -> dict[str, Any]:
    """Build a rival over notes, then over frames, and ask it; one that is not installed says so."""
    known = np.load(folder / "truth.npz")
    queries = corpus.queries(count)
    place = folder / "rivals"
    place.mkdir(exist_ok=True)
    result: dict[str, Any] = {}
    for kind in ("notes", "frames"):
        rows = read_all(folder, kind)
        started = time.perf_counter()
        try:
            search = RIVALS[name](place, kind, rows)
        except ImportError:
            return {"missing": _MISSING}
        built_s = time.perf_counter() - started
        del rows
        vectors = getattr(queries, kind)
        asked = min(count, MOST_QUERIES[name])
        search(vectors[-1])
        found, times_ms = [], []
        for at in range(asked):
            began = time.perf_counter()
            found.append(search(vectors[at]))
            times_ms.append((time.perf_counter() - began) * 1000)
        result[kind] = {"build s": built_s, **summary(times_ms), "recall": recall(found, known[f"{kind}/none"])}
        del search
    shutil.rmtree(place, ignore_errors=True)
    return {**result, "peak GB": peak_gb()}


def main(arguments: Sequence[str]) -> None:
    """Run one rival and print what it did as JSON."""
    name, folder, rows, queries = arguments
    print(json.dumps(run(name, Path(folder), Corpus(int(rows)), int(queries))))


if __name__ == "__main__":
    main(sys.argv[1:])
