"""A model that does not reply in time ends no question: what was found until then is answered from."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from lvqa.agents.baselines.presets import PRESETS
from lvqa.errors import LateReply
from lvqa.models.fake import FakeChat, FakeVision
from lvqa.models.replies import replies_of, replies_within, reply_to, yes_of

LIFTS = "How does the woman lift out the milk carton?"
OPTIONS = ["with one hand", "with both hands"]


class Hanging:
    """Lets so many calls through; the others wait until they are let go."""

    def __init__(self, after: int) -> None:
        self.left = after
        self.let_go = threading.Event()
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self.left -= 1
            hangs = self.left < 0
        if hangs:
            self.let_go.wait()


@pytest.fixture
def hanging(request: pytest.FixtureRequest) -> Iterator[Hanging]:
    gate = Hanging(request.param)
    yield gate
    gate.let_go.set()


def _models(gate: Hanging, script: Any) -> dict[str, Any]:
    sentence = {"text": "She lifts it.", "evidence": [1]}

    def said(text: str) -> dict[str, Any]:
        choice = "A" if OPTIONS[0] in text else None
        return {"sentences": [sentence], "choice": choice, "confidence": 0.5, "missing": []}

    plain = script(answer=said)

    def thinks(messages: list[Any]) -> str:
        gate()
        return str(plain.invoke(messages).content)

    class Vision(FakeVision):
        def generate(self, requests: Any) -> list[str]:
            gate()
            return super().generate(requests)

        def yes_probability(self, requests: Any) -> list[float]:
            gate()
            return super().yes_probability(requests)

    return {"chat": FakeChat(thinks), "vision": Vision()}


@pytest.mark.parametrize("hanging", range(6), indirect=True)
@pytest.mark.parametrize("agent", list(PRESETS))
def test_there_is_an_answer_whichever_call_hangs(hanging: Hanging, agent: str, ask: Any, script: Any) -> None:
    for options in (None, OPTIONS):
        answer = ask(LIFTS, options, **_models(hanging, script), agent=agent, settings={"budget_seconds": 0.5})
        assert answer.steps
        # The call that hangs was not waited for much longer than there was time.
        assert hanging.left >= 0 or answer.cost.seconds < 5


@pytest.mark.parametrize("hanging", [0], indirect=True)
def test_late_replies_are_said(hanging: Hanging, script: Any) -> None:
    models = _models(hanging, script)
    with replies_within(lambda: 0.0):
        for call in (lambda: reply_to(models["chat"], "?"), lambda: replies_of(models["vision"], [_request()])):
            with pytest.raises(LateReply, match="did not reply before the time was up"):
                call()
        with pytest.raises(LateReply):
            yes_of(models["vision"], [_request()])
    hanging.let_go.set()


def _request() -> Any:
    import numpy as np

    from lvqa.models.base import VisionRequest

    return VisionRequest([np.zeros((8, 8, 3), np.uint8)], "what?")
