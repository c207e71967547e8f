"""What an archive holds, told to people and programs: its videos, one video in full, counts, summaries.

Reads the index; asks no model and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from lvqa import phrasing, render
from lvqa.archive.results import link_base, no_picture, thumbnailer
from lvqa.archive.workspace import Workspace
from lvqa.types import Clip, Level, Note, Video

_SHOWN_VIDEOS = 24


@dataclass(frozen=True, slots=True)
class VideoReport:
    """All that is known of one video: its clips and notes in time order, and what was written of them.

    `segments` are the summaries of stretches of one to three minutes, `summary` is that of the whole video, None where
    there is none. `notes` holds neither. `tracks` are lines about what of the file is not seen or heard, where it is
    there and holds several films or sounds.
    """

    video: Video
    clips: Sequence[Clip]
    notes: Sequence[Note]
    segments: Sequence[Note] = ()
    summary: Note | None = None
    tracks: Sequence[str] = ()


class Contents:
    """What a workspace's index holds."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def show(self, video: str) -> VideoReport:
        """What is known of one video; see `Archive.show`."""
        from lvqa.store import Filter
        from lvqa.tools.scope import video_named

        store = self._workspace.store
        with store.snapshot():
            found = video_named(video, store)

            def notes(level: Level) -> list[Note]:
                return store.notes.select(Filter(video_ids=frozenset([found.id]), level=level))

            summary = next(iter(notes("video")), None)
            report = VideoReport(found, store.clips.of(found.id), notes("clip"), notes("segment"), summary)
        if found.streams is None:
            return report
        return replace(report, tracks=found.streams.told(self._workspace.settings.audio_track))

    def status(self) -> dict[str, Any]:
        """Counts of what is indexed, and the run under way; see `Archive.status`."""
        from lvqa.indexers import find_run, is_stale, read_digest, read_passed

        run = find_run(self._workspace.index_dir)
        told = run.to_dict() if run is not None else None
        store = self._workspace.store
        with store.snapshot():
            failures = [{"video": job.path, "reason": job.reason} for job in store.jobs.all(status="failed")]
            found = read_digest(store)
            digest = found and {"text": found.text, "model": found.model, "stale": is_stale(store, found)}
            passed = read_passed(store)
            return {**store.counts(), "digest": digest, "failures": failures, "run": told, "passed_over": passed}

    def summaries(self) -> dict[str, str]:
        """What each video holds, by path; those without a summary are left out."""
        from lvqa.store import Filter

        store = self._workspace.store
        with store.snapshot():
            paths = {video.id: video.path for video in store.videos.all()}
            notes = store.notes.select(Filter(sources=frozenset({"summary"}), level="video"))
        return {paths[note.video_id]: note.text for note in notes if note.video_id in paths}

    def digest(self) -> str:
        """What the videos hold, all in one text; empty where there is none."""
        from lvqa.indexers import read_digest

        found = read_digest(self._workspace.store)
        return found.text if found is not None else ""

    def html(self) -> str:
        """The archive as a notebook shows it: counts, and its first videos with a picture each."""
        workspace = self._workspace
        if not workspace.exists:
            unindexed = f"not indexed yet; run: {workspace.index_command()}"
            return render.archive_html(str(workspace.folder), unindexed, [], no_picture)
        with workspace.store.snapshot():
            videos, counts = workspace.videos(), self.status()
        summary = (
            f"{phrasing.count(len(videos), 'video')}, {phrasing.duration_text(sum(v.duration_s for v in videos))}, "
            f"{phrasing.count(counts['clips'], 'clip')}, {phrasing.count(counts['notes'], 'note')}"
        )
        if counts["videos"]["failed"]:
            summary += f"; {counts['videos']['failed']} could not be read"
        if len(videos) > _SHOWN_VIDEOS:
            summary += f"; the first {_SHOWN_VIDEOS}:"
        pictures, base = thumbnailer(workspace.folder), link_base(workspace.folder)
        return render.archive_html(str(workspace.folder), summary, videos[:_SHOWN_VIDEOS], pictures, base)
