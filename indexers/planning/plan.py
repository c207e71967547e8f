"""Brings the store's files and videos up to date with a folder, and lists the tasks that are open.

Applies what `lvqa.indexers.planning.survey` decides, file by file, in its caller's thread; decides nothing and runs no
stage.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from lvqa.indexers.planning.survey import IMPORTED, SCREEN, TRANSCRIBERS, FilePlan, FileState, Survey, gone
from lvqa.indexers.report import IndexReport
from lvqa.indexers.stages.screen_state import ScreenState
from lvqa.indexers.stages.specs import STAGES
from lvqa.indexers.stages.task import StagePlan, VideoTask
from lvqa.media import PassedOver
from lvqa.secrets import strike
from lvqa.store import Filter, JobRow, JobStatus, Store, set_imported_video_ids
from lvqa.types import Video

_PASSED = "passed_over"


@dataclass(slots=True)
class RunPlan:
    """Tasks in path order, the report of what needed no work, and how many files are what.

    The report's `stopped` says that it was ended before every file was looked at.
    """

    tasks: list[VideoTask] = field(default_factory=list)
    report: IndexReport = field(default_factory=IndexReport)
    states: Counter[FileState] = field(default_factory=Counter)


class Planner:
    """Applies what a survey of a folder decides to the store that it knows, each file in one transaction."""

    def __init__(self, store: Store, survey: Survey, stop: Callable[[], bool] = lambda: False) -> None:
        self._store = store
        self._survey = survey
        self._stop = stop
        self._folder, self._known = survey.folder, survey.known
        self._plan = RunPlan()

    def plan(self) -> RunPlan:
        """Take in every video file that is surveyed, and forget gone ones where that is the whole folder.

        Raises UsageError as `Survey.files`.
        """
        survey = self._survey
        transcriber = survey.specs["speech"].model
        if transcriber and transcriber not in self._known.transcribers:
            self._store.meta.set(TRANSCRIBERS, json.dumps(sorted({*self._known.transcribers, transcriber})))
        found: set[str] = set()
        for file in survey.files():
            found.add(file.path)
            self._apply(file)
            if self._stop():
                self._plan.report.stopped = True
                return self._plan
        if survey.only is None:
            write_passed(self._store, survey.passed)
            self._forget(found, self._known.imported_ids - survey.seen)
        return self._plan

    def _apply(self, file: FilePlan) -> None:
        report, store = self._plan.report, self._store
        self._plan.states[file.state] += 1
        if file.notice:
            self._survey.on_problem(self._folder / file.path, file.notice)
        if file.state in ("gone", "left"):
            self._let_go(file)
        elif file.state in ("unreadable", "growing"):
            self._fail(file)
        elif file.state == "passed":
            self._pass(file)
        else:
            with store.atomic():
                if file.taken and file.video is not None:
                    if file.state != "copied" or store.videos.get(file.video.id) is None:
                        store.videos.put(file.video)
                    store.files.put(file.path, file.video.id, file.size, file.mtime_ns)
                if file.state == "failed":
                    report.failed.append((file.path, file.reason))
                elif file.state == "copied" and not file.stages:
                    report.duplicates.append((file.path, file.was))
                else:
                    self._open(file)

    def _fail(self, file: FilePlan) -> None:
        """Report a file that cannot be taken in; what an earlier version of it left in the index stays."""
        self._plan.report.failed.append((file.path, file.reason))
        known = self._known.files.get(file.path)
        with self._store.atomic():
            if file.taken and (known is None or not known.video_id or self._other_copy(file.path, known.video_id)):
                self._store.files.put(file.path, "", file.size, file.mtime_ns)
            status: JobStatus = "pending" if file.state == "growing" else "failed"
            self._store.jobs.put(JobRow("", file.path, "probe", status=status, reason=strike(file.reason)))

    def _pass(self, file: FilePlan) -> None:
        """Remember a file that holds no film, so that it is not looked into again; with it goes what it held before."""
        if not file.taken:
            return
        with self._store.atomic():
            known = self._known.files.get(file.path)
            if known is not None and known.video_id:
                self._store.files.remove(file.path)
            self._store.files.put(file.path, "", file.size, file.mtime_ns)
            self._store.jobs.put(JobRow("", file.path, "probe", status="done", reason=strike(file.reason)))

    def _other_copy(self, path: str, video_id: str) -> bool:
        """Whether another file still stands for the video of this one, which then need not."""
        return any(
            other.video_id == video_id and other.path != path and not gone(self._folder / other.path)
            for other in self._known.files.values()
        )

    def _open(self, file: FilePlan) -> None:
        """Make the store ready for the stages that are open, and the task of them."""
        assert file.video is not None
        video, store = file.video, self._store
        jobs: dict[str, StagePlan] = {}
        for stage in file.stages:
            held = self._known.jobs.get((video.id, stage.stage))
            if stage.action == "keep":
                if held is not None and (not held.spec or held.path != file.path):
                    # Of an older lvqa, which did not write down what the rows were made with; or moved.
                    store.jobs.put(replace(held, path=file.path, spec=stage.spec, key=stage.key))
                continue
            if stage.action in ("drop", "lose"):
                store.jobs.delete(video.id, stage.stage)
                if stage.stage == "screen":
                    put_screen(store, video.id, None)
                continue
            afresh = stage.action in ("make", "redo") or (stage.stage == "screen" and not stage.progress_s)
            if afresh and (held is not None or stage.stage != "segment"):
                store.reset_stage(video.id, stage.stage)
            jobs[stage.stage] = stage
            store.jobs.put(job_row(video, stage, "pending", stage.progress_s, pending_reason(stage.unparsed)))
        if jobs:
            path = self._folder / file.path
            self._plan.tasks.append(VideoTask(video, path, file.size, file.mtime_ns, jobs))
        else:
            self._plan.report.unchanged += 1

    def _let_go(self, file: FilePlan) -> None:
        with self._store.atomic():
            # Detached first: removing the last file of a video would take its imported captions too.
            self._store.files.put(file.path, "", file.size, file.mtime_ns)
            self._store.files.remove(file.path)
        if file.state == "gone":
            self._plan.report.removed.append(file.path)

    def _forget(self, found: Collection[str], imported_ids: Collection[str]) -> None:
        """Let go of what no file stands for any more; what came with an import stays until its file was here once."""
        set_imported_video_ids(self._store, imported_ids)
        for job in self._store.jobs.all():
            # Of what could not even be looked at, such as a dangling link, there is a job and no file.
            if not job.video_id and job.path not in found and gone(self._folder / job.path):
                self._store.jobs.delete("", job.stage, job.path)
        held = {row.video_id for row in self._store.files.all()}
        for video in self._store.videos.all():
            if video.id not in held | set(imported_ids) and not video.content_hash.startswith(IMPORTED):
                self._retire(video)

    def _retire(self, video: Video) -> None:
        imported = Filter(video_ids=frozenset([video.id]), sources=frozenset(["imported"]))
        with self._store.atomic():
            if not self._store.notes.select(imported):
                self._store.videos.remove(video.id)
                return
            # The summaries are of what is left: made anew.
            for stage in (*STAGES, "summary"):
                self._store.reset_stage(video.id, stage)


def write_passed(store: Store, passed: Sequence[PassedOver]) -> None:
    """Keep what the last look at the whole folder passed over."""
    store.meta.set(_PASSED, json.dumps([asdict(kind) for kind in passed]))


def read_passed(store: Store) -> list[dict[str, Any]]:
    """What the last `lvqa index` of the whole folder passed over: kinds with `count` and some `paths`."""
    return list(json.loads(store.meta.get(_PASSED) or "[]"))


def put_screen(store: Store, video_id: str, state: ScreenState | None) -> None:
    """Keep what is open on the screen of a video where its pass has come to; None where nothing goes on from there."""
    if state is None:
        store.meta.delete(SCREEN + video_id)
    else:
        store.meta.set(SCREEN + video_id, state.to_json())


def job_row(video: Video, stage: StagePlan, status: JobStatus, progress_s: float, reason: str = "") -> JobRow:
    """The row of a stage's job as it stands now."""
    return JobRow(video.id, video.path, stage.stage, stage.key, status, progress_s, reason, stage.spec, stage.blank)


def pending_reason(unparsed: int) -> str:
    """What an open or finished caption job says of clips without a caption."""
    if not unparsed:
        return ""
    return f"{unparsed} clip{'s' if unparsed > 1 else ''} without a caption: the reply was empty or a refusal, twice"
