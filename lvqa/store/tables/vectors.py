"""The vectors of notes and of frames, and what is asked of them by kind and model. Knows nothing of what made them."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from lvqa.errors import StoreError
from lvqa.models.base import Vectors
from lvqa.store.checksums import insert
from lvqa.store.database import Connections, Row
from lvqa.store.filters import Filter
from lvqa.store.keys import clean_text
from lvqa.store.rows import VectorKind
from lvqa.store.search.vector_index import VectorSearch, vector_models
from lvqa.store.tables.notes import BY_TIME, NOTES, note_of
from lvqa.store.tables.videos import video_number
from lvqa.types import Keyframe, Note, Span


class VectorTable:
    """The vectors of notes, one a note and model; `drop`, `models`, `version` and `sample` also tell of frames."""

    def __init__(self, connections: Connections, search: VectorSearch) -> None:
        self._c = connections
        self._search = search

    def put(self, model: str, note_ids: Sequence[str], vectors: Vectors) -> None:
        """Store one vector a note, float32 (n, d), in place of the model's earlier ones.

        Raises StoreError for an unknown note, values that are not finite, or another d than the model's others.
        """
        blobs = _blobs_of(self._c, "embeddings", model, len(note_ids), vectors)
        with self._c.atomic():
            for note_id, blob in zip(note_ids, blobs, strict=True):
                note = self._c.value("SELECT n FROM notes WHERE id = ?", (clean_text(note_id),))
                if note is None:
                    raise StoreError(f"no note {note_id!r} in the index {self._c.path}; put the note before its vector")
                _put_blob(self._c, "embeddings", "note = ?", (clean_text(model), note), blob)

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
        return _matrix([found[note_id] for note_id in wanted])

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
            return self._c.write(f"DELETE FROM {table} WHERE model NOT IN (SELECT value FROM json_each(?))", (kept,))

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
        return [row[0] for row in rows], _matrix([row[1] for row in rows])


class FrameTable:
    """The vectors of videos' frames, one a video, time and model."""

    def __init__(self, connections: Connections, search: VectorSearch) -> None:
        self._c = connections
        self._search = search

    def put(
        self, model: str, video_id: str, times_s: Sequence[float] | npt.NDArray[np.float64], vectors: Vectors
    ) -> None:
        """Store the vectors, float32 (n, d), of a video's frames at times in seconds, in place of earlier ones there.

        Raises StoreError for an unknown video, values that are not finite, or another d than the model's others.
        """
        times = [float(time_s) for time_s in times_s]
        blobs = _blobs_of(self._c, "frames", model, len(times), vectors)
        with self._c.atomic():
            video = video_number(self._c, video_id)
            for time_s, blob in zip(times, blobs, strict=True):
                if not (np.isfinite(time_s) and time_s >= 0):
                    raise StoreError(f"a frame's time must be seconds from the start, got {time_s!r}")
                _put_blob(self._c, "frames", "video = ? AND time_s = ?", (clean_text(model), video, time_s), blob)

    def of(self, model: str, video_id: str, span: Span | None = None) -> tuple[npt.NDArray[np.float64], Vectors]:
        """A video's frames, in a span or all: times in seconds, float64 (n,), rising, and vectors, float32 (n, d)."""
        rows = self._rows("f.time_s, f.vector", model, video_id, span)
        return np.array([row[0] for row in rows], np.float64), _matrix([row[1] for row in rows])

    def times(self, model: str, video_id: str, span: Span | None = None) -> npt.NDArray[np.float64]:
        """The times of a video's frames that the model embedded, in a span or all, float64 (n,), rising."""
        return np.array([row[0] for row in self._rows("f.time_s", model, video_id, span)], np.float64)

    def search(self, model: str, query: Vectors, k: int, wanted: Filter | None = None) -> list[Keyframe]:
        """The k frames nearest to a query, float32 (d,), by cosine, best first; equal scores by video id and time.

        Of the filter, videos and span hold; frames have neither source nor level. Raises as `VectorTable.search`.
        """
        with self._search.nearest("frames", model, query, k, wanted) as found:
            rows = self._c.rows(
                "SELECT f.n, v.id, f.time_s FROM frames f JOIN videos v ON v.n = f.video "
                "WHERE f.n IN (SELECT value FROM json_each(?))",
                (json.dumps(list(found)),),
            )
        ranked = sorted(rows, key=lambda row: (-found[row[0]], *row[1:]))
        return [Keyframe(row[1], row[2], found[row[0]]) for row in ranked[: max(k, 0)]]

    def _rows(self, columns: str, model: str, video_id: str, span: Span | None) -> list[Row]:
        sql = f"SELECT {columns} FROM frames f JOIN videos v ON v.n = f.video WHERE f.model = ? AND v.id = ?"
        params: list[object] = [clean_text(model), clean_text(video_id)]
        if span is not None:
            sql += " AND f.time_s >= ? AND f.time_s < ?"
            params += [span.start_s, span.end_s]
        return self._c.rows(sql + " ORDER BY f.time_s", params)


def _put_blob(connections: Connections, table: str, where: str, key: tuple[object, ...], blob: bytes) -> None:
    """Put a vector under a key, inside `atomic`, in place of another one there; the same one stays as it is."""
    known = connections.value(f"SELECT vector FROM {table} WHERE model = ? AND {where}", key)
    if known == blob:
        return
    if known is not None:
        connections.write(f"DELETE FROM {table} WHERE model = ? AND {where}", key)
    connections.write(insert(table), (*key, len(blob) // 4, blob))


def _blobs_of(connections: Connections, table: str, model: str, n: int, vectors: Vectors) -> list[bytes]:
    """The blobs of n vectors, float32 (n, d), of a model.

    Raises StoreError where they are not n, hold values that are not finite, or have another d than the model's others
    in the table.
    """
    array = np.ascontiguousarray(vectors, dtype="<f4")
    if n == 0 and array.size == 0:
        return []
    if array.ndim != 2 or len(array) != n or not array.shape[1]:
        raise StoreError(f"{n} vectors of {model} are expected as an array ({n}, d), got {array.shape}")
    if not np.isfinite(array).all():
        raise StoreError(f"a vector of {model} holds values that are not finite; the model or its input is broken")
    dim = connections.value(f"SELECT dim FROM {table} WHERE model = ? LIMIT 1", (clean_text(model),))
    if dim is not None and dim != array.shape[1]:
        raise StoreError(
            f"{model} gave vectors of {array.shape[1]} values, those in the index have {dim}; "
            "it is another model by the same name: drop the old vectors, or give it a name of its own"
        )
    return [row.tobytes() for row in array]


def _matrix(blobs: list[bytes]) -> Vectors:
    """Blobs of one length as float32 (n, d)."""
    if not blobs:
        return np.zeros((0, 0), np.float32)
    return np.frombuffer(b"".join(blobs), "<f4").reshape(len(blobs), -1).astype(np.float32)
