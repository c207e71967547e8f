"""What a chat model was asked and said, call by call, and how each reply was read.

Listens to LangChain's callbacks and to lvqa's log; changes nothing of what goes on.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import LLMResult

from lvqa.models.base import is_cut

_READ = re.compile(r"a reply as (\w+): (read|repaired|unread)(?:, (\d+) faults left)?")


@dataclass(slots=True)
class Call:
    """One call: prompt and reply as text, tokens in and out, seconds, and whether the reply was cut for its length."""

    prompt: str
    reply: str
    tokens_in: int
    tokens_out: int
    seconds: float
    cut: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """How one structured reply was read: `read` at once, `repaired` or `unread`; what was still wrong with it."""

    kind: str
    how: str
    faults: int


class Recorder(BaseCallbackHandler):
    """Keeps the calls and readings of what runs inside `listening`."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.readings: list[Reading] = []
        self._begun: dict[UUID, tuple[str, float]] = {}

    def on_chat_model_start(
        self, serialized: dict[str, Any], messages: list[list[BaseMessage]], *, run_id: UUID, **kwargs: Any
    ) -> None:
        """Take note of what is asked."""
        said = "\n\n".join(str(message.text) for message in messages[0])
        self._begun[run_id] = said, time.monotonic()

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """Take note of the reply."""
        prompt, begun_s = self._begun.pop(run_id)
        message: Any = getattr(response.generations[0][0], "message", None)
        usage = getattr(message, "usage_metadata", None) or {}
        self.calls.append(
            Call(
                prompt,
                str(message.text),
                usage.get("input_tokens", 0),
                usage.get("output_tokens", 0),
                time.monotonic() - begun_s,
                is_cut(message.response_metadata),
            )
        )

    @contextmanager
    def listening(self, chat: BaseChatModel) -> Iterator[None]:
        """Record the calls of a chat model, and how its replies are read."""
        log, heard = logging.getLogger("lvqa.agents"), _Heard(self.readings)
        before = chat.callbacks, log.level
        chat.callbacks = [self]
        log.addHandler(heard)
        log.setLevel(logging.INFO)
        try:
            yield
        finally:
            log.removeHandler(heard)
            chat.callbacks, level = before
            log.setLevel(level)

    def to_dict(self) -> dict[str, Any]:
        """Calls and readings as JSON values."""
        return {"calls": [asdict(call) for call in self.calls], "readings": [asdict(one) for one in self.readings]}


class _Heard(logging.Handler):
    def __init__(self, readings: list[Reading]) -> None:
        super().__init__()
        self._readings = readings

    def emit(self, record: logging.LogRecord) -> None:
        if found := _READ.match(record.getMessage()):
            self._readings.append(Reading(found[1], found[2], int(found[3] or 0)))
