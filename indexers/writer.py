"""The one writer: puts rows into the store as they come out of the pipeline, in its caller's thread.

Each transaction holds one batch of one video: clips, notes, vectors and how far its jobs are, so that a kill at any
instant loses at most the batches under way, and a rerun goes on behind the last one. Runs no stage.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace

from lvqa.errors import LvqaError, MediaError, ModelError
from lvqa.indexers.engine import Stages
from lvqa.indexers.planning.plan import job_row, pending_reason, put_screen
from lvqa.indexers.planning.survey import GROWING, being_written
from lvqa.indexers.progress import Progress
from lvqa.indexers.report import IndexReport
from lvqa.indexers.run_log import RunLog
from lvqa.indexers.stages.assemble import PartFailed, PartHalted, Rows
from lvqa.indexers.stages.stage_model import GIVE_UP_AFTER
from lvqa.indexers.stages.task import Part, VideoTask
from lvqa.secrets import strike
from lvqa.store import JobStatus, Store

# The share of a video's clips that a model may not know before that is told.
UNFAMILIAR = 0.5
CHANGED = "changed while it was indexed; run index again"
_MODEL_STAGES = frozenset({"caption", "screen", "frames", "speech", "embed"})


@dataclass(slots=True)
class _TaskState:
    """How far one task is: the parts still open and the second each has come to, and what went wrong."""

    at_s: dict[Part, float]
    unparsed: int = 0
    blank: int = 0
    captioned: int = 0
    unknown: int = 0
    left: bool = False
    reasons: list[str] = field(default_factory=list)


class Writer:
    """Writes what one pipeline yields, and keeps the report and the progress up to date."""

    def __init__(
        self, store: Store, report: IndexReport, progress: Progress, stages: Stages, log: RunLog | None = None
    ) -> None:
        self._store = store
        self._report = report
        self._progress = progress
        self._stages = stages
        self._log = log or RunLog(store.index_dir, "")  # one that was not entered writes nothing
        self._states: dict[int, _TaskState] = {}
        self._streaks: dict[str, int] = {}

    def write_all(self, tasks: Sequence[VideoTask], items: Generator[Rows | PartFailed | PartHalted]) -> None:
        """Write everything that comes; the pipeline's threads have ended when this returns or raises.

        Raises ModelError when a stage's model fails on three videos in a row, StoreError, and what ends the pipeline.
        """
        total_s = 0.0
        for task in tasks:
            starts: dict[Part, float] = {part: _start_s(task, part) for part in task.parts}
            total_s += sum(max(0.0, task.video.duration_s - start_s) for start_s in starts.values())
            caption = task.jobs.get("caption")
            unparsed, blank = (caption.unparsed, caption.blank) if caption else (0, 0)
            self._states[id(task)] = _TaskState(starts, unparsed, blank)
        self._progress.start(len(tasks), total_s)
        try:
            for item in items:
                if isinstance(item, PartFailed):
                    self._failed(item)
                elif isinstance(item, PartHalted):
                    self._halted(item)
                else:
                    self._rows(item)
        except KeyboardInterrupt as interrupt:
            # Told of it, the pipeline waits for no model's call.
            items.throw(interrupt)
            raise
        finally:
            items.close()

    def _rows(self, rows: Rows) -> None:
        task, state = rows.task, self._states[id(rows.task)]
        if rows.last and task.altered:
            self._fail(task, rows.part, *_alteration(task))
            return
        state.unparsed += rows.unparsed
        state.blank += rows.blank
        state.captioned += rows.captioned
        state.unknown += rows.unknown
        with self._store.atomic():
            self._store.clips.put(rows.clips)
            self._store.notes.put(rows.notes)
            if rows.note_vectors is not None and self._stages.text_vectors is not None:
                name = self._stages.text_vectors.role.name
                self._store.vectors.put(name, [note.id for note in rows.notes], rows.note_vectors)
            if rows.frame_vectors is not None and self._stages.frame_vectors is not None:
                name = self._stages.frame_vectors.role.name
                self._store.frames.put(name, task.video.id, rows.frame_times_s, rows.frame_vectors)
            if rows.part == "visual" and "screen" in task.jobs:
                put_screen(self._store, task.video.id, None if rows.last else rows.screen)
            self._put_jobs(task, rows.part, "done" if rows.last else "pending", rows.end_s)
        for line in rows.told:
            self._progress.message(line)
        report = self._report
        report.clips += len(rows.clips)
        report.notes += len(rows.notes)
        report.embeddings += 0 if rows.note_vectors is None else len(rows.note_vectors)
        report.frames += len(rows.frame_times_s)
        report.captioned += rows.captioned
        report.unparsed += rows.unparsed
        self._streaks.clear()
        self._progress.advance(max(0.0, rows.end_s - state.at_s[rows.part]), clips=len(rows.clips))
        state.at_s[rows.part] = rows.end_s
        self._log.write(
            "batch",
            video=task.video.path,
            part=rows.part,
            until_s=round(rows.end_s, 3),
            clips=len(rows.clips),
            notes=len(rows.notes),
            frames=len(rows.frame_times_s),
            last=rows.last,
        )
        if rows.last:
            self._end(task, rows.part)

    def _halted(self, halted: PartHalted) -> None:
        """A part that the run left where it is; its jobs stay open."""
        state = self._states[id(halted.task)]
        if state.at_s.pop(halted.part, None) is not None and not state.left:
            state.left = True
            self._log.finish(halted.task.video.path, "video_left")

    def _put_jobs(self, task: VideoTask, part: Part, status: JobStatus, at_s: float, reason: str = "") -> None:
        for stage in task.stages(part):
            job, state = task.jobs[stage], self._states[id(task)]
            note = reason or (pending_reason(state.unparsed) if stage == "caption" else "")
            progress_s = max(job.progress_s, at_s)
            row = job_row(task.video, job, status, progress_s, note)
            self._store.jobs.put(replace(row, blank=state.blank) if stage == "caption" else row)

    def _failed(self, failed: PartFailed) -> None:
        error, stage = failed.error, failed.stage
        if failed.task.altered:
            self._fail(failed.task, failed.part, *_alteration(failed.task))
            return
        reason = strike(_reason(error, stage))
        self._log.error(error, video=failed.task.video.path, stage=stage)
        self._fail(failed.task, failed.part, reason)
        if stage not in _MODEL_STAGES or isinstance(error, MediaError):
            return
        self._streaks[stage] = self._streaks.get(stage, 0) + 1
        if self._streaks[stage] >= GIVE_UP_AFTER:
            raise ModelError(
                f"{stage} failed on {GIVE_UP_AFTER} videos in a row, so the run was stopped ({reason}); what was "
                "indexed before is kept: mend or change the model, then run index again"
            ) from error

    def _fail(self, task: VideoTask, part: Part, reason: str, status: JobStatus = "failed") -> None:
        state = self._states[id(task)]
        with self._store.atomic():
            self._put_jobs(task, part, status, state.at_s[part], reason)
        if reason not in state.reasons:
            state.reasons.append(reason)
        self._end(task, part)

    def _end(self, task: VideoTask, part: Part) -> None:
        state = self._states[id(task)]
        del state.at_s[part]
        if state.at_s or state.left:
            return
        self._report.settled += 1
        if state.reasons:
            reason = "; ".join(state.reasons)
            self._report.failed.append((task.video.path, reason))
            self._log.finish(task.video.path, "video_failed", reason)
        else:
            self._report.indexed += 1
            self._log.finish(task.video.path, "video_done")
        captioner = self._stages.captioner
        if captioner is not None and state.unknown > UNFAMILIAR * state.captioned:
            self._report.unfamiliar.append(task.video.path)
            self._progress.message(
                f"{task.video.path}: {captioner.role.name} does not know what {state.unknown} of its {state.captioned} "
                f"clips show{f': {captioner.about}' if captioner.about else ''}; index with another vision model"
            )
        self._progress.advance(videos=1)


def _start_s(task: VideoTask, part: Part) -> float:
    return min(task.jobs[stage].progress_s for stage in task.stages(part))


def _alteration(task: VideoTask) -> tuple[str, JobStatus]:
    """Why a file that is not the one that was planned was left, and how its jobs stand: for another file's rows."""
    return (GROWING, "pending") if being_written(task.path, task.size) else (CHANGED, "failed")


def _reason(error: Exception, stage: str) -> str:
    if isinstance(error, LvqaError):
        return str(error)
    return f"{stage} failed unexpectedly ({type(error).__name__}: {error}); LVQA_DEBUG=1 shows where"
