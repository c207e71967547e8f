"""What a server refuses is left out, and asked for no more; what it cannot read is made shorter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from lvqa.errors import ModelError, TooLong
from lvqa.models.base import VisionRequest
from lvqa.models.registry import load_chat, load_vision
from lvqa.models.replies import reply_to, usable_caption
from lvqa.models.served.langchain import explain_remote, merged
from lvqa.models.served.remote import Serving
from lvqa.prompts import Filled

pytestmark = pytest.mark.real_models

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}}
ASKED = Filled("Who is it?", "Be brief.")


def _sent(server: Any) -> list[tuple[bool, bool, bool]]:
    """Of each request, whether it brought a schema, the switch of thoughts, and a system message."""
    return [
        ("response_format" in body, "chat_template_kwargs" in body, body["messages"][0]["role"] == "system")
        for body in server.requests
    ]


@pytest.mark.parametrize(
    ("model", "taken"),
    [
        ("good", (True, True, True)),
        ("schemaless", (False, True, True)),
        ("unreadable", (False, True, True)),
        ("strict", (True, False, True)),
        ("systemless", (True, True, False)),
    ],
)
def test_what_a_server_refuses_is_left_out_from_then_on(server: Any, model: str, taken: tuple[bool, ...]) -> None:
    chat = load_chat(f"openai:{model}@{server.url}", serving=Serving(retries=0))
    first = reply_to(chat, ASKED, SCHEMA)
    assert first.endswith("Who is it?")
    assert _sent(server)[-1] == taken
    asked = len(server.requests)
    assert reply_to(chat, ASKED, SCHEMA) == first
    assert _sent(server)[asked:] == [taken], "what was refused is not tried again, what was not is kept"
    assert chat.takes_schema == taken[0]


def test_a_schema_goes_out_in_the_form_of_openai(server: Any) -> None:
    reply_to(load_chat(f"openai:good@{server.url}"), ASKED, SCHEMA)
    (sent,) = server.requests
    assert sent["response_format"] == {"type": "json_schema", "json_schema": {"name": "reply", "schema": SCHEMA}}
    assert sent["max_tokens"] == 1024


def test_what_thinks_is_held_to_no_schema_and_has_room(server: Any) -> None:
    chat = load_chat(f"openai:good@{server.url}", serving=Serving(think=True, reply_tokens=100))
    reply_to(chat, ASKED, SCHEMA)
    (sent,) = server.requests
    assert "response_format" not in sent
    assert "chat_template_kwargs" not in sent
    assert sent["max_tokens"] == 800


def test_a_vision_model_does_not_think_though_the_chat_model_may(server: Any, frames: list[np.ndarray]) -> None:
    load_vision(f"openai:good@{server.url}", serving=Serving(think=True)).generate([VisionRequest(frames[:1], "what")])
    assert server.requests[0]["chat_template_kwargs"] == {"enable_thinking": False}


def test_a_fault_of_the_call_itself_is_no_refusal_of_options(server: Any) -> None:
    with pytest.raises(ModelError, match="the GPU is on fire"):
        reply_to(load_chat(f"openai:broken@{server.url}", serving=Serving(retries=0)), ASKED, SCHEMA)
    assert len(server.requests) == 1


def test_system_messages_open_the_first_of_the_others() -> None:
    frames = [{"type": "text", "text": "what?"}]
    (text,) = merged([SystemMessage("one"), HumanMessage("two")])
    (parts,) = merged([SystemMessage("one"), HumanMessage(content=frames)])
    assert text.content == "one\n\ntwo"
    assert parts.content == [{"type": "text", "text": "one"}, *frames]


def test_what_is_too_long_is_said_at_once(server: Any) -> None:
    chat = load_chat(f"openai:short@{server.url}")
    with pytest.raises(TooLong, match="cannot read so much at once"):
        reply_to(chat, "word " * 40, SCHEMA)
    assert len(server.requests) == 1
    assert reply_to(chat, "word")


def test_fewer_frames_are_shown_where_a_server_cannot_read_all(
    server: Any, frames: list[np.ndarray], caplog: pytest.LogCaptureFixture
) -> None:
    model = load_vision(f"openai:short@{server.url}")
    (reply,) = model.generate([VisionRequest([frames[n % 3] for n in range(8)], "what happens", 50)])
    assert str(reply).count("(") == 2
    assert "goes on with 2 of them" in caplog.text
    assert model.yes_probability([VisionRequest([*frames[:3], *frames[:3]], "a cat? yes or no")]) == [1.0]
    with pytest.raises(TooLong):
        model.generate([VisionRequest(frames[:1], "word " * 40, 50)])


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (400, "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens"),
        (
            400,
            "'max_tokens' or 'max_completion_tokens' is too large: 1024. This model's maximum context length is 2048",
        ),
        (400, "the request exceeds the available context size, try increasing it"),
        (400, "Requested tokens (8422) exceed context window of 8192"),
        (400, "The input (5000 tokens) is longer than the model's context length (4096 tokens)."),
        (
            400,
            "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with 4096",
        ),
        (413, "Input validation error: `inputs` must have less than 4095 tokens: exceeds limit"),
        (400, "prompt is too long: 210000 tokens > 200000 maximum"),
        (500, "input length exceeds the context length"),
    ],
)
def test_servers_say_in_many_ways_that_it_is_too_much(status: int, text: str) -> None:
    error = Exception(text)
    error.status_code = status  # type: ignore[attr-defined]
    assert isinstance(explain_remote("openai:x", error), TooLong)
    other = Exception("unknown option logprobs")
    other.status_code = status  # type: ignore[attr-defined]
    assert not isinstance(explain_remote("openai:x", other), TooLong)


def test_a_reply_that_was_cut_ends_with_a_sentence(server: Any, frames: list[np.ndarray]) -> None:
    model = load_vision(f"openai:cut@{server.url}")
    said = "A man walks. He opens the e.g. green door at 10.30 and then he"
    (reply,) = model.generate([VisionRequest(frames[:1], said, 50)])
    assert reply.cut
    caption = usable_caption(reply)
    assert caption is not None
    assert caption.endswith("A man walks.")
    assert reply_to(load_chat(f"openai:cut@{server.url}"), said).cut
