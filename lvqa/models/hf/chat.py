"""Transformers models as LangChain chat models: a causal language model, or the language side of a vision model.

Text only, greedy, without tools. Knows nothing of prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from lvqa.errors import ModelError, UsageError
from lvqa.models.base import Reply
from lvqa.models.hf.common import first_line, load_both
from lvqa.models.hf.generate import Generator
from lvqa.models.hf.template import render

# Continues a conversation of {"role", "content"}: by at most so many tokens, up to a stop string, whether it may think.
Talk = Callable[[Sequence[Mapping[str, str]], int, Sequence[str], bool], Reply]

_ROLES = {"human": "user", "ai": "assistant", "system": "system"}


class HfChat(BaseChatModel):
    """A chat model around a `talk` function. `max_tokens` bounds a reply; a call may bring its own.

    It does not `think` before it replies unless it is to.
    """

    spec: str = ""
    max_tokens: int = 1024
    think: bool = False
    _talk: Talk = PrivateAttr()

    def __init__(self, talk: Talk, spec: str) -> None:
        super().__init__()
        self.spec = spec
        self._talk = talk

    @property
    def _llm_type(self) -> str:
        return "lvqa-hf"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"spec": self.spec, "max_tokens": self.max_tokens}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        *,
        max_tokens: int | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        reply = self._talk([_plain(m) for m in messages], max_tokens or self.max_tokens, stop or (), self.think)
        usage = UsageMetadata(
            input_tokens=reply.tokens_in,
            output_tokens=reply.tokens_out,
            total_tokens=reply.tokens_in + reply.tokens_out,
        )
        about = {"model_name": self.spec, "finish_reason": "length" if reply.cut else "stop"}
        message = AIMessage(content=str(reply), usage_metadata=usage, response_metadata=about)
        return ChatResult(generations=[ChatGeneration(message=message)])


def _plain(message: BaseMessage) -> dict[str, str]:
    if message.type not in _ROLES:
        raise UsageError(f"a transformers chat model takes human, ai and system messages, not {message.type!r}")
    if not isinstance(message.content, str):
        kinds = {part.get("type") if isinstance(part, dict) else "text" for part in message.content}
        if kinds - {"text"}:
            raise UsageError("a transformers chat model takes text; ask the vision model about pictures")
    return {"role": _ROLES[message.type], "content": str(message.text)}


class HfText:
    """A causal language model and its tokenizer."""

    def __init__(self, spec: str, model: Any, tokenizer: Any, device: str) -> None:
        self.spec = spec
        self._generator = Generator(spec, model, tokenizer, device)

    def talk(
        self, messages: Sequence[Mapping[str, str]], max_tokens: int, stop: Sequence[str] = (), think: bool = False
    ) -> Reply:
        """Continue a conversation. Raises ModelError."""
        tokenizer = self._generator.tokenizer
        text = render(tokenizer, [dict(m) for m in messages], think=think)
        try:
            # A chat template writes the first special token itself.
            special = not (tokenizer.bos_token and text.startswith(tokenizer.bos_token))
            with self._generator.tokenizing:
                inputs = tokenizer([text], return_tensors="pt", add_special_tokens=special)
        except (ValueError, RuntimeError, TypeError) as error:
            raise ModelError(f"the tokenizer of {self.spec} failed: {first_line(error)}") from error
        return self._generator.generate(inputs.to(self._generator.model.device), [max_tokens], stop)[0]


def load(spec: str, *, device: str = "auto", trust_remote_code: bool = False, device_map: str = "") -> HfChat:
    """Load `hf:<id or folder>` as a chat model: bfloat16 on CUDA, float32 elsewhere; safetensors only.

    With a `device_map`, it is laid over several devices.

    Raises ModelNotFound, ModelError.
    """
    model, tokenizer, device = load_both(
        spec,
        "AutoModelForCausalLM",
        "AutoTokenizer",
        device,
        trust_remote_code=trust_remote_code,
        device_map=device_map,
    )
    return HfChat(HfText(spec, model, tokenizer, device).talk, spec)
