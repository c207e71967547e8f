"""`ask`, held to what is true of every run: errors of a line, a cost that the fakes count too, steps that are JSON."""

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
    looks = [*vision.calls, *vision.yes_calls] if isinstance(vision, FakeVision) else []
    requests = [request for call in looks for request in call]
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
            if "\n" in str(error):
                pytest.fail(f"more than one line: {error}")
            raise
        except Exception as error:
            pytest.fail(f"{type(error).__name__} came through: {error}")
        taken = tuple(b - a for a, b in zip(before, counted(chat, vision), strict=True))
        cost = answer.cost
        assert (cost.llm_calls, cost.vlm_calls, cost.frames) == taken
        json.dumps([answer.to_dict(), *(step.to_dict() for step in answer.steps)], allow_nan=False)
        assert answer.steps
        assert answer.text
        assert 0 <= answer.confidence <= 1
        return answer

    return run
