"""Keeps the upper levels up to date: segments and summaries of every video whose notes changed, then the digest.

A video's rows and its `summary` job are one transaction: a kill at any instant loses at most the video under way, and
a rerun goes on with it. Reads and writes the store in its caller's thread. Knows which videos are due and what is
written; not how a text comes about.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lvqa.errors import LvqaError, ModelError, ModelNotFound
from lvqa.indexers.hierarchy import digest
from lvqa.indexers.hierarchy.condense import PROMPTS, Condenser
from lvqa.indexers.hierarchy.extract import DIGEST_WORDS, EXTRACTIVE, SEGMENT_WORDS, VIDEO_WORDS
from lvqa.indexers.hierarchy.levels import VERSION, Hierarchy, Made, below
from lvqa.indexers.hierarchy.topics import Lengths
from lvqa.indexers.progress import Progress
from lvqa.indexers.report import SummaryReport
from lvqa.indexers.stages.specs import StageSpec, changes
from lvqa.indexers.stages.stage_model import GIVE_UP_AFTER
from lvqa.models.choose import NO_CHAT
from lvqa.prompts import load
from lvqa.secrets import strike
from lvqa.store import Filter, JobRow, JobStatus, Store
from lvqa.types import Level, Video

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from lvqa.models.profiles import Models
    from lvqa.settings import Settings, Summaries

STAGE = "summary"
_WITHOUT = "; --set summaries=extractive does without a chat model"
_LEVELS: tuple[Level, ...] = ("segment", "video")
_log = logging.getLogger("lvqa.indexers")


@dataclass(frozen=True, slots=True)
class SummaryRules:
    """What summaries depend on beside the notes: who writes them, whose vectors are compared, how long a segment is.

    `model` is a chat model's name, or `builtin:extractive`; `embedder` is empty where words are compared.
    """

    model: str = EXTRACTIVE
    embedder: str = ""
    lengths: Lengths = field(default_factory=Lengths)

    @classmethod
    def of(
        cls, names: Mapping[Any, str], settings: Settings, summaries: Summaries | None = None
    ) -> SummaryRules | None:
        """The rules of the settings; None where summaries are off. `names` holds each role's model, empty for off."""
        wanted = summaries or settings.summaries
        if wanted == "none":
            return None
        chat = names.get("chat", "")
        chat = names.get("vision", "") if chat == "vision" else chat
        model = chat if wanted == "auto" and chat not in ("", *NO_CHAT) else EXTRACTIVE
        return cls(model, names.get("embedder", ""), Lengths(settings.segment_min_s, settings.segment_max_s))

    @property
    def by_chat(self) -> bool:
        """Whether a chat model writes them."""
        return self.model != EXTRACTIVE

    def spec(self, store: Store, video: Video) -> StageSpec:
        """What a video's summaries are made with: another key of it means that they are to be made anew."""
        frames = store.jobs.get(video.id, "frames")
        notes = hashlib.sha256("\n".join(store.notes.ids(below(video.id))).encode()).hexdigest()
        prompts = "-".join(load(name).hash for name in PROMPTS[:2]) if self.by_chat else ""
        params = {
            "version": VERSION,
            "notes": notes,
            "frames": [frames.key, frames.progress_s] if frames is not None else [],
            "embedder": self.embedder,
            "lengths": [self.lengths.min_s, self.lengths.max_s],
            "words": [SEGMENT_WORDS, VIDEO_WORDS, DIGEST_WORDS],
        }
        return StageSpec(self.model, prompts, params)


def summarise(
    store: Store,
    rules: SummaryRules | None,
    models: Models | None,
    report: SummaryReport,
    progress: Progress,
    *,
    only: Collection[str] | None = None,
    retry_failed: bool = True,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Bring segments, summaries and digest up to date; all notes must have their vectors.

    Args:
        store: opened for writing.
        rules: how; None leaves what is there as it is.
        models: holds the chat model, which is loaded when the first text is asked of it.
        report: added to; a video whose summaries failed is a line of it, and a row in `jobs`, and stops no other.
        progress: told how far it is.
        only: ids of the videos to look at; all when not given.
        retry_failed: try videos again that failed with the same notes; else they are reported as they were.
        stop: says whether to end: the chat model's call under way is the last, its video is left to the next run.

    Raises:
        ModelNotFound: the chat model is not there; ModelError: it failed on three videos in a row; StoreError.
    """
    if rules is None:
        _let_go(store)
        return
    condenser = Condenser(_loader(models, rules), report) if rules.by_chat else None
    due, failed = due_summaries(store, rules, only, retry_failed=retry_failed)
    report.failed += failed
    try:
        if due:
            _make(store, rules, condenser, due, report, progress, stop)
        if not stop():
            _digest(store, rules, condenser, report)
    finally:
        progress.finish()


@dataclass(frozen=True, slots=True)
class Due:
    """A video whose summaries are to be made, with what, and why."""

    video: Video
    spec: StageSpec
    why: str = ""

    @property
    def key(self) -> str:
        """The key that its job gets."""
        return self.spec.key(self.video.content_hash, STAGE)

    def job(self, status: JobStatus, progress_s: float = 0.0, reason: str = "") -> JobRow:
        """The row of its job as it stands now."""
        video = self.video
        return JobRow(video.id, video.path, STAGE, self.key, status, progress_s, reason, self.spec.told)


def due_summaries(
    store: Store, rules: SummaryRules, only: Collection[str] | None = None, *, retry_failed: bool = True
) -> tuple[list[Due], list[tuple[str, str]]]:
    """The videos whose summaries are due, and (path, reason) of those that failed and are not tried again."""
    due: list[Due] = []
    failed: list[tuple[str, str]] = []
    for video in store.videos.all():
        if only is not None and video.id not in only:
            continue
        one, job = Due(video, rules.spec(store, video)), store.jobs.get(video.id, STAGE)
        if job is not None and job.key == one.key:
            if job.status == "done":
                continue
            if job.status == "failed" and not retry_failed:
                failed.append((video.path, job.reason))
                continue
            why = job.reason if job.status == "failed" else "stopped before it was done"
        else:
            why = changes(job.spec, one.spec) if job is not None else ""
        due.append(replace(one, why=why))
    return due, failed


def _make(
    store: Store,
    rules: SummaryRules,
    condenser: Condenser | None,
    due: list[Due],
    report: SummaryReport,
    progress: Progress,
    stop: Callable[[], bool],
) -> None:
    hierarchy = Hierarchy(store, rules.embedder, rules.lengths, rules.model, condenser)
    progress.start(len(due), sum(one.video.duration_s for one in due), "summaries")
    in_a_row = 0
    for one in due:
        if stop():
            return
        video, made = one.video, Made()
        try:
            segments = hierarchy.segments(video)
            hierarchy.of(video, segments, lambda span: progress.advance(span.duration_s), made=made, stop=stop)
        except ModelNotFound as error:
            _write_part(store, one, made, "pending")
            raise ModelNotFound(f"{error}{_WITHOUT}") from error
        except ModelError as error:
            _log.debug("the summaries of %s failed", video.path, exc_info=error)
            _write_part(store, one, made, "failed", strike(str(error)))
            report.failed.append((video.path, f"no summary: {error}"))
            in_a_row += 1
            if in_a_row == GIVE_UP_AFTER:
                raise ModelError(
                    f"summaries failed on {in_a_row} videos in a row, so the run was stopped ({error}); what was "
                    f"indexed before is kept: mend or change the chat model, then run index again{_WITHOUT}"
                ) from error
            continue
        in_a_row = 0
        if made.cut_short:
            _write_part(store, one, made, "pending")
            return
        _write(store, one, made)
        report.videos += bool(made.notes)
        report.segments += sum(clip.level == "segment" for clip in made.clips)
        report.reused += made.reused
        report.unparsed += made.unparsed
        progress.advance(videos=1)


def _write_part(store: Store, one: Due, made: Made, status: JobStatus, reason: str = "") -> None:
    """Keep the segments that are done: a rerun takes their texts over. What is there of an earlier run stays, too."""
    written = [n for n, note in enumerate(made.notes) if note.model != EXTRACTIVE]
    with store.atomic():
        store.clips.put([made.clips[n] for n in written])
        store.notes.put([made.notes[n] for n in written])
        store.jobs.put(one.job(status, reason=reason))


def _write(store: Store, one: Due, made: Made) -> None:
    """Put what was made in place of what is there, as one transaction; rows that are the same keep their vectors."""
    video = one.video
    clips, notes = {clip.id for clip in made.clips}, {note.id for note in made.notes}
    with store.atomic():
        store.clips.delete(
            clip.id for level in _LEVELS for clip in store.clips.of(video.id, level) if clip.id not in clips
        )
        held = store.notes.ids(Filter(frozenset({video.id}), sources=frozenset({"summary"})))
        store.notes.delete(note_id for note_id in held if note_id not in notes)
        store.clips.put(made.clips)
        store.notes.put(made.notes)
        store.jobs.put(one.job("done", video.duration_s))


def _digest(store: Store, rules: SummaryRules, condenser: Condenser | None, report: SummaryReport) -> None:
    try:
        made, failed = digest.refresh(store, rules.model, condenser)
    except ModelNotFound as error:
        raise ModelNotFound(f"{error}{_WITHOUT}") from error
    except ModelError as error:
        report.failed.append(("digest of the archive", str(error)))
        return
    report.digest = made
    report.unparsed += failed


def _let_go(store: Store) -> None:
    """Summaries are off: what is whole stays, a job that failed would stay so for ever."""
    with store.atomic():
        for status in ("failed", "pending"):
            for job in store.jobs.all(status):
                if job.stage == STAGE and job.video_id:
                    store.jobs.delete(job.video_id, STAGE)


def _loader(models: Models | None, rules: SummaryRules) -> Callable[[], BaseChatModel]:
    def chat() -> BaseChatModel:
        model = models.chat if models is not None else None
        if model is None:
            raise LvqaError(f"summaries by {rules.model} were asked for without that chat model; hand it over")
        return model

    return chat
