"""One prompt to a chat model, one reply as text with what it took. Knows no prompt, no budget, and not who asks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lvqa.errors import LvqaError, ModelError
from lvqa.models.base import Reply

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

CHARACTERS_PER_TOKEN = 4

# Reasoning models think aloud first; what stands in their thoughts is not the answer.
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)


def reply_to(chat: BaseChatModel, prompt: str) -> Reply:
    """The model's reply, thoughts left out, with its tokens: estimated where the backend counts none.

    Raises ModelError when the model fails.
    """
    from langchain_core.messages import HumanMessage

    try:
        message = chat.invoke([HumanMessage(prompt)])
    except LvqaError:
        raise
    except Exception as error:  # a server or a backend can raise anything; all of it means that this model failed
        raise ModelError(
            f"the chat model failed ({type(error).__name__}: {error}); "
            "check that its server or weights are there, or ask with another one"
        ) from error
    text = str(message.text)
    usage = getattr(message, "usage_metadata", None) or {}
    return Reply(
        _THOUGHT.sub("", text).strip(),
        usage.get("input_tokens") or estimate_tokens(prompt),
        usage.get("output_tokens") or estimate_tokens(text),
    )


def estimate_tokens(text: str) -> int:
    """Tokens of a text whose backend does not count them: one for every four characters, at least one."""
    return max(1, len(text) // CHARACTERS_PER_TOKEN)
