"""A run that is asked to stop: what is under way is committed, nothing new begins, no thread is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lvqa.errors import ModelError, ModelNotFound
from lvqa.indexers import import_captions
from lvqa.models.fake import FakeChat, FakeEmbedder, FakeReader, FakeVision
from lvqa.stopping import Stop, on_signals
from lvqa.store import Filter

GREEN, RED, BLUE = (0, 160, 0), (255, 0, 0), (0, 0, 255)


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    assert [t.name for t in threading.enumerate() if t.name.startswith("lvqa-")] == []


def clean_rows(kit: Any) -> dict[str, Any]:
    clean = type(kit)(kit.folder, kit.index_dir.parent / "clean")
    clean.settings, clean.asr, clean.chat = kit.settings, kit.asr, kit.chat
    clean.run()
    return clean.rows()


class StopsAt(FakeVision):
    """Asks the run to stop during its n-th call, and takes a while longer."""

    def __init__(self, n: int, stop: threading.Event) -> None:
        super().__init__(latency_s=0.05)
        self.n = n
        self.stop = stop

    def generate(self, requests: Any) -> list[str]:
        if len(self.calls) + 1 == self.n:
            self.stop.set()
        return super().generate(requests)


def test_every_clip_that_the_captioner_got_is_in_the_store(kit: Any, counter: Callable[..., Path]) -> None:
    counter("a.mp4", 60)
    counter("b.mp4", 30, RED)
    stop = threading.Event()
    kit.vision = StopsAt(3, stop)
    report = kit.run(stop=stop)
    assert report.stopped
    assert (report.indexed, report.settled, report.planned, report.failed) == (0, 0, 2, [])
    assert len(kit.vision.calls) == 3
    with kit.store() as store:
        assert len(store.notes.select(Filter(sources=frozenset({"caption"})))) == kit.looked() == 6
        assert {job.status for job in store.jobs.all() if job.stage != "speech"} == {"pending"}
    kit.vision = FakeVision()
    again = kit.run()
    assert (again.indexed, again.stopped) == (2, False)
    assert kit.looked() == 15 + 8 - 6
    assert kit.rows() == clean_rows(kit)


def test_a_run_that_is_asked_before_it_begins_changes_nothing_that_lasts(
    kit: Any, counter: Callable[..., Path]
) -> None:
    for name, seconds in (("a.mp4", 4), ("b.mp4", 5), ("c.mp4", 6)):
        counter(name, seconds)
    looked_at: list[int] = []
    report = kit.run(stop=lambda: looked_at.append(1) or len(looked_at) >= 3)
    assert report.stopped
    assert (report.planned, kit.looked()) == (0, 0)
    with kit.store() as store:
        assert [f.path for f in store.files.all()] == ["a.mp4", "b.mp4"]
    assert kit.run().indexed == 3
    assert kit.rows() == clean_rows(kit)


def test_while_decoding_the_open_clip_is_left(kit: Any, counter: Callable[..., Path]) -> None:
    counter("a.mp4", 30)
    kit.vision, stop = None, threading.Event()
    read: list[int] = []

    def look(frame: Any) -> str:
        read.append(1)
        if len(read) == 12:
            stop.set()
        return f"x{len(read)}"

    kit.ocr = FakeReader(look)
    report = kit.run(stop=stop)
    assert report.stopped
    assert report.indexed == 0
    with kit.store() as store:
        job = store.jobs.get(store.videos.all()[0].id, "screen")
        assert job is not None
        assert job.status == "pending"
        assert job.progress_s < 30


def test_while_listening_the_chunk_is_kept(
    kit: Any, counter: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lvqa.indexers.stages import sound

    counter("a.mp4", 40, audio=True)
    kit.vision = kit.ocr = kit.image_embedder = None
    kit.hear((1, 2, "One."), (12, 13, "Two."), (33, 34, "Three."))
    chunks = sound.read_audio
    monkeypatch.setattr(sound, "read_audio", lambda path, **given: chunks(path, chunk_s=10, **given))
    stop, hear = threading.Event(), kit.asr.transcribe

    def transcribe(samples: Any, offset_s: float) -> Any:
        if offset_s >= 8:  # the second chunk: the first ends where it is quiet
            stop.set()
        return hear(samples, offset_s)

    kit.asr.transcribe = transcribe
    assert kit.run(stop=stop).stopped
    with kit.store() as store:
        assert [n.text for n in store.notes.select()] == ["One.", "Two."]
    kit.asr.transcribe = hear
    assert kit.run().indexed == 1
    with kit.store() as store:
        assert [n.text for n in store.notes.select()] == ["One.", "Two.", "Three."]


def test_while_embedding_the_batch_is_kept(
    kit: Any, counter: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lvqa.indexers.stages import embed as vectors

    counter("a.mp4", 20)
    kit.run()
    monkeypatch.setattr(vectors, "SWEEP_BATCH", 4)
    stop, encode = threading.Event(), FakeEmbedder.encode_document
    kit.embedder = FakeEmbedder(16, name="fake:embedder-2")

    def encoded(self: Any, texts: Any) -> Any:
        stop.set()
        return encode(self, texts)

    monkeypatch.setattr(FakeEmbedder, "encode_document", encoded)
    report = kit.run(stop=stop)
    assert (report.stopped, report.embeddings) == (True, 4)
    with kit.store() as store:
        assert len(store.vectors.missing("fake:embedder-2")) == store.counts()["notes"] - 4


def test_while_summarising_no_text_of_the_chat_model_is_lost(kit: Any, counter: Callable[..., Path]) -> None:
    counter("a.mp4", 40)
    kit.settings |= {"summaries": "auto", "segment_min_s": 5, "segment_max_s": 10, "clip_max_s": 2.0}
    stop, asked = threading.Event(), []

    def reply(messages: Any) -> str:
        asked.append(1)
        if len(asked) == 2:
            stop.set()
        return f"Text {len(asked)} tells of it."

    kit.chat = FakeChat(reply)
    assert kit.run(stop=stop).stopped
    assert len(asked) == 2
    kit.chat = FakeChat(lambda messages: "A text.")
    report = kit.run()
    assert not report.stopped
    assert report.summaries.reused == 2
    with kit.store() as store:
        texts = [n.text for n in store.notes.select(Filter(sources=frozenset({"summary"}), level="segment"))]
        assert texts[:2] == ["Text 1 tells of it.", "Text 2 tells of it."]
        assert {job.status for job in store.jobs.all()} == {"done"}


def test_an_import_goes_on_where_it_was_stopped(kit: Any, tmp_path: Path) -> None:
    lines = tmp_path / "c.jsonl"
    rows = (
        f'{{"video": "v{n}", "start_s": {m}, "end_s": {m + 1}, "text": "thing {m}"}}'
        for n in range(4)
        for m in range(3)
    )
    lines.write_text("\n".join(rows))
    asked: list[int] = []
    with kit.store(write=True) as store:
        report = import_captions(lines, kit.folder, store, None, stop=lambda: asked.append(1) or len(asked) > 3)
        assert (report.stopped, report.videos) == (True, 2)
        assert store.counts()["notes"] == 6
        whole = import_captions(lines, kit.folder, store, None)
        assert (whole.stopped, whole.videos, whole.notes) == (False, 4, 6)


class Dies(FakeVision):
    """A server that is gone from its n-th call on."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n

    def generate(self, requests: Any) -> list[str]:
        if len(self.calls) == self.n:
            raise ModelNotFound("openai:x@http://localhost:1: nothing answers at that address; start the server")
        return super().generate(requests)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_server_that_dies_loses_its_own_batch_alone(kit: Any, counter: Callable[..., Path], workers: int) -> None:
    for name, seconds in (("a.mp4", 20), ("b.mp4", 22), ("c.mp4", 24)):
        counter(name, seconds)
    kit.settings["workers"] = workers
    # Slow enough that batches may wait for it when the server dies; whether they do, the same must hold.
    kit.embedder, kit.vision = FakeEmbedder(), Dies(3)
    encode = kit.embedder.encode_document
    kit.embedder.encode_document = lambda texts: (time.sleep(0.05), encode(texts))[1]
    with pytest.raises(ModelNotFound, match="start the server"):
        kit.run()
    with kit.store() as store:
        assert len(store.notes.select(Filter(sources=frozenset({"caption"})))) == kit.looked()
        assert {job.status for job in store.jobs.all()} <= {"pending", "done"}
    kit.embedder, kit.vision = FakeEmbedder(), FakeVision()
    again = kit.run()
    assert again.indexed + again.unchanged == 3
    assert kit.rows() == clean_rows(kit)


@pytest.mark.parametrize("role", ["ocr", "image_embedder", "embedder"])
def test_whichever_model_is_not_there_the_others_work_is_kept(
    kit: Any, counter: Callable[..., Path], role: str
) -> None:
    counter("a.mp4", 30)
    counter("b.mp4", 20, RED)
    broken = getattr(kit, role)
    method = {"ocr": "read", "image_embedder": "encode_frames", "embedder": "encode_document"}[role]
    works, calls = getattr(broken, method), []

    def dies(items: Any) -> Any:
        calls.append(1)
        if len(calls) > 3:
            raise ModelNotFound(f"{role} is gone; start it")
        return works(items)

    setattr(broken, method, dies)
    with pytest.raises(ModelNotFound, match="is gone"):
        kit.run()
    delattr(broken, method)
    kit.run()
    assert kit.rows() == clean_rows(kit)


def test_signals_ask_once_and_then_interrupt() -> None:
    stop, told = Stop(), []
    with on_signals(stop), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)  # nobody listens yet
    assert not stop()
    before = signal.getsignal(signal.SIGTERM)
    with on_signals(stop, lambda: told.append(1)):
        signal.raise_signal(signal.SIGTERM)
        assert stop()
        assert told == [1]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def test_in_another_thread_signals_are_left_alone() -> None:
    seen: list[Any] = []

    def look() -> None:
        with on_signals(Stop()):
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]


def test_a_stop_that_fails_is_an_error_and_ends_the_run(kit: Any, counter: Callable[..., Path]) -> None:
    counter("a.mp4", 30)
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        if len(asked) > 3:
            raise ModelError("the caller's own trouble")
        return False

    with pytest.raises(ModelError, match="own trouble"):
        kit.run(stop=stop)


CHILD = """
import os, sys
from lvqa.archive.workspace import Workspace
from lvqa.cli import main
from lvqa.models import base
from lvqa.models.fake import FakeVision
from lvqa.archive.workspace import Workspace
from lvqa.models.profiles import Models
def look(request):
    print("looking", flush=True)
    os.read(0, 1)
    return "a reply"
made = Models.of(vision=FakeVision(look))
Workspace.models = property(lambda self: made)
sys.exit(main(["index", sys.argv[1], "--set", "clip_batch=1", "--set", "clip_max_s=4", "--set", "summaries=none"]))
"""


def start(spawn: Any, folder: Path) -> subprocess.Popen[str]:
    """A run whose model has begun to look, and ends each look when it reads a byte, or the end, of its stdin."""
    child: subprocess.Popen[str] = spawn(
        # Ctrl-C must reach it even where the tests run in the background.
        [sys.executable, "-c", "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n" + CHILD,
         str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "looking\n"
    return child


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_the_command_after_the_batch(
    counter: Callable[..., Path], folder: Path, number: signal.Signals, spawn: Any
) -> None:
    counter("a.mp4", 40)
    child = start(spawn, folder)
    child.send_signal(number)
    assert child.stderr is not None
    first = child.stderr.readline().rstrip()
    out, last = (text.rstrip() for text in child.communicate())
    assert child.returncode == 130
    assert first == "lvqa: stopping after the batch under way; press Ctrl-C again to stop at once"
    assert last == "lvqa: stopped after the batch under way: 0 of 1 video done; run the same command to go on"
    assert "0 videos indexed" in out
    assert "looking" not in out


def test_the_second_ends_it_at_once(counter: Callable[..., Path], folder: Path, spawn: Any) -> None:
    """While the model still looks, and goes on looking."""
    counter("a.mp4", 40)
    child = start(spawn, folder)
    child.send_signal(signal.SIGINT)
    assert child.stderr is not None
    assert "again" in child.stderr.readline()
    child.send_signal(signal.SIGINT)
    assert child.wait() == 130
    assert child.stderr.read() == "lvqa: stopped; run again to go on\n"
