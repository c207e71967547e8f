"""A run that is interrupted, anywhere, ends with the best answer so far and what it took until then."""

from __future__ import annotations

import json
import threading

import pytest

from lvqa import agents
from lvqa.agents.graph import NODES
from lvqa.agents.steps import StopStep
from lvqa.agents.stop import was_stopped
from lvqa.models.fake import FakeChat, FakeEmbedder, FakeVision
from lvqa.models.profiles import Models
from lvqa.settings import Settings
from lvqa.types import Answer, Question, Span, Step

LIFTS = "How does the woman lift out the milk carton?"
WAYS = ["chat", "vision", "chat and vision"]


def reply(text):
    line = next(line for line in text.splitlines() if line.startswith("[") and "milk carton" in line)
    said = {"text": "A woman lifts out a milk carton.", "evidence": [int(line[1 : line.index("]")])]}
    return json.dumps({"sentences": [said], "choice": None, "confidence": 0.2, "missing": []})


class Switch:
    """Counts the calls of all models, and raises in the one whose turn it is."""

    def __init__(self, at=None):
        self.at, self.calls, self.sent = at, 0, {"chat": 0, "vision": 0}

    def __call__(self, kind, n=1):
        self.calls += 1
        if kind in self.sent:
            self.sent[kind] += n
        if self.calls == self.at:
            raise KeyboardInterrupt


@pytest.fixture
def rig(store, folder, script):
    """Models that are watched by a switch, and what `ask` and `stream` want."""

    def make(way, switch):
        plain = script(answer=reply, support={"verdicts": [{"claim": 1, "support": 0.6}]})

        def thinks(messages):
            switch("chat")
            return str(plain.invoke(messages).content)

        class Vision(FakeVision):
            def generate(self, requests):
                switch("vision", len(requests))
                return super().generate(requests)

            def yes_probability(self, requests):
                switch("vision", len(requests))
                return super().yes_probability(requests)

        class Embedder(FakeEmbedder):
            def encode_query(self, texts):
                switch("embedder")
                return super().encode_query(texts)

        models = Models.of(
            chat=FakeChat(thinks) if "chat" in way else None,
            vision=Vision("she lifts a milk carton", yes=0.55) if "vision" in way else None,
            embedder=Embedder(256),
        )
        return {"store": store, "models": models, "settings": Settings(price_call=0.1, price_in=1), "folder": folder}

    return make


def consistent(answer, switch):
    assert isinstance(answer, Answer)
    assert was_stopped(answer)
    assert answer.steps[-1].summary.endswith("answering from what there is")
    assert answer.cost.llm_calls == switch.sent["chat"]
    assert answer.cost.vlm_calls == switch.sent["vision"]
    assert answer.cost.money >= 0.1 * answer.cost.vlm_calls
    assert answer.cost.tokens_in > 0 or not switch.sent["chat"]
    json.dumps([answer.to_dict(), *(step.to_dict() for step in answer.steps)])
    assert answer.status in ("answered", "stopped")
    if answer.abstained:
        assert answer.text != "Not in these videos"
    else:
        assert answer.evidence


@pytest.mark.parametrize("way", WAYS)
def test_an_interrupt_inside_any_call(rig, way):
    whole = Switch()
    agents.ask(Question(LIFTS), **rig(way, whole))
    assert whole.calls > 3
    answered = 0
    for n in range(1, whole.calls + 1):
        switch = Switch(n)
        answer = agents.ask(Question(LIFTS), **rig(way, switch))
        assert switch.calls == n
        consistent(answer, switch)
        answered += not answer.abstained
    assert answered > 0


@pytest.mark.parametrize("way", [*WAYS, "rules"])
@pytest.mark.parametrize("how", ["event", "rule", "interrupt"])
def test_a_stop_at_any_boundary(rig, way, how):
    steps = [step.node for step in agents.ask(Question(LIFTS), **rig(way, Switch())).steps]
    for n in range(1, len(steps)):
        event, told, switch = threading.Event(), [], Switch()

        def on_step(step, n=n, told=told, event=event):
            told.append(step)
            if len(told) == n:
                event.set()
                if how == "interrupt":
                    raise KeyboardInterrupt

        stop = {"event": event, "rule": event.is_set, "interrupt": None}[how]
        answer = agents.ask(Question(LIFTS), on_step=on_step, stop=stop, **rig(way, switch))
        consistent(answer, switch)
        # A step of several that a node made together is told before the node's end is known.
        assert [step.node for step in answer.steps[:n]] == steps[:n]
        assert list(answer.steps) == told
        assert len(answer.steps) <= n + 2


def test_what_is_answered_when(rig):
    def after(n, question=LIFTS):
        seen = []
        return agents.ask(Question(question), on_step=seen.append, stop=lambda: len(seen) >= n, **rig("chat", Switch()))

    nothing, recalled, drafted = after(1), after(2), after(6)
    assert nothing.abstained
    assert not nothing.evidence
    assert nothing.steps[-1].summary == "interrupted after plan, answering from what there is"
    assert not recalled.abstained
    assert recalled.evidence[0].span == Span(0, 6)
    assert recalled.text.startswith("At 00:00:00-00:00:06 of kitchen.mp4")
    assert not recalled.steps[-1].data["drafted"]
    assert drafted.text == "A woman lifts out a milk carton."
    assert drafted.evidence[0].span == Span(0, 6)
    assert drafted.steps[-1].data["drafted"]
    assert 0 < drafted.confidence < 1


def test_options_are_chosen_from_what_was_recalled(rig):
    seen = []
    options = ["paint", "milk into a glass", "sand"]
    given = rig("chat", Switch())
    answer = agents.ask(
        Question("What does she pour?", tuple(options)), on_step=seen.append, stop=lambda: len(seen) >= 2, **given
    )
    assert (answer.choice, answer.options) == (1, tuple(options))


def test_stopped_before_it_began(rig):
    switch = Switch()
    answer = agents.ask(Question(LIFTS), stop=lambda: True, **rig("chat and vision", switch))
    assert switch.sent == {"chat": 0, "vision": 0}
    assert answer.abstained
    assert [step.node for step in answer.steps] == [StopStep.node]


def test_a_stop_inside_a_call_lets_the_node_go_on_without_models(rig):
    switch = Switch()
    answer = agents.ask(Question(LIFTS), stop=lambda: switch.sent["chat"] >= 2, **rig("chat", switch))
    assert switch.sent["chat"] == 2
    consistent(answer, switch)
    assert any("asked to stop" in step.summary for step in answer.steps)
    assert all("stop" not in kind for step in answer.steps for kind in step.data.get("spent", ()))


def test_a_second_interrupt_raises(rig):
    def always(step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        agents.ask(Question(LIFTS), on_step=always, **rig("rules", Switch()))


def test_an_interrupt_while_models_load_is_no_answer(rig, monkeypatch):
    given = rig("rules", Switch())

    def loading(self, role):
        raise KeyboardInterrupt

    monkeypatch.setattr(Models, "_get", loading)
    with pytest.raises(KeyboardInterrupt):
        agents.ask(Question(LIFTS), **given)


def test_a_stream_ends_with_the_stop_and_the_answer(rig):
    event = threading.Event()
    events = agents.stream(Question(LIFTS), stop=event, **rig("rules", Switch()))
    first = next(events)
    event.set()
    *steps, answer = list(events)
    assert [step.node for step in (first, *steps)] == ["plan", StopStep.node]
    assert answer.steps == (first, *steps)
    whole = list(agents.stream(Question(LIFTS), stop=threading.Event(), **rig("rules", Switch())))
    assert [step.node for step in whole[:-1] if isinstance(step, Step)] == list(NODES)
