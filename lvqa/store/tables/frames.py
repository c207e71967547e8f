"""Vectors of frames, by video and time. Knows nothing of what made them."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lvqa.errors import StoreError
from lvqa.models.base import Vectors
from lvqa.store.database import Connections
from lvqa.store.filters import Filter
from lvqa.store.keys import clean_text
from lvqa.store.search.vector_search import VectorSearch
from lvqa.store.tables.blobs import blobs_of, matrix, put_blob
from lvqa.store.tables.videos import video_number
from lvqa.types import Keyframe, Span


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
        blobs = blobs_of(self._c, "frames", model, len(times), vectors)
        with self._c.atomic():
            video = video_number(self._c, video_id)
            for time_s, blob in zip(times, blobs, strict=True):
                if not (np.isfinite(time_s) and time_s >= 0):
                    raise StoreError(f"a frame's time must be seconds from the start, got {time_s!r}")
                put_blob(self._c, "frames", "video = ? AND time_s = ?", (clean_text(model), video, time_s), blob)

    def of(self, model: str, video_id: str, span: Span | None = None) -> tuple[npt.NDArray[np.float64], Vectors]:
        """A video's frames, in a span or all: times in seconds, float64 (n,), rising, and vectors, float32 (n, d)."""
        sql = """
            SELECT f.time_s, f.vector FROM frames f JOIN videos v ON v.n = f.video WHERE f.model = ? AND v.id = ?
        """
        params: list[object] = [clean_text(model), clean_text(video_id)]
        if span is not None:
            sql += " AND f.time_s >= ? AND f.time_s < ?"
            params += [span.start_s, span.end_s]
        rows = self._c.rows(sql + " ORDER BY f.time_s", params)
        return np.array([row[0] for row in rows], np.float64), matrix([row[1] for row in rows])

    def times(self, model: str, video_id: str, span: Span | None = None) -> npt.NDArray[np.float64]:
        """The times of a video's frames that the model embedded, in a span or all, float64 (n,), rising."""
        sql = "SELECT f.time_s FROM frames f JOIN videos v ON v.n = f.video WHERE f.model = ? AND v.id = ?"
        params: list[object] = [clean_text(model), clean_text(video_id)]
        if span is not None:
            sql += " AND f.time_s >= ? AND f.time_s < ?"
            params += [span.start_s, span.end_s]
        return np.array([row[0] for row in self._c.rows(sql + " ORDER BY f.time_s", params)], np.float64)

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
