"""The queues and threads: bounded, in order, stopped together; and stages whose models misbehave."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvqa.errors import ModelError, UsageError
from lvqa.indexers import RichProgress, run_index
from lvqa.indexers.bounded_queue import BoundedQueue, PipelineStopped, ThreadGroup
from lvqa.indexers.engine import Pipeline, Stages
from lvqa.indexers.planning.survey import identify
from lvqa.indexers.stages.assemble import PartFailed, RowOrder, Rows
from lvqa.indexers.stages.caption import CaptionStage, ClipLook
from lvqa.indexers.stages.embed import FrameVectors, TextVectors
from lvqa.indexers.stages.screen import ScreenReader
from lvqa.indexers.stages.stage_model import StageModel
from lvqa.indexers.stages.task import StagePlan, VideoTask
from lvqa.models.fake import FakeEmbedder, FakeImageEmbedder, FakeReader, FakeVision
from lvqa.prompts import load
from lvqa.settings import Settings
from lvqa.types import Span


def test_a_full_queue_makes_its_writer_wait() -> None:
    queue: BoundedQueue[int] = BoundedQueue(2)
    put: list[int] = []

    def write() -> None:
        for k in range(20):
            queue.put(k)
            put.append(k)
        queue.close()

    thread = threading.Thread(target=write)
    thread.start()
    taken: list[int] = []
    while batch := queue.get_many(3):
        taken += batch
        assert len(put) <= len(taken) + queue.size + 1
    thread.join()
    assert taken == list(range(20))
    assert queue.peak <= 2


def test_an_error_in_one_thread_wakes_and_ends_all() -> None:
    threads = ThreadGroup()
    full: BoundedQueue[int] = threads.queue(1)
    empty: BoundedQueue[int] = threads.queue(1)
    full.put(0)

    def fail() -> None:
        raise ModelError("gone")

    threads.start("blocked-put", lambda: full.put(1))
    threads.start("blocked-get", lambda: [None for _ in empty].clear())
    threads.start("fail", fail)
    threads.join()
    assert isinstance(threads.error, ModelError)
    with pytest.raises(PipelineStopped):
        empty.get_many()


def a_task(path: Path, *stages: str) -> VideoTask:
    video = identify(path, path.name)
    stat = path.stat()
    jobs = {stage: StagePlan(stage, "make", key="key") for stage in stages}
    return VideoTask(video, path, stat.st_size, stat.st_mtime_ns, jobs)


def all_stages(vision: FakeVision, ocr: FakeReader) -> Stages:
    return Stages(
        CaptionStage(StageModel(vision.name, vision), load("caption"), 64),
        ScreenReader(StageModel(ocr.name, ocr)),
        FrameVectors(StageModel("fake:image", FakeImageEmbedder())),
        None,
        TextVectors(StageModel("fake:embedder", FakeEmbedder())),
    )


def test_queues_stay_bounded_and_rows_come_in_time_order(counter: Callable[..., Path]) -> None:
    tasks = [a_task(counter(f"{k}.mp4", 30 + k), "segment", "caption", "screen", "frames", "speech") for k in range(3)]
    vision, ocr = FakeVision(per_request_s=0.004), FakeReader("x1")
    settings = Settings(clip_max_s=2.0, clip_batch=2, workers=3)
    pipeline = Pipeline(tasks, all_stages(vision, ocr), settings)
    seen: dict[tuple[str, str], list[Rows]] = {}
    for item in pipeline.run():
        assert isinstance(item, Rows)
        seen.setdefault((item.task.video.id, item.part), []).append(item)
    assert len(seen) == 6
    for (_, part), rows in seen.items():
        assert [r.seq for r in rows] == list(range(len(rows)))
        assert [r.last for r in rows] == [False] * (len(rows) - 1) + [True]
        assert rows[-1].end_s == rows[0].task.video.duration_s
        if part == "visual":
            clips = [clip for r in rows for clip in r.clips]
            assert [c.span.start_s for c in clips] == [2.0 * k for k in range(len(clips))]
            assert all(len(r.clips) <= 2 for r in rows)
    for queue in (pipeline._to_caption, pipeline._to_frames, pipeline._to_read, pipeline._to_embed, pipeline._out):
        assert 0 < queue.peak <= queue.size


def test_a_stage_that_nobody_wants_is_not_called(counter: Callable[..., Path]) -> None:
    task = a_task(counter("a.mp4", 12), "screen")
    vision, ocr = FakeVision(), FakeReader("x1")
    pipeline = Pipeline([task], all_stages(vision, ocr), Settings())
    notes = [note for rows in pipeline.run() if isinstance(rows, Rows) for note in rows.notes]
    assert {note.source for note in notes} == {"screen"}
    assert vision.calls == []


def test_closing_the_iteration_ends_the_threads(counter: Callable[..., Path]) -> None:
    task = a_task(counter("a.mp4", 40), "segment", "caption")
    stages = all_stages(FakeVision(per_request_s=0.01), FakeReader())
    items = Pipeline([task], stages, Settings(clip_max_s=1.0, clip_batch=1)).run()
    next(items)
    items.close()
    assert [t for t in threading.enumerate() if t.name.startswith("lvqa-")] == []


def test_rows_that_overtake_each_other_are_put_in_order(counter: Callable[..., Path]) -> None:
    task = a_task(counter("a.mp4", 2), "segment")
    rows = [Rows(task, "visual", seq, seq + 1.0, seq == 3) for seq in range(4)]
    order = RowOrder()
    out = [list(order.push(rows[k])) for k in (1, 0, 3, 2)]
    assert out == [[], rows[:2], [], rows[2:]]
    torn = RowOrder()
    failed = PartFailed(task, "visual", "decode", ModelError("torn"), 1)
    assert list(torn.push(failed)) == []
    assert list(torn.push(rows[0])) == [rows[0], failed]
    assert list(torn.push(rows[1])) == []
    sudden = RowOrder()
    now = PartFailed(task, "visual", "caption", ModelError("gone"), 0)
    assert list(sudden.push(rows[1])) == []
    assert list(sudden.push(now)) == [now]
    assert list(sudden.push(rows[0])) == []


@pytest.mark.parametrize(
    ("stage", "argument"),
    [
        (lambda m: ScreenReader(StageModel("x", m)), [np.zeros((4, 4, 3), np.uint8)]),
        (lambda m: TextVectors(StageModel("x", m)), ["a", "b"]),
        (lambda m: FrameVectors(StageModel("x", m)), [np.zeros((4, 4, 3), np.uint8)] * 2),
        (
            lambda m: CaptionStage(StageModel("x", m), load("caption"), 8),
            [ClipLook("a", Span(0, 1), [np.zeros((4, 4, 3), np.uint8)])],
        ),
    ],
)
def test_a_model_that_returns_the_wrong_number_is_a_model_error(stage: Any, argument: Any) -> None:
    class Wrong:
        name = "x"

        def read(self, frames: Any) -> list[str]:
            return []

        def generate(self, requests: Any) -> list[str]:
            return ["a", "b", "c"]

        def encode_document(self, texts: Any) -> Any:
            return np.zeros((1, 3), np.float32)

        def encode_frames(self, frames: Any) -> Any:
            return np.full((2, 3), np.nan, np.float32)

    with pytest.raises(ModelError, match=r"x gave|x read"):
        stage(Wrong())(argument)


class Told:
    """A Progress that writes down what it is told."""

    def __init__(self) -> None:
        self.total = self.done = 0.0
        self.videos = self.clips = self.finished = 0
        self.lines: list[str] = []

    def start(self, videos: int, total: float, unit: str = "s") -> None:
        if unit == "s":
            self.total += total

    def advance(self, amount: float = 0.0, *, videos: int = 0, clips: int = 0) -> None:
        self.done += amount
        self.videos += videos
        self.clips += clips

    def message(self, text: str) -> None:
        self.lines.append(text)

    def finish(self) -> None:
        self.finished += 1


def test_progress_adds_up(kit: Any, counter: Callable[..., Path], folder: Path) -> None:
    import shutil

    shutil.copy(counter("a.mp4", 12), folder / "b.mp4")
    counter("c.mp4", 7)
    told = Told()
    report = kit.run(progress=told)
    assert told.videos == 2
    assert told.done == pytest.approx(told.total) == pytest.approx(2 * (12 + 7))
    assert told.clips == report.clips
    assert told.finished >= 1
    assert told.lines == ["b.mp4: the same video as a.mp4; it is indexed once"]


@pytest.mark.parametrize("terminal", [True, False])
def test_the_bar_shows_on_a_terminal_alone(kit: Any, counter: Callable[..., Path], terminal: bool) -> None:
    import io

    from rich.console import Console

    counter("a.mp4", 12)
    out = io.StringIO()
    with RichProgress(Console(file=out, force_terminal=terminal, width=100)) as progress:
        kit.run(progress=progress)
    assert ("1/1 video" in out.getvalue()) == terminal
    assert bool(out.getvalue()) == terminal


def test_a_folder_that_is_not_there_is_a_usage_error(kit: Any) -> None:
    with kit.store(write=True) as store, pytest.raises(UsageError, match="no folder"):
        run_index(kit.folder / "nothing", store, kit.models(), Settings())
