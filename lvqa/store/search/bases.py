"""The rows of the database that name index files, and what was deleted since they were written. Knows no arrays' use.

See `lvqa.store.migrations` for why a base that the database names can be trusted without reading the rows through.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from lvqa.store.database import Connections
from lvqa.store.search.bundle import Subject, checked, sweep_bundles
from lvqa.store.search.columns import Columns


@dataclass(frozen=True, slots=True)
class BaseRow:
    """One row of `bases`: the files with `stamp` stand for `size` rows, all there were with `n <= last`."""

    n: int
    subject: Subject
    stamp: str
    last: int
    size: int


def base_row(connections: Connections, subject: Subject) -> BaseRow | None:
    """The base that the database names, None where it names none."""
    row = connections.row(
        "SELECT n, stamp, last, size FROM bases WHERE kind = ? AND model = ?", (subject.kind, subject.model)
    )
    return None if row is None else BaseRow(row[0], subject, *row[1:])


def gone_count(connections: Connections, base: BaseRow) -> int:
    """How many of the base's rows were deleted since."""
    return int(connections.value("SELECT count(*) FROM gone WHERE base = ?", (base.n,)))


def alive_mask(connections: Connections, base: BaseRow, columns: Columns) -> npt.NDArray[np.bool_] | None:
    """Which rows of the base are still there; None for all of them."""
    rows = connections.rows("SELECT row FROM gone WHERE base = ?", (base.n,))
    if not rows:
        return None
    alive = ~np.isin(columns.n, np.array([row[0] for row in rows], np.int64))
    return np.asarray(alive, bool)


def live_rows(connections: Connections, subject: Subject, last: int) -> npt.NDArray[np.int64]:
    """The numbers of the subject's rows in the database up to `last`, rising."""
    sql = f"SELECT n FROM {subject.table} WHERE {subject.own_rows} AND n <= ? ORDER BY n"
    return np.array([row[0] for row in connections.rows(sql, (subject.model, last))], np.int64)


def put_base(connections: Connections, subject: Subject, stamp: str, columns: Columns, *, complete: bool) -> None:
    """Name new files in place of the earlier ones, inside `atomic`.

    `complete` says that nothing was deleted since the files were read; else the database is compared row by row.
    """
    drop_base(connections, subject)
    last = int(columns.n[-1])
    connections.write(
        "INSERT INTO bases(kind, model, stamp, last, size) VALUES (?, ?, ?, ?, ?)",
        (subject.kind, subject.model, stamp, last, len(columns)),
    )
    if complete:
        return
    base = base_row(connections, subject)
    assert base is not None
    for n in np.setdiff1d(columns.n, live_rows(connections, subject, last)).tolist():
        connections.write("INSERT INTO gone(base, row) VALUES (?, ?)", (base.n, n))


def drop_base(connections: Connections, subject: Subject) -> None:
    """Name no files any more, inside `atomic`."""
    connections.write("DELETE FROM bases WHERE kind = ? AND model = ?", (subject.kind, subject.model))


def all_bases(connections: Connections) -> list[BaseRow]:
    """Every base that the database names."""
    rows = connections.rows("SELECT n, kind, model, stamp, last, size FROM bases")
    return [BaseRow(row[0], Subject(row[1], row[2]), *row[3:]) for row in rows]


def sweep_bases(connections: Connections, index_dir: Path) -> None:
    """Delete the files that the database does not name. Only the writer may, outside any transaction."""
    sweep_bundles(index_dir, [(base.subject, base.stamp) for base in all_bases(connections)])


T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Base(Generic[T]):
    """The content of a base's files: an index of its rows by position, and the columns of the same rows."""

    index: T
    columns: Columns


class BaseFiles(Generic[T]):
    """Opens the files of bases, each once for all that search them; what cannot be used is not tried again.

    `load` opens the index of so many rows in a folder; it raises OSError, ValueError or RuntimeError.
    """

    def __init__(self, index_dir: Path, load: Callable[[Path, int], T]) -> None:
        self.index_dir = index_dir
        self._load = load
        self._lock = threading.Lock()
        self._known: dict[Subject, tuple[str, Base[T] | None]] = {}

    def get(self, base: BaseRow) -> Base[T] | None:
        """The files' content, None where they are not there, damaged, or about something else."""
        with self._lock:
            stamp, loaded = self._known.get(base.subject, ("", None))
            if stamp != base.stamp:
                loaded = self._open(base)
                self._known[base.subject] = (base.stamp, loaded)
            return loaded

    def _open(self, base: BaseRow) -> Base[T] | None:
        about = {"size": base.size, "last": base.last}
        folder = checked(self.index_dir, base.subject, base.stamp, about)
        if folder is None:
            return None
        try:
            loaded = Base(self._load(folder, base.size), Columns.load(folder, base.size))
            return loaded if int(loaded.columns.n[-1]) == base.last else None
        except Exception:
            # FAISS raises RuntimeError, MemoryError and others for bytes that it cannot read, numpy ValueError.
            return None
