"""One run over a folder of videos: plan, models, pipeline, writer, notes that lack a vector, and summaries.

Knows which stage needs which model; how a stage works, and how rows are written, is told elsewhere.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lvqa.errors import UsageError
from lvqa.indexers.captions_file import adopt_imported
from lvqa.indexers.engine import Pipeline, Stages
from lvqa.indexers.hierarchy.summarise import SummaryRules, summarise
from lvqa.indexers.planning.plan import Planner, RunPlan
from lvqa.indexers.planning.survey import Known, Survey
from lvqa.indexers.progress import Progress
from lvqa.indexers.report import IndexReport
from lvqa.indexers.run_log import RunLog
from lvqa.indexers.stages.caption import CaptionStage
from lvqa.indexers.stages.embed import FrameVectors, TextVectors, embed_missing
from lvqa.indexers.stages.listen import Listener
from lvqa.indexers.stages.screen import ScreenReader
from lvqa.indexers.stages.specs import PICTURES, params_of, stage_specs
from lvqa.indexers.stages.stage_model import StageModel
from lvqa.indexers.stages.task import VideoTask
from lvqa.indexers.writer import Writer
from lvqa.stopping import Asked, Stop

if TYPE_CHECKING:
    from lvqa.models.base import TextReader
    from lvqa.models.profiles import Models
    from lvqa.settings import Settings
    from lvqa.store import Store


def run_index(
    folder: Path,
    store: Store,
    models: Models,
    settings: Settings,
    *,
    progress: Progress | None = None,
    only: Collection[str] | None = None,
    retry_failed: bool = True,
    refresh: Collection[str] = (),
    stop: Asked = None,
) -> IndexReport:
    """Index every new or changed video below a folder, and go on where an earlier run stopped.

    Args:
        folder: the folder of videos.
        store: opened for writing; written in this thread alone.
        models: the roles that are on decide which stages run; none is loaded unless a video needs it.
        settings: how to sample, cut and batch.
        progress: told how far the run is.
        only: relative paths of the videos to index; the others, gone ones too, are left as they are.
        retry_failed: try videos again that failed before; else they are reported as they were.
        refresh: `caption` makes captions anew that an earlier lvqa asked for in another way, and that stand otherwise.
        stop: an event, or what says whether to end, asked from several threads: what a model is at work on is
            committed, nothing new is begun, and the next run goes on.

    Returns:
        What was done; a video that failed is a line of it and a row in `jobs`, and stops no other.

    Raises:
        UsageError: there is no video; ModelNotFound: a model is not there; ModelError: a model failed on three videos
            in a row; StoreError: the index cannot be written. What was committed before stays, and a rerun goes on.
    """
    folder = Path(folder).absolute()
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}; name the folder that holds the videos")
    with RunLog(store.index_dir, "index", progress) as log:
        log.start(settings.model_dump(), models.names)
        return _IndexRun(folder, store, models, settings, log, stop).run(only, retry_failed, refresh)


class _IndexRun:
    """One run, step by step."""

    def __init__(
        self, folder: Path, store: Store, models: Models, settings: Settings, log: RunLog, stop: Asked
    ) -> None:
        self._folder = folder
        self._store = store
        self._models = models
        self._settings = settings
        self._log = log
        self._progress = log.progress
        self._stop = log.watching(Stop.of(stop))

    def run(self, only: Collection[str] | None, retry_failed: bool, refresh: Collection[str]) -> IndexReport:
        began = time.monotonic()
        progress, store = self._progress, self._store
        self._stop()  # from here on somebody listens
        specs = stage_specs(self._models.names, self._settings, self._models.own_prompts)
        survey = Survey(
            self._folder,
            Known.of(store),
            specs,
            only=only,
            retry_failed=retry_failed,
            on_problem=lambda path, reason: progress.message(f"{path}: {reason}"),
            captioner_before=self._models.addressed_names["vision"],
            refresh=refresh,
        )
        plan = Planner(store, survey, self._stop).plan()
        self._tell(plan)
        report = plan.report
        report.planned = 0 if report.stopped else len(plan.tasks)
        try:
            if plan.tasks and not report.stopped:
                self._index(plan.tasks, report)
            if not self._halted(report):
                self._upper_levels(report, only, retry_failed)
            store.build_indexes()
        finally:
            progress.finish()
        report.failed = sorted([*report.failed, *report.summaries.failed])
        report.seconds = time.monotonic() - began
        self._log.end("stopped" if report.stopped else "done", report=asdict(report))
        return report

    def _tell(self, plan: RunPlan) -> None:
        for path, same in plan.report.duplicates:
            self._progress.message(f"{path}: the same video as {same}; it is indexed once")
        for path, reason in plan.report.failed:
            self._log.write("video_failed", video=path, reason=reason)
        stages = Counter(stage for task in plan.tasks for stage in task.jobs)
        footage_s = sum(task.video.duration_s for task in plan.tasks)
        self._log.write("plan", videos=len(plan.tasks), footage_s=round(footage_s, 3), stages=stages, files=plan.states)

    def _index(self, tasks: list[VideoTask], report: IndexReport) -> None:
        settings = self._settings
        stages = _stages(self._models, settings, tasks)
        pipeline = Pipeline(
            tasks,
            stages,
            settings,
            stop=self._stop,
            on_begin=lambda task: self._log.begin(task.video.path),
        )
        try:
            Writer(self._store, report, self._progress, stages, self._log).write_all(tasks, pipeline.run())
        finally:
            if stages.reader is not None:
                stages.reader.close()

    def _upper_levels(self, report: IndexReport, only: Collection[str] | None, retry_failed: bool) -> None:
        """What is made of notes: their vectors, segments, summaries, the digest."""
        store, models, settings = self._store, self._models, self._settings
        adopt_imported(self._folder, store)
        report.embeddings += self._embed()
        if self._halted(report):
            return
        # Of what is in the index by now: segments are cut where the notes' vectors shift.
        rules = SummaryRules.of(models.names, settings)
        ids = None if only is None else {row.video_id for row in store.files.all() if row.path in only}
        summarise(
            store,
            rules,
            models,
            report.summaries,
            self._progress,
            only=ids,
            retry_failed=retry_failed,
            stop=self._stop,
        )
        report.embeddings += self._embed()
        self._halted(report)

    def _halted(self, report: IndexReport) -> bool:
        report.stopped = report.stopped or self._stop()
        return report.stopped

    def _embed(self) -> int:
        """Embed the notes that have no vector yet; loads no embedder where there are none."""
        name = self._models.names["embedder"]
        if not name or not self._store.vectors.missing(name, 1):
            return 0
        text_vectors = _text_vectors(self._models)
        assert text_vectors is not None
        return embed_missing(self._store, text_vectors, self._progress, self._stop)


def _stages(models: Models, settings: Settings, tasks: list[VideoTask]) -> Stages:
    """The stages that some task needs, with their models loaded: what cannot be loaded is said before work begins."""
    from lvqa.prompts import load

    needed = {stage for task in tasks for stage in task.jobs}
    specs, names = models.specs, models.names
    heard = any("speech" in task.jobs and task.video.has_audio for task in tasks)
    vision = models.vision if "caption" in needed else None
    ocr = models.ocr if "screen" in needed else None
    images = models.image_embedder if "frames" in needed else None
    asr = models.asr if heard else None
    captioner = reader = frame_vectors = listener = None
    if vision is not None:
        stage = StageModel(names["vision"], vision, specs["vision"])
        captioner = CaptionStage(
            stage, load("caption", models.own_prompts), settings.caption_tokens, models.capabilities.about
        )
    if ocr is not None:
        reader = ScreenReader.of(specs["ocr"], ocr, settings.ocr_processes)
    if images is not None:
        frame_vectors = FrameVectors(StageModel(names["image_embedder"], images, specs["image_embedder"]))
    if asr is not None:
        listener = Listener(StageModel(specs["asr"], asr))
    subtitle_reader = None
    if names["ocr"]:
        if any(params_of(task.jobs["speech"].spec).get(PICTURES) for task in tasks if "speech" in task.jobs):
            _subtitle_reader(models)
        subtitle_reader = partial(_subtitle_reader, models)
    return Stages(captioner, reader, frame_vectors, listener, _text_vectors(models), subtitle_reader)


def _subtitle_reader(models: Models) -> StageModel[TextReader]:
    ocr = models.ocr
    assert ocr is not None
    return StageModel(models.specs["ocr"], ocr)


def _text_vectors(models: Models) -> TextVectors | None:
    embedder = models.embedder
    return TextVectors(StageModel(models.names["embedder"], embedder)) if embedder is not None else None
