"""All that an index holds, as plain values that two indexes can be compared by.

Without row numbers and times of writing, which may differ between two runs that did the same work. Knows the store,
not what wrote it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from lvqa.types import LEVELS, Clip, Level

if TYPE_CHECKING:
    from lvqa.models.base import Vectors
    from lvqa.store import Store

Row = tuple[object, ...]
# A text embedded beside others of another length comes out a rounding error apart.
VECTOR_TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Rows by table, and vectors by what they belong to: (kind, model, note id or video id and time)."""

    tables: dict[str, Counter[Row]]
    vectors: dict[Row, Vectors] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(sum(rows.values()) for rows in self.tables.values()) + len(self.vectors)


def snapshot(index_dir: Path) -> Snapshot:
    """Read the index in a folder. Raises StoreError where there is none."""
    from lvqa.indexers import read_digest
    from lvqa.store import Store

    with Store.open(index_dir, create=False) as store:
        notes = store.notes.select()
        videos = store.videos.all()
        models = store.counts()["models"]
        tables: dict[str, Counter[Row]] = {
            "videos": Counter(astuple(video) for video in videos),
            "files": Counter(astuple(row) for row in store.files.all()),
            "jobs": Counter(astuple(job) for job in store.jobs.all()),
            "notes": Counter(astuple(note) for note in notes),
            "digest": Counter([astuple(digest)] if (digest := read_digest(store)) is not None else []),
            "clips": Counter(astuple(clip) for video in videos for clip in _clips(store, video.id)),
        }
        vectors: dict[Row, Vectors] = {}
        for model in models:
            bare = {note.id for note in store.vectors.missing(model, -1)}
            embedded = [note.id for note in notes if note.id not in bare]
            for note_id, vector in zip(embedded, store.vectors.of(model, embedded), strict=True):
                vectors["note", model, note_id] = vector
            for video in videos:
                for time_s, vector in zip(*store.frames.of(model, video.id), strict=True):
                    vectors["frame", model, video.id, float(time_s)] = vector
    return Snapshot(tables, vectors)


def _clips(store: Store, video_id: str) -> Iterator[Clip]:
    for level in LEVELS:
        yield from store.clips.of(video_id, cast(Level, level))


def differences(expected: Snapshot, found: Snapshot) -> list[str]:
    """A line for each table or vector in which two snapshots differ, with an example; empty where they are equal.

    Vectors are equal within `VECTOR_TOLERANCE` in every component.
    """
    lines: list[str] = []
    for table in sorted(expected.tables.keys() | found.tables.keys()):
        want, have = expected.tables.get(table, Counter()), found.tables.get(table, Counter())
        for word, rows in (("missing", want - have), ("too many", have - want)):
            if rows:
                lines.append(f"{table}: {sum(rows.values())} {word}, such as {min(rows, key=repr)!r}")
    for word, keys in (
        ("missing", expected.vectors.keys() - found.vectors.keys()),
        ("too many", found.vectors.keys() - expected.vectors.keys()),
    ):
        if keys:
            lines.append(f"vectors: {len(keys)} {word}, such as {min(keys, key=repr)!r}")
    for key in expected.vectors.keys() & found.vectors.keys():
        want_vector, have_vector = expected.vectors[key], found.vectors[key]
        if want_vector.shape != have_vector.shape or not np.allclose(
            want_vector, have_vector, rtol=0, atol=VECTOR_TOLERANCE
        ):
            lines.append(f"vectors: another one of {key!r}")
    return lines
