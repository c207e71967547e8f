"""One contract for every chat model: LangChain's, with usage counted and failures told in one line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from lvqa.errors import ModelError, UsageError
from lvqa.models.fake import FakeChat, FakeVision
from lvqa.models.registry import load_chat, load_vision

BACKENDS = ["fake", "hf", "vision", "openai"]


@pytest.fixture(params=BACKENDS)
def chat(request: pytest.FixtureRequest, loaded: Callable[..., Any]) -> Any:
    if request.param == "fake":
        return FakeChat(lambda messages: "you said " + str(messages[-1].text))
    if request.param == "hf":
        return loaded(load_chat, "hf:{}", "causal")
    if request.param == "vision":
        return load_chat("vision", vision=loaded(load_vision, "hf:{}", "llava"))
    request.getfixturevalue("real_models")
    return load_chat(f"openai:good@{request.getfixturevalue('server').url}")


CONVERSATION = [
    SystemMessage("you are brief"),
    HumanMessage("who opens the fridge"),
    AIMessage("a man"),
    HumanMessage("and what does he take"),
]


def test_it_replies_and_counts(chat: Any) -> None:
    reply = chat.invoke(CONVERSATION, max_tokens=8)
    assert isinstance(reply, AIMessage)
    assert isinstance(reply.content, str)
    usage = reply.usage_metadata
    assert usage is not None
    assert usage["input_tokens"] > 4
    assert 0 < usage["output_tokens"] <= 8
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_the_same_again_and_in_a_batch(chat: Any) -> None:
    texts = ["what is in the picture", "a woman pours milk", "does the dog sleep"]
    single = [chat.invoke(text, max_tokens=6).text for text in texts]
    assert [reply.text for reply in chat.batch(texts, max_tokens=6)] == single
    assert len(set(single)) == 3


def test_it_has_a_name(chat: Any) -> None:
    assert chat.spec.count(":") >= 1


def test_stop_strings_end_a_reply(loaded: Callable[..., Any]) -> None:
    chat = loaded(load_chat, "hf:{}", "causal")
    whole = chat.invoke("who opens the fridge", max_tokens=40)
    stop = re.findall(r"[a-z]{3}", whole.text)[1]
    cut = chat.invoke("who opens the fridge", max_tokens=40, stop=[stop])
    assert cut.text == whole.text.partition(stop)[0].strip()
    assert cut.usage_metadata["output_tokens"] < whole.usage_metadata["output_tokens"]


def test_a_conversation_too_long_says_so(loaded: Callable[..., Any]) -> None:
    with pytest.raises(ModelError, match="at most 4096 tokens"):
        loaded(load_chat, "hf:{}", "causal").invoke("milk " * 5000)


@pytest.mark.parametrize(
    "message",
    [
        ToolMessage("42", tool_call_id="1"),
        HumanMessage([{"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,"}}]),
    ],
)
def test_what_a_text_model_cannot_take(loaded: Callable[..., Any], message: Any) -> None:
    with pytest.raises(UsageError):
        loaded(load_chat, "hf:{}", "causal").invoke([message])


def test_one_model_is_loaded_for_both(loaded: Callable[..., Any]) -> None:
    vision = loaded(load_vision, "hf:{}", "llava")
    chat = load_chat("vision", vision=vision)
    assert chat._talk.__self__ is vision


def test_a_vision_model_that_cannot_reason() -> None:
    with pytest.raises(UsageError, match="cannot reason about text alone"):
        load_chat("vision", vision=FakeVision())
    with pytest.raises(UsageError, match="there is none"):
        load_chat("vision", vision=None)


class TestTemplates:
    """How a conversation is written for a model, by its template or without one."""

    def test_a_template_that_refuses_the_system_role(self) -> None:
        from lvqa.models.hf.template import render

        class Strict:
            chat_template = "x"

            def apply_chat_template(self, messages: list[dict[str, Any]], **_: Any) -> str:
                from jinja2 import TemplateError

                if any(m["role"] == "system" for m in messages):
                    raise TemplateError("System role not supported")
                return "|".join(f"{m['role']}:{m['content']}" for m in messages)

        talk = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}]
        assert render(Strict(), talk) == "user:be brief\n\nhello"

    def test_no_template_at_all(self) -> None:
        from lvqa.models.hf.template import render

        class Bare:
            image_token = "<img>"

        one = [{"role": "user", "content": [{"type": "image"}, {"type": "image"}, {"type": "text", "text": "what"}]}]
        assert render(Bare(), one) == "<img>\n<img>\nwhat"
        talk = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}]
        assert render(Bare(), talk) == "System: be brief\nUser: hello\nAssistant:"
