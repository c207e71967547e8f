"""One run over a folder of videos: plan, models, pipeline, writer, notes that lack a vector, and summaries.

Knows which stage needs which model; how a stage works, and how rows are written, is told elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from lvqa.errors import UsageError
from lvqa.indexers.caption import Captioner
from lvqa.indexers.captions_file import adopt_imported
from lvqa.indexers.decode import PassRules
from lvqa.indexers.pipeline import Pipeline, Stages
from lvqa.indexers.plan import Planner, stage_specs
from lvqa.indexers.progress import NoProgress, Progress
from lvqa.indexers.report import IndexReport
from lvqa.indexers.roles import Role
from lvqa.indexers.screen import ScreenReader
from lvqa.indexers.speech import Listener
from lvqa.indexers.summarise import SummaryRules, summarise
from lvqa.indexers.vectors import FrameVectors, TextVectors, embed_missing
from lvqa.indexers.work import Task
from lvqa.indexers.writer import Writer

if TYPE_CHECKING:
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

    Returns:
        What was done; a video that failed is a line of it and a row in `jobs`, and stops no other.

    Raises:
        UsageError: there is no video; ModelNotFound: a model is not there; ModelError: a model failed on three videos
            in a row; StoreError: the index cannot be written. What was committed before stays, and a rerun goes on.
    """
    began = time.monotonic()
    progress = progress or NoProgress()
    folder = Path(folder).absolute()
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}; name the folder that holds the videos")
    specs = stage_specs(models.names, settings, models.prompt_set)
    planner = Planner(
        folder,
        store,
        specs,
        retry_failed=retry_failed,
        on_problem=lambda path, reason: progress.message(f"{path}: {reason}"),
    )
    plan = planner.plan(only)
    report = IndexReport(failed=plan.failed, unchanged=plan.unchanged, duplicates=plan.duplicates, removed=plan.removed)
    for path, same in plan.duplicates:
        progress.message(f"{path}: the same video as {same}; it is indexed once")
    try:
        if plan.tasks:
            stages = _stages(models, settings, plan.tasks)
            pipeline = Pipeline(
                plan.tasks, stages, PassRules.of(settings), clip_batch=settings.clip_batch, workers=settings.workers
            )
            Writer(store, report, progress, stages).write_all(plan.tasks, pipeline.run())
        adopt_imported(folder, store)
        report.embeddings += _embed(store, models, settings, progress)
        # Of what is in the index by now: segments are cut where the notes' vectors shift.
        rules = SummaryRules.of(models.names, settings)
        ids = None if only is None else {row.video_id for row in store.files() if row.path in only}
        summarise(store, rules, models, report.summaries, progress, only=ids, retry_failed=retry_failed)
        report.embeddings += _embed(store, models, settings, progress)
        store.build_indexes()
    finally:
        progress.finish()
    report.failed = sorted([*report.failed, *report.summaries.failed])
    report.seconds = time.monotonic() - began
    return report


def _stages(models: Models, settings: Settings, tasks: list[Task]) -> Stages:
    """The stages that some task needs, with their models loaded: what cannot be loaded is said before work begins."""
    from lvqa.prompts import load

    needed = {stage for task in tasks for stage in task.jobs}
    names, device = models.names, settings.device
    heard = any("speech" in task.jobs and task.video.has_audio for task in tasks)
    vision = models.vision if "caption" in needed else None
    ocr = models.ocr if "screen" in needed else None
    images = models.image_embedder if "frames" in needed else None
    asr = models.asr if heard else None
    captioner = reader = frame_vectors = listener = None
    if vision is not None:
        prompt = load("caption", models.prompt_set)
        captioner = Captioner(Role("vision", names["vision"], device, vision), prompt, settings.caption_tokens)
    if ocr is not None:
        reader = ScreenReader(Role("ocr", names["ocr"], device, ocr))
    if images is not None:
        frame_vectors = FrameVectors(Role("image_embedder", names["image_embedder"], device, images))
    if asr is not None:
        listener = Listener(Role("asr", names["asr"], device, asr))
    return Stages(captioner, reader, frame_vectors, listener, _text_vectors(models, settings))


def _embed(store: Store, models: Models, settings: Settings, progress: Progress) -> int:
    """Embed the notes that have no vector yet; loads no embedder where there are none."""
    if not models.names["embedder"] or not store.notes_without_vectors(models.names["embedder"], 1):
        return 0
    text_vectors = _text_vectors(models, settings)
    assert text_vectors is not None
    return embed_missing(store, text_vectors, progress)


def _text_vectors(models: Models, settings: Settings) -> TextVectors | None:
    embedder = models.embedder
    if embedder is None:
        return None
    return TextVectors(Role("embedder", models.names["embedder"], settings.device, embedder))
