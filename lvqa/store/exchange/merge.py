"""Takes an export into an archive: all is checked first, then rows are united by their ids, some hundred at a time.

What the archive has stays. A stage that it did with another key stays as it is here, rows and job; jobs come last, so
that a kill leaves a stage open and never half a one that counts as done. Knows neither models nor the folder of videos.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from lvqa.errors import UsageError
from lvqa.store.checksums import SUMMED, insert, upsert
from lvqa.store.exchange.format import LOCAL_META, TABLES, VECTORS, MergeReport, Table, VectorFile
from lvqa.store.exchange.incoming import Incoming, Row, open_export, read_table, read_vectors
from lvqa.store.faults import explained
from lvqa.store.store import Store

T = TypeVar("T")
_BATCH = 512
# The free-form value that names the videos which came with an import and have no file here.
_IMPORTED = "elsewhere"
# Whose rows a note is, by its source; notes of other sources belong to no stage.
_STAGE = {"caption": "caption", "screen": "screen", "speech": "speech", "signs": "speech", "summary": "summary"}
# What stands on the clips of a stage.
_UPON = {"segment": ("caption", "screen")}
_INSERT = {table: f"{insert(table)} ON CONFLICT DO NOTHING" for table in SUMMED}
_TARGET = {True: "(video, stage) WHERE video IS NOT NULL", False: "(path, stage) WHERE video IS NULL"}


def merge_export(store: Store, folder: Path) -> MergeReport:
    """Unite the rows of an export with those of an archive, which is open for writing.

    The same again changes nothing, and completes what a kill interrupted. Raises UsageError that names file and line
    for an export that is not as the format says or contradicts the archive, before anything is written; StoreError.
    """
    began = time.monotonic()
    incoming = open_export(folder)
    merge = _Merge(store, incoming)
    merge.check()
    merge.write()
    store.build_indexes()
    merge.report.seconds = time.monotonic() - began
    return merge.report


def imported_video_ids(store: Store) -> frozenset[str]:
    """The ids of the videos that came with an import and have not been seen as files here; they stay all the same."""
    held = store.meta.get(_IMPORTED)
    return frozenset(json.loads(held)) if held else frozenset()


def set_imported_video_ids(store: Store, video_ids: Collection[str]) -> None:
    """Keep which videos these are. Raises StoreError."""
    if imported_video_ids(store) != frozenset(video_ids):
        store.meta.set(_IMPORTED, json.dumps(sorted(video_ids)) if video_ids else "")


class _Merge:
    """One import under way."""

    def __init__(self, store: Store, incoming: Incoming) -> None:
        self._store = store
        self._c = store.connections
        self._incoming = incoming
        self.report = MergeReport()
        self._numbers: dict[str, int] = {}
        self._own: dict[str, set[str]] = {}  # stages that the archive did with another key, by video
        self._partial: set[str] = set()  # videos whose frames' vectors stay behind

    def check(self) -> None:
        """Read all of it once, against itself and against the archive."""
        with explained(self._c.path), closing(sqlite3.connect("", isolation_level=None)) as scratch:
            # In a file that SQLite deletes by itself: a million ids need not fit into memory.
            scratch.execute("PRAGMA synchronous = OFF")
            scratch.execute(
                "CREATE TABLE seen (kind TEXT, id TEXT, of TEXT, more TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID"
            )
            scratch.execute("BEGIN")
            check = _Check(self._incoming, scratch, self._store)
            for table in TABLES:
                for line, row in read_table(self._incoming, table):
                    getattr(check, table)(line, row)
            for file in self._incoming.vectors:
                check.vectors(file)

    def write(self) -> None:
        """Write what the archive lacks."""
        for _, row in read_table(self._incoming, "jobs"):
            if row[0] is not None:
                self._compare_stage(row[0], row[2], row[3])
        taken = self._taken_vectors()
        self._videos()
        tables: tuple[Table, ...] = ("files", "clips", "notes")
        for table in tables:
            for batch in _batches(read_table(self._incoming, table)):
                with self._store.atomic():
                    done = sum(getattr(self, f"_put_{table}")(row) for _, row in batch)
                setattr(self.report, table, getattr(self.report, table) + done)
        self._vectors(taken)
        self._jobs()
        self._meta()
        own = sorted({stage for stages in self._own.values() for stage in stages})
        if own:
            self.report.left_out.append(
                f"{', '.join(own)} of {len(self._own)} videos; this archive has them by another model or other settings"
            )

    def _compare_stage(self, video: str, stage: str, key: str) -> None:
        known = self._store.jobs.get(video, stage)
        if known is not None and known.key != key:
            self._own.setdefault(video, set()).update((stage, *_UPON.get(stage, ())))

    def _is_own(self, video: str, stage: str) -> bool:
        return stage in self._own.get(video, ())

    def _videos(self) -> None:
        known = set(imported_video_ids(self._store))
        rows = [row for _, row in read_table(self._incoming, "videos")]
        new = [row for row in rows if self._store.videos.get(row[0]) is None]
        with self._store.atomic():
            set_imported_video_ids(self._store, known | {row[0] for row in new})
        for batch in _batches(iter(new)):
            with self._store.atomic():
                self.report.videos += sum(self._c.write(_INSERT["videos"], row) for row in batch)
        self._numbers = dict(self._c.rows("SELECT id, n FROM videos"))

    def _put_files(self, row: Row) -> int:
        path, video, *stat = row
        return self._c.write(_INSERT["files"], (path, self._n(video), *stat))

    def _put_clips(self, row: Row) -> int:
        clip, video, start_s, end_s, level = row
        if self._is_own(video, "segment" if level == "clip" else "summary"):
            return 0
        return self._c.write(_INSERT["clips"], (clip, self._n(video), start_s, end_s, level))

    def _put_notes(self, row: Row) -> int:
        note, video, clip, start_s, end_s, level, text, source, *by = row
        if source in _STAGE and self._is_own(video, _STAGE[source]):
            return 0
        n = None if clip is None else self._c.value("SELECT n FROM clips WHERE id = ?", (clip,))
        # Its clip may be one of those that stayed behind.
        level = level if n is not None else "clip"
        return self._c.write(_INSERT["notes"], (note, self._n(video), n, start_s, end_s, level, text, source, *by))

    def _taken_vectors(self) -> list[VectorFile]:
        taken = []
        for file in self._incoming.vectors:
            held = self._store.vectors.models(file.kind)
            table = {"notes": "embeddings", "frames": "frames"}[file.kind]
            dim = self._c.value(f"SELECT dim FROM {table} WHERE model = ? LIMIT 1", (file.model,))
            if (held and file.model not in held) or dim not in (None, file.dim):
                why = f"this archive has those of {', '.join(held)}" if dim is None else f"those here have {dim} values"
                self.report.left_out.append(f"{file.rows} vectors of {file.kind} by {file.model}; {why}")
                if file.kind == "frames":
                    self._partial.update(row[0] for batch in read_vectors(self._incoming, file) for _, row in batch[0])
            else:
                taken.append(file)
        return taken

    def _vectors(self, taken: list[VectorFile]) -> None:
        streams = [(file, read_vectors(self._incoming, file)) for file in taken]
        # The first of all models at once: after a kill none of them may count as that of another archive.
        with self._store.atomic():
            for file, batches in streams:
                self._put_vectors(file, next(batches, None))
        for file, batches in streams:
            for batch in batches:
                with self._store.atomic():
                    self._put_vectors(file, batch)

    def _put_vectors(self, file: VectorFile, batch: Any) -> None:
        for (_, row), vector in zip(*batch, strict=True) if batch is not None else ():
            blob = vector.astype("<f4").tobytes()
            if file.kind == "notes":
                note = self._c.value("SELECT n FROM notes WHERE id = ?", row)
                if note is not None:
                    done = self._c.write(_INSERT["embeddings"], (file.model, note, file.dim, blob))
                    self.report.embeddings += done
            elif not self._is_own(row[0], "frames"):
                values = (file.model, self._n(row[0]), row[1], file.dim, blob)
                self.report.frames += self._c.write(_INSERT["frames"], values)

    def _jobs(self) -> None:
        for batch in _batches(read_table(self._incoming, "jobs")):
            with self._store.atomic():
                self.report.jobs += sum(self._put_job(row) for _, row in batch)

    def _put_job(self, row: Row) -> int:
        video, path, stage, _, status, progress_s, *_ = row
        if video is not None and (self._is_own(video, stage) or (stage == "frames" and video in self._partial)):
            return 0
        where, name = ("video = ?", self._n(video)) if video is not None else ("video IS NULL AND path = ?", path)
        known = self._c.row(f"SELECT key, status, progress_s FROM jobs WHERE {where} AND stage = ?", (name, stage))
        rank = (status == "done", progress_s)
        if known is not None and (video is None or rank <= (known[1] == "done", known[2])):
            return 0
        if video is None and self._c.value("SELECT video FROM files WHERE path = ?", (path,)) is not None:
            return 0  # what could not be read there can be read here
        return self._c.write(upsert("jobs", _TARGET[video is not None]), (self._n(video), *row[1:]))

    def _meta(self) -> None:
        with self._store.atomic():
            for _, (key, value) in read_table(self._incoming, "meta"):
                if key in LOCAL_META:
                    continue
                held = self._store.meta.get(key)
                if (united := _united(held, value)) != held:
                    self._store.meta.set(key, united)

    def _n(self, video: str | None) -> int | None:
        return None if video is None else self._numbers[video]


class _Check:
    """Checks the rows of an export against each other and against the archive; a method a table, for one row each."""

    def __init__(self, incoming: Incoming, scratch: sqlite3.Connection, store: Store) -> None:
        self._incoming = incoming
        self._scratch = scratch
        self._c = store.connections

    def videos(self, line: int, row: Row) -> None:
        self._add("videos", line, row[0], row[2])
        self._agree("videos", line, row[0], "SELECT content_hash FROM videos WHERE id = ?", (row[2],))

    def files(self, line: int, row: Row) -> None:
        self._add("files", line, row[0])
        self._need_video("files", line, row[1])

    def clips(self, line: int, row: Row) -> None:
        self._add("clips", line, row[0], row[1], row[4])
        self._need_video("clips", line, row[1])
        known = "SELECT v.id, c.level FROM clips c JOIN videos v ON v.n = c.video WHERE c.id = ?"
        self._agree("clips", line, row[0], known, (row[1], row[4]))

    def notes(self, line: int, row: Row) -> None:
        self._add("notes", line, row[0], row[1])
        self._need_video("notes", line, row[1])
        clip = self._seen("clips", row[2]) if row[2] is not None else (row[1], "clip")
        if clip is None:
            self._refuse("notes", line, f"there is no clip {row[2]!r} in clips.jsonl")
        elif clip != (row[1], row[5]):
            self._refuse("notes", line, f"its clip is one of video {clip[0]!r} and level {clip[1]}")
        known = "SELECT v.id FROM notes t JOIN videos v ON v.n = t.video WHERE t.id = ?"
        self._agree("notes", line, row[0], known, (row[1],))

    def jobs(self, line: int, row: Row) -> None:
        self._add("jobs", line, json.dumps([row[0], row[1] if row[0] is None else "", row[2]]))
        self._need_video("jobs", line, row[0])

    def meta(self, line: int, row: Row) -> None:
        self._add("meta", line, row[0])
        if row[0] in LOCAL_META:
            self._refuse("meta", line, f"{row[0]!r} is about one place alone")

    def vectors(self, file: VectorFile) -> None:
        for batch, _ in read_vectors(self._incoming, file):
            for line, row in batch:
                if self._seen("notes" if file.kind == "notes" else "videos", row[0]) is None:
                    self._refuse(file.of, line, f"there is no {'note' if file.kind == 'notes' else 'video'} {row[0]!r}")
                self._add(file.of, line, repr(row))

    def _refuse(self, where: str, line: int, what: str) -> NoReturn:
        name = where if where.startswith(VECTORS) else f"{where}.jsonl"
        raise UsageError(f"{self._incoming.folder / name}, line {line}: {what}; nothing was imported")

    def _add(self, where: str, line: int, key: str, of: str = "", more: str = "") -> None:
        try:
            self._scratch.execute("INSERT INTO seen VALUES (?, ?, ?, ?)", (where, key, of, more))
        except sqlite3.IntegrityError:
            self._refuse(where, line, f"{key} is there twice")

    def _seen(self, where: str, key: str) -> Row | None:
        row: Row | None = self._scratch.execute(
            "SELECT of, more FROM seen WHERE kind = ? AND id = ?", (where, key)
        ).fetchone()
        return row

    def _need_video(self, where: str, line: int, video: str | None) -> None:
        if video is not None and self._seen("videos", video) is None:
            self._refuse(where, line, f"there is no video {video!r} in videos.jsonl")

    def _agree(self, where: str, line: int, key: str, sql: str, values: Row) -> None:
        known = self._c.row(sql, (key,))
        if known is not None and known != values:
            self._refuse(where, line, f"{key} is another one in the archive (of {known[0]})")


def _united(held: str | None, value: str) -> str:
    """A free-form value of two archives: lists are united, of others the archive's own stays."""
    if not held:
        return value
    try:
        mine, theirs = json.loads(held), json.loads(value)
    except (ValueError, RecursionError):
        return held
    if not isinstance(mine, list) or not isinstance(theirs, list):
        return held
    every = [*mine, *(item for item in theirs if item not in mine)]
    return held if len(every) == len(mine) else json.dumps(sorted(every, key=str))


def _batches(rows: Iterator[T]) -> Iterator[list[T]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch
