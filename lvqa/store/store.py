"""The index of an archive: opening, invalidating, counting; the rest comes from the rooms it is put together from.

Knows rows, not where they come from: no models, no media, no folder of videos.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from lvqa.errors import StoreError, StoreFull, StoreLocked, StoreVersionError, UsageError
from lvqa.store.checksums import sum_of
from lvqa.store.commits import note_commits, read_commits
from lvqa.store.database import PAGE_BYTES, Connections, connect
from lvqa.store.embeddings import Embeddings
from lvqa.store.faults import explained
from lvqa.store.health.replace import finish, mended_path
from lvqa.store.keys import clean_text
from lvqa.store.lock.writer import WriterLock
from lvqa.store.rows import StoreCounts
from lvqa.store.schema import APPLICATION_ID, SCHEMA_VERSION

if TYPE_CHECKING:
    from lvqa.store.exchange.format import ExportReport, MergeReport

DATABASE_FILE = "archive.db"
LOCK_FILE = "lock"
_PATIENCE_S = 10.0
T = TypeVar("T")
_log = logging.getLogger("lvqa.store")
_APPLIED = "_sqlite_migrations"  # where sqlite-utils notes which migrations ran

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
    "speech": ("DELETE FROM notes WHERE video = ? AND source = 'speech'",),
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


class Store(Embeddings):
    """The index of one archive. `open` it; use it as a context manager.

    Any number of processes and threads may read, each call on one snapshot; one process writes. Ids are the caller's
    and follow from content (`note_id`, `Clip.of`), so that doing the same work twice leaves the same rows.
    """

    def __init__(self, connections: Connections, index_dir: Path, lock: WriterLock | None) -> None:
        super().__init__(connections, index_dir)
        self.index_dir = index_dir
        self._lock = lock

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
        with explained(index_dir):
            if not path.exists() or not path.stat().st_size:
                if read_commits(index_dir):
                    raise StoreError(
                        f"the index {path} is {'empty' if path.exists() else 'gone'}, and there was one: put a backup "
                        f"in its place, or delete {index_dir} and run lvqa index again"
                    )
                if not path.exists() and not create:
                    raise StoreError(f"no index in {index_dir}; run lvqa index on the folder of videos first")
                index_dir.mkdir(parents=True, exist_ok=True)
        try:
            if write:
                lock.acquire(wait_s, on_wait)
            _migrate(path, lock)
            connections = Connections(path, write=write, check=lock.check)
            connections.value("SELECT 1")
            if write:
                _reconcile(connections, index_dir)
        except BaseException:
            lock.release()
            raise
        return cls(connections, index_dir, lock)

    def close(self) -> None:
        """Write the vector caches, close the database, give the lock back; a second call does nothing."""
        with contextlib.suppress(StoreError):
            self._save_vectors()
        self._c.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def consistent(self, work: Callable[[], T], again: Callable[[], None] = lambda: None) -> T:
        """What `work` returns when all that it reads of the store is of one moment, whatever others write meanwhile.

        Another thread's search may have brought the shared vectors past that moment: then `again` is called, which
        should drop what was read, and `work` once more.
        """
        return self._c.consistent(work, again)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all that is read inside be of one moment, where it would be too dear to do again; see `consistent`."""
        with self._c.reading():
            yield

    def reset_stage(self, video_id: str, stage: str) -> None:
        """Delete exactly what a stage wrote about a video, and its job; vectors go with their notes.

        `segment` takes the clips, and with them the captions (and their job) and the screen texts that stand on clips;
        summaries stay until `summary` is reset. Raises UsageError for an unknown stage.
        """
        if stage not in _RESET:
            raise UsageError(f"no stage {stage!r}; there are {', '.join(STAGES)}")
        with self.atomic():
            n = self._c.value("SELECT n FROM videos WHERE id = ?", (clean_text(video_id),))
            if n is None:
                return
            for sql in _RESET[stage]:
                self._c.write(sql, (n,))
            self._c.write("DELETE FROM jobs WHERE video = ? AND stage = ?", (n, stage))

    def build_indexes(self) -> int:
        """Write or extend the index files that make searching a large archive fast; returns how many were written.

        To be called after many rows were added or deleted, outside `atomic`. Nothing happens where the archive is
        small or the files are still good; without them search is as right, and slower. Raises StoreError where the
        store was opened for reading.
        """
        from lvqa.store.search.maintain import Files, build_bases

        return len(build_bases(self._c, Files(self.index_dir, self._vector_bases, self._text_bases)))

    def export(self, out: Path, video_ids: Collection[str] | None = None) -> ExportReport:
        """Write all rows, or those of some videos, as the folder that `lvqa.store.exchange.format` describes.

        Raises UsageError where `out` is there already or a video is unknown, StoreError.
        """
        from lvqa.store.exchange.export import export_archive

        return export_archive(self._c, out, video_ids)

    def merge(self, folder: Path) -> MergeReport:
        """Take an export into this index, as `lvqa.store.exchange.merge` tells. Raises UsageError, StoreError."""
        from lvqa.store.exchange.merge import merge_export

        return merge_export(self, folder)

    def counts(self) -> StoreCounts:
        """What is in the index; see `StoreCounts`.

        A video is failed with any failed job, pending with any pending one or with neither jobs nor notes, and
        indexed otherwise.
        """
        count: Callable[[str], int] = lambda table: int(self._c.value(f"SELECT count(*) FROM {table}"))  # noqa: E731
        with self._c.reading():
            states = self._c.rows(
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
            models = self._c.rows(
                "SELECT model FROM notes UNION SELECT model FROM embeddings UNION SELECT model FROM frames"
            )
            return {
                "videos": {"indexed": total["indexed"], "failed": total["failed"], "pending": total["pending"]},
                "clips": count("clips WHERE level = 'clip'"),
                "segments": count("clips WHERE level = 'segment'"),
                "notes": count("notes"),
                "embeddings": count("embeddings"),
                "frames": count("frames"),
                "bytes": _folder_bytes(self.index_dir),
                "sources": dict(self._c.rows("SELECT source, count(*) FROM notes GROUP BY source ORDER BY source")),
                "models": sorted(row[0] for row in models if row[0]),
                "schema": int(self._c.value("PRAGMA user_version")),
            }


def _reconcile(connections: Connections, index_dir: Path) -> None:
    """Say once that commits were lost: from here on the file beside the database counts on from what there is."""
    have, noted = int(connections.value("SELECT coalesce(max(n), 0) FROM commits")), read_commits(index_dir)
    if noted > have:
        _log.warning(
            "the last %d of %d commits to %s are lost: its log was damaged or taken away, or an older copy was put "
            "here; what they held is made again",
            noted - have,
            noted,
            connections.path,
        )
        note_commits(index_dir, have)


def _folder_bytes(folder: Path) -> int:
    total = 0
    # Files, and folders of them, may vanish while they are listed; `walk` passes over those.
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(parent, name).stat().st_size
    return total


def _version(path: Path) -> int:
    """The schema version of the file, 0 for none or an empty one; changes nothing.

    Raises StoreError for a file that is not ours or contradicts itself, StoreVersionError for one of a newer lvqa.
    """
    if not path.exists():
        return 0
    with explained(path), path.open("rb") as file:
        head = file.read(72)
    if head[68:72] == APPLICATION_ID.to_bytes(4, "big"):
        # A database that is not opened stays as it is to the byte.
        _refuse_newer(path, int.from_bytes(head[60:64], "big"))
    connections = Connections(path, write=False)
    try:
        version = int(connections.value("PRAGMA user_version"))
        ours = connections.value("PRAGMA application_id") == APPLICATION_ID
        tables = {row[0] for row in connections.rows("SELECT name FROM sqlite_master")}
        applied = []
        if ours and _APPLIED in tables:
            applied = connections.rows(f"SELECT name FROM {_APPLIED} WHERE migration_set = 'lvqa'")
    finally:
        connections.close()
    if not ours and tables:
        raise StoreError(f"{path} is a database, but no index of lvqa; move it away, or use --archive DIR")
    numbers = {_number(str(row[0])) for row in applied}
    _refuse_newer(path, max([version, *numbers]))
    if numbers != set(range(1, version + 1)):
        raise StoreError(
            f"the index {path} is damaged: its header says schema {version}, its list of migrations {len(numbers)}; "
            "run lvqa verify --repair on its folder of videos"
        )
    return version


def _number(migration: str) -> int:
    """The schema that a migration such as `m005_checks` makes; one that is not named so is none of this lvqa."""
    known = re.match(r"m(\d{3})_", migration)
    return int(known[1]) if known else SCHEMA_VERSION + 1


def _refuse_newer(path: Path, version: int) -> None:
    if version > SCHEMA_VERSION:
        raise StoreVersionError(
            f"the index {path} has schema {version}, this lvqa knows {SCHEMA_VERSION}; "
            f"update lvqa, or delete {path.parent} and run lvqa index again"
        )


def _migrate(path: Path, lock: WriterLock) -> None:
    """Let a mended file take its place and bring it to the newest schema, as the only process that does."""
    deadline, version = time.monotonic() + _PATIENCE_S, 0
    while mended_path(path).exists() or (version := _version(path)) < SCHEMA_VERSION:
        borrowed = not lock.held
        if borrowed:
            try:
                lock.acquire()
            except StoreLocked:
                # Its holder has only just opened the index and is about to do the same.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
                continue
            except StoreError as error:
                if not version or isinstance(error, StoreFull):
                    raise
                raise StoreError(
                    f"the index {path} is of an older lvqa (schema {version}, now {SCHEMA_VERSION}) and cannot be "
                    "brought up to date where it is, for it may not be written; copy it with lvqa backup FOLDER DIR "
                    "and give --archive DIR, or change the permissions"
                ) from error
        try:
            with explained(path):
                finish(path)
                make_database(path)
        finally:
            if borrowed:
                lock.release()


def make_database(path: Path) -> None:
    """Make an empty database of the newest schema, or bring one there. Raises sqlite3.Error."""
    from sqlite_utils import Database

    from lvqa.store.migrations import MIGRATIONS

    connection = connect(path, "mode=rwc")
    try:
        # Both are of effect before the first table only.
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        # Before any table: a kill between the bookkeeping table of the migrations and the first of ours would leave
        # what looks like somebody else's database.
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        MIGRATIONS.apply(Database(connection, execute_plugins=False))
    except sqlite3.Error:
        connection.close()
        raise
    connection.close()
