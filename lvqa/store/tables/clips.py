"""The clips of videos: shots, segments and whole videos, as spans. Knows nothing of what is told of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from lvqa.store.checksums import insert
from lvqa.store.database import Connections
from lvqa.store.keys import clean_text
from lvqa.store.tables.videos import video_number
from lvqa.types import Clip, Level, Span


class ClipTable:
    """The clips of videos, of the levels clip, segment and video."""

    def __init__(self, connections: Connections) -> None:
        self._c = connections

    def put(self, clips: Sequence[Clip]) -> None:
        """Add clips; those known already stay.

        A known id with another content is a new clip in place of the old, whose notes go with it. Raises StoreError
        for an unknown video.
        """
        videos: dict[str, int] = {}
        with self._c.atomic():
            for clip in clips:
                if clip.video_id not in videos:
                    videos[clip.video_id] = video_number(self._c, clip.video_id)
                row = (clean_text(clip.id), videos[clip.video_id], clip.span.start_s, clip.span.end_s, clip.level)
                known = self._c.row("SELECT id, video, start_s, end_s, level FROM clips WHERE id = ?", row[:1])
                if known == row:
                    continue
                if known is not None:
                    self._c.write("DELETE FROM clips WHERE id = ?", row[:1])
                self._c.write(insert("clips"), row)

    def of(self, video_id: str, level: Level = "clip", span: Span | None = None) -> list[Clip]:
        """Clips of one video and level in time order; with a span, those that overlap it."""
        sql = """
            SELECT c.id, v.id, c.start_s, c.end_s, c.level FROM clips c JOIN videos v ON v.n = c.video
            WHERE v.id = ? AND c.level = ?
        """
        params: list[object] = [clean_text(video_id), level]
        if span is not None:
            sql += " AND c.start_s < ? AND c.end_s > ?"
            params += [span.end_s, span.start_s]
        rows = self._c.rows(sql + " ORDER BY c.start_s, c.end_s, c.id", params)
        return [Clip(row[0], row[1], Span(row[2], row[3]), row[4]) for row in rows]

    def delete(self, clip_ids: Iterable[str]) -> int:
        """Delete clips, and with them the notes that stand on them; returns how many clips there were."""
        wanted = json.dumps(sorted({clean_text(clip_id) for clip_id in clip_ids}))
        with self._c.atomic():
            return self._c.write("DELETE FROM clips WHERE id IN (SELECT value FROM json_each(?))", (wanted,))
