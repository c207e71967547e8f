"""Filling an index and keeping it: indexing, importing, exporting, copies, repairs, and what there is to tell of it.

Hands each to the room that does it; asks no question of the videos.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvqa.archive.workspace import IndexedFolder, OnWait
from lvqa.errors import UsageError

if TYPE_CHECKING:
    from lvqa.archive.check import CheckReport
    from lvqa.indexers import ImportReport, IndexPlan, IndexReport, Progress
    from lvqa.store import BackupReport, ExportReport, MergeReport, RemovedCounts


class Keeping(IndexedFolder):
    """The part of an archive about its index as a thing to be filled, moved and mended."""

    def index(
        self,
        *,
        progress: Progress | None = None,
        only: Collection[str] | None = None,
        wait_s: float = 0.0,
        on_wait: OnWait | None = None,
        stop: threading.Event | Callable[[], bool] | None = None,
    ) -> IndexReport:
        """Index every new or changed video below the folder, and go on where an earlier run stopped.

        `only` are the paths in the folder of those to index now; the others are left as they are. A video that cannot
        be read is one line in the report, and does not stop the others. Where another process is writing to the index,
        this waits at most `wait_s` (`inf`: for ever), and tells `on_wait` once who that is. Once `stop` is set, or says
        yes, the batches that models are at work on are committed, nothing new is begun, and the report says `stopped`.
        The run is written down in `logs` of the index folder. Raises UsageError where there is no video at all, or none
        of a path in `only`; StoreError where the index cannot be written, StoreLocked where another process went on
        writing to it, ModelNotFound.
        """
        from lvqa.indexers import run_index
        from lvqa.media import find_videos

        if not self.exists and not find_videos(self.folder):
            raise UsageError(f"there are no videos below {self.folder}; name the folder that holds them")
        with self._writer("index", wait_s, on_wait, filling=True) as store:
            return run_index(self.folder, store, self.models, self.settings, progress=progress, only=only, stop=stop)

    def plan_index(self, *, only: Collection[str] | None = None) -> IndexPlan:
        """What `index` would do now and why, without doing it: nothing is written, no model is loaded.

        Works while another process indexes, and where there is no index yet. Raises UsageError as `index`.
        """
        from lvqa.indexers import plan_index
        from lvqa.store import Store

        names, own = self.models.names, self.models.own_prompts
        if not self.exists:
            return plan_index(self.folder, None, names, self.settings, own_prompts=own, only=only)
        with Store.open(self.index_dir, create=False) as store:
            self._check_claim(store)
            return plan_index(self.folder, store, names, self.settings, own_prompts=own, only=only)

    def import_captions(
        self,
        path: str | os.PathLike[str],
        *,
        progress: Progress | None = None,
        wait_s: float = 0.0,
        on_wait: OnWait | None = None,
        stop: threading.Event | Callable[[], bool] | None = None,
    ) -> ImportReport:
        """Take ready-made captions: a JSON object a line, `{"video", "start_s", "end_s", "text"}`.

        The video files need not exist. It waits for another writer, and stops, as `index` does; importing the file
        again goes on. Raises UsageError for a file that is missing or malformed, StoreLocked.
        """
        from lvqa.indexers import import_captions

        jsonl = Path(path).expanduser()
        if not jsonl.is_file():
            raise UsageError(f"there is no file {jsonl}; name a file of captions, one JSON object a line")
        with self._writer("import", wait_s, on_wait, filling=True) as store:
            return import_captions(
                jsonl,
                self.folder,
                store,
                self.models.embedder,
                progress=progress,
                settings=self.settings,
                models=self.models,
                stop=stop,
            )

    def import_archive(
        self, path: str | os.PathLike[str], *, wait_s: float = 0.0, on_wait: OnWait | None = None
    ) -> MergeReport:
        """Take what `export` wrote, beside what is here: rows known already stay, and no model is asked.

        The video files need not exist; one that appears is known by its content, and nothing of it is done anew. Raises
        UsageError that names file and line where the export is not sound, and nothing is written then.
        """
        from lvqa.store import is_export, merge_export

        folder = Path(path).expanduser()
        if not is_export(folder):
            raise UsageError(f"{folder} holds no export: there is no manifest.json; name a folder of lvqa export")
        with self._writer("import", wait_s, on_wait, filling=True) as store:
            return merge_export(store, folder)

    def export(self, path: str | os.PathLike[str], *, videos: Sequence[str] | None = None) -> ExportReport:
        """Write the archive, or some videos of it, to a new folder in the format of `lvqa.store.exchange.format`.

        No settings and no chats are in it. Raises UsageError where the folder is there already, for an unknown video;
        StoreError where the index is damaged or the disk full, and nothing is left then.
        """
        from lvqa.store import export_archive

        chosen = [video.id for video in self._find(videos)] if videos else None
        return export_archive(self.store, _new_folder(path), chosen)

    def backup(self, path: str | os.PathLike[str]) -> BackupReport:
        """Copy the index to a new folder, as it is at this moment, also while it is being written.

        The copy serves as `archive_dir`; chats and settings are in it. Raises UsageError where the folder is there
        already; StoreError where there is no index, it is damaged, or the disk is full, and nothing is left then.
        """
        from lvqa.store import backup

        return backup(self.index_dir, _new_folder(path))

    def remove(self, video: str, *, wait_s: float = 0.0, on_wait: OnWait | None = None) -> RemovedCounts:
        """Take one video out of the index; its file stays, and while it does the next `index` takes it in again.

        It waits for another writer as `index` does. Raises UsageError where there is no such video, or the name fits
        several; StoreLocked.
        """
        found = self._find_one(video)
        with self._writer("remove", wait_s, on_wait) as store:
            return store.videos.remove(found.id)

    def check(self, *, repair: bool = False) -> CheckReport:
        """Look through the index, row by row, and at the files; with `repair`, mend what can be mended first.

        What was lost and can be made again is left to the next `index`. Raises UsageError where there is no index;
        StoreError where there is nothing left to mend, StoreLocked, StoreVersionError.
        """
        from lvqa.archive.check import check_archive, repair_archive

        if not self.index_dir.is_dir():
            raise UsageError(f"there is no index of {self.folder} yet; run: {self._index_command()}")
        self.close()
        return (repair_archive if repair else check_archive)(self.folder, self.index_dir, self._expected_embedder())

    def verify(self, *, repair: bool = False) -> CheckReport:
        """The earlier name of `check`, which stays."""
        return self.check(repair=repair)

    def status(self) -> dict[str, Any]:
        """Counts of what is indexed; `videos` holds `indexed`, `failed` and `pending`, `failures` each reason.

        `digest` holds the `text` about all videos, the `model` that wrote it,
        and whether it is `stale`: of videos that have changed since; None where there is none. `run` tells of the run
        that is under way: `pid`, `host`, `since`, `videos` settled of `videos_total`, seconds since it last wrote into
        its log (`quiet_s`), and whether that is too long (`silent`); None where there is none.
        """
        from lvqa.indexers import find_run, is_stale, read_digest

        run = find_run(self.index_dir)
        told = run.to_dict() if run is not None else None
        with self.store.snapshot():
            failures = [{"video": job.path, "reason": job.reason} for job in self.store.jobs.all(status="failed")]
            found = read_digest(self.store)
            digest = found and {"text": found.text, "model": found.model, "stale": is_stale(self.store, found)}
            return {**self.store.counts(), "digest": digest, "failures": failures, "run": told}

    def summaries(self) -> dict[str, str]:
        """What each video holds, by path; those without a summary are left out."""
        from lvqa.store import Filter

        with self.store.snapshot():
            paths = {video.id: video.path for video in self.store.videos.all()}
            notes = self.store.notes.select(Filter(sources=frozenset({"summary"}), level="video"))
        return {paths[note.video_id]: note.text for note in notes if note.video_id in paths}

    @property
    def digest(self) -> str:
        """What the videos hold, all in one text; empty where there is none. Of the videos at the last `index`."""
        from lvqa.indexers import read_digest

        found = read_digest(self.store)
        return found.text if found is not None else ""

    def _expected_embedder(self) -> str | None:
        """The model whose vectors the notes should have; None where the index decides, by what it has."""
        return "" if self.settings.embedder == "none" else None


def _new_folder(path: str | os.PathLike[str]) -> Path:
    if not os.fspath(path).strip():
        raise UsageError("the name of the folder to write is empty; name one that is not there yet")
    return Path(path).expanduser()
