"""An OpenAI-compatible server, for frames and for text: what is sent, and what failures look like."""

from __future__ import annotations

import math
import socket
from typing import Any

import numpy as np
import pytest

from lvqa.errors import ModelError, ModelNotFound, ReplyError, UsageError
from lvqa.models.base import VisionRequest
from lvqa.models.registry import load_chat, load_vision
from lvqa.models.replies import replies_of, reply_to
from lvqa.models.served.remote import Address

pytestmark = pytest.mark.real_models


@pytest.mark.parametrize(
    ("spec", "model", "url"),
    [
        ("openai:gpt-4o", "gpt-4o", None),
        ("openai:qwen@http://localhost:8000/v1", "qwen", "http://localhost:8000/v1"),
        ("openai:qwen@http://localhost:8000/v1/", "qwen", "http://localhost:8000/v1"),
        ("openai:@cf/meta/llama@https://host/v1", "@cf/meta/llama", "https://host/v1"),
        ("openai:llava:7b@http://127.0.0.1:11434/v1", "llava:7b", "http://127.0.0.1:11434/v1"),
    ],
)
def test_addresses(spec: str, model: str, url: str | None) -> None:
    assert Address.of(spec) == Address(model, url)


@pytest.mark.parametrize(
    "spec",
    ["openai:@http://localhost/v1", "openai:m@http://", "openai:m@localhost:8000", "openai:m@http://me:pw@host/v1"],
)
def test_addresses_that_make_no_sense(spec: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_chat(spec)
    assert "pw" not in str(caught.value)


def test_frames_go_out_whole_and_in_order(server: Any, frames: list[np.ndarray]) -> None:
    model = load_vision(f"openai:good@{server.url}")
    (reply,) = model.generate([VisionRequest(frames[:3], "what happens", 50)])
    assert reply == "[(64, 48), (50, 90), (33, 33)] what happens"
    assert (reply.tokens_in, reply.tokens_out) == (32, 8)
    (sent,) = server.requests
    assert sent["max_tokens"] == 50
    assert sent["temperature"] == 0.0


def test_yes_probability_from_log_probabilities(server: Any, frames: list[np.ndarray]) -> None:
    model = load_vision(f"openai:good@{server.url}")
    yes, no = math.exp(-0.5) + math.exp(-3.0), math.exp(-1.5)
    assert model.yes_probability([VisionRequest(frames[:1], "a cat? yes or no")]) == [pytest.approx(yes / (yes + no))]
    (sent,) = server.requests
    assert (sent["logprobs"], sent["top_logprobs"], sent["max_tokens"]) == (True, 20, 1)


@pytest.mark.parametrize("name", ["plain", "mute"])
def test_yes_probability_by_word_where_there_are_none(server: Any, frames: list[np.ndarray], name: str) -> None:
    model = load_vision(f"openai:{name}@{server.url}")
    requests = [VisionRequest(frames[:1], f"is it a {what}? yes or no") for what in ("cat", "dog", "cat")]
    assert model.yes_probability(requests) == [1.0, 0.0, 1.0]
    if name == "plain":  # it said 400 once, and is not asked for them again
        before = len(server.requests)
        model.yes_probability(requests[:1])
        assert len(server.requests) == before + 1


def test_a_model_that_thinks_all_the_same_is_read_behind_its_thought(server: Any, frames: list[np.ndarray]) -> None:
    model = load_vision(f"openai:thinker@{server.url}")
    asked = [VisionRequest(frames[:1], f"a {what}? yes or no") for what in ("cat", "dog")]
    assert model.yes_probability(asked[:1]) == [1.0]
    # The first token was no word, then the word was cut off within the thought.
    assert [sent["max_tokens"] for sent in server.requests] == [1, 8, 2048]
    assert model.yes_probability(asked[1:]) == [0.0]
    (caption,) = replies_of(model, [VisionRequest(frames[:1], "what happens", 50)])
    assert caption == "[(64, 48)] what happens"
    assert caption.tokens_out > 5  # thoughts are paid all the same
    assert reply_to(load_chat(f"openai:thinker@{server.url}"), "why") == "[] why"


def test_servers_are_told_not_to_think_unless_they_refuse_the_option(server: Any, frames: list[np.ndarray]) -> None:
    good, strict = (load_vision(f"openai:{name}@{server.url}") for name in ("good", "strict"))
    good.generate([VisionRequest(frames[:1], "what happens")])
    assert server.requests[-1]["chat_template_kwargs"] == {"enable_thinking": False}
    server.requests.clear()
    for _ in range(2):
        strict.generate([VisionRequest(frames[:1], "what happens")])
    assert ["chat_template_kwargs" in sent for sent in server.requests] == [True, False, False]


def test_neither_yes_nor_no_is_asked_once_more_and_then_an_error(server: Any, frames: list[np.ndarray]) -> None:
    model = load_vision(f"openai:vague@{server.url}")
    with pytest.raises(ReplyError, match="It depends"):
        model.yes_probability([VisionRequest(frames[:1], "a cat? yes or no")])
    assert len(server.requests) == 3  # with log-probabilities, then twice in words


def test_the_key_goes_out_and_never_comes_back(
    server: Any, frames: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    load_chat(f"openai:good@{server.url}").invoke("hello")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-123456789")
    with pytest.raises(ModelError, match="key was refused") as caught:
        load_chat(f"openai:locked@{server.url}").invoke("hello")
    assert server.keys == ["Bearer none", "Bearer sk-secret-123456789"]
    assert "secret" not in str(caught.value)


def test_failures_are_one_line(server: Any, frames: list[np.ndarray]) -> None:
    with pytest.raises(ModelNotFound, match="no such model"):
        load_chat(f"openai:other@{server.url}").invoke("hello")
    with pytest.raises(ModelError, match="the GPU is on fire"):
        load_vision(f"openai:broken@{server.url}").generate([VisionRequest(frames[:1], "what", 5)])
    assert len(server.requests) == 1 + 3  # retries are bounded
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(ModelNotFound, match="nothing answers at that address") as caught:
        load_chat(f"openai:m@http://127.0.0.1:{port}/v1").invoke("hello")
    assert "\n" not in str(caught.value)


def test_one_model_for_both(server: Any) -> None:
    vision = load_vision(f"openai:good@{server.url}")
    chat = load_chat("vision", vision=vision)
    assert chat.invoke("hello there").text == "[] hello there"


def test_openai_itself_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ModelNotFound, match="OPENAI_API_KEY"):
        load_chat("openai:gpt-4o")


def test_any_provider_of_langchain(monkeypatch: pytest.MonkeyPatch, frames: list[np.ndarray]) -> None:
    import sys
    from types import ModuleType

    from lvqa.models.fake import FakeChat

    monkeypatch.setitem(sys.modules, "langchain.chat_models", None)
    with pytest.raises(ModelNotFound, match="pip install langchain"):
        load_chat("lc:anthropic:claude")
    made = []

    def init_chat_model(name: str, **options: Any) -> FakeChat:
        made.append((name, options))
        if name.startswith("nobody"):
            raise ValueError("Unsupported provider, key sk-abcdefgh12345678")
        return FakeChat("yes, a cat")

    module = ModuleType("langchain.chat_models")
    module.init_chat_model = init_chat_model
    monkeypatch.setitem(sys.modules, "langchain", ModuleType("langchain"))
    monkeypatch.setitem(sys.modules, "langchain.chat_models", module)
    assert load_chat("lc:anthropic:claude").invoke("hi").text == "yes, a cat"
    assert made == [("anthropic:claude", {"timeout": 120.0, "max_retries": 0})]
    model = load_vision("lc:anthropic:claude")
    assert model.yes_probability([VisionRequest(frames[:1], "a cat? yes or no")]) == [1.0]
    with pytest.raises(ModelError, match="Unsupported provider") as caught:
        load_chat("lc:nobody:x")
    assert "abcdefgh" not in str(caught.value)
