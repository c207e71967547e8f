"""What models reply, and what becomes of a model that fails: a ModelError of one line, whatever it raised.

Knows no prompt, no budget, and not who asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from lvqa.errors import LvqaError, ModelError
from lvqa.models.base import RealModelForbidden, Reply, VisionModel, VisionRequest
from lvqa.models.hf_common import first_line

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

T = TypeVar("T")

CHARACTERS_PER_TOKEN = 4

# Reasoning models think aloud first; what stands in their thoughts is not the answer.
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)


@contextmanager
def as_model_errors(what: str) -> Iterator[None]:
    """Turn what a model raises into one line. Raises ModelError."""
    try:
        yield
    except (LvqaError, RealModelForbidden):
        raise
    except Exception as error:  # a server or a backend can raise anything; all of it means that this model failed
        raise ModelError(
            f"{what} failed ({type(error).__name__}: {first_line(error)}); "
            "check that its server or weights are there, or ask with another one"
        ) from error


def reply_to(chat: BaseChatModel, prompt: str) -> Reply:
    """The model's reply, thoughts left out, with its tokens: estimated where the backend counts none.

    Raises ModelError when the model fails.
    """
    from langchain_core.messages import HumanMessage

    with as_model_errors("the chat model"):
        message = chat.invoke([HumanMessage(prompt)])
    text = str(message.text)
    usage = getattr(message, "usage_metadata", None) or {}
    return Reply(
        _THOUGHT.sub("", text).strip(),
        usage.get("input_tokens") or estimate_tokens(prompt),
        usage.get("output_tokens") or estimate_tokens(text),
    )


def replies_of(vision: VisionModel, requests: Sequence[VisionRequest]) -> list[str]:
    """The vision model's reply to each request. Raises ModelError when it fails, or leaves out one."""
    with as_model_errors("the vision model"):
        return _one_each(vision.generate(requests), requests)


def yes_of(vision: VisionModel, requests: Sequence[VisionRequest]) -> list[float]:
    """The vision model's P(yes) to each request. Raises ModelError when it fails, or leaves out one."""
    with as_model_errors("the vision model"):
        return _one_each(vision.yes_probability(requests), requests)


def _one_each(given: Sequence[T], requests: Sequence[VisionRequest]) -> list[T]:
    if len(given) != len(requests):
        raise ModelError(
            f"the vision model gave {len(given)} replies to {len(requests)} requests; use another vision model"
        )
    return list(given)


def estimate_tokens(text: str) -> int:
    """Tokens of a text whose backend does not count them: one for every four characters, at least one."""
    return max(1, len(text) // CHARACTERS_PER_TOKEN)
