"""The index of an archive: opening, invalidating, counting; its rows are read and written through one object a table.

Knows rows, not where they come from: no models, no media, no folder of videos.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from lvqa.errors import StoreError, UsageError
from lvqa.store.checksums import sum_of
from lvqa.store.database import Connections
from lvqa.store.keys import clean_text
from lvqa.store.lock.writer import WriterLock
from lvqa.store.opening import DATABASE_FILE, LOCK_FILE, check_there, migrate, reconcile
from lvqa.store.rows import StoreCounts
from lvqa.store.search.text_index import TextSearch
from lvqa.store.search.vector_index import VectorSearch
from lvqa.store.tables.jobs import JobTable
from lvqa.store.tables.meta import MetaTable
from lvqa.store.tables.notes import ClipTable, NoteTable
from lvqa.store.tables.vectors import FrameTable, VectorTable
from lvqa.store.tables.videos import FileTable, VideoTable

T = TypeVar("T")

# What each stage wrote. Imported and seen notes, and speech, that stand on a clip outlive it, without it.
_RESET: dict[str, tuple[str, ...]] = {
    "segment": (
        "DELETE FROM jobs WHERE video = ? AND stage = 'screen' AND EXISTS (SELECT 1 FROM notes t "
        "WHERE t.video = jobs.video AND t.source = 'screen' AND t.clip IS NOT NULL)",
        "DELETE FROM jobs WHERE video = ? AND stage = 'caption'",
        "DELETE FROM notes WHERE video = ? AND source = 'caption'",
        "DELETE FROM notes WHERE video = ? AND source = 'screen' AND clip IS NOT NULL",
        f"UPDATE notes SET clip = NULL, sum = {sum_of('notes', clip='NULL')} "
        "WHERE video = ? AND clip IN (SELECT n FROM clips c WHERE c.level = 'clip')",
        "DELETE FROM clips WHERE video = ? AND level = 'clip'",
    ),
    "caption": ("DELETE FROM notes WHERE video = ? AND source = 'caption'",),
    "screen": ("DELETE FROM notes WHERE video = ? AND source = 'screen'",),
    "speech": ("DELETE FROM notes WHERE video = ? AND source IN ('speech', 'signs')",),
    "imported": ("DELETE FROM notes WHERE video = ? AND source = 'imported'",),
    "seen": ("DELETE FROM notes WHERE video = ? AND source = 'seen'",),
    "summary": (
        "DELETE FROM notes WHERE video = ? AND source = 'summary'",
        "DELETE FROM clips WHERE video = ? AND level <> 'clip'",
    ),
    "frames": ("DELETE FROM frames WHERE video = ?",),
    "embed": ("DELETE FROM embeddings WHERE note IN (SELECT n FROM notes WHERE video = ?)",),
}
STAGES: tuple[str, ...] = tuple(_RESET)


class Store:
    """The index of one archive: an object for each of its tables, over connections that they share.

    `open` it; use it as a context manager. Any number of processes and threads may read, each call on one snapshot; one
    process writes. Ids are the caller's and follow from content (`note_id`, `Clip.of`), so that doing the same work
    twice leaves the same rows.

    Attributes:
        index_dir: the folder it lies in.
        videos, files, jobs, clips, notes: the rows of that name.
        vectors: the vectors of notes; frames: those of videos' frames.
        meta: free-form text values by name.
        connections: what all of them read and write through, for those that need SQL of their own.
    """

    def __init__(self, connections: Connections, index_dir: Path, lock: WriterLock | None) -> None:
        self.index_dir = index_dir
        self.connections = connections
        self._lock = lock
        self._text_search = TextSearch(connections, index_dir)
        self._vector_search = VectorSearch(connections, index_dir)
        self.meta = MetaTable(connections)
        self.videos = VideoTable(connections)
        self.files = FileTable(connections, self.videos)
        self.jobs = JobTable(connections)
        self.clips = ClipTable(connections)
        self.notes = NoteTable(connections, self._text_search)
        self.vectors = VectorTable(connections, self._vector_search)
        self.frames = FrameTable(connections, self._vector_search)

    @classmethod
    def open(
        cls,
        index_dir: Path,
        *,
        create: bool = True,
        write: bool = False,
        wait_s: float = 0.0,
        on_wait: Callable[[str], None] | None = None,
        doing: str = "",
    ) -> Store:
        """Open the index in a folder such as `videos/.lvqa`; with `create`, make it where there is none.

        `write` takes the writer's lock until `close`, waiting at most `wait_s` (`inf`: for ever) for whoever holds it;
        `on_wait` is told once who that is, and others that this one is `doing` what it does. Raises StoreLocked, naming
        the process that holds it; StoreVersionError for an index of a newer lvqa; StoreError where there is no index,
        or it cannot be used.
        """
        path = index_dir / DATABASE_FILE
        lock = WriterLock(index_dir / LOCK_FILE, doing if write else "migration")
        check_there(index_dir, create=create)
        try:
            if write:
                lock.acquire(wait_s, on_wait)
            migrate(path, lock)
            connections = Connections(path, write=write, check=lock.check)
            connections.value("SELECT 1")
            if write:
                reconcile(connections, index_dir)
        except BaseException:
            lock.release()
            raise
        return cls(connections, index_dir, lock)

    def close(self) -> None:
        """Write the vector caches, close the database, give the lock back; a second call does nothing."""
        with contextlib.suppress(StoreError):
            self._vector_search.save()
        self.connections.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def atomic(self) -> Iterator[None]:
        """Write what happens inside as one transaction, or, after an exception, not at all; nested blocks join.

        Every writing method opens one by itself where none is open. Raises StoreError: full disk, opened for reading.
        """
        with self.connections.atomic():
            yield

    def consistent(self, work: Callable[[], T], again: Callable[[], None] = lambda: None) -> T:
        """What `work` returns when all that it reads of the store is of one moment, whatever others write meanwhile.

        Another thread's search may have brought the shared vectors past that moment: then `again` is called, which
        should drop what was read, and `work` once more.
        """
        return self.connections.consistent(work, again)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all that is read inside be of one moment, where it would be too dear to do again; see `consistent`."""
        with self.connections.reading():
            yield

    def reset_stage(self, video_id: str, stage: str) -> None:
        """Delete exactly what a stage wrote about a video, and its job; vectors go with their notes.

        `segment` takes the clips, and with them the captions (and their job) and the screen texts that stand on clips;
        summaries stay until `summary` is reset. Raises UsageError for an unknown stage.
        """
        if stage not in _RESET:
            raise UsageError(f"no stage {stage!r}; there are {', '.join(STAGES)}")
        with self.atomic():
            n = self.connections.value("SELECT n FROM videos WHERE id = ?", (clean_text(video_id),))
            if n is None:
                return
            for sql in _RESET[stage]:
                self.connections.write(sql, (n,))
            self.connections.write("DELETE FROM jobs WHERE video = ? AND stage = ?", (n, stage))

    def build_indexes(self) -> int:
        """Write or extend the index files that make searching a large archive fast; returns how many were written.

        To be called after many rows were added or deleted, outside `atomic`. Nothing happens where the archive is
        small or the files are still good; without them search is as right, and slower. Raises StoreError where the
        store was opened for reading.
        """
        from lvqa.store.search.maintain import build_bases

        return len(build_bases(self.connections, self._text_search.bases, self._vector_search.bases))

    def version(self) -> str:
        """A text that is another one after any note or vector was written or deleted."""
        rows = self.connections.rows("SELECT kind, model, token FROM versions ORDER BY kind, model")
        return " ".join(str(value) for row in rows for value in row)

    def counts(self) -> StoreCounts:
        """What is in the index; see `StoreCounts`.

        A video is failed with any failed job, pending with any pending one or with neither jobs nor notes, and
        indexed otherwise.
        """
        c = self.connections

        def count(rows: str) -> int:
            return int(c.value(f"SELECT count(*) FROM {rows}"))

        with c.reading():
            states = c.rows(
                """
                SELECT CASE
                    WHEN EXISTS (SELECT 1 FROM jobs j WHERE j.video = v.n AND j.status = 'failed') THEN 'failed'
                    WHEN EXISTS (SELECT 1 FROM jobs j WHERE j.video = v.n AND j.status = 'pending') THEN 'pending'
                    WHEN EXISTS (SELECT 1 FROM jobs j WHERE j.video = v.n)
                        OR EXISTS (SELECT 1 FROM notes t WHERE t.video = v.n) THEN 'indexed'
                    ELSE 'pending' END AS state, count(*) FROM videos v GROUP BY state
                UNION ALL
                SELECT CASE WHEN status = 'failed' THEN 'failed' ELSE 'pending' END AS state, count(DISTINCT path)
                FROM jobs WHERE video IS NULL AND status <> 'done' GROUP BY state
                """
            )
            total = {"indexed": 0, "failed": 0, "pending": 0}
            for state, n in states:
                total[state] += n
            models = c.rows("SELECT model FROM notes UNION SELECT model FROM embeddings UNION SELECT model FROM frames")
            return {
                "videos": {"indexed": total["indexed"], "failed": total["failed"], "pending": total["pending"]},
                "clips": count("clips WHERE level = 'clip'"),
                "segments": count("clips WHERE level = 'segment'"),
                "notes": count("notes"),
                "embeddings": count("embeddings"),
                "frames": count("frames"),
                "bytes": _folder_bytes(self.index_dir),
                "sources": dict(c.rows("SELECT source, count(*) FROM notes GROUP BY source ORDER BY source")),
                "models": sorted(row[0] for row in models if row[0]),
                "schema": int(c.value("PRAGMA user_version")),
            }


def _folder_bytes(folder: Path) -> int:
    total = 0
    # Files, and folders of them, may vanish while they are listed; `walk` passes over those.
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(parent, name).stat().st_size
    return total
