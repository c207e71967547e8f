"""The pipeline: decoding, captioning, reading, listening and embedding at once, in threads over bounded queues.

    decode x workers ─┬─ clips ──> caption ─┐
                      ├─ frames ─> image    ├─> embed ──> rows, in time order for each video
                      └─ frames ─> read     │
    speech ─────────────────────────────────┘

Whoever iterates over `Pipeline.run` gets the rows and writes them; this module knows no store. A video that cannot go
on comes out as PartFailed and stops no other. A run that is to end, because it was asked to or because of an error that
would meet every video (a model that is not there), starts no new batch: what models are at work on still comes out, and
each part that is left comes out as PartHalted; only then the error is raised.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from lvqa.errors import MediaError, ModelNotFound, PromptError, StoreError, SubtitleError, UsageError
from lvqa.indexers.bounded_queue import BoundedQueue, PipelineStopped, ThreadGroup
from lvqa.indexers.stages.assemble import Batch, PartFailed, PartHalted, RowOrder, Rows, make_note
from lvqa.indexers.stages.caption import CaptionStage, ClipLook
from lvqa.indexers.stages.embed import FrameVectors, TextVectors
from lvqa.indexers.stages.listen import Listener, parts_in, pauses, sentences, signs_in, spoken_by
from lvqa.indexers.stages.look import ScreenFrame, VideoPass
from lvqa.indexers.stages.picture_subtitles import Ended, subtitles_of
from lvqa.indexers.stages.screen import ScreenReader
from lvqa.indexers.stages.screen_tracks import ScreenTracks
from lvqa.indexers.stages.stage_model import StageModel
from lvqa.indexers.stages.task import Part, VideoTask
from lvqa.models.base import Frame, TextReader
from lvqa.types import Note

if TYPE_CHECKING:
    from lvqa.settings import Settings

ItemT = TypeVar("ItemT", bound=Batch | Rows)
_log = logging.getLogger("lvqa.indexers")

_BATCHES = 2  # clip batches that wait for the captioner, and for the image embedder
_FRAMES = 4  # whole frames that wait for the reader
PATIENCE_S = 2.0  # for a model's call, once a run is to end at once
_ROWS = 64  # batches without pictures that wait for the embedder, and for the writer
_FATAL = (ModelNotFound, PromptError, UsageError, StoreError)


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of a run; None for those that are off or have nothing to do."""

    captioner: CaptionStage | None = None
    reader: ScreenReader | None = None
    frame_vectors: FrameVectors | None = None
    listener: Listener | None = None
    text_vectors: TextVectors | None = None
    subtitle_reader: Callable[[], StageModel[TextReader]] | None = None


class Pipeline:
    """One run of the stages over some videos. Make one for each run, iterate over `run` once."""

    def __init__(
        self,
        tasks: Sequence[VideoTask],
        stages: Stages,
        settings: Settings,
        *,
        stop: Callable[[], bool] = lambda: False,
        on_begin: Callable[[VideoTask], None] = lambda task: None,
    ) -> None:
        self._tasks = list(tasks)
        self._stages = stages
        self._settings = settings
        self._stop = stop
        self._on_begin = on_begin
        self._fatal: Exception | None = None
        self._tracks: dict[int, ScreenTracks] = {}
        self._dead: set[str] = set()
        self.threads = ThreadGroup()
        self._to_decode: BoundedQueue[VideoTask] = self.threads.queue(max(1, len(tasks)))
        self._to_hear: BoundedQueue[VideoTask] = self.threads.queue(max(1, len(tasks)))
        self._to_caption: BoundedQueue[Batch] = self.threads.queue(_BATCHES)
        self._to_frames: BoundedQueue[Batch] = self.threads.queue(_BATCHES)
        self._to_read: BoundedQueue[tuple[Batch, float, Frame]] = self.threads.queue(_FRAMES)
        self._to_embed: BoundedQueue[Batch | Rows] = self.threads.queue(_ROWS)
        self._out: BoundedQueue[Rows | PartFailed | PartHalted] = self.threads.queue(_ROWS)

    def run(self) -> Generator[Rows | PartFailed | PartHalted]:
        """Start all threads and yield what comes out, until every task's parts have ended one way or the other.

        Rows of one part of one video come in time order; after PartFailed or PartHalted there are none of that part.
        Whatever ends the iteration, all threads have ended when it does; but after a KeyboardInterrupt, those inside a
        model's call are not waited for longer than `PATIENCE_S`.
        """
        open_parts = sum(len(task.parts) for task in self._tasks)
        order: RowOrder[Rows | PartFailed | PartHalted] = RowOrder()
        self._start()
        try:
            while open_parts:
                try:
                    (item,) = self._out.get_many()
                except PipelineStopped:
                    break
                for ready in order.push(item):
                    open_parts -= not isinstance(ready, Rows) or ready.last
                    yield ready
        except KeyboardInterrupt:
            self.threads.stop()
            self.threads.join(PATIENCE_S)
            raise
        except BaseException:
            self.threads.stop()
            self.threads.join()
            raise
        self.threads.stop()
        self.threads.join()
        if error := self.threads.error or self._fatal:
            raise error

    def _ending(self) -> bool:
        """Whether no new batch is to be begun."""
        return self._fatal is not None or self._stop()

    def _halt(self, task: VideoTask, part: Part, seq: int) -> None:
        """Leave a part of a video from batch `seq` on to a later run."""
        task.drop(part, seq)
        self._out.put(PartHalted(task, part, seq))

    def _start(self) -> None:
        visual = [task for task in self._tasks if "visual" in task.parts]
        spoken = [task for task in self._tasks if "speech" in task.parts]
        for queue, tasks in ((self._to_decode, visual), (self._to_hear, spoken)):
            for task in tasks:
                queue.put(task)
            queue.close()
        for number in range(min(self._settings.workers, len(visual))):
            self.threads.start(f"decode-{number}", self._decode_all)
        if spoken:
            self.threads.start("speech", self._hear_all)
        if self._stages.captioner is not None:
            self._start_stage("caption", self._to_caption, partial(self._caption, self._stages.captioner))
        if self._stages.frame_vectors is not None:
            self._start_stage("frames", self._to_frames, partial(self._embed_frames, self._stages.frame_vectors))
        if self._stages.reader is not None:
            self.threads.start("read", partial(self._read_all, self._stages.reader))
        self.threads.start("embed", self._embed_all)

    def _start_stage(self, stage: str, queue: Iterable[ItemT], work: Callable[[ItemT], None]) -> None:
        """Run a stage over a queue, in a thread of its own."""

        def all_items() -> None:
            for item in queue:
                self._do(stage, item, partial(work, item))

        self.threads.start(stage, all_items)

    def _do(self, stage: str, item: Batch | Rows, work: Callable[[], None]) -> None:
        """A stage's work on what was not given up; it is left to a later run where the stage begins nothing more."""
        if item.task.lost(item.part, item.seq):
            return
        if stage in self._dead or (stage == "caption" and self._ending()):
            self._halt(item.task, item.part, item.seq)
            return
        try:
            work()
        except Exception as error:
            self._fail(item.task, item.part, stage, error, item.seq)

    def _decode_all(self) -> None:
        for task in self._to_decode:
            if self._ending():
                self._halt(task, "visual", 0)
            elif task.altered:
                self._fail(task, "visual", "decode", _altered(task), 0)
            else:
                self._on_begin(task)
                self._decode(task)

    def _decode(self, task: VideoTask) -> None:
        from lvqa.media import FrameReader

        wants = task.wants
        batch = Batch(task, 0, wants.start_s or 0.0)
        try:
            # One backend for all: a frame picked by another could differ by a shade, and so could what is said of it.
            reader = FrameReader(task.path, backend=self._settings.reader, clock=task.video.clock)
            with reader:
                watched = task.screen.watch if task.screen is not None else None
                passing = VideoPass(self._settings, wants, task.video.duration_s, watched)
                for event in passing.events(reader, self._ending):
                    if task.lost("visual", batch.seq):
                        return
                    if isinstance(event, ScreenFrame):
                        batch.add_reading(event)
                        batch.expect()
                        self._to_read.put((batch, event.time_s, event.frame))
                        continue
                    batch.add_clip(event)
                    batch.watched = passing.watched
                    if len(batch.cuts) == self._settings.clip_batch:
                        if task.altered:
                            self._fail(task, "visual", "decode", _altered(task), batch.seq)
                            return
                        self._seal(batch)
                        batch = Batch(task, batch.seq + 1, batch.end_s)
                if passing.cut_short:
                    self._halt(task, "visual", batch.seq)
                    return
        except MediaError as error:
            batch.error = error
        except Exception as error:
            self._fail(task, "visual", "decode", error, batch.seq)
            return
        else:
            batch.end_s = task.video.duration_s
        batch.last = True
        self._seal(batch)

    def _seal(self, batch: Batch) -> None:
        if batch.looks:
            batch.expect()
            self._to_caption.put(batch)
        if batch.frame_times_s:
            batch.expect()
            self._to_frames.put(batch)
        self._release(batch)

    def _release(self, batch: Batch) -> None:
        if batch.release():
            self._to_embed.put(batch)

    def _caption(self, captioner: CaptionStage, batch: Batch) -> None:
        cuts = [batch.cuts[index] for index in batch.looks]
        looks = [ClipLook(batch.task.video.path, cut.span, cut.caption_frames) for cut in cuts]
        batch.captions = dict(zip(batch.looks, captioner(looks), strict=True))
        for cut in cuts:
            cut.caption_frames.clear()
        self._release(batch)

    def _embed_frames(self, embed: FrameVectors, batch: Batch) -> None:
        batch.frame_vectors = embed([frame for cut in batch.cuts for frame in cut.embed_frames])
        for cut in batch.cuts:
            cut.embed_frames.clear()
        self._release(batch)

    def _read_all(self, reader: ScreenReader) -> None:
        while items := self._to_read.get_many(_FRAMES):
            # One call reads frames of one batch: an error has one video to go to.
            for batch in dict.fromkeys(item[0] for item in items):
                frames = [item[1:] for item in items if item[0] is batch]
                self._do("screen", batch, partial(self._read, reader, batch, frames))
            items.clear()

    def _read(self, reader: ScreenReader, batch: Batch, frames: list[tuple[float, Frame]]) -> None:
        readings = reader([frame for _, frame in frames])
        for (time_s, _), reading in zip(frames, readings, strict=True):
            batch.texts[time_s] = reading
            self._release(batch)

    def _hear_all(self) -> None:
        for task in self._to_hear:
            seq, done = 0, False
            try:
                for rows in self._hear(task):
                    self._to_embed.put(rows)
                    seq, done = rows.seq + 1, rows.last
                    if not done and self._ending():
                        break
                if not done:
                    self._halt(task, "speech", seq)
            except Exception as error:
                self._fail(task, "speech", "speech", error, seq)

    def _hear(self, task: VideoTask) -> Iterator[Rows]:
        from lvqa.indexers.stages.sound import RATE, heard_sound, tracks_to_hear

        if self._ending():
            return
        self._on_begin(task)
        video, done_s = task.video, task.jobs["speech"].progress_s
        listener = self._stages.listener if video.has_audio else None
        told: list[str] = []
        try:
            subtitles = subtitles_of(task.path, self._stages.subtitle_reader, told.append, self._ending)
        except Ended:
            return
        except SubtitleError as error:
            if listener is None:
                raise
            told.append(str(error))
            subtitles = []
        notes = [make_note(video.id, u.span, u.text, "speech") for u in spoken_by(subtitles, video.duration_s)]
        notes += [make_note(video.id, u.span, u.text, "signs") for u in signs_in(subtitles, video.duration_s)]
        seq = 0
        wanted = pauses(subtitles, video.duration_s)
        tracks: list[int] = []
        if listener is not None and wanted:
            tracks, unheard = tracks_to_hear(task.path, self._settings.audio_track, listener, self._settings.language)
            told += unheard
        if notes or told:
            yield _rows_of(task, seq, 0.0, notes, told)
            seq += 1
        if listener is not None and tracks:
            for offset_s, samples, end_s in heard_sound(task.path, tracks, done_s):
                if self._ending():
                    return
                heard = listener(parts_in(offset_s, samples, wanted, RATE))
                del samples  # else this chunk would stay while the next is decoded
                said = sentences(chain.from_iterable(heard), video.duration_s)
                model = listener.role.name
                yield _rows_of(
                    task, seq, end_s, [make_note(video.id, u.span, u.text, "speech", model) for u in said], ()
                )
                seq += 1
        yield _rows_of(task, seq, video.duration_s, [], (), last=True)

    def _embed_all(self) -> None:
        """In time order for each video: a text of the screen may go on in the next batch."""
        order: RowOrder[Batch | Rows] = RowOrder()
        for item in self._to_embed:
            for due in order.push(item):
                self._do("embed", due, partial(self._embed, due))

    def _embed(self, item: Batch | Rows) -> None:
        embed, error = self._stages.text_vectors, item.error if isinstance(item, Batch) else None
        rows = item if isinstance(item, Rows) else self._rows(item)
        if embed is not None and rows.notes:
            rows.note_vectors = embed([note.text for note in rows.notes])
        rows.last = rows.last and error is None
        self._out.put(rows)
        if error is not None:
            self._out.put(PartFailed(item.task, item.part, "decode", error, rows.seq + 1))

    def _rows(self, batch: Batch) -> Rows:
        captioner, reader = self._stages.captioner, self._stages.reader
        caption_model, prompt_hash = (captioner.role.name, captioner.prompt.hash) if captioner else ("", "")
        rows, task = batch.rows(caption_model, prompt_hash), batch.task
        if reader is not None and "screen" in task.jobs:
            if id(task) not in self._tracks:
                self._tracks[id(task)] = task.screen.open_tracks() if task.screen is not None else ScreenTracks()
            notes, rows.screen = batch.screen_notes(self._tracks[id(task)], reader.role.name)
            rows.notes += notes
        return rows

    def _fail(self, task: VideoTask, part: Part, stage: str, error: Exception, seq: int) -> None:
        """Give up a part of a video from batch `seq` on; what came before it goes on to the store."""
        if isinstance(error, PipelineStopped):
            raise error
        if isinstance(error, _FATAL):
            # What other models made of the batches before is not lost for it.
            self._fatal = self._fatal or error
            self._dead.add(stage)
            self._halt(task, part, seq)
            return
        _log.debug("%s of %s failed", stage, task.video.path, exc_info=error)
        task.drop(part, seq)
        self._out.put(PartFailed(task, part, stage, error, seq))


def _rows_of(
    task: VideoTask, seq: int, end_s: float, notes: list[Note], told: Sequence[str], *, last: bool = False
) -> Rows:
    unique = list({note.id: note for note in notes}.values())
    return Rows(task, "speech", seq, end_s, last, notes=unique, told=tuple(told))


def _altered(task: VideoTask) -> MediaError:
    return MediaError(f"{task.video.path} changed before it was indexed; run index again")
