"""`ask`, held to what is true of every run: one kind of error, a cost that the fakes counted too, steps that are JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lvqa.errors import ModelError, UsageError
from lvqa.models.fake import FakeChat, FakeVision
from lvqa.types import Answer


def counted(chat: Any, vision: Any) -> tuple[int, int, int]:
    """LLM calls, VLM calls and frames that the fakes were asked for so far."""
    requests = (
        [r for call in [*vision.calls, *vision.yes_calls] for r in call] if isinstance(vision, FakeVision) else []
    )
    return len(chat.calls) if isinstance(chat, FakeChat) else 0, len(requests), sum(len(r.frames) for r in requests)


@pytest.fixture
def ask(ask: Callable[..., Answer]) -> Callable[..., Answer]:
    """The archive's `ask`, which checks every answer, and every error, on its way."""

    def run(question: str, options: Any = None, **given: Any) -> Answer:
        models = given.get("models")
        chat = given.get("chat") if models is None else models.chat
        vision = given.get("vision") if models is None else models.vision
        before = counted(chat, vision)
        try:
            answer = ask(question, options, **given)
        except (ModelError, UsageError) as error:
            assert "\n" not in str(error)
            raise
        taken = tuple(b - a for a, b in zip(before, counted(chat, vision), strict=True))
        cost = answer.cost
        assert (cost.llm_calls, cost.vlm_calls, cost.frames) == taken
        json.dumps([answer.to_dict(), *(step.to_dict() for step in answer.steps)], allow_nan=False)
        assert answer.steps
        assert answer.text
        assert 0 <= answer.confidence <= 1
        return answer

    return run
