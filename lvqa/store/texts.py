"""Clips, notes and full-text search. Knows nothing of vectors; they go with their notes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from lvqa.errors import StoreError
from lvqa.store.catalog import Catalog
from lvqa.store.checksums import SUMMED, insert
from lvqa.store.database import BehindError, Connections, Row
from lvqa.store.filters import Filter, note_conditions
from lvqa.store.keys import clean_text
from lvqa.store.search.bases import BaseFiles
from lvqa.store.search.text_index import TextBase, TextIndex, load_texts
from lvqa.store.search.text_query import TextQuery
from lvqa.types import Clip, Level, Note, Span

_NOTES = """
    SELECT t.id, v.id, c.id, t.start_s, t.end_s, t.text, t.source, t.model, t.prompt_hash
    FROM notes t JOIN videos v ON v.n = t.video LEFT JOIN clips c ON c.n = t.clip
"""
_TIES = 32
_BY_TIME = " ORDER BY v.id, t.start_s, t.end_s, t.id"


class Texts(Catalog):
    """The part of the store about what is seen and said when."""

    def __init__(self, connections: Connections, index_dir: Path) -> None:
        super().__init__(connections)
        self._index_dir = index_dir
        self._text_bases: BaseFiles[TextBase] = BaseFiles(index_dir, load_texts)
        self._text_index = TextIndex(connections, self._text_bases)
        self._longest: tuple[int | None, float] | None = None

    def put_clips(self, clips: Sequence[Clip]) -> None:
        """Add clips; those known already stay.

        A known id with another content is a new clip in place of the old, whose notes go with it. Raises StoreError
        for an unknown video.
        """
        videos: dict[str, int] = {}
        with self.atomic():
            for clip in clips:
                if clip.video_id not in videos:
                    videos[clip.video_id] = self._video_n(clip.video_id)
                row = (clean_text(clip.id), videos[clip.video_id], clip.span.start_s, clip.span.end_s, clip.level)
                known = self._c.row("SELECT id, video, start_s, end_s, level FROM clips WHERE id = ?", row[:1])
                if known == row:
                    continue
                if known is not None:
                    self._c.write("DELETE FROM clips WHERE id = ?", row[:1])
                self._c.write(insert("clips"), row)

    def clips(self, video_id: str, level: Level = "clip", span: Span | None = None) -> list[Clip]:
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

    def put_notes(self, notes: Sequence[Note]) -> None:
        """Add notes; those known already stay, with their vectors.

        A known id with another content is a new note in place of the old, whose vectors go. Raises StoreError for an
        unknown video or clip, or a clip of another video.
        """
        videos: dict[str, int] = {}
        with self.atomic():
            for note in notes:
                if note.video_id not in videos:
                    videos[note.video_id] = self._video_n(note.video_id)
                clip, level = self._clip_of(note)
                row = (
                    clean_text(note.id),
                    videos[note.video_id],
                    clip,
                    note.span.start_s,
                    note.span.end_s,
                    level,
                    clean_text(note.text),
                    note.source,
                    clean_text(note.model),
                    clean_text(note.prompt_hash),
                )
                known = self._c.row(f"SELECT {', '.join(SUMMED['notes'])} FROM notes WHERE id = ?", row[:1])
                if known == row:
                    continue
                if known is not None:
                    self._c.write("DELETE FROM notes WHERE id = ?", row[:1])
                self._c.write(insert("notes"), row)

    def _clip_of(self, note: Note) -> tuple[int | None, str]:
        if note.clip_id is None:
            return None, "clip"
        row = self._c.row(
            "SELECT c.n, c.level, v.id FROM clips c JOIN videos v ON v.n = c.video WHERE c.id = ?",
            (clean_text(note.clip_id),),
        )
        if row is None:
            raise StoreError(f"no clip {note.clip_id!r} in the index {self._c.path}; put the clip before its notes")
        if row[2] != clean_text(note.video_id):
            raise StoreError(f"clip {note.clip_id!r} belongs to video {row[2]!r}, its note to {note.video_id!r}")
        return int(row[0]), str(row[1])

    def notes(self, wanted: Filter | None = None) -> list[Note]:
        """Notes that satisfy the filter, by video id, then time."""
        where, params = note_conditions(wanted)
        return [_note(row) for row in self._c.rows(f"{_NOTES} WHERE 1{where}{_BY_TIME}", params)]

    def note_ids(self, wanted: Filter | None = None) -> list[str]:
        """The ids of `notes`, in the same order, without reading the texts."""
        where, params = note_conditions(wanted)
        rows = self._c.rows(f"SELECT t.id FROM notes t JOIN videos v ON v.n = t.video WHERE 1{where}{_BY_TIME}", params)
        return [row[0] for row in rows]

    def get_notes(self, note_ids: Iterable[str]) -> list[Note]:
        """The notes of those ids, in that order; unknown ones are left out."""
        wanted = [clean_text(note_id) for note_id in note_ids]
        rows = self._c.rows(
            f"{_NOTES} WHERE t.id IN (SELECT value FROM json_each(?))",
            (json.dumps(wanted),),
        )
        found = {row[0]: _note(row) for row in rows}
        return [found[note_id] for note_id in wanted if note_id in found]

    def delete_notes(self, note_ids: Iterable[str]) -> int:
        """Delete notes and their vectors; returns how many there were."""
        wanted = json.dumps(sorted({clean_text(note_id) for note_id in note_ids}))
        with self.atomic():
            return self._c.write("DELETE FROM notes WHERE id IN (SELECT value FROM json_each(?))", (wanted,))

    def notes_at(self, times: Sequence[tuple[str, float]], wanted: Filter | None = None) -> list[list[Note]]:
        """For each (video id, time in seconds), the notes that cover it and satisfy the filter, by time."""
        where, params = note_conditions(wanted)
        longest_s = self._longest_clip_s() if wanted is not None and wanted.level == "clip" else math.inf
        asked = json.dumps([[clean_text(video_id), time_s, max(0.0, time_s - longest_s)] for video_id, time_s in times])
        # CROSS JOIN keeps the few times outermost, so that each note is found through its video and start.
        rows = self._c.rows(
            f"""
            SELECT j.key, t.id, v.id, c.id, t.start_s, t.end_s, t.text, t.source, t.model, t.prompt_hash
            FROM json_each(?) j CROSS JOIN videos v ON v.id = j.value ->> 0
            CROSS JOIN notes t ON t.video = v.n AND t.start_s >= j.value ->> 2 AND t.start_s <= j.value ->> 1
                AND t.end_s > j.value ->> 1
            LEFT JOIN clips c ON c.n = t.clip WHERE 1{where} ORDER BY j.key, t.start_s, t.end_s, t.id
            """,
            (asked, *params),
        )
        found: list[list[Note]] = [[] for _ in times]
        for key, *row in rows:
            found[int(key)].append(_note(tuple(row)))
        return found

    def delete_clips(self, clip_ids: Iterable[str]) -> int:
        """Delete clips, and with them the notes that stand on them; returns how many clips there were."""
        wanted = json.dumps(sorted({clean_text(clip_id) for clip_id in clip_ids}))
        with self.atomic():
            return self._c.write("DELETE FROM clips WHERE id IN (SELECT value FROM json_each(?))", (wanted,))

    def _longest_clip_s(self) -> float:
        """The length of the longest note of level clip, in seconds: no longer ago began what covers a time."""
        token = self._c.value("SELECT token FROM versions WHERE kind = 'texts'")
        if self._longest is None or self._longest[0] != token:
            longest_s = self._c.value("SELECT max(end_s - start_s) FROM notes WHERE level = 'clip'")
            self._longest = (token, float(longest_s or 0.0))
        return self._longest[1]

    def search_text(self, query: str | TextQuery, k: int, wanted: Filter | None = None) -> list[tuple[str, float]]:
        """The k best notes for a query by bm25 (Robertson and Zaragoza, 2009) as (note id, score), higher better.

        Any text is a query; see `TextQuery`. Equal scores are ordered by video id, time and note id. The statistics
        are those of the whole archive, whatever the filter. Empty for a query without a word.
        """
        parsed = TextQuery.of(query) if isinstance(query, str) else query
        match = parsed.to_fts()
        if k <= 0 or not match:
            return []
        # Rows that may yet be rolled back, or that are gone already, must not enter what other threads search.
        index = TextIndex(self._c, self._text_bases) if self._c.writing else self._text_index
        held = self._c.in_transaction
        while True:
            with self._c.reading():
                try:
                    found = index.search(parsed.phrases(), k, wanted)
                except BehindError:
                    if self._c.restarts:
                        raise
                    if held:  # this snapshot stays as it is
                        index = TextIndex(self._c, self._text_bases)
                    continue
                return self._settled(found if found is not None else self._ranked(match, k, wanted), k)

    def _settled(self, scores: dict[int, float], k: int) -> list[tuple[str, float]]:
        """The k best of some rows by their `n`, equal ones in order."""
        notes = self._c.rows(
            "SELECT t.n, v.id, t.start_s, t.end_s, t.id FROM notes t JOIN videos v ON v.n = t.video "
            "WHERE t.n IN (SELECT value FROM json_each(?))",
            (json.dumps(list(scores)),),
        )
        notes.sort(key=lambda row: (-scores[row[0]], *row[1:]))
        return [(row[4], scores[row[0]]) for row in notes[:k]]

    def _ranked(self, match: str, k: int, wanted: Filter | None) -> dict[int, float]:
        """The scores of the k best rows, and of all that tie with the last, as FTS5 computes them."""
        where, params = note_conditions(wanted)
        # The plus keeps SQLite from looking up each allowed row in the full-text index, one by one.
        allowed = f"AND +rowid IN (SELECT t.n FROM notes t WHERE 1{where})" if where else ""
        sql = f"SELECT rowid, bm25(notes_fts) AS score FROM notes_fts WHERE notes_fts MATCH ? {allowed} ORDER BY score "
        # bm25() of FTS5 is negative, better below.
        limit = k + _TIES
        while True:
            rows = self._c.rows(sql + "LIMIT ?", (match, *params, limit))
            if len(rows) < limit or rows[-1][1] > rows[k - 1][1]:
                return {row[0]: -row[1] for row in rows}
            limit *= 4


def _note(row: Row) -> Note:
    return Note(row[0], row[1], row[2], Span(row[3], row[4]), *row[5:])
