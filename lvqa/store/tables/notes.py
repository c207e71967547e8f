"""Clips, the spans of videos, and notes: what is seen, said and shown when. Knows nothing of their vectors."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence

from lvqa.errors import StoreError
from lvqa.store.checksums import SUMMED, insert
from lvqa.store.database import Connections, Row
from lvqa.store.filters import Filter, note_conditions
from lvqa.store.keys import clean_text
from lvqa.store.search.text_index import TextSearch
from lvqa.store.search.text_query import TextQuery
from lvqa.store.tables.videos import video_number
from lvqa.types import Clip, Level, Note, Span

_COLUMNS = "t.id, v.id, c.id, t.start_s, t.end_s, t.text, t.source, t.model, t.prompt_hash"
NOTES = f"SELECT {_COLUMNS} FROM notes t JOIN videos v ON v.n = t.video LEFT JOIN clips c ON c.n = t.clip"
BY_TIME = " ORDER BY v.id, t.start_s, t.end_s, t.id"


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
                _put(self._c, "clips", row)

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
        return _delete(self._c, "clips", clip_ids)


class NoteTable:
    """What is seen, said and shown when, a text with a span and a source each."""

    def __init__(self, connections: Connections, texts: TextSearch) -> None:
        self._c = connections
        self._texts = texts
        self._longest: tuple[int | None, float] | None = None

    def put(self, notes: Sequence[Note]) -> None:
        """Add notes; those known already stay, with their vectors.

        A known id with another content is a new note in place of the old, whose vectors go. Raises StoreError for an
        unknown video or clip, or a clip of another video.
        """
        videos: dict[str, int] = {}
        with self._c.atomic():
            for note in notes:
                if note.video_id not in videos:
                    videos[note.video_id] = video_number(self._c, note.video_id)
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
                _put(self._c, "notes", row)

    def select(self, wanted: Filter | None = None, *, holding: Sequence[str] = ()) -> list[Note]:
        """Notes that satisfy the filter, and whose text in lower case holds all words given; by video id, then time."""
        where, params = note_conditions(wanted)
        # SQLite lowers ASCII alone, so what is beyond it is told apart here.
        plain = [part for part in holding if part.isascii()]
        where += " AND instr(lower(t.text), ?) > 0" * len(plain)
        rows = self._c.rows(f"{NOTES} WHERE 1{where}{BY_TIME}", (*params, *plain))
        if len(plain) < len(holding):
            rows = [row for row in rows if all(part in row[5].lower() for part in holding)]
        return [note_of(row) for row in rows]

    def ids(self, wanted: Filter | None = None) -> list[str]:
        """The ids of what `select` returns, in the same order, without reading the texts."""
        where, params = note_conditions(wanted)
        rows = self._c.rows(f"SELECT t.id FROM notes t JOIN videos v ON v.n = t.video WHERE 1{where}{BY_TIME}", params)
        return [row[0] for row in rows]

    def sources(self) -> dict[str, dict[str, int]]:
        """How many notes of each source a video has, by the video's id."""
        found: dict[str, dict[str, int]] = {}
        sql = "SELECT v.id, t.source, count(*) FROM notes t JOIN videos v ON v.n = t.video GROUP BY v.n, t.source"
        for video_id, source, number in self._c.rows(sql + " ORDER BY v.id, t.source"):
            found.setdefault(video_id, {})[source] = number
        return found

    def get_many(self, note_ids: Iterable[str]) -> list[Note]:
        """The notes of those ids, in that order; unknown ones are left out."""
        wanted = [clean_text(note_id) for note_id in note_ids]
        rows = self._c.rows(f"{NOTES} WHERE t.id IN (SELECT value FROM json_each(?))", (json.dumps(wanted),))
        found = {row[0]: note_of(row) for row in rows}
        return [found[note_id] for note_id in wanted if note_id in found]

    def at(self, times: Sequence[tuple[str, float]], wanted: Filter | None = None) -> list[list[Note]]:
        """For each (video id, time in seconds), the notes that cover it and satisfy the filter, by time."""
        where, params = note_conditions(wanted)
        longest_s = self._longest_clip_s() if wanted is not None and wanted.level == "clip" else math.inf
        asked = json.dumps([[clean_text(video_id), time_s, max(0.0, time_s - longest_s)] for video_id, time_s in times])
        # CROSS JOIN keeps the few times outermost, so that each note is found through its video and start.
        rows = self._c.rows(
            f"""
            SELECT j.key, {_COLUMNS} FROM json_each(?) j CROSS JOIN videos v ON v.id = j.value ->> 0
            CROSS JOIN notes t ON t.video = v.n AND t.start_s >= j.value ->> 2 AND t.start_s <= j.value ->> 1
                AND t.end_s > j.value ->> 1
            LEFT JOIN clips c ON c.n = t.clip WHERE 1{where} ORDER BY j.key, t.start_s, t.end_s, t.id
            """,
            (asked, *params),
        )
        found: list[list[Note]] = [[] for _ in times]
        for key, *row in rows:
            found[int(key)].append(note_of(tuple(row)))
        return found

    def delete(self, note_ids: Iterable[str]) -> int:
        """Delete notes and their vectors; returns how many there were."""
        return _delete(self._c, "notes", note_ids)

    def search(self, query: str | TextQuery, k: int, wanted: Filter | None = None) -> list[tuple[str, float]]:
        """The k best notes for a query by bm25 (Robertson and Zaragoza, 2009) as (note id, score), higher better.

        Any text is a query; see `TextQuery`. Equal scores are ordered by video id, time and note id. The statistics
        are those of the whole archive, whatever the filter. Empty for a query without a word.
        """
        return self._texts.search(TextQuery.of(query) if isinstance(query, str) else query, k, wanted)

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

    def _longest_clip_s(self) -> float:
        """The length of the longest note of level clip, in seconds: no longer ago began what covers a time."""
        token = self._c.value("SELECT token FROM versions WHERE kind = 'texts'")
        if self._longest is None or self._longest[0] != token:
            longest_s = self._c.value("SELECT max(end_s - start_s) FROM notes WHERE level = 'clip'")
            self._longest = (token, float(longest_s or 0.0))
        return self._longest[1]


def note_of(row: Row) -> Note:
    """The note that a row of `NOTES` is."""
    return Note(row[0], row[1], row[2], Span(row[3], row[4]), *row[5:])


def _put(connections: Connections, table: str, row: Row) -> None:
    """Put a row, inside `atomic`, in place of one of the same id with another content; the same one stays."""
    known = connections.row(f"SELECT {', '.join(SUMMED[table])} FROM {table} WHERE id = ?", row[:1])
    if known == row:
        return
    if known is not None:
        connections.write(f"DELETE FROM {table} WHERE id = ?", row[:1])
    connections.write(insert(table), row)


def _delete(connections: Connections, table: str, ids: Iterable[str]) -> int:
    wanted = json.dumps(sorted({clean_text(row_id) for row_id in ids}))
    with connections.atomic():
        return connections.write(f"DELETE FROM {table} WHERE id IN (SELECT value FROM json_each(?))", (wanted,))
