"""What there is to do: the files of a folder against what the store knows, and for each video the stages that are open.

Reads and writes the store in its caller's thread, opens files only where size or time changed; runs no stage.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lvqa.errors import MediaError, UsageError
from lvqa.indexers.work import VISUAL, StageJob, Task
from lvqa.settings import Settings
from lvqa.store import FileRow, Filter, JobRow, Store, stage_key
from lvqa.types import Video

STAGES: tuple[str, ...] = (*VISUAL, "speech")
IMPORTED = "imported:"
_TRANSCRIBERS = "transcribers"
# Raised when the code of a stage changes what it writes, so that older rows are made anew.
_VERSION = 1


@dataclass(frozen=True, slots=True)
class StageSpec:
    """What a stage's rows depend on beside the video: the model's name, the prompt's hash, parameters."""

    model: str
    prompt_hash: str
    params: Mapping[str, Any]

    def key(self, content_hash: str, stage: str, **more: Any) -> str:
        """The stage's key for one video."""
        return stage_key(content_hash, stage, self.model, self.prompt_hash, {**self.params, **more})


def stage_specs(names: Mapping[Any, str], settings: Settings, prompt_set: str = "") -> dict[str, StageSpec]:
    """The stages that are on, in the order of their dependence; `names` holds each role's model, empty for off.

    `prompt_set` is the vision model's.
    """
    from lvqa.prompts import load

    clips = {
        "version": _VERSION,
        "sample_fps": settings.sample_fps,
        "clip_min_s": settings.clip_min_s,
        "clip_max_s": settings.clip_max_s,
        "shot_threshold": settings.shot_threshold,
    }
    caption = {
        **clips,
        "frames_per_clip": settings.frames_per_clip,
        "duplicate_threshold": settings.duplicate_threshold,
        "caption_tokens": settings.caption_tokens,
        "max_side": settings.max_side,
    }
    screen = {**clips, "ocr_every_s": settings.ocr_every_s, "duplicate_threshold": settings.duplicate_threshold}
    frames = {"version": _VERSION, "embed_every_s": settings.embed_every_s, "max_side": settings.max_side}
    specs = {"segment": StageSpec("", "", clips)}
    if names.get("vision"):
        specs["caption"] = StageSpec(names["vision"], load("caption", prompt_set).hash, caption)
    if names.get("ocr"):
        specs["screen"] = StageSpec(names["ocr"], "", screen)
    if names.get("image_embedder"):
        specs["frames"] = StageSpec(names["image_embedder"], "", frames)
    specs["speech"] = StageSpec(names.get("asr", ""), "", {"version": _VERSION})
    return specs


@dataclass(slots=True)
class Plan:
    """Tasks in path order, and what needed no work."""

    tasks: list[Task] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    unchanged: int = 0
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


class Planner:
    """Brings the store's files and videos up to date with a folder, and lists what is to do."""

    def __init__(
        self,
        folder: Path,
        store: Store,
        specs: Mapping[str, StageSpec],
        *,
        retry_failed: bool = True,
        on_problem: Callable[[Path, str], None] | None = None,
    ) -> None:
        self._folder = folder
        self._store = store
        self._specs = specs
        self._retry_failed = retry_failed
        self._on_problem = on_problem
        self._known = {row.path: row for row in store.files()}
        self._first: dict[str, str] = {}
        self._subtitles: dict[Path, list[str]] = {}
        self._plan = Plan()

    def plan(self, only: Collection[str] | None = None) -> Plan:
        """Look at every video file of the folder, or at those named by relative path in `only`, and forget gone ones.

        Raises UsageError where there is no video to index, or `only` names one that is not there.
        """
        from lvqa.media.files import find_videos

        paths = find_videos(self._folder, on_problem=self._on_problem)
        found = {path.relative_to(self._folder).as_posix(): path for path in paths}
        if only is not None and (missing := sorted(set(only) - found.keys())):
            raise UsageError(f"{missing[0]} is no video below {self._folder}; the videos are found by relative path")
        if not found:
            self._refuse_empty()
        for rel, path in found.items():
            if only is None or rel in only:
                self._file(rel, path)
            elif (row := self._known.get(rel)) is not None and row.video_id:
                self._first.setdefault(row.video_id, rel)
        if only is None:
            self._forget(found.keys())
        return self._plan

    def _refuse_empty(self) -> None:
        held = [row for row in self._known.values() if row.video_id]
        if held:
            raise UsageError(
                f"there are no videos below {self._folder}, but its index holds {len(held)}; is the disk mounted? "
                "Nothing was changed; to take videos out of the index use lvqa remove"
            )
        if not self._store.videos():
            raise UsageError(f"there are no videos below {self._folder}; name the folder that holds them")

    def _file(self, rel: str, path: Path) -> None:
        try:
            stat = path.stat()
        except OSError as error:
            self._fail(rel, f"the file cannot be read ({error.strerror}); check its permissions")
            return
        row = self._known.get(rel)
        video: Video | None = None
        if row is not None and (row.size, row.mtime_ns) == (stat.st_size, stat.st_mtime_ns):
            if row.video_id:
                video = self._store.get_video(row.video_id)
            elif not self._retry_failed and (job := self._store.get_job("", "probe", rel)) is not None:
                self._plan.failed.append((rel, job.reason))
                return
        if video is None:
            try:
                video = identify(path, rel)
            except MediaError as error:
                self._fail(rel, str(error), FileRow(rel, "", stat.st_size, stat.st_mtime_ns))
                return
            except OSError as error:
                self._fail(rel, f"the file cannot be read ({error.strerror or error}); check its permissions")
                return
            with self._store.atomic():
                if self._store.get_video(video.id) is None or video.id not in self._first:
                    self._store.put_video(video)
                self._store.put_file(rel, video.id, stat.st_size, stat.st_mtime_ns)
        if (first := self._first.setdefault(video.id, rel)) != rel:
            self._duplicate(rel, first)
            return
        self._video(video, rel, path, stat)

    def _duplicate(self, rel: str, first: str) -> None:
        self._plan.duplicates.append((rel, first))
        path = self._folder / rel
        # Copied along with the video they say the same, whatever their time is.
        read = [[suffix, size] for suffix, size, _ in self._sidecars(self._folder / first)]
        if self._on_problem is not None and any([suffix, size] not in read for suffix, size, _ in self._sidecars(path)):
            self._on_problem(path, f"its subtitles are not read, those of {first} are; put them beside that one")

    def _fail(self, rel: str, reason: str, row: FileRow | None = None) -> None:
        """Report a file that cannot be taken in; what an earlier version of it left in the index stays."""
        self._plan.failed.append((rel, reason))
        with self._store.atomic():
            known = self._known.get(rel)
            if row is not None and (known is None or not known.video_id or self._other_copy(known)):
                self._store.put_file(row.path, "", row.size, row.mtime_ns)
            self._store.put_job(JobRow("", rel, "probe", status="failed", reason=reason))

    def _other_copy(self, row: FileRow) -> bool:
        """Whether another file still stands for the video of this one, which then need not."""
        return any(
            other.video_id == row.video_id and other.path != row.path and not _gone(self._folder / other.path)
            for other in self._known.values()
        )

    def _video(self, video: Video, rel: str, path: Path, stat: os.stat_result) -> None:
        jobs: dict[str, StageJob] = {}
        with self._store.atomic():
            for stage in STAGES:
                spec = self._specs.get(stage)
                job = self._store.get_job(video.id, stage)
                if spec is None:
                    # Switched off: what is whole stays, an open job would stay open for ever.
                    if job is not None and job.status != "done":
                        self._store.delete_job(video.id, stage)
                    continue
                key = self._key(spec, video, stage, path, job)
                if job is not None and job.key == key:
                    if job.status == "done":
                        continue
                    if job.status == "failed" and not self._retry_failed:
                        self._plan.failed.append((rel, job.reason))
                        return
                    jobs[stage] = StageJob(key, job.progress_s, _unparsed(job.reason), job.blank)
                else:
                    if job is not None or stage != "segment":
                        self._store.reset_stage(video.id, stage)
                    jobs[stage] = StageJob(key)
                reason = pending_reason(jobs[stage].unparsed)
                open_job = JobRow(video.id, rel, stage, key, "pending", jobs[stage].progress_s, reason)
                self._store.put_job(replace(open_job, blank=jobs[stage].blank))
        if jobs:
            self._plan.tasks.append(Task(video, path, stat.st_size, stat.st_mtime_ns, jobs))
        else:
            self._plan.unchanged += 1

    def _key(self, spec: StageSpec, video: Video, stage: str, path: Path, job: JobRow | None) -> str:
        if stage != "speech":
            return spec.key(video.content_hash, stage)
        sidecars = self._sidecars(path)

        def key(model: str) -> str:
            # A video without sound says the same to every transcriber.
            heard = StageSpec(model if video.has_audio else "", spec.prompt_hash, spec.params)
            return heard.key(video.content_hash, stage, subtitles=sidecars)

        if spec.model:
            self._store.meta.set(_TRANSCRIBERS, json.dumps(sorted({*self._transcribers(), spec.model})))
        elif job is not None:
            # The transcriber is off now: a transcript of an earlier run is kept, as captions are.
            for earlier in self._transcribers():
                if job.key == key(earlier):
                    return job.key
        return key(spec.model)

    def _transcribers(self) -> list[str]:
        return list(json.loads(self._store.meta.get(_TRANSCRIBERS) or "[]"))

    def _sidecars(self, path: Path) -> list[list[Any]]:
        """Suffixes, size and time of the subtitle files beside a video: what tells that they changed, names apart."""
        if path.parent not in self._subtitles:
            with contextlib.suppress(OSError), os.scandir(path.parent) as entries:
                self._subtitles[path.parent] = sorted(
                    entry.name for entry in entries if entry.name.lower().endswith((".srt", ".vtt"))
                )
        signature: list[list[Any]] = []
        for name in self._subtitles.get(path.parent, []):
            if name.startswith(f"{path.stem}."):
                with contextlib.suppress(OSError):
                    stat = (path.parent / name).stat()
                    signature.append([name.removeprefix(path.stem), stat.st_size, stat.st_mtime_ns])
        return signature

    def _forget(self, found: Collection[str]) -> None:
        """Let go of files that are gone, and of videos that no file holds any more."""
        for rel in sorted(set(self._known) - set(found)):
            if not _gone(self._folder / rel):
                continue
            with self._store.atomic():
                # Detached first: removing the last file of a video would take its imported captions too.
                row = self._known[rel]
                self._store.put_file(rel, "", row.size, row.mtime_ns)
                self._store.remove_file(rel)
            if row.video_id and row.video_id not in self._first:
                self._plan.removed.append(rel)
        for job in self._store.jobs("failed"):
            # Of what could not even be looked at, such as a dangling link, there is a job and no file.
            if not job.video_id and job.path not in found and _gone(self._folder / job.path):
                self._store.delete_job("", job.stage, job.path)
        held = {row.video_id for row in self._store.files()}
        for video in self._store.videos():
            if video.id not in held and not video.content_hash.startswith(IMPORTED):
                self._retire(video)

    def _retire(self, video: Video) -> None:
        imported = Filter(video_ids=frozenset([video.id]), sources=frozenset(["imported"]))
        with self._store.atomic():
            if not self._store.notes(imported):
                self._store.remove_video(video.id)
                return
            # The summaries are of what is left: made anew.
            for stage in (*STAGES, "summary"):
                self._store.reset_stage(video.id, stage)


def identify(path: Path, rel: str) -> Video:
    """Probe and hash a file: the video it holds, by the name `rel`. Raises MediaError, OSError."""
    from lvqa.media import content_hash, probe

    info = probe(path)
    digest = content_hash(path)
    return Video(
        video_id(digest), rel, digest, info.duration_s, info.width, info.height, info.fps, info.codec, info.has_audio
    )


def video_id(content: str) -> str:
    """The id of a video with that content hash: 16 hex digits."""
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def pending_reason(unparsed: int) -> str:
    """What an open or finished caption job says of clips without a caption."""
    if not unparsed:
        return ""
    return f"{unparsed} clip{'s' if unparsed > 1 else ''} without a caption: the reply was empty or a refusal, twice"


def _unparsed(reason: str) -> int:
    number, _, rest = reason.partition(" ")
    return int(number) if number.isdecimal() and rest.startswith("clip") else 0


def _gone(path: Path) -> bool:
    """Whether a file does not exist any more; one that cannot be looked at still does."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
