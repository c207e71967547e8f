"""Assembling: a batch of clips under way, filled in by the stages, the rows that come out of it, and their order.

Values and their bookkeeping only: no models, no threads, no store.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from lvqa.errors import MediaError
from lvqa.indexers.stages.look import CutClip, ScreenReading
from lvqa.indexers.stages.screen import merge_texts
from lvqa.indexers.stages.task import Part, VideoTask
from lvqa.models.base import Vectors
from lvqa.store import note_id
from lvqa.types import Clip, Note, Source, Span


@dataclass(slots=True, eq=False)
class Rows:
    """What one transaction writes about one video, everything up to `end_s`; `last` completes the part.

    `told` are lines that people should know.
    """

    task: VideoTask
    part: Part
    seq: int
    end_s: float
    last: bool
    clips: list[Clip] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    note_vectors: Vectors | None = None
    frame_times_s: list[float] = field(default_factory=list)
    frame_vectors: Vectors | None = None
    unparsed: int = 0
    captioned: int = 0
    unknown: int = 0
    blank: int = 0
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class PartFailed:
    """A part of a video that cannot go on, the stage that met the error, and the error.

    The rows before `seq` still count: a file that breaks off is indexed as far as it goes.
    """

    task: VideoTask
    part: Part
    stage: str
    error: Exception
    seq: int


@dataclass(frozen=True, slots=True, eq=False)
class PartHalted:
    """A part of a video that was left where it is because the run is to end; the rows before `seq` still come."""

    task: VideoTask
    part: Part
    seq: int


class Batch:
    """Clips of one video that are captioned, embedded and committed together, while several threads work on them.

    It counts what is still to come: whoever brings the last piece gets True from `release`. `begun` when a captioner
    was asked about the first of its clips.
    """

    part: Part = "visual"

    def __init__(self, task: VideoTask, seq: int, start_s: float) -> None:
        self.task = task
        self.seq = seq
        self.end_s = start_s
        self.last = False
        self.begun = False
        self.error: MediaError | None = None
        self.cuts: list[CutClip] = []
        self.readings: list[tuple[float, float]] = []
        self.texts: dict[float, str] = {}
        self.captions: dict[int, str | None] = {}
        self.frame_vectors: Vectors | None = None
        self._open = 1
        self._lock = threading.Lock()

    def expect(self, pieces: int = 1) -> None:
        """So many more pieces will come."""
        with self._lock:
            self._open += pieces

    def release(self) -> bool:
        """A piece has come, the batch itself counting as one; True when it was the last."""
        with self._lock:
            self._open -= 1
            return self._open == 0

    def add_reading(self, reading: ScreenReading) -> None:
        """Remember whose text stands for a time."""
        self.readings.append((reading.time_s, reading.read_s))

    def add_clip(self, cut: CutClip) -> None:
        """Add the next clip."""
        self.cuts.append(cut)
        self.end_s = cut.span.end_s

    @property
    def looks(self) -> list[int]:
        """The clips, by number, that have frames for the captioner."""
        return [index for index, cut in enumerate(self.cuts) if cut.caption_frames]

    @property
    def frame_times_s(self) -> list[float]:
        """The times of all frames for the image embedder."""
        return [time_s for cut in self.cuts for time_s in cut.embed_times_s]

    def rows(self, ocr_every_s: float, caption_model: str, prompt_hash: str, ocr_model: str) -> Rows:
        """The rows that follow from what the stages brought; the screen was read every `ocr_every_s` seconds."""
        video_id = self.task.video.id
        rows = Rows(self.task, self.part, self.seq, self.end_s, self.last)
        for index, cut in enumerate(self.cuts):
            clip = Clip.of(video_id, cut.span)
            rows.clips.append(clip)
            caption = self.captions.get(index)
            rows.captioned += caption is not None
            rows.unknown += caption == ""
            if caption:
                rows.notes.append(make_note(clip, clip.span, caption, "caption", caption_model, prompt_hash))
            rows.unparsed += index in self.captions and caption is None
            rows.blank += index in self.captions and not caption
            readings = [(t, self.texts[read]) for t, read in self.readings if cut.span.contains(t)]
            for span, text in merge_texts(readings, cut.span, ocr_every_s):
                rows.notes.append(make_note(clip, span, text, "screen", ocr_model))
        rows.frame_times_s = self.frame_times_s if self.frame_vectors is not None else []
        rows.frame_vectors = self.frame_vectors
        return rows


class RowOrder:
    """Puts the rows of each part of each video back in order, whatever threads brought them when.

    A part ends with its last rows, or where it cannot go on.
    """

    def __init__(self) -> None:
        self._next: dict[tuple[int, Part], int] = {}
        self._early: dict[tuple[int, Part], dict[int, Rows | PartFailed | PartHalted]] = {}
        self._ended: set[tuple[int, Part]] = set()

    def push(self, item: Rows | PartFailed | PartHalted) -> Iterator[Rows | PartFailed | PartHalted]:
        """Take what came out, yield what is due."""
        key = (id(item.task), item.part)
        if key in self._ended:
            return
        waiting = self._early.setdefault(key, {})
        waiting[item.seq] = item
        while key not in self._ended:
            number = self._next.get(key, 0)
            due = waiting.pop(number, None)
            if due is None:
                return
            self._next[key] = number + 1
            if not isinstance(due, Rows) or due.last:
                self._ended.add(key)
                del self._early[key]
            yield due


def make_note(of: Clip | str, span: Span, text: str, source: Source, model: str = "", prompt_hash: str = "") -> Note:
    """A note whose id follows from what it says; `of` is its clip, or the id of its video where it has none."""
    video_id, clip_id = (of, None) if isinstance(of, str) else (of.video_id, of.id)
    name = note_id(video_id, source, span, model, prompt_hash, text)
    return Note(name, video_id, clip_id, span, text, source, model, prompt_hash)
