"""Writes the index files of large archives, and keeps them from falling behind. Searches nothing.

Small archives have none: below `BASE_FROM` rows an exact search takes as long. A base is added to when more rows came
after it than a share of its own, and sheds what was deleted on that occasion, or when that alone is a large share.
Its cells are cut anew only when it has outgrown them. The work goes on from the files there are; the rows of the base
are read from the database only where there is no base to go on from.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import numpy as np

from lvqa.errors import StoreError
from lvqa.models.base import Vectors
from lvqa.store.database import Connections
from lvqa.store.rows import VectorKind
from lvqa.store.search.bases import (
    Base,
    BaseFiles,
    BaseRow,
    alive_mask,
    all_bases,
    base_row,
    drop_base,
    gone_count,
    put_base,
    sweep_bases,
)
from lvqa.store.search.bundle import Subject, folder_of, writing
from lvqa.store.search.columns import Columns
from lvqa.store.search.ivf import SAMPLE_A_CELL, Ivf, cells_for
from lvqa.store.search.postings import Postings
from lvqa.store.search.text_index import TEXTS
from lvqa.store.search.tokenize import postings_of, read_postings
from lvqa.store.search.vector_bank import faiss_installed, normalised
from lvqa.store.search.vector_cache import CacheFile
from lvqa.store.search.vector_index import IVF_FILE, read_columns, read_vectors

# Where files begin to pay (eval/LOG.md), and what may come after or leave a base before it is written again.
BASE_FROM = 100_000
TAIL_LEAST = 20_000
TAIL_SHARE = 0.1
GONE_SHARE = 0.25
# Cells cut for so many times fewer rows than there are now are too large.
OUTGROWN = 2.0

_ABOUT_TEXTS = "SELECT n, video, start_s, end_s, source, level FROM notes WHERE n > ? ORDER BY n"


def build_bases(connections: Connections, texts: BaseFiles[Postings], vectors: BaseFiles[Ivf]) -> list[Subject]:
    """Write the files that are missing or behind; returns what they are about.

    Where the disk will not have them there are fewer, and search is as right and slower. Raises StoreError.
    """
    if not connections.write_allowed or connections.in_transaction:
        raise StoreError(
            f"the search indexes of {connections.path} are built by a store opened with write=True, outside atomic()"
        )
    rows = connections.rows("SELECT kind, model FROM versions WHERE kind <> 'texts' ORDER BY kind DESC, model")
    subjects = [Subject(*row) for row in rows] if faiss_installed() else []
    written = [TEXTS] if _bring_up(connections, texts, TEXTS) else []
    written += [subject for subject in subjects if _bring_up(connections, vectors, subject)]
    sweep_bases(connections, vectors.index_dir)
    for base in all_bases(connections):
        if base.subject != TEXTS:
            # A flat index of the same rows would only take room.
            flat = CacheFile(vectors.index_dir, base.subject.kind, base.subject.model)
            for path in (flat.path, flat.sidecar):
                with suppress(OSError):
                    path.unlink(missing_ok=True)
    return written


def _bring_up(connections: Connections, files: BaseFiles[Any], subject: Subject) -> bool:
    try:
        with connections.reading():
            token = _token(connections, subject)
            base = base_row(connections, subject)
            opened = files.get(base) if base is not None else None
            columns: Columns | None = None
            stamp = ""
            if base is None or opened is None:
                size = _count(connections, subject)
                goes = base is not None and size < BASE_FROM
                if size >= BASE_FROM:
                    with writing(files.index_dir, subject) as draft:
                        columns = _anew(connections, subject, draft.folder)
                        draft.about = {"size": len(columns), "last": int(columns.n[-1])}
                        stamp = draft.stamp
            else:
                gone = gone_count(connections, base)
                tail = _count(connections, subject, base.last)
                size = base.size - gone + tail
                # Half the size before the way back: an archive about that large must not go to and fro.
                goes = size < BASE_FROM / 2
                if not goes and (tail > max(TAIL_LEAST, TAIL_SHARE * base.size) or gone > GONE_SHARE * base.size):
                    with writing(files.index_dir, subject) as draft:
                        columns = _onwards(connections, files.index_dir, base, opened, size, draft.folder)
                        draft.about = {"size": len(columns), "last": int(columns.n[-1])}
                        stamp = draft.stamp
    except (OSError, RuntimeError, ValueError, MemoryError):
        return False
    if columns is None and not goes:
        return False
    with connections.atomic():
        if columns is None:
            drop_base(connections, subject)
        else:
            put_base(connections, subject, stamp, columns, complete=_token(connections, subject) == token)
    return columns is not None


def _count(connections: Connections, subject: Subject, above: int | None = None) -> int:
    """How many rows the subject has, or has with a larger `n`."""
    sql = f"SELECT count(*) FROM {subject.table} WHERE "
    if above is None:
        return int(connections.value(sql + subject.own_rows, (subject.model,)))
    # The plus keeps SQLite from going through all rows of the model.
    return int(connections.value(f"{sql} n > ? AND +{subject.own_rows}", (above, subject.model)))


def _token(connections: Connections, subject: Subject) -> int | None:
    token = connections.value("SELECT token FROM versions WHERE kind = ? AND model = ?", (subject.kind, subject.model))
    return None if token is None else int(token)


def _anew(connections: Connections, subject: Subject, folder: Path) -> Columns:
    if subject == TEXTS:
        columns = Columns.join(Columns.of(rows) for rows in connections.stream(_ABOUT_TEXTS, (-1,)))
        with _vocabulary(connections) as (totals, places):
            postings = read_postings(
                connections.connection, totals, places, lambda n: np.searchsorted(columns.n, n), len(columns)
            )
        postings.save(folder)
    else:
        kind = cast("VectorKind", subject.kind)
        columns = read_columns(connections, kind, subject.model, -1)
        cells = cells_for(len(columns))
        index = Ivf.train(_sample(connections, kind, columns, cells * SAMPLE_A_CELL), cells)
        index.add(read_vectors(connections, kind, subject.model, -1, index.dim))
        index.save(folder / IVF_FILE)
    columns.save(folder)
    return columns


def _onwards(
    connections: Connections, index_dir: Path, base: BaseRow, opened: Base[Any], size: int, folder: Path
) -> Columns:
    """Write the base without what is gone and with what came since."""
    alive = alive_mask(connections, base, opened.columns)
    kept = opened.columns if alive is None else opened.columns.take(alive)
    if base.subject == TEXTS:
        rows = connections.rows(
            "SELECT n, video, start_s, end_s, source, level, text FROM notes WHERE n > ? ORDER BY n", (base.last,)
        )
        columns = Columns.join([kept, Columns.of(row[:6] for row in rows)])
        old = opened.index if alive is None else opened.index.keep(alive)
        Postings.join([old, postings_of([row[6] for row in rows])]).save(folder)
    else:
        kind, model = cast("VectorKind", base.subject.kind), base.subject.model
        if cells_for(size) > OUTGROWN * opened.index.cells:
            return _anew(connections, base.subject, folder)
        columns = Columns.join([kept, read_columns(connections, kind, model, base.last)])
        path = folder_of(index_dir, base.subject, base.stamp) / IVF_FILE
        index = Ivf.open(path, size=base.size, mapped=False)
        if alive is not None:
            index.keep(alive)
        index.add(read_vectors(connections, kind, model, base.last, index.dim))
        index.save(folder / IVF_FILE)
    columns.save(folder)
    return columns


def _sample(connections: Connections, kind: VectorKind, columns: Columns, wanted: int) -> Vectors:
    """The vectors of some rows, drawn without repetition; the same rows give the same sample."""
    chosen = np.random.default_rng(1).choice(len(columns), min(wanted, len(columns)), replace=False)
    table = Subject(kind, "").table
    found: list[bytes] = [
        connections.value(f"SELECT vector FROM {table} WHERE n = ?", (n,)) for n in np.sort(columns.n[chosen]).tolist()
    ]
    return normalised(np.frombuffer(b"".join(found), "<f4").reshape(len(found), -1))


@contextmanager
def _vocabulary(connections: Connections) -> Iterator[tuple[str, str]]:
    """The names of tables that show what is in the full-text index."""
    names = {"temp.lvqa_totals": "row", "temp.lvqa_places": "instance"}
    run: Any = connections.connection.execute
    for name, kind in names.items():
        run(f"CREATE VIRTUAL TABLE IF NOT EXISTS {name} USING fts5vocab('main', 'notes_fts', '{kind}')")
    try:
        yield "temp.lvqa_totals", "temp.lvqa_places"
    finally:
        for name in names:
            with suppress(Exception):
                run(f"DROP TABLE {name}")
