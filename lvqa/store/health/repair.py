"""Mends what can be mended of an index, and says what could not. Knows no folder of videos and no models.

Damage to the database's shape is mended by saving its sound rows into a new one, which takes its place; the damaged
files are kept beside it. Rows that are lost or changed are dropped, and the stages that wrote them are opened again, so
that the next `lvqa index` writes them anew; what nobody can write anew (imported captions) is told. Caches are deleted.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from lvqa.errors import StoreError
from lvqa.store.checksums import SUMMED, checked_sum
from lvqa.store.commits import note_commits
from lvqa.store.disk import finish, flushed, mended_path
from lvqa.store.faults import explained
from lvqa.store.health.check import CAPTIONLESS, TALLIES, UNEVEN, check_index
from lvqa.store.health.salvage import Salvaged, copy_database, salvage
from lvqa.store.lock.writer import WriterLock
from lvqa.store.opening import DATABASE_FILE, LOCK_FILE
from lvqa.store.rows import JobRow
from lvqa.store.search.bundle import FOLDER
from lvqa.store.store import STAGES, Store

DAMAGED_FOLDER = "damaged"
# The stage that writes the rows of a kind of tally; what no stage writes is lost.
_STAGES = {
    "clips clip": "segment",
    "clips segment": "summary",
    "clips video": "summary",
    "notes caption": "caption",
    "notes screen": "screen",
    "notes speech": "speech",
    "notes signs": "speech",
    "notes summary": "summary",
}
_GIVEN = {"notes imported": "imported captions", "notes seen": "notes of earlier answers"}
# The stages that write the rows of a table.
_WRITTEN = {
    "clips": ("segment", "summary"),
    "notes": ("caption", "screen", "speech", "summary"),
    "frames": ("frames",),
}
# Where a damaged row does not say what it was.
_ANY = ("segment", "caption", "screen", "speech", "summary", "frames")


def repair_index(index_dir: Path) -> list[str]:
    """Mend the index in a folder; returns a line for everything that was done or lost, empty where nothing was wrong.

    Raises StoreError where there is nothing to mend it from, StoreLocked while somebody writes.
    """
    findings = check_index(index_dir)
    told: list[str] = []
    if any(finding.mend == "backup" for finding in findings):
        raise StoreError(
            f"{findings[0].text}: put a backup in its place, or delete {index_dir} and run lvqa index again"
        )
    if not any(finding.is_damage for finding in findings):
        return told
    anew = any(finding.kind == "database" for finding in findings)
    if anew:
        told += _replace(index_dir)
    with Store.open(index_dir, write=True) as store:
        told += [] if anew else _Mender(store).mend()
        shutil.rmtree(index_dir / FOLDER, ignore_errors=True)
        store.build_indexes()
    return told


def _replace(index_dir: Path) -> list[str]:
    """Put a new database with the sound rows of the damaged one in its place; the damaged one is kept."""
    path = index_dir / DATABASE_FILE
    lock = WriterLock(index_dir / LOCK_FILE)
    lock.acquire()
    try:
        with explained(path), tempfile.TemporaryDirectory(dir=index_dir, prefix="repair-") as scratch:
            fresh = Path(scratch, "new")
            Store.open(fresh, write=True).close()
            try:
                found = salvage(copy_database(path, Path(scratch)), fresh / DATABASE_FILE)
            except sqlite3.Error as error:
                raise StoreError(f"what is left of {path} cannot be saved ({error}); put a backup in place") from error
            # Before it takes its place: what was lost is known only now.
            with Store.open(fresh, write=True) as store:
                told = _Mender(store).mend(found)
            kept = index_dir / DAMAGED_FOLDER / time.strftime("%Y%m%dT%H%M%S", time.gmtime())
            kept.mkdir(parents=True, exist_ok=True)
            flushed(copy_database(path, kept))
            flushed(fresh / DATABASE_FILE).replace(mended_path(path))
            finish(path)
            note_commits(index_dir, found.commits)
    finally:
        lock.release()
    rows = ", ".join(f"{count} {table}" for table, count in found.rows.items() if count) or "nothing"
    first = f"the database was made anew from what could be read ({rows}); the damaged one is kept in {kept}"
    return [first, *told]


class _Mender:
    """Mends one index that is open for writing, in one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._c = store.connections
        self._open: set[tuple[int, str]] = set()
        self._told: list[str] = []

    def mend(self, salvaged: Salvaged | None = None) -> list[str]:
        """Mend, and return what was done; `salvaged` says from what the index was saved. Raises StoreError."""
        with self._store.atomic():
            # First: rows that go are taken out of it by the text that they have now.
            self._c.write("INSERT INTO notes_fts(notes_fts) VALUES ('rebuild')")
            self._dangling()
            for table in SUMMED:
                self._changed(table)
            if salvaged is not None:
                self._torn(salvaged)
            self._vanished(salvaged.tallies if salvaged is not None else ())
            for video, _, _, _ in self._c.rows(CAPTIONLESS):
                self._open.add((video, "caption"))
            self._reopen()
            self._c.write("DELETE FROM tallies")
            self._c.write(f"INSERT INTO tallies(video, kind, count) {TALLIES}")
            self._redraw()
        return self._told

    def _dangling(self) -> None:
        """Rows whose video, clip or note is gone; again and again, since those that go may leave others."""
        count = 0
        while rows := self._c.rows("PRAGMA foreign_key_check"):
            for table, number, parent, _ in rows:
                column = "rowid" if table == "files" else "n"
                if number is not None and table in SUMMED:
                    if parent == "clips":
                        self._open.add((self._c.value(f"SELECT video FROM {table} WHERE n = ?", (number,)), "segment"))
                    self._c.write(f"DELETE FROM {table} WHERE {column} = ?", (number,))
                    count += 1
                elif table in ("tallies", "gone"):
                    self._c.write(f"DELETE FROM {table}")
        if count:
            self._told.append(f"{count} rows that referred to rows that are gone were dropped")

    def _changed(self, table: str) -> None:
        columns = {"clips": "video, 'clips ' || level", "notes": "video, 'notes ' || source", "frames": "video, ''"}
        columns |= {"jobs": "video, stage"}
        number = {"meta": "NULL", "files": "rowid"}.get(table, "n")
        sql = f"SELECT {number}, {columns.get(table, 'NULL, NULL')} FROM {table} WHERE sum IS NOT {checked_sum(table)}"
        rows = self._c.rows(sql)
        if not rows:
            return
        if table == "videos":
            # Its rows are worth more than what its file says again: let the file be read anew.
            self._c.write(f"UPDATE videos SET sum = {checked_sum('videos')}")
            for number_, *_ in rows:
                self._store.files.forget_size(number_)
            self._told.append(f"{len(rows)} videos changed on the disk; the next index reads their files again")
            return
        for _, video, kind in rows:
            stages = {"frames": ("frames",), "jobs": (kind,)}.get(table, (_STAGES.get(kind, ""),))
            if video is not None and kind not in _GIVEN:
                known = [stage for stage in stages if stage in STAGES] or _ANY
                self._open |= {(video, stage) for stage in known}
        self._c.write(f"DELETE FROM {table} WHERE sum IS NOT {checked_sum(table)}")
        self._told.append(f"{len(rows)} rows of {table} that changed on the disk were dropped")
        given = [_GIVEN[kind] for _, _, kind in rows if kind in _GIVEN]
        if given:
            self._told.append(f"{len(given)} {given[0]} are lost; import them again")

    def _torn(self, salvaged: Salvaged) -> None:
        """Where tallies cannot tell either what was lost, open all that may have lost something."""
        self._told += [f"some of {table} could not be read" for table in sorted(salvaged.torn & SUMMED.keys())]
        if "tallies" not in salvaged.torn:
            return
        # Read in the order of the videos: of the last one there may be more.
        last = max((video for video, _, _ in salvaged.tallies), default=0)
        for (video,) in self._c.rows("SELECT n FROM videos WHERE n >= ?", (last,)):
            for table in salvaged.torn & _WRITTEN.keys():
                self._open |= {(video, stage) for stage in _WRITTEN[table]}

    def _vanished(self, tallies: Iterable[tuple[int, str, int]]) -> None:
        found = {(video, kind): count for video, kind, count in self._c.rows(TALLIES)}
        uneven = [(video, kind, told - found.get((video, kind), 0)) for video, kind, told in tallies]
        uneven += [(video, kind, told - have) for video, kind, have, told in self._c.rows(UNEVEN)]
        known = {row[0] for row in self._c.rows("SELECT n FROM videos")}
        lost: dict[str, int] = {}
        for video, kind, missing in uneven:
            if missing <= 0 or video not in known:
                continue
            if kind in _GIVEN:
                lost[_GIVEN[kind]] = lost.get(_GIVEN[kind], 0) + missing
            else:
                self._open.add((video, "frames" if kind.startswith("frames ") else _STAGES.get(kind, "segment")))
        self._told += [f"{count} {what} are lost; import them again" for what, count in lost.items()]

    def _reopen(self) -> None:
        names = {row[0]: row[1:] for row in self._c.rows("SELECT n, id, path FROM videos")}
        opened = 0
        for video, stage in sorted(self._open):
            if video not in names:
                continue
            video_id, path = names[video]
            self._store.reset_stage(video_id, stage)
            if stage in _ANY:
                self._store.jobs.put(JobRow(video_id, path, stage))
            opened += 1
        if opened:
            videos = len({video for video, _ in self._open})
            self._told.append(f"{opened} stages of {videos} videos are open again; run lvqa index")

    def _redraw(self) -> None:
        """New tokens, and no base: whatever was made of the rows as they were is out of date."""
        self._c.write("DELETE FROM bases")
        self._c.write("UPDATE versions SET changes = changes + 1, token = random()")
        for kind, table in (("notes", "embeddings"), ("frames", "frames")):
            self._c.write(
                "INSERT OR IGNORE INTO versions(kind, model, changes, token) "
                f"SELECT DISTINCT '{kind}', model, 1, random() FROM {table}"
            )
