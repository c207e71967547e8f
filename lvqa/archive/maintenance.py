"""Filling an index and keeping it: indexing, importing, exporting, copies, removals and repairs.

Hands each to the room that does it; asks no question of the videos.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lvqa.archive.workspace import OnWait, Workspace
from lvqa.errors import UsageError

if TYPE_CHECKING:
    from lvqa.archive.check import CheckReport
    from lvqa.indexers import ImportReport, IndexPlan, IndexReport, Progress
    from lvqa.store import BackupReport, ExportReport, MergeReport, RemovedCounts


class Maintenance:
    """A workspace's index as a thing to be filled, moved and mended; each method is that of `Archive`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def index(
        self,
        *,
        progress: Progress | None = None,
        only: Collection[str] | None = None,
        wait_s: float = 0.0,
        on_wait: OnWait | None = None,
        stop: threading.Event | Callable[[], bool] | None = None,
    ) -> IndexReport:
        """Index every new or changed video below the folder; see `Archive.index`."""
        from lvqa.indexers import run_index
        from lvqa.media import find_videos

        workspace = self._workspace
        if not workspace.exists and not find_videos(workspace.folder):
            raise UsageError(f"there are no videos below {workspace.folder}; name the folder that holds them")
        with workspace.writer("index", wait_s, on_wait, filling=True) as store:
            return run_index(
                workspace.folder, store, workspace.models, workspace.settings, progress=progress, only=only, stop=stop
            )

    def plan_index(self, *, only: Collection[str] | None = None) -> IndexPlan:
        """What `index` would do now and why, without doing it; see `Archive.plan_index`."""
        from lvqa.indexers import plan_index
        from lvqa.store import Store

        workspace = self._workspace
        names, own = workspace.models.names, workspace.models.own_prompts
        if not workspace.exists:
            return plan_index(workspace.folder, None, names, workspace.settings, own_prompts=own, only=only)
        with Store.open(workspace.index_dir, create=False) as store:
            workspace.check_claim(store)
            return plan_index(workspace.folder, store, names, workspace.settings, own_prompts=own, only=only)

    def import_captions(
        self,
        path: str | os.PathLike[str],
        *,
        progress: Progress | None = None,
        wait_s: float = 0.0,
        on_wait: OnWait | None = None,
        stop: threading.Event | Callable[[], bool] | None = None,
    ) -> ImportReport:
        """Take ready-made captions; see `Archive.import_captions`."""
        from lvqa.indexers import import_captions

        workspace = self._workspace
        jsonl = Path(path).expanduser()
        if not jsonl.is_file():
            raise UsageError(f"there is no file {jsonl}; name a file of captions, one JSON object a line")
        with workspace.writer("import", wait_s, on_wait, filling=True) as store:
            return import_captions(
                jsonl,
                workspace.folder,
                store,
                workspace.models.embedder,
                progress=progress,
                settings=workspace.settings,
                models=workspace.models,
                stop=stop,
            )

    def import_archive(
        self, path: str | os.PathLike[str], *, wait_s: float = 0.0, on_wait: OnWait | None = None
    ) -> MergeReport:
        """Take what `export` wrote; see `Archive.import_archive`."""
        from lvqa.store import is_export, merge_export

        workspace = self._workspace
        folder = Path(path).expanduser()
        if not is_export(folder):
            raise UsageError(f"{folder} holds no export: there is no manifest.json; name a folder of lvqa export")
        with workspace.writer("import", wait_s, on_wait, filling=True) as store:
            return merge_export(store, folder)

    def export(self, path: str | os.PathLike[str], *, videos: Sequence[str] | None = None) -> ExportReport:
        """Write the archive, or some videos of it, to a new folder; see `Archive.export`."""
        from lvqa.store import export_archive
        from lvqa.tools.scope import videos_named

        workspace = self._workspace
        chosen = [video.id for video in videos_named(videos, workspace.store)] if videos else None
        return export_archive(workspace.store, _new_folder(path), chosen)

    def backup(self, path: str | os.PathLike[str]) -> BackupReport:
        """Copy the index to a new folder; see `Archive.backup`."""
        from lvqa.store import backup

        workspace = self._workspace
        return backup(workspace.index_dir, _new_folder(path))

    def remove(self, video: str, *, wait_s: float = 0.0, on_wait: OnWait | None = None) -> RemovedCounts:
        """Take one video out of the index; see `Archive.remove`."""
        from lvqa.tools.scope import video_named

        workspace = self._workspace
        found = video_named(video, workspace.store)
        with workspace.writer("remove", wait_s, on_wait) as store:
            return store.videos.remove(found.id)

    def check(self, *, repair: bool = False) -> CheckReport:
        """Look through the index and at the files, after mending with `repair`; see `Archive.check`."""
        from lvqa.archive.check import check_archive, repair_archive

        workspace = self._workspace
        if not workspace.index_dir.is_dir():
            raise UsageError(f"there is no index of {workspace.folder} yet; run: {workspace.index_command()}")
        workspace.close()
        return (repair_archive if repair else check_archive)(
            workspace.folder, workspace.index_dir, self._expected_embedder()
        )

    def _expected_embedder(self) -> str | None:
        """The model whose vectors the notes should have; None where the index decides, by what it has."""
        return "" if self._workspace.settings.embedder == "none" else None


def _new_folder(path: str | os.PathLike[str]) -> Path:
    if not os.fspath(path).strip():
        raise UsageError("the name of the folder to write is empty; name one that is not there yet")
    return Path(path).expanduser()
