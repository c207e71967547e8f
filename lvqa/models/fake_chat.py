"""The fake chat model, apart from the other fakes because LangChain's base class takes time to import."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field, PrivateAttr

from lvqa.models.fake_script import Script


class FakeChat(BaseChatModel):
    """A chat model that says what its script says and keeps the messages of each call in `calls`.

    `replies` is one text for every call, a list consumed in order (ModelError when it is used up), or a function of
    the messages. A word counts as a token.
    """

    spec: str = "fake:chat"
    calls: list[list[BaseMessage]] = Field(default_factory=list)
    _script: Script[list[BaseMessage]] = PrivateAttr()

    def __init__(
        self, replies: str | Sequence[str] | Callable[[list[BaseMessage]], str] = "", *, name: str = "fake:chat"
    ) -> None:
        super().__init__()
        self.spec = name
        self._script = Script(replies)

    @property
    def _llm_type(self) -> str:
        return "lvqa-fake"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        self.calls.append(list(messages))
        text = self._script.next(messages)
        words_in = sum(len(str(message.text).split()) for message in messages)
        words_out = len(text.split())
        usage = UsageMetadata(input_tokens=words_in, output_tokens=words_out, total_tokens=words_in + words_out)
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=text, usage_metadata=usage))])
