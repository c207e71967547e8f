"""What goes wrong: bad files, broken models, a full disk, Ctrl-C, SIGKILL; the others go on and nothing is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lvqa.errors import MediaError, ModelError, ModelNotFound, StoreError
from lvqa.indexers import run_index
from lvqa.models.base import VisionRequest
from lvqa.models.fake import FakeReader, FakeVision
from lvqa.settings import Settings
from lvqa.store import Store

RED, GREEN, BLUE = (255, 0, 0), (0, 160, 0), (0, 0, 255)


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    left = [t.name for t in threading.enumerate() if t.name.startswith("lvqa-")]
    assert left == []


def clean_rows(kit: Any) -> dict[str, Any]:
    """The rows of a run that nothing disturbed."""
    clean = type(kit)(kit.folder, kit.index_dir.parent / "clean")
    clean.settings, clean.asr = kit.settings, kit.asr
    clean.run()
    return clean.rows()


def test_bad_files_stop_no_other(kit: Any, counter: Callable[..., Path], folder: Path) -> None:
    whole = counter("good.mp4", 5)
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("this is no video\n" * 100)
    (folder / "cut.mp4").write_bytes(whole.read_bytes()[:600])
    (folder / "folder.mp4").mkdir()
    (folder / "gone.mp4").symlink_to(folder / "nothing.mp4")
    report = kit.run()
    assert report.indexed == 1
    assert [path for path, _ in report.failed] == ["cut.mp4", "empty.mp4", "gone.mp4", "text.mp4"]
    assert all(reason for _, reason in report.failed)
    with kit.store() as store:
        assert store.counts()["videos"] == {"indexed": 1, "failed": 4, "pending": 0}
        assert {job.path: job.reason for job in store.jobs.all("failed")} == dict(report.failed)
    again = kit.run()
    assert again.failed == report.failed
    assert again.unchanged == 1
    assert kit.run(retry_failed=False).failed == report.failed
    (folder / "empty.mp4").write_bytes(counter("other.mp4", 3).read_bytes())
    (folder / "other.mp4").unlink()
    (folder / "text.mp4").unlink()
    report = kit.run()
    assert report.indexed == 1
    assert [path for path, _ in report.failed] == ["cut.mp4", "gone.mp4"]
    with kit.store() as store:
        assert store.counts()["videos"] == {"indexed": 2, "failed": 2, "pending": 0}


def test_a_file_that_breaks_off_is_indexed_as_far_as_it_goes(
    kit: Any, counter: Callable[..., Path], folder: Path
) -> None:
    whole = counter("whole.mkv", 40)
    (folder / "torn.mkv").write_bytes(whole.read_bytes()[: int(whole.stat().st_size * 0.6)])
    whole.unlink()
    for _ in range(2):
        report = kit.run()
        assert report.indexed == 0
        ((path, reason),) = report.failed
        assert path == "torn.mkv"
        assert "copy" in reason
    with kit.store() as store:
        assert store.counts()["videos"]["failed"] == 1
        read = {line for n in store.notes.select() if n.source == "screen" for line in n.text.splitlines()}
        assert {f"01:00:00:{t:02d}" for t in range(10)} <= read


def test_bad_subtitles_fail_the_speech_alone(kit: Any, counter: Callable[..., Path], folder: Path) -> None:
    counter("a.mp4", 5)
    (folder / "a.srt").write_text("not a subtitle at all\n")
    report = kit.run()
    assert report.indexed == 0
    assert "a.srt" in report.failed[0][1]
    with kit.store() as store:
        assert [(j.stage, j.status) for j in store.jobs.all()] == [
            ("caption", "done"),
            ("frames", "done"),
            ("screen", "done"),
            ("segment", "done"),
            ("speech", "failed"),
        ]
    (folder / "a.srt").unlink()
    looked = kit.looked()
    assert kit.run().indexed == 1
    assert kit.looked() == looked


class BreaksAt(FakeVision):
    """Fails from its n-th call on, until told otherwise."""

    def __init__(self, n: int, error: BaseException) -> None:
        super().__init__()
        self.left = n
        self.error = error

    def generate(self, requests: Any) -> list[str]:
        self.left -= 1
        if self.left < 0:
            raise self.error
        return super().generate(requests)


@pytest.mark.parametrize("error", [ModelError("out of memory; use less"), RuntimeError("a bug")])
def test_a_video_that_fails_half_way_goes_on_where_it_stopped(
    kit: Any, counter: Callable[..., Path], error: Exception
) -> None:
    counter("a.mp4", 30)
    kit.vision = BreaksAt(2, error)
    report = kit.run()
    assert report.indexed == 0
    assert str(error) in report.failed[0][1]
    with kit.store() as store:
        job = store.jobs.get(store.videos.all()[0].id, "caption")
        assert job is not None
        assert (job.status, job.progress_s) == ("failed", 16.0)
    assert kit.run(retry_failed=False).failed == report.failed
    kit.vision = FakeVision()
    assert kit.run().indexed == 1
    assert kit.looked() == 4
    assert kit.rows() == clean_rows(kit)


class Small(FakeVision):
    """A vision model of one's own whose memory holds so many requests; frames of one colour are too much alone."""

    def __init__(self, most: int, error: Exception) -> None:
        super().__init__()
        self.most = most
        self.error = error

    def generate(self, requests: Any) -> list[str]:
        if len(requests) > self.most or any(request.frames[0][40, 40, 0] > 128 for request in requests):
            raise self.error
        return super().generate(requests)


@pytest.mark.parametrize("own", [True, False], ids=["torch", "lvqa"])
def test_a_full_memory_goes_on_by_halves_and_stays_there(kit: Any, counter: Callable[..., Path], own: bool) -> None:
    import torch

    from lvqa.models.hf.common import DeviceMemoryFull

    error = (
        torch.OutOfMemoryError("CUDA out of memory") if own else DeviceMemoryFull("fake:vision: out of memory on cuda")
    )
    counter("a.mp4", 40)
    counter("b.mp4", 22, RED)
    kit.settings["clip_batch"] = 8
    kit.vision = Small(3, error)
    report = kit.run()
    assert report.indexed == 1
    ((path, reason),) = report.failed
    assert path == "b.mp4"
    assert "out of memory" in reason
    assert [len(call) for call in kit.vision.calls] == [2] * 5
    kit.vision = FakeVision()
    assert kit.run().indexed == 1
    assert kit.rows() == clean_rows(kit)


def test_a_full_memory_of_an_embedder_goes_on_by_halves(kit: Any, counter: Callable[..., Path]) -> None:
    counter("a.mp4", 20)
    for role, method in (("embedder", "encode_document"), ("image_embedder", "encode_frames")):
        model = getattr(kit, role)
        encode = getattr(model, method)

        def small(items: Any, encode: Any = encode) -> Any:
            if len(items) > 2:
                raise MemoryError
            return encode(items)

        setattr(model, method, small)
    assert kit.run().failed == []
    assert kit.rows() == clean_rows(kit)


def test_one_video_that_a_model_cannot_take_stops_no_other(kit: Any, counter: Callable[..., Path]) -> None:
    for seconds, name in enumerate("abcde", 5):
        counter(f"{name}.mp4", seconds)

    def read(frame: Any) -> str:
        if frame[40, 40, 0] > 128:
            raise ModelError("too red for me")
        return "x1"

    kit.ocr = FakeReader(read)
    counter("b.mp4", 6, RED)
    counter("d.mp4", 8, RED)
    report = kit.run()
    assert report.indexed == 3
    assert report.failed == [("b.mp4", "too red for me"), ("d.mp4", "too red for me")]


def test_a_model_that_fails_on_every_video_stops_the_run(kit: Any, counter: Callable[..., Path]) -> None:
    for seconds, name in enumerate("abcdef", 3):
        counter(f"{name}.mp4", seconds)
    kit.vision = BreaksAt(0, ModelError("the server is gone"))
    with pytest.raises(ModelError, match=r"3 videos in a row.*the server is gone"):
        kit.run()
    kit.vision = FakeVision()
    assert kit.run().indexed == 6
    assert kit.rows() == clean_rows(kit)


def test_a_model_that_is_not_there_stops_the_run_at_once(kit: Any, counter: Callable[..., Path]) -> None:
    for seconds, name in enumerate("abc", 12):
        counter(f"{name}.mp4", seconds)
    kit.vision = BreaksAt(1, ModelNotFound("no server at http://localhost:1; start it"))
    with pytest.raises(ModelNotFound, match="start it"):
        kit.run()
    kit.vision = FakeVision()
    assert kit.run().indexed == 3
    assert kit.rows() == clean_rows(kit)


class FullAfter:
    """Makes a store's disk full after n transactions."""

    def __init__(self, store: Store, n: int, error: BaseException) -> None:
        self.atomic = store.connections.atomic
        self.left = n
        self.error = error
        store.connections.atomic = self  # type: ignore[method-assign, assignment]

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self.atomic():
            yield
            self.left -= 1
            if self.left < 0:
                raise self.error


@pytest.mark.parametrize(
    "error", [StoreError("the disk is full; free some space"), KeyboardInterrupt()], ids=["full disk", "ctrl-c"]
)
@pytest.mark.parametrize("after", [1, 7, 12])
def test_a_full_disk_or_ctrl_c_stops_cleanly_and_the_rerun_completes(
    kit: Any, counter: Callable[..., Path], error: BaseException, after: int
) -> None:
    counter("a.mp4", 20)
    counter("b.mp4", 14, RED, audio=True)
    kit.hear((1, 2, "One."), (12, 13, "Two."))
    with kit.store(write=True) as store:
        FullAfter(store, after, error)
        with pytest.raises(type(error)):
            run_index(kit.folder, store, kit.models(), Settings(**kit.settings))
    kit.run()
    assert kit.rows() == clean_rows(kit)


def test_ctrl_c_while_the_model_works_ends_all_threads(kit: Any, counter: Callable[..., Path]) -> None:
    counter("a.mp4", 60)
    main = threading.main_thread().ident
    assert main is not None

    def slow(request: VisionRequest) -> str:
        if len(kit.vision.calls) == 3:
            signal.pthread_kill(main, signal.SIGINT)
            heard.wait()
            time.sleep(0.05)  # for it to end what it waits for
        return "a reply"

    def hear(number: int, frame: Any) -> None:
        heard.set()
        signal.default_int_handler(number, frame)

    heard = threading.Event()

    kit.vision = FakeVision(slow)
    before = signal.signal(signal.SIGINT, hear)
    try:
        with pytest.raises(KeyboardInterrupt):
            kit.run()
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(kit.vision.calls) < 8
    kit.vision = FakeVision("a reply")
    assert kit.run().indexed == 1


def test_a_file_that_changes_while_it_is_indexed_is_not_done(kit: Any, counter: Callable[..., Path]) -> None:
    path = counter("a.mp4", 20)
    counter("b.mp4", 6)
    touched = False

    def look(request: VisionRequest) -> str:
        nonlocal touched
        if not touched and "a.mp4" in request.prompt:
            touched = True
            with path.open("ab") as file:
                file.write(b"more")
        return "a reply"

    kit.vision = FakeVision(look)
    report = kit.run()
    assert report.indexed == 1
    assert report.failed == [("a.mp4", "is still being written; run index again when it is finished")]
    with kit.store() as store:
        assert store.counts()["videos"] == {"indexed": 1, "failed": 0, "pending": 1}
    kit.vision = FakeVision("a reply")
    report = kit.run()
    assert (report.indexed, report.failed) == (1, [])
    with kit.store() as store:
        assert len(store.videos.all()) == 2
        assert store.counts()["videos"] == {"indexed": 2, "failed": 0, "pending": 0}


def test_a_file_that_becomes_unreadable_keeps_its_rows(kit: Any, counter: Callable[..., Path]) -> None:
    path = counter("a.mp4", 5)
    counter("b.mp4", 6)
    kit.run()
    before = kit.rows()["notes"]
    path.write_bytes(b"torn by a bad copy")
    report = kit.run()
    assert [p for p, _ in report.failed] == ["a.mp4"]
    assert kit.rows()["notes"] == before


def test_a_media_error_in_the_middle_is_told_of(
    kit: Any, counter: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lvqa.media import FrameReader

    counter("a.mp4", 20)
    counter("b.mp4", 6)
    sample = FrameReader.sample

    def broken(self: FrameReader, fps: float, span: Any = None) -> Iterator[Any]:
        for frame in sample(self, fps, span):
            if frame.time_s > 13:
                raise MediaError("a.mp4 cannot be decoded at 00:00:13; copy it again")
            yield frame

    with monkeypatch.context() as patch:
        patch.setattr(FrameReader, "sample", broken)
        report = kit.run()
    assert report.indexed == 1
    assert report.failed == [("a.mp4", "a.mp4 cannot be decoded at 00:00:13; copy it again")]
    assert kit.run().indexed == 1
    assert kit.rows() == clean_rows(kit)


CHILD = """
import sys
from pathlib import Path
import importlib.util
spec = importlib.util.spec_from_file_location("kit", sys.argv[1])
kit_module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(kit_module)
from lvqa.models.fake import FakeVision
kit = kit_module.Kit(Path(sys.argv[2]), Path(sys.argv[3]))
kit.vision = FakeVision(per_request_s=0.01)
kit.hear((1, 2, "One."), (12, 13, "Two."))
kit.settings["workers"] = 2
print("ready", flush=True)
kit.run()
print("done", flush=True)
"""


@pytest.mark.slow
def test_killed_at_random_moments_the_rerun_gives_the_rows_of_a_clean_run(
    kit: Any, counter: Callable[..., Path], tmp_path: Path
) -> None:
    for seconds, name in ((40, "a"), (25, "b"), (13, "c")):
        counter(f"{name}.mp4", seconds, audio=name == "b")
    conftest = Path(__file__).with_name("conftest.py")
    command = [sys.executable, "-c", CHILD, str(conftest), str(kit.folder), str(kit.index_dir)]
    rng = random.Random(7)
    killed = 0
    for _ in range(4):
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0.05, 0.5))  # only draws a moment: any will do
        child.kill()
        killed += "done" not in child.stdout.read()
        child.wait()
        child.stdout.close()
    assert killed
    kit.hear((1, 2, "One."), (12, 13, "Two."))
    kit.run()
    assert kit.rows() == clean_rows(kit)
