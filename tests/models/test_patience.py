"""A server that is busy, or being started again, is waited for; what is wrong with the call itself is said at once."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from lvqa.errors import ModelError, ModelNotFound, ServerAway
from lvqa.models import langchain
from lvqa.models.base import VisionRequest
from lvqa.models.registry import load_vision
from lvqa.models.remote import Serving

pytestmark = pytest.mark.real_models
BUSY = (503, {})


class Time:
    """A clock that goes on only where somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
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
