"""Vectors of notes, and what is asked of all vectors by kind and model. Knows nothing of what made them."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

import numpy as np

from lvqa.errors import StoreError
from lvqa.models.base import Vectors
from lvqa.store.database import Connections
from lvqa.store.filters import Filter
from lvqa.store.keys import clean_text
from lvqa.store.rows import VectorKind
from lvqa.store.search.vector_search import VectorSearch, vector_models
from lvqa.store.tables.blobs import blobs_of, matrix, put_blob
from lvqa.store.tables.notes import BY_TIME, NOTES, note_of
from lvqa.types import Note


class VectorTable:
    """The vectors of notes, one a note and model; `drop`, `models`, `version` and `sample` also tell of frames."""

    def __init__(self, connections: Connections, search: VectorSearch) -> None:
        self._c = connections
        self._search = search

    def put(self, model: str, note_ids: Sequence[str], vectors: Vectors) -> None:
        """Store one vector a note, float32 (n, d), in place of the model's earlier ones.

        Raises StoreError for an unknown note, values that are not finite, or another d than the model's others.
        """
        blobs = blobs_of(self._c, "embeddings", model, len(note_ids), vectors)
        with self._c.atomic():
            for note_id, blob in zip(note_ids, blobs, strict=True):
                note = self._c.value("SELECT n FROM notes WHERE id = ?", (clean_text(note_id),))
                if note is None:
                    raise StoreError(f"no note {note_id!r} in the index {self._c.path}; put the note before its vector")
                put_blob(self._c, "embeddings", "note = ?", (clean_text(model), note), blob)

    def of(self, model: str, note_ids: Sequence[str]) -> Vectors:
        """The stored vectors of notes, float32 (n, d), in the order of the ids.

        Raises StoreError where the model has not embedded one of them.
        """
        wanted = [clean_text(note_id) for note_id in note_ids]
        # CROSS JOIN keeps SQLite from going through all vectors of the model in search of these few.
        rows = self._c.rows(
            "SELECT t.id, e.vector FROM notes t CROSS JOIN embeddings e ON e.note = t.n "
            "WHERE e.model = ? AND t.id IN (SELECT value FROM json_each(?))",
            (clean_text(model), json.dumps(wanted)),
        )
        found: dict[str, bytes] = dict(rows)
        if missing := [note_id for note_id in wanted if note_id not in found]:
            raise StoreError(f"{len(missing)} notes, {missing[0]!r} first, have no vector of {model}; index again")
        return matrix([found[note_id] for note_id in wanted])

    def search(self, model: str, query: Vectors, k: int, wanted: Filter | None = None) -> list[tuple[str, float]]:
        """The k notes nearest to a query, float32 (d,), by cosine as (note id, score), best first.

        Equal scores are ordered by video id, time and note id. Empty where the model embedded nothing; StoreError
        where the query has another length than its vectors.
        """
        with self._search.nearest("notes", model, query, k, wanted) as found:
            rows = self._c.rows(
                "SELECT e.n, v.id, t.start_s, t.end_s, t.id FROM embeddings e JOIN notes t ON t.n = e.note "
                "JOIN videos v ON v.n = t.video WHERE e.n IN (SELECT value FROM json_each(?))",
                (json.dumps(list(found)),),
            )
        ranked = sorted(rows, key=lambda row: (-found[row[0]], *row[1:]))
        return [(row[4], found[row[0]]) for row in ranked[: max(k, 0)]]

    def missing(self, model: str, limit: int = -1) -> list[Note]:
        """Notes without a vector of the model, by video id, then time; at most `limit`, all where it is below 0."""
        rows = self._c.rows(
            f"{NOTES} WHERE t.n NOT IN (SELECT note FROM embeddings WHERE model = ?){BY_TIME} LIMIT ?",
            (clean_text(model), limit),
        )
        return [note_of(row) for row in rows]

    def drop(self, keep: str | Collection[str], kind: VectorKind = "notes") -> int:
        """Delete the vectors of notes, or of frames, of all models but those to keep; returns how many there were."""
        table = {"notes": "embeddings", "frames": "frames"}[kind]
        kept = json.dumps([clean_text(model) for model in ([keep] if isinstance(keep, str) else sorted(keep))])
        with self._c.atomic():
            return self._c.write(
                f"DELETE FROM {table} WHERE model NOT IN (SELECT value FROM json_each(?))",
                (kept,),
            )

    def models(self, kind: VectorKind = "notes") -> list[str]:
        """The models that embedded any of the notes, or of the frames, by name; costs no scan."""
        return vector_models(self._c, kind)

    def version(self, model: str, kind: VectorKind = "notes") -> int | None:
        """What changes whenever a vector of the model comes or goes; None where it has embedded nothing yet."""
        found = self._c.value("SELECT token FROM versions WHERE kind = ? AND model = ?", (kind, clean_text(model)))
        return None if found is None else int(found)

    def sample(self, model: str, n: int, kind: VectorKind = "notes") -> tuple[list[str], Vectors]:
        """At most about n vectors of the model, float32 (m, d), spread evenly over all, and the source of each.

        The sources of frames are empty. The same for the same vectors.
        """
        name = clean_text(model)
        table = {"notes": "embeddings", "frames": "frames"}[kind]
        source, join = ("t.source", "JOIN notes t ON t.n = e.note") if kind == "notes" else ("''", "")
        with self._c.reading():
            ends = self._c.row(f"SELECT min(n), max(n) FROM {table} WHERE model = ?", (name,))
            if ends is None or ends[0] is None or n <= 0:
                return [], np.zeros((0, 0), np.float32)
            numbers = np.unique(np.linspace(int(ends[0]), int(ends[1]), n).round().astype(np.int64)).tolist()
            rows = self._c.rows(
                f"SELECT {source}, e.vector FROM {table} e {join} "
                "WHERE e.model = ? AND e.n IN (SELECT value FROM json_each(?)) ORDER BY e.n",
                (name, json.dumps(numbers)),
            )
        return [row[0] for row in rows], matrix([row[1] for row in rows])
