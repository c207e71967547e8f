"""A server that is busy, or being started again, is waited for; what is wrong with the call itself is said at once."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvqa.cli import main
from lvqa.errors import ModelError, ModelNotFound, ServerAway
from lvqa.eval.lab.footage_writer import write_video
from lvqa.models.base import VisionRequest
from lvqa.models.fake import FakeChat
from lvqa.models.registry import load_vision
from lvqa.models.served import langchain
from lvqa.models.served.remote import Serving
from lvqa.models.served.slots import Slots
from lvqa.store import Store

pytestmark = pytest.mark.real_models
BUSY = (503, {})


class Time:
    """A clock that goes on only where somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float, least_s: float, back: threading.Event) -> None:
        assert least_s <= seconds
        self.pauses.append(seconds)
        self.now_s += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Iterator[Time]:
    time = Time()
    monkeypatch.setattr(langchain, "_sleep", time.sleep)
    monkeypatch.setattr(langchain, "_clock", lambda: time.now_s)
    return time


@pytest.fixture
def asked(frames: list[np.ndarray]) -> list[VisionRequest]:
    return [VisionRequest(frames[:1], "what happens")]


def test_a_busy_server_is_waited_for_later_and_later(server: Any, time: Time, asked: list[VisionRequest]) -> None:
    server.states[:] = [BUSY, (429, {}), (502, {}), (504, {}), BUSY, BUSY, BUSY, BUSY]
    model = load_vision(f"openai:good@{server.url}")
    assert model.generate(asked) == ["[(64, 48)] what happens"]
    assert time.pauses == [0.5, 1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(
    ("headers", "pause_s"),
    [({"retry-after": "7"}, 7), ({"retry-after-ms": "2500"}, 2.5), ({"retry-after": "soon"}, 0.5), ({}, 0.5)],
)
def test_what_the_server_asks_for_is_heeded(
    server: Any, time: Time, asked: list[VisionRequest], headers: dict[str, str], pause_s: float
) -> None:
    server.states[:] = [(429, headers)]
    load_vision(f"openai:good@{server.url}").generate(asked)
    assert time.pauses == [pause_s]


def test_a_date_to_wait_for_is_heeded(server: Any, time: Time, asked: list[VisionRequest]) -> None:
    server.states[:] = [(503, {"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"})]
    load_vision(f"openai:good@{server.url}").generate(asked)
    assert time.pauses == [0.5]


def test_patience_ends(server: Any, time: Time, asked: list[VisionRequest]) -> None:
    server.states[:] = [BUSY] * 50
    model = load_vision(f"openai:good@{server.url}", serving=Serving(patience_s=20))
    with pytest.raises(ServerAway, match=r"busy \(503\) for 20 s; what is done stays done: run the same command again"):
        model.generate(asked)
    assert time.now_s == 20


def test_a_server_that_was_there_is_waited_for_when_it_is_gone(
    server: Any, time: Time, asked: list[VisionRequest]
) -> None:
    model = load_vision(f"openai:good@{server.url}", serving=Serving(patience_s=3))
    assert model.generate(asked)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    inner = model.as_chat()._inner  # type: ignore[attr-defined]
    inner.root_client.base_url = nobody
    inner.client._client.base_url = nobody
    with pytest.raises(ServerAway, match="gone for 3 s"):
        model.generate(asked)
    assert time.pauses


def test_a_server_that_never_was_is_said_at_once(time: Time, asked: list[VisionRequest]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ModelNotFound, match="nothing answers"):
        load_vision(f"openai:good@http://127.0.0.1:{port}/v1").generate(asked)
    assert time.pauses == []


@pytest.mark.parametrize(("name", "told"), [("locked", "key was refused"), ("none", "no such")])
def test_what_is_wrong_with_the_call_is_said_at_once(
    server: Any, time: Time, asked: list[VisionRequest], name: str, told: str
) -> None:
    with pytest.raises(ModelError, match=told):
        load_vision(f"openai:{name}@{server.url}").generate(asked)
    assert time.pauses == []


def test_a_failure_is_asked_for_again_a_few_times(server: Any, time: Time, asked: list[VisionRequest]) -> None:
    server.states[:] = [(500, {}), (500, {})]
    assert load_vision(f"openai:good@{server.url}").generate(asked)
    assert time.pauses == [0.5, 1]
    with pytest.raises(ModelError, match="the GPU is on fire"):
        load_vision(f"openai:broken@{server.url}", serving=Serving(retries=1)).generate(asked)
    assert time.pauses == [0.5, 1, 0.5]


def test_those_that_wait_are_woken_when_the_server_is_back() -> None:
    back = threading.Event()
    waiting = threading.Thread(target=langchain._sleep, args=(3600, 0.0, back))
    waiting.start()
    back.set()
    waiting.join()


def test_an_answer_wakes_all_that_wait(
    server: Any, asked: list[VisionRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[threading.Event] = []
    monkeypatch.setattr(langchain, "_sleep", lambda seconds, least_s, back: waited.append(back))
    model = load_vision(f"openai:good@{server.url}")
    server.states[:] = [BUSY]
    model.generate(asked)
    server.states[:] = [BUSY, BUSY]
    model.generate(asked)
    assert [event.is_set() for event in waited] == [True] * 3
    assert waited[0] is not waited[1] is waited[2]


def test_a_late_reply_is_asked_for_again_where_others_are_under_way(time: Time) -> None:
    """One that is late alone is said at once; beside others it may be late because of them."""
    late = [True]

    def reply(messages: list[Any]) -> str:
        if late:
            late.pop()
            raise TimeoutError("no reply")
        return "a reply"

    chat = langchain.GuardedChat(FakeChat(reply), "lc:fake", slots=Slots(4))
    taken_s = chat._slots.take()
    assert chat.invoke("hello").text == "a reply"
    assert time.pauses == [0.5]
    assert chat._slots.limit == 2
    chat._slots.give(taken_s, "answered")
    late.append(True)
    with pytest.raises(ModelError, match="no reply in time"):
        chat.invoke("hello")
    assert time.pauses == [0.5]


def test_those_that_waited_for_a_slot_give_up_with_the_others(time: Time) -> None:
    def reply(messages: list[Any]) -> str:
        raise ConnectionResetError

    chat = langchain.GuardedChat(FakeChat(["a reply"]), "lc:fake", None, 10, 0, Slots(1))
    chat.invoke("hello")
    chat._inner = FakeChat(reply)
    taken_s = chat._slots.take()
    failed: list[Exception] = []

    def ask() -> None:
        try:
            chat.invoke("hello")
        except ServerAway as error:
            failed.append(error)

    waiting = threading.Thread(target=ask)
    waiting.start()
    while not chat._slots._waiting:
        pass
    chat._away_s, time.now_s = 0.0, 11.0
    chat._slots.give(taken_s, "failed")
    waiting.join()
    assert len(failed) == 1
    assert time.pauses == []
    with pytest.raises(ServerAway):
        chat.invoke("asked anew, it is patient again")
    assert sum(time.pauses) == 10


def test_an_index_is_halted_in_one_line_and_the_same_command_goes_on(
    server: Any, time: Time, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        frames = (np.full((48, 64, 3), (60 * number, 90 * (k // 8), 90), np.uint8) for k in range(24))
        write_video(tmp_path / f"{number}.mp4", frames, fps=4)
    off = [option for role in ("ocr", "asr", "embedder", "image-embedder", "chat") for option in (f"--{role}", "none")]
    command = ["index", str(tmp_path), "--vision", f"openai:good@{server.url}", *off]
    command += ["--set", "summaries=none", "--set", "patience_s=5"]
    server.states[:] = [BUSY] * 500
    assert main(command) == 1
    *_, said = capsys.readouterr().err.strip().splitlines()
    assert said.startswith(f"lvqa: error: openai:good@{server.url}: busy (503) for 5 s; what is done stays done: run")
    with Store.open(tmp_path / ".lvqa") as store:
        assert not list(store.jobs.all("failed"))
    server.states.clear()
    assert main(command) == 0
    with Store.open(tmp_path / ".lvqa") as store:
        assert store.counts()["videos"] == {"indexed": 3, "failed": 0, "pending": 0}
