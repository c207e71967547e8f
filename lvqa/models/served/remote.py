"""Chat models of LangChain behind a server or a provider, for text and for frames.

`openai:<model>@<base url>` is any OpenAI-compatible server (vLLM, Ollama, llama.cpp, LM Studio); without an address it
is OpenAI. `lc:<provider>:<model>` goes through LangChain's `init_chat_model`. Knows nothing of weights.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lvqa.errors import ModelError, ModelNotFound, UsageError
from lvqa.models.hf.common import first_line
from lvqa.models.served.slots import Slots

if TYPE_CHECKING:
    from lvqa.models.served.langchain import GuardedChat, LangChainVision


# A thought is longer than the reply behind it.
THOUGHT_ROOM = 8


@dataclass(frozen=True, slots=True)
class Serving:
    """How a server is called: the longest wait for a reply, and for one that is busy or being started again.

    One that fails is asked `retries` times again; `in_flight` is the most calls at once. A reply has at most
    `reply_tokens`, where the call does not say; one that may `think` has room for that, too.
    """

    timeout_s: float = 120.0
    patience_s: float = 600.0
    retries: int = 2
    in_flight: int = 16
    reply_tokens: int = 1024
    think: bool = False

    @property
    def most_tokens(self) -> int:
        """Tokens of a reply, thoughts among them."""
        return self.reply_tokens * (THOUGHT_ROOM if self.think else 1)


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed `openai:` spec; `base_url` is None for OpenAI itself."""

    model: str
    base_url: str | None

    @classmethod
    def of(cls, spec: str) -> Address:
        """Parse `openai:<model>@<base url>`; a model's own name may hold an @. Raises UsageError."""
        rest = spec.partition(":")[2]
        at = max(rest.rfind("@http://"), rest.rfind("@https://"))
        if at < 0:
            if "@" in rest and "://" not in rest and ":" in rest.rpartition("@")[2]:
                raise UsageError(f"{spec}: the address after @ begins with http:// or https://")
            return cls(rest, None)
        model, base_url = rest[:at], rest[at + 1 :].rstrip("/")
        parts = urlsplit(base_url)
        if not model or not parts.hostname:
            raise UsageError(f"{spec}: write openai:<model>@<base url>, such as openai:qwen@http://localhost:8000/v1")
        # The spec stands in every note that the model writes: it must hold no secret.
        if parts.username or parts.password:
            raise UsageError("openai:...@<base url>: put the key into OPENAI_API_KEY, not into the address")
        if parts.query or parts.fragment:
            raise UsageError(
                "openai:...@<base url>: the address has no ? or #; put a key that stands there into OPENAI_API_KEY"
            )
        return cls(model, base_url)


# What servers call a model whose name nobody gave: it may be any.
_NAMELESS = frozenset(
    {"default", "model", "local", "local-model", "llm", "vlm", "chat", "main", "test", "served-model", "gpt-3.5-turbo"}
)


def identity(spec: str, model_id: str = "") -> str:
    """What a model is called in an index, wherever it is served: `openai:<model>`, without the address.

    A server's name that says nothing is replaced by `model_id`; without one, the address stays part of it.
    """
    if not spec.startswith("openai:"):
        return spec
    address = Address.of(spec)
    if address.base_url is None:
        return spec
    if is_nameless(address.model):
        return f"openai:{model_id}" if model_id else spec
    return f"openai:{address.model}"


def is_nameless(model: str) -> bool:
    """Whether a server's name for a model says nothing of which it is."""
    return model.strip().casefold() in _NAMELESS


def load_chat(spec: str, *, device: str = "auto", serving: Serving | None = None) -> GuardedChat:
    """Make a chat model, which is told not to think aloud unless it is to; nothing is asked before the first call.

    Raises UsageError, ModelNotFound.
    """
    from lvqa.models.served.langchain import GuardedChat

    how = serving or Serving()
    slots = Slots(how.in_flight, how.timeout_s)
    if not spec.startswith("openai:"):
        return GuardedChat(_by_provider(spec, how), spec, None, how.patience_s, how.retries, slots)
    # OpenAI itself refuses options of others; vLLM, SGLang and llama.cpp hand this one to the model's template.
    unthought = {"extra_body": {"chat_template_kwargs": {"enable_thinking": False}}}
    told = unthought if Address.of(spec).base_url is not None and not how.think else None
    # Held to a schema, a model that thinks could not.
    return GuardedChat(_openai(spec, how), spec, told, how.patience_s, how.retries, slots, schemas=not how.think)


def load_vision(spec: str, *, device: str = "auto", serving: Serving | None = None) -> LangChainVision:
    """Make a vision model; nothing is asked of the server before the first call. Raises UsageError, ModelNotFound."""
    from lvqa.models.served.langchain import LangChainVision

    silent = replace(serving, think=False) if serving is not None else None
    return LangChainVision(load_chat(spec, serving=silent), identity(spec), logprobs=spec.startswith("openai:"))


def _openai(spec: str, how: Serving) -> Any:
    address = Address.of(spec)
    try:
        from langchain_openai import ChatOpenAI
        from langchain_openai.chat_models.base import BaseChatOpenAI
    except ImportError as error:
        raise ModelNotFound(f"{spec} needs langchain-openai: pip install 'lvqa[openai]'") from error
    from pydantic import SecretStr

    key = os.environ.get("OPENAI_API_KEY", "")
    if address.base_url is None and not key and not os.environ.get("OPENAI_BASE_URL"):
        raise ModelNotFound(f"{spec}: set OPENAI_API_KEY, or name a server: openai:{address.model}@<base url>")
    # OpenAI itself takes only `max_completion_tokens` for newer models; many local servers know only `max_tokens`.
    room: dict[str, Any] = {"max_tokens": how.most_tokens}
    chat = ChatOpenAI if address.base_url is None else BaseChatOpenAI
    return chat(
        model=address.model,
        base_url=address.base_url,
        api_key=SecretStr(key or "none"),
        temperature=0.0,
        timeout=how.timeout_s,
        max_retries=0,  # GuardedChat waits
        **room,
    )


def _by_provider(spec: str, how: Serving) -> Any:
    try:
        init_chat_model = importlib.import_module("langchain.chat_models").init_chat_model
    except ImportError as error:
        raise ModelNotFound(
            f"{spec} needs langchain: pip install langchain, and the provider's package, such as langchain-anthropic"
        ) from error
    name = spec.partition(":")[2]
    try:
        return init_chat_model(name, timeout=how.timeout_s, max_retries=0)
    except ImportError as error:
        raise ModelNotFound(f"{spec} needs a package: {first_line(error)}") from error
    except Exception as error:
        raise ModelError(f"{spec} cannot be set up: {first_line(error)}") from error
