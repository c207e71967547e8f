"""What travels through the pipeline: a video's task, a batch of its clips under way, and the rows that come out.

Values and their bookkeeping only: no models, no threads, no store.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lvqa.errors import MediaError
from lvqa.indexers.stages.look import CutClip, PassRules, Reading, Wants
from lvqa.indexers.stages.screen import merge_texts
from lvqa.models.base import Vectors
from lvqa.store import note_id
from lvqa.types import Clip, Note, Source, Span, Video

Part = Literal["visual", "speech"]
VISUAL: tuple[str, ...] = ("segment", "caption", "screen", "frames")


@dataclass(frozen=True, slots=True)
class StageJob:
    """What a stage still has to do on a video: the key of its rows and the second it goes on from.

    Of the clips before that, `blank` have no caption, `unparsed` of them because the reply was of no use. `spec` is
    JSON that tells what the key was made of.
    """

    key: str
    progress_s: float = 0.0
    unparsed: int = 0
    blank: int = 0
    spec: str = ""


@dataclass(slots=True, eq=False)
class Task:
    """One video to index: its file as it was when planned, and the jobs that are open."""

    video: Video
    path: Path
    size: int
    mtime_ns: int
    jobs: dict[str, StageJob]
    _lost: dict[Part, int] = field(default_factory=dict, init=False)

    def drop(self, part: Part, seq: int) -> None:
        """Give up the batches of a part from number `seq` on; those before it are still good."""
        self._lost[part] = min(seq, self._lost.get(part, seq))

    @property
    def altered(self) -> bool:
        """Whether the file is not the one that was planned any more."""
        try:
            stat = self.path.stat()
        except OSError:
            return True
        return (stat.st_size, stat.st_mtime_ns) != (self.size, self.mtime_ns)

    def lost(self, part: Part, seq: int) -> bool:
        """Whether a batch was given up, so that no more work should go into it."""
        return part in self._lost and seq >= self._lost[part]

    @property
    def wants(self) -> Wants:
        """From where on each stage of the visual pass wants the video."""
        starts = {f"{stage}_s": self.jobs[stage].progress_s for stage in VISUAL if stage in self.jobs}
        return Wants(**starts)

    @property
    def parts(self) -> set[Part]:
        """The passes that are needed."""
        visual: set[Part] = {"visual"} if any(stage in self.jobs for stage in VISUAL) else set()
        return visual | ({"speech"} if "speech" in self.jobs else set())

    def stages(self, part: Part) -> list[str]:
        """The open stages of a part."""
        return [stage for stage in self.jobs if (stage == "speech") == (part == "speech")]


@dataclass(slots=True, eq=False)
class Rows:
    """What one transaction writes about one video, everything up to `end_s`; `last` completes the part."""

    task: Task
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


@dataclass(frozen=True, slots=True, eq=False)
class Trouble:
    """A part of a video that cannot go on, the stage that met the error, and the error.

    The rows before `seq` still count: a file that breaks off is indexed as far as it goes.
    """

    task: Task
    part: Part
    stage: str
    error: Exception
    seq: int


@dataclass(frozen=True, slots=True, eq=False)
class Halted:
    """A part of a video that was left where it is because the run is to end; the rows before `seq` still come."""

    task: Task
    part: Part
    seq: int


class Batch:
    """Clips of one video that are captioned, embedded and committed together, while several threads work on them.

    It counts what is still to come: whoever brings the last piece gets True from `release`.
    """

    def __init__(self, task: Task, seq: int, start_s: float) -> None:
        self.task = task
        self.seq = seq
        self.end_s = start_s
        self.last = False
        self.error: MediaError | None = None
        self.cuts: list[CutClip] = []
        self.readings: list[tuple[float, float]] = []
        self.texts: dict[float, str] = {}
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

    def add_reading(self, reading: Reading) -> None:
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

    def rows(self, rules: PassRules, caption_model: str, prompt_hash: str, ocr_model: str) -> Rows:
        """The rows that follow from what the stages brought."""
        video_id = self.task.video.id
        rows = Rows(self.task, "visual", self.seq, self.end_s, self.last)
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
            for span, text in merge_texts(readings, cut.span, rules.ocr_every_s):
                rows.notes.append(make_note(clip, span, text, "screen", ocr_model))
        rows.frame_times_s = self.frame_times_s if self.frame_vectors is not None else []
        rows.frame_vectors = self.frame_vectors
        return rows


def make_note(of: Clip | str, span: Span, text: str, source: Source, model: str = "", prompt_hash: str = "") -> Note:
    """A note whose id follows from what it says; `of` is its clip, or the id of its video where it has none."""
    video_id, clip_id = (of, None) if isinstance(of, str) else (of.video_id, of.id)
    name = note_id(video_id, source, span, model, prompt_hash, text)
    return Note(name, video_id, clip_id, span, text, source, model, prompt_hash)
