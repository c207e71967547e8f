"""Assembling: a batch of clips under way, filled in by the stages, the rows that come out of it, and their order.

Values and their bookkeeping only: no models, no threads, no store.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from lvqa.errors import MediaError
from lvqa.indexers.stages.look import CutClip, ScreenFrame
from lvqa.indexers.stages.screen import Reading
from lvqa.indexers.stages.screen_state import ScreenState
from lvqa.indexers.stages.screen_tracks import ScreenTracks
from lvqa.indexers.stages.screen_watch import ScreenChange, WatchState
from lvqa.indexers.stages.task import Part, VideoTask
from lvqa.models.base import Vectors
from lvqa.store import note_id
from lvqa.types import Clip, Note, Source, Span

_EPS = 1e-6


@dataclass(slots=True, eq=False)
class Rows:
    """What one transaction writes about one video, everything up to `end_s`; `last` completes the part.

    `told` are lines that people should know; `screen` is what is open on the screen at `end_s`.
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
    screen: ScreenState | None = None


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

    It counts what is still to come: whoever brings the last piece gets True from `release`.
    """

    part: Part = "visual"

    def __init__(self, task: VideoTask, seq: int, start_s: float) -> None:
        self.task = task
        self.seq = seq
        self.end_s = start_s
        self.last = False
        self.error: MediaError | None = None
        self.cuts: list[CutClip] = []
        self.readings: list[tuple[float, ScreenChange]] = []
        self.texts: dict[float, Reading] = {}
        self.watched: WatchState | None = None
        self.captions: dict[int, str | None] = {}
        self.frame_vectors: Vectors | None = None
        self._open = 1
        self._lock = threading.Lock()

    def expect(self) -> None:
        """One more piece will come."""
        with self._lock:
            self._open += 1

    def release(self) -> bool:
        """A piece has come, the batch itself counting as one; True when it was the last."""
        with self._lock:
            self._open -= 1
            return self._open == 0

    def add_reading(self, frame: ScreenFrame) -> None:
        """Remember that a frame is read, and since when its text may stand."""
        self.readings.append((frame.time_s, frame.change))

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

    def rows(self, caption_model: str, prompt_hash: str) -> Rows:
        """The rows that follow from what the stages brought, but for the texts of the screen; see `screen_notes`."""
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
        rows.frame_times_s = self.frame_times_s if self.frame_vectors is not None else []
        rows.frame_vectors = self.frame_vectors
        return rows

    def screen_notes(self, tracks: ScreenTracks, model: str) -> tuple[list[Note], ScreenState | None]:
        """The texts of the screen that are over by the end of the batch, and what goes on from there.

        `tracks` are those of the video so far; no clip holds a text, which may stand in several. A file that cannot be
        decoded any further has no more to come for now: what stands there is written, and nothing goes on.
        """
        over = [text for at_s, change in self.readings for text in tracks.read(change, self.texts[at_s])]
        if self.last:
            over += tracks.end(self.end_s)
        notes = [make_note(self.task.video.id, text.span, text.text, "screen", model) for text in over]
        at_s = max(self.end_s, self.task.jobs["screen"].progress_s)
        if self.last and at_s < self.task.video.duration_s - _EPS:
            return notes, None
        return notes, ScreenState(at_s, self.watched, json.dumps(tracks.state, ensure_ascii=False))


ItemT = TypeVar("ItemT", bound=Batch | Rows | PartFailed | PartHalted)


class RowOrder(Generic[ItemT]):
    """Puts the batches or rows of each part of each video back in order, whatever threads brought them when.

    A part ends with its last rows, or where it cannot go on.
    """

    def __init__(self) -> None:
        self._next: dict[tuple[int, Part], int] = {}
        self._early: dict[tuple[int, Part], dict[int, ItemT]] = {}
        self._ended: set[tuple[int, Part]] = set()

    def push(self, item: ItemT) -> Iterator[ItemT]:
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
            if isinstance(due, PartFailed | PartHalted) or due.last:
                self._ended.add(key)
                del self._early[key]
            yield due


def make_note(of: Clip | str, span: Span, text: str, source: Source, model: str = "", prompt_hash: str = "") -> Note:
    """A note whose id follows from what it says; `of` is its clip, or the id of its video where it has none."""
    video_id, clip_id = (of, None) if isinstance(of, str) else (of.video_id, of.id)
    name = note_id(video_id, source, span, model, prompt_hash, text)
    return Note(name, video_id, clip_id, span, text, source, model, prompt_hash)
