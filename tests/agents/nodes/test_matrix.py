"""Every node in every situation: a good reply, a malformed one, a refusal, a timeout, a rate limit, no evidence,
evidence that contradicts itself, and a budget spent in the middle.

Where a situation cannot come up at a node, its cell is what the node does when its neighbour was in it. A test holds
the matrix against the graph, so that no node comes without its cells. What is true of every run, `ask` checks on
the way (conftest); what each situation asks of a node in detail is in `test_contract`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from lvqa.agents.chat.conversation import understand
from lvqa.agents.chat.turns import Turn
from lvqa.agents.graph import NODES, SURVEY
from lvqa.errors import ModelError
from lvqa.eval.lab.wordings import WorldPlanner
from lvqa.models.fake import FakeChat, FakeEmbedder, FakeVision, colour_name
from lvqa.models.profiles import Models
from lvqa.store import Filter, Store
from lvqa.tools.ledger import Ledger
from lvqa.types import Budget, Evidence, Span

SITUATIONS = ("good", "malformed", "refusal", "timeout", "rate limit", "empty", "contradicting", "budget")
LIFTS = "How does the woman lift out the milk carton?"
OFTEN = "How many times does the woman lift out a milk carton?"
SORRY = "I'm sorry, I can't help with that."
SAID = "a woman lifts out a milk carton"
CELLS: dict[tuple[str, str], Callable[..., None]] = {}


class RateLimited(Exception):
    """As a client of a server raises it."""

    status_code = 429

    def __init__(self) -> None:
        super().__init__("Error code: 429 - rate limit reached")


FAULTS = {"timeout": TimeoutError("the request timed out"), "rate limit": RateLimited()}


def cell(node: str, *situations: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def keep(function: Callable[..., None]) -> Callable[..., None]:
        for situation in situations:
            assert (node, situation) not in CELLS
            CELLS[node, situation] = function
        return function

    return keep


@dataclass
class Rig:
    """What a cell works with: how to ask, to script a chat model, and to add notes."""

    ask: Callable[..., Any]
    script: Callable[..., FakeChat]
    store: Store
    embedder: FakeEmbedder
    note: Callable[..., Any]
    empty: Store
    red: Store  # as `store`, and the carton is red beyond dispute

    def last(self, answer: Any, node: str) -> dict[str, Any]:
        """The data of a node's last step, with its line as `line`."""
        step = [step for step in answer.steps if step.node == node][-1]
        return {**step.data, "line": step.summary}

    def add(self, *texts: str, start_s: float = 0.0) -> None:
        notes = [self.note("v-kitchen", start_s, start_s + 5, text) for text in texts]
        with self.store.atomic():
            self.store.notes.put(notes)
            self.store.vectors.put(
                self.embedder.name, [n.id for n in notes], self.embedder.encode_document([n.text for n in notes])
            )


@pytest.fixture
def rig(ask, script, store, embedder, note, folder, fill) -> Any:
    with Store.open(folder / "empty", write=True) as empty, Store.open(folder / "red", write=True) as red:
        said = note("v-kitchen", 1.0, 6.0, "the milk carton is red")
        fill(red, [*store.notes.select(Filter(level="clip")), said], embedder)
        yield Rig(ask, script, store, embedder, note, empty, red)


def number(text: str, words: str = "milk carton") -> int:
    line = next(line for line in text.splitlines() if line.startswith("[") and words in line)
    return int(line[1 : line.index("]")])


def milk(text: str, **changes: Any) -> str:
    row = {"sentences": [{"text": SAID, "evidence": [number(text)]}], "choice": None, "confidence": 0.9, "missing": []}
    return json.dumps({**row, **changes})


def fails(fault: Exception) -> Callable[[str], str]:
    def reply(text: str) -> str:
        raise fault

    return reply


def blind(fault: Exception) -> FakeVision:
    """A vision model that raises as those of servers do."""

    def reply(request: Any) -> Any:
        raise ModelError(f"the vision model failed ({fault}); check that its server is there") from fault

    return FakeVision(reply, yes=reply)


def yellow(request: Any) -> bool:
    return colour_name(request.frames[0]) == "yellow"


# plan


@cell("plan", "good")
def plan_good(rig: Rig, situation: str) -> None:
    reply = {"kind": "action", "phrases": ["a cat sleeps"], "sub_questions": ["who is there?"], "targets": ["a cat"]}
    data = rig.last(rig.ask(LIFTS, chat=rig.script(plan=reply, answer=milk)), "plan")
    assert (data["kind"], data["unparsed"], data["named"]) == ("action", False, True)
    assert data["phrases"][:2] == [LIFTS, "a cat sleeps"]


@cell("plan", "malformed", "refusal")
def plan_unread(rig: Rig, situation: str) -> None:
    bad = SORRY if situation == "refusal" else '{"kind": "dance", "phrases": 7}'
    chat = rig.script(plan=bad, repair=lambda text: milk(text) if "milk carton" in text and "[1]" in text else bad,
                      answer=milk)  # fmt: skip
    answer = rig.ask(LIFTS, chat=chat)
    data = rig.last(answer, "plan")
    assert (data["kind"], data["by"], data["unparsed"]) == ("how", "rules", True)
    assert answer.text == SAID


@cell("plan", "timeout", "rate limit")
def plan_fault(rig: Rig, situation: str) -> None:
    with pytest.raises(ModelError, match="the chat model failed") as raised:
        rig.ask(LIFTS, chat=rig.script(plan=fails(FAULTS[situation])))
    assert "\n" not in str(raised.value)


@cell("plan", "empty")
def plan_empty(rig: Rig, situation: str) -> None:
    chat = rig.script()
    answer = rig.ask(LIFTS, chat=chat, store=rig.empty)
    assert (answer.abstained, len(chat.calls)) == (True, 1)


@cell("plan", "contradicting")
def plan_contradicting(rig: Rig, situation: str) -> None:
    """The plan names a time in which nothing is: it is where to look only while something is there."""
    reply = {"kind": "when", "between": [2000, 2100], "phrases": ["a milk carton"]}
    answer = rig.ask(LIFTS, chat=rig.script(plan=reply, answer=milk))
    assert rig.last(answer, "recall")["in_named_time"] is False
    assert answer.text == SAID


@cell("plan", "budget")
def plan_budget(rig: Rig, situation: str) -> None:
    chat = rig.script()
    answer = rig.ask(LIFTS, chat=chat, budget=Budget(tokens=5))
    assert not chat.calls
    assert "the budget of tokens is spent" in rig.last(answer, "plan")["line"]
    assert answer.evidence[0].span == Span(0, 6)


# recall


@cell("recall", "good")
def recall_good(rig: Rig, situation: str) -> None:
    data = rig.last(rig.ask(LIFTS), "recall")
    assert any("milk carton" in hit["text"] for hit in data["best"])


@cell("recall", "malformed", "refusal")
def recall_after_unread_plan(rig: Rig, situation: str) -> None:
    bad = SORRY if situation == "refusal" else "no plan"
    chat = rig.script(plan=bad, repair=lambda text: bad if "Plan how to answer" in text else milk(text), answer=milk)
    assert rig.last(rig.ask(LIFTS, chat=chat), "recall")["phrases"] == rig.last(rig.ask(LIFTS), "recall")["phrases"]


@cell("recall", "timeout", "rate limit")
def recall_fault(rig: Rig, situation: str) -> None:
    class Broken(FakeEmbedder):
        def encode_query(self, texts: Any) -> Any:
            raise ModelError(f"the embedder failed ({FAULTS[situation]}); check that its server is there")

    with pytest.raises(ModelError, match="the embedder failed"):
        rig.ask(LIFTS, models=Models.of(embedder=Broken(256)))


@cell("recall", "empty")
def recall_empty(rig: Rig, situation: str) -> None:
    answer = rig.ask(LIFTS, store=rig.empty)
    assert rig.last(answer, "recall")["notes"] == 0
    assert answer.abstained


@cell("recall", "contradicting")
def recall_contradicting(rig: Rig, situation: str) -> None:
    rig.add("the milk carton is red", "the milk carton is blue", start_s=1)
    answer = rig.ask("What colour is the milk carton?", settings={"abstain_below": 0.0})
    cited = {evidence.text for evidence in answer.evidence}
    assert {"the milk carton is red", "the milk carton is blue"} <= cited
    options = ["red", "blue"]
    torn = rig.ask("What colour is the milk carton?", options, settings={"abstain_below": 0.0})
    agreed = rig.ask("What colour is the milk carton?", options, store=rig.red, settings={"abstain_below": 0.0})
    assert agreed.choice == 0
    assert torn.confidence < agreed.confidence


@cell("recall", "budget")
def recall_budget(rig: Rig, situation: str) -> None:
    assert rig.last(rig.ask(LIFTS, chat=rig.script(), budget=Budget(tokens=1)), "recall")["notes"] > 0


# zoom


@cell("zoom", "good")
def zoom_good(rig: Rig, situation: str) -> None:
    vision = FakeVision(lambda r: '{"targets": ["a yellow wall"], "cues": []}' if "Name what" in r.prompt else "a wall")
    answer = rig.ask("What is on the yellow wall?", vision=vision)
    lines = [step.summary for step in answer.steps if step.node == "zoom"]
    assert lines[0] == "looking for a yellow wall, by the vision model"
    assert rig.last(answer, "zoom")["keyframes"]


@cell("zoom", "malformed", "refusal")
def zoom_unread(rig: Rig, situation: str) -> None:
    vision = FakeVision(SORRY if situation == "refusal" else "targets are none", yes=0.5)
    answer = rig.ask("What is on the yellow wall?", vision=vision, settings={"rounds": 1})
    first = next(step for step in answer.steps if step.node == "zoom")
    assert first.summary.startswith("the vision model named no targets")
    assert first.data["unparsed"] is True
    assert rig.last(answer, "zoom")["keyframes"]


@cell("zoom", "timeout", "rate limit")
def zoom_fault(rig: Rig, situation: str) -> None:
    answer = rig.ask(LIFTS, vision=blind(FAULTS[situation]))
    first = next(step for step in answer.steps if step.node == "zoom")
    assert "the vision model failed" in first.summary
    assert answer.evidence[0].span == Span(0, 6)
    assert answer.cost.frames > 0  # what was begun is charged


@cell("zoom", "empty")
def zoom_empty(rig: Rig, situation: str) -> None:
    answer = rig.ask(LIFTS, vision=FakeVision("x"), store=rig.empty)
    assert "nothing to look at" in rig.last(answer, "zoom")["line"]
    assert not any(step.data.get("keyframes") for step in answer.steps)
    assert answer.cost.frames == 0


@cell("zoom", "contradicting")
def zoom_contradicting(rig: Rig, situation: str) -> None:
    """The index is sure of one place, the frames of none: it looks, and does not return there in the next round."""
    vision = FakeVision("not visible", yes=0.0)
    answer = rig.ask(LIFTS, vision=vision, settings={"rounds": 2, "abstain_below": 0.0})
    rounds = [step.data["keyframes"] for step in answer.steps if step.node == "zoom" and step.data.get("keyframes")]
    times = [(f["video"], f["time_s"]) for frames in rounds for f in frames]
    assert len(set(times)) == len(times) > 0


@cell("zoom", "budget")
def zoom_budget(rig: Rig, situation: str) -> None:
    answer = rig.ask(LIFTS, vision=FakeVision("a wall"), budget=Budget(frames=0))
    assert "the budget leaves no frame to look at (spent: frames)" in rig.last(answer, "zoom")["line"]
    assert "frames" in rig.last(answer, "verify")["spent"]
    answer = rig.ask(LIFTS, vision=FakeVision("a wall"), budget=Budget(vlm_calls=0))
    assert "(spent: VLM calls)" in rig.last(answer, "zoom")["line"]


# inspect


@cell("inspect", "good")
def inspect_good(rig: Rig, situation: str) -> None:
    vision = FakeVision(lambda r: "a yellow wall" if yellow(r) else "not visible", yes=lambda r: 0.95 * yellow(r))
    answer = rig.ask("What is on the yellow wall?", vision=vision)
    assert rig.last(answer, "inspect")["seen"][0]["text"] == "a yellow wall"
    assert answer.evidence[0].source == "seen"


@cell("inspect", "malformed", "refusal")
def inspect_unusable(rig: Rig, situation: str) -> None:
    vision = FakeVision(SORRY if situation == "refusal" else ' ... "" ', yes=0.9)
    answer = rig.ask(LIFTS, vision=vision)
    assert rig.last(answer, "inspect")["seen"] == []
    assert all(evidence.source != "seen" for evidence in answer.evidence)
    assert answer.evidence[0].source == "caption"


@cell("inspect", "timeout", "rate limit")
def inspect_fault(rig: Rig, situation: str) -> None:
    answer = rig.ask(LIFTS, chat=rig.script(answer=milk), vision=blind(FAULTS[situation]))
    assert any("the vision model failed" in trouble for trouble in rig.last(answer, "inspect")["troubles"])
    assert answer.text == SAID


@cell("inspect", "empty")
def inspect_empty(rig: Rig, situation: str) -> None:
    answer = rig.ask(LIFTS, vision=FakeVision("Not visible.", yes=0.9))
    assert rig.last(answer, "inspect")["seen"] == []
    assert answer.cost.frames > 0


@cell("inspect", "contradicting")
def inspect_contradicting(rig: Rig, situation: str) -> None:
    vision = FakeVision("the woman lifts out a crate of beer", yes=0.9)
    answer = rig.ask(LIFTS, chat=rig.script(answer=milk), vision=vision, settings={"rounds": 1})
    seen = [s for step in answer.steps if step.node == "inspect" for s in step.data["seen"]]
    assert any("crate of beer" in one["text"] for one in seen)
    assert rig.last(answer, "answer")["claims"][0]["text"] == SAID  # the caption stays beside it


@cell("inspect", "budget")
def inspect_budget(rig: Rig, situation: str) -> None:
    vision = FakeVision("a wall", yes=0.5)
    answer = rig.ask(LIFTS, vision=vision, budget=Budget(frames=2))
    assert 0 < answer.cost.frames <= 2


# compute

COUNT = {"kind": "count", "events": ["a woman lifts out a milk carton"], "compute": "count", "phrases": []}


def rows(text: str) -> str:
    return json.dumps({"rows": [{"event": 1, "notes": [number(text)], "sure": 0.9}]})


@cell("compute", "good")
def compute_good(rig: Rig, situation: str) -> None:
    answer = rig.ask(OFTEN, chat=rig.script(plan=COUNT, rows=rows, answer=milk))
    data = rig.last(answer, "compute")
    assert (data["by"], data["operator"], len(data["rows"])) == ("chat", "count", 1)
    assert answer.computed[0].text == "once"


@cell("compute", "malformed", "refusal")
def compute_unread(rig: Rig, situation: str) -> None:
    bad = SORRY if situation == "refusal" else '{"rows": [{"event": "first"}]}'
    chat = rig.script(plan=COUNT, rows=bad, repair=bad, answer=milk)
    answer = rig.ask(OFTEN, chat=chat)
    data = rig.last(answer, "compute")
    assert (data["by"], data["unparsed"]) == ("rules", True)
    assert answer.computed[0].operator == "count"


@cell("compute", "timeout", "rate limit")
def compute_fault(rig: Rig, situation: str) -> None:
    chat = rig.script(plan=COUNT, rows=fails(FAULTS[situation]), answer=milk)
    answer = rig.ask(OFTEN, chat=chat)
    assert rig.last(answer, "compute")["by"] == "rules"
    assert "the chat model failed" in rig.last(answer, "compute")["line"]
    assert answer.text == SAID


@cell("compute", "empty")
def compute_empty(rig: Rig, situation: str) -> None:
    chat = rig.script(plan=COUNT)
    answer = rig.ask(OFTEN, chat=chat, store=rig.empty)
    assert rig.last(answer, "compute")["line"] == "nothing to compute"
    assert len(chat.calls) == 1


@cell("compute", "contradicting")
def compute_contradicting(rig: Rig, situation: str) -> None:
    """Rows of notes and events that do not exist are asked about once, then left out."""

    def wrong(text: str) -> str:
        row = {"event": 1, "notes": [number(text)]}
        return json.dumps({"rows": [row, {"event": 1, "notes": [998]}, {"event": 7, "notes": [1]}]})

    chat = rig.script(plan=COUNT, rows=wrong, repair=lambda t: wrong(t) if "happenings" in t else milk(t), answer=milk)
    answer = rig.ask(OFTEN, chat=chat)
    data = rig.last(answer, "compute")
    assert (data["dropped_rows"], len(data["rows"]), data["repaired"]) == (2, 1, True)
    assert answer.computed[0].text == "once"


@cell("compute", "budget")
def compute_budget(rig: Rig, situation: str) -> None:
    chat = rig.script(plan=COUNT, rows=rows, answer=milk)
    answer = rig.ask(OFTEN, chat=chat, budget=Budget(tokens=600))
    assert rig.last(answer, "compute")["by"] == "rules"
    assert "the budget of tokens is spent" in rig.last(answer, "compute")["line"]
    assert answer.computed


# answer


@cell("answer", "good")
def answer_good(rig: Rig, situation: str) -> None:
    answer = rig.ask(LIFTS, chat=rig.script(answer=milk))
    assert (answer.text, answer.statements[0].evidence) == (SAID, (0,))
    assert [way["way"] for way in rig.last(answer, "answer")["ways"]] == ["summary", "direct"]


@cell("answer", "malformed", "refusal")
def answer_unread(rig: Rig, situation: str) -> None:
    bad = SORRY if situation == "refusal" else '{"sentences": "all of it", "confidence": 3}'
    answer, ruled = rig.ask(LIFTS, chat=rig.script(answer=bad, repair=bad)), rig.ask(LIFTS)
    assert rig.last(answer, "answer")["unparsed"] is True
    assert rig.last(answer, "answer")["by"] == "rules"
    assert answer.evidence == ruled.evidence


@cell("answer", "timeout", "rate limit")
def answer_fault(rig: Rig, situation: str) -> None:
    fault = FAULTS[situation]
    with pytest.raises(ModelError, match="the chat model failed"):
        rig.ask(LIFTS, chat=rig.script(answer=fails(fault)))
    chat = rig.script(answer=lambda t: milk(t, choice="A"), direct=fails(fault), options=fails(fault))
    answer = rig.ask("What is lifted?", ["a milk carton", "beer"], chat=chat)
    assert answer.choice == 0
    assert [line.split(":")[0] for line in rig.last(answer, "answer")["skipped"]] == [
        "no reading by time",
        "no scoring the options",
    ]


@cell("answer", "empty")
def answer_empty(rig: Rig, situation: str) -> None:
    chat = rig.script()
    answer = rig.ask(LIFTS, chat=chat, store=rig.empty)
    assert answer.abstained
    assert len(chat.calls) == 1  # the plan's
    nothing = json.dumps({"sentences": [], "choice": None, "confidence": 0.0, "missing": []})
    assert rig.ask(LIFTS, chat=rig.script(answer=nothing), settings={"rounds": 1}).abstained


@cell("answer", "contradicting")
def answer_contradicting(rig: Rig, situation: str) -> None:
    options = ["a milk carton", "a green towel"]

    def ways(other: str) -> Any:
        chat = rig.script(answer=lambda t: milk(t, choice="A"), direct=lambda t: milk(t, choice=other), likes="milk")
        return rig.ask("What is lifted out?", options, chat=chat, settings={"rounds": 1})

    agreed, torn = ways("A"), ways("B")
    assert agreed.choice == torn.choice == 0
    assert rig.last(torn, "verify")["agreement"] < rig.last(agreed, "verify")["agreement"] == 1.0
    assert torn.confidence < agreed.confidence


@cell("answer", "budget")
def answer_budget(rig: Rig, situation: str) -> None:
    chat = rig.script(answer=milk)
    answer = rig.ask(LIFTS, chat=chat, budget=Budget(tokens=800))
    assert "the budget of tokens is spent" in rig.last(answer, "answer")["line"]
    assert rig.last(answer, "answer")["by"] == "rules"
    assert answer.evidence[0].span == Span(0, 6)


# verify


@cell("verify", "good")
def verify_good(rig: Rig, situation: str) -> None:
    answer = rig.ask(LIFTS, chat=rig.script(answer=milk), vision=FakeVision("not visible", yes=0.97))
    (claim,) = rig.last(answer, "verify")["claims"]
    assert (claim["by"], claim["kept"]) == ("vlm", True)


@cell("verify", "malformed", "refusal")
def verify_unread(rig: Rig, situation: str) -> None:
    bad = SORRY if situation == "refusal" else '{"verdicts": "yes"}'
    answer = rig.ask(LIFTS, chat=rig.script(answer=milk, support=bad, repair=bad))
    data = rig.last(answer, "verify")
    assert data["claims"][0]["by"] == "words"
    assert "did not parse" in data["troubles"][0]
    assert data["unparsed"] is True
    assert not answer.abstained


@cell("verify", "timeout", "rate limit")
def verify_fault(rig: Rig, situation: str) -> None:
    fault = FAULTS[situation]
    answer = rig.ask(LIFTS, chat=rig.script(answer=milk, support=fails(fault)))
    assert rig.last(answer, "verify")["claims"][0]["by"] == "words"
    assert "the chat model failed" in rig.last(answer, "verify")["troubles"][0]

    def unseeing(request: Any) -> float:
        raise fault

    looked = rig.ask(LIFTS, chat=rig.script(answer=milk), vision=FakeVision("not visible", yes=unseeing))
    assert rig.last(looked, "verify")["unparsed"] is False
    assert rig.last(looked, "verify")["claims"][0]["by"] == "chat"


@cell("verify", "empty")
def verify_empty(rig: Rig, situation: str) -> None:
    nothing = json.dumps({"sentences": [], "choice": None, "confidence": 0.9, "missing": []})
    chat = rig.script(answer=nothing)
    answer = rig.ask(LIFTS, chat=chat, settings={"rounds": 1})
    assert (answer.abstained, answer.confidence) == (True, 0.0)
    assert not any("Check whether notes" in call[-1].text for call in chat.calls)


@cell("verify", "contradicting")
def verify_contradicting(rig: Rig, situation: str) -> None:
    sure = rig.ask(LIFTS, chat=rig.script(answer=milk), vision=FakeVision("not visible", yes=0.97))
    answer = rig.ask(LIFTS, chat=rig.script(answer=milk), vision=FakeVision("not visible", yes=0.02))
    assert answer.confidence < sure.confidence
    assert rig.last(answer, "verify")["claims"][0]["kept"] is False
    assert answer.abstained
    assert answer.evidence  # the closest that was found


@cell("verify", "budget")
def verify_budget(rig: Rig, situation: str) -> None:
    vision = FakeVision("not visible", yes=0.97)
    answer = rig.ask(LIFTS, chat=rig.script(answer=milk), vision=vision, budget=Budget(frames=0))
    assert rig.last(answer, "verify")["claims"][0]["by"] == "chat"
    assert not vision.yes_calls
    assert "budget spent: frames" in rig.last(answer, "verify")["line"]


# survey: the baselines


@cell("survey", "good")
def survey_good(rig: Rig, situation: str) -> None:
    vision = FakeVision("a wall with a milk carton", yes=0.5)
    answer = rig.ask(LIFTS, agent="uniform", chat=rig.script(answer=milk), vision=vision, budget=Budget(frames=4))
    assert len(rig.last(answer, "survey")["described"]) == 4
    assert answer.text == SAID


def lacking(rig: Rig, reply: Any) -> Any:
    """VideoAgent, unsure of itself: it asks where something lacks, and is told this."""

    def say(messages: list[Any]) -> str:
        text = str(messages[-1].text)
        asks = "Which segments should be looked into" in text
        value = reply if asks else lambda t: json.dumps(
            {"sentences": [], "choice": None, "confidence": 0.1, "missing": []}
        ) if "Summarise" not in t else "a summary"  # fmt: skip
        return value(text) if callable(value) else value

    return rig.ask(LIFTS, agent="videoagent", chat=FakeChat(say), vision=FakeVision("a wall", yes=0.5))


@cell("survey", "malformed", "refusal", "timeout", "rate limit")
def survey_unread(rig: Rig, situation: str) -> None:
    reply = {"malformed": "segment two", "refusal": SORRY}.get(situation) or fails(FAULTS[situation])
    answer = lacking(rig, reply)
    steps = [step for step in answer.steps if step.node == "survey"]
    described = [step.data["described"] for step in steps]
    assert len(described[0]) == 5
    assert len(described) == 3  # by rule it goes on looking
    assert all(described[1:])
    said = {"malformed": "did not parse", "refusal": "did not parse"}.get(situation, "the chat model failed")
    assert all(said in step.summary and step.summary.endswith("so by rule") for step in steps[1:])
    assert [step.data["unparsed"] for step in steps] == [False] + [situation in ("malformed", "refusal")] * 2


@cell("survey", "empty")
def survey_empty(rig: Rig, situation: str) -> None:
    for agent in ("llovi", "videoagent", "videotree", "uniform"):
        chat = rig.script()
        answer = rig.ask(LIFTS, agent=agent, chat=chat, vision=FakeVision("x"), store=rig.empty)
        assert (answer.abstained, answer.cost.frames, answer.cost.llm_calls) == (True, 0, 0)


@cell("survey", "contradicting")
def survey_contradicting(rig: Rig, situation: str) -> None:
    """Of needs that name segments that are not there only the others are looked into."""
    needs = json.dumps({"needs": [{"segment": 77, "look_for": "x"}, {"segment": 1, "look_for": "milk"}]})
    answer = lacking(rig, needs)
    described = [step.data["described"] for step in answer.steps if step.node == "survey"]
    assert [len(rows_) for rows_ in described[1:]] == [1, 1]


@cell("survey", "budget")
def survey_budget(rig: Rig, situation: str) -> None:
    vision = FakeVision("a wall", yes=0.5)
    answer = rig.ask(LIFTS, agent="videoagent", vision=vision, budget=Budget(frames=3))
    assert answer.cost.frames == 3
    assert len(rig.last(answer, "survey")["described"]) == 3
    assert rig.last(answer, "survey")["line"].endswith("budget spent: frames")


# compute by looking: programs over time


def program(rig: Rig, question: str, vision: FakeVision, options: Any = None, **given: Any) -> Any:
    models = Models.of(vision=vision, embedder=rig.embedder, planner=WorldPlanner())
    return rig.ask(question, options, models=models, **given)


PROGRAM = "compute by looking"
EVER = "Is a yellow wall ever seen in kitchen.mp4?"
WHERE = "Where is the yellow wall when it appears in kitchen.mp4?"


def sees_yellow(reply: Any) -> FakeVision:
    return FakeVision(reply, yes=lambda r: 0.99 if yellow(r) else 0.01)


@cell(PROGRAM, "good")
def program_good(rig: Rig, situation: str) -> None:
    answer = program(rig, EVER, sees_yellow("top"))
    assert answer.text.startswith("Yes")
    assert answer.evidence[0].span.overlaps(Span(18, 24))


@cell(PROGRAM, "malformed", "refusal")
def program_unread(rig: Rig, situation: str) -> None:
    vision = sees_yellow(SORRY if situation == "refusal" else "{}}")
    answer = program(rig, WHERE, vision, ["at the top", "at the bottom"])
    assert (answer.abstained, answer.choice) == (True, None)


@cell(PROGRAM, "timeout", "rate limit")
def program_fault(rig: Rig, situation: str) -> None:
    answer = program(rig, EVER, blind(FAULTS[situation]))
    assert any("by looking failed: the vision model failed" in step.summary for step in answer.steps)
    assert answer.computed == ()


@cell(PROGRAM, "empty")
def program_empty(rig: Rig, situation: str) -> None:
    """What no frame shows is looked for once more, in the notes; that makes no sure answer."""
    answer = program(rig, WHERE, FakeVision("top", yes=0.0))
    assert answer.confidence < 0.5
    assert any("not found" in step.summary for step in answer.steps if step.node == "compute")
    assert [step.node for step in answer.steps].count("recall") > 1


@cell(PROGRAM, "contradicting")
def program_contradicting(rig: Rig, situation: str) -> None:
    """A caption tells of it, and no frame shows it."""
    rig.add("a purple dragon on the wall", start_s=12)
    answer = program(rig, "Is a purple dragon ever seen in kitchen.mp4?", FakeVision("none", yes=0.02))
    assert not answer.text.startswith("Yes")


@cell(PROGRAM, "budget")
def program_budget(rig: Rig, situation: str) -> None:
    answer = program(rig, WHERE, sees_yellow("top"), budget=Budget(frames=1))
    assert answer.cost.frames == 1
    assert any("budget spent: frames" in step.summary for step in answer.steps)


# understand: a follow-up

WOMAN = Turn(
    "What does the woman take out?",
    "What does the woman take out?",
    answer="a milk carton",
    evidence=(Evidence("kitchen.mp4", Span(6, 12), "a woman takes out a milk carton", "caption", 0.5),),
)
FOLLOW = "And before that?"
GOOD = json.dumps({"question": "What does she do before she opens it?", "video": "kitchen.mp4", "between": [0, 6]})


def understood(chat: FakeChat, turns: Any = (WOMAN,), **budget: Any) -> Any:
    ledger = Ledger(Budget(**budget))
    try:
        found = understand(FOLLOW, list(turns), {"kitchen.mp4": 24.0}, chat=chat, ledger=ledger)
    finally:
        assert ledger.cost.llm_calls == len(chat.calls)
        assert bool(ledger.cost.tokens_in) == bool(chat.calls)
    json.dumps(found.step().to_dict(), allow_nan=False)
    return found


@cell("understand", "good")
def understand_good(rig: Rig, situation: str) -> None:
    found = understood(FakeChat([GOOD]))
    assert (found.by, found.between) == ("chat", Span(0, 6))


@cell("understand", "malformed", "refusal")
def understand_unread(rig: Rig, situation: str) -> None:
    bad = SORRY if situation == "refusal" else "before what?"
    found = understood(FakeChat([bad, bad]))
    assert (found.by, found.between) == ("rules", Span(0, 6))
    assert "did not parse, twice" in found.step().summary


@cell("understand", "timeout", "rate limit")
def understand_fault(rig: Rig, situation: str) -> None:
    def reply(messages: Any) -> str:
        raise FAULTS[situation]

    with pytest.raises(ModelError, match="the chat model failed"):
        understood(FakeChat(reply))


@cell("understand", "empty")
def understand_empty(rig: Rig, situation: str) -> None:
    chat = FakeChat([GOOD])
    assert understood(chat, ()).question == FOLLOW
    assert not chat.calls


@cell("understand", "contradicting")
def understand_contradicting(rig: Rig, situation: str) -> None:
    wrong = json.dumps({"question": "What is in the attic?", "video": "attic.mp4", "between": None})
    found = understood(FakeChat([wrong, wrong]))
    assert found.videos == ()


@cell("understand", "budget")
def understand_budget(rig: Rig, situation: str) -> None:
    found = understood(FakeChat([GOOD]), tokens=10)
    assert found.by == "rules"
    assert "the budget of tokens is spent" in found.step().summary


@pytest.mark.parametrize(("node", "situation"), sorted(CELLS), ids=str)
def test_cell(node: str, situation: str, rig: Rig) -> None:
    CELLS[node, situation](rig, situation)


def test_every_node_has_every_situation() -> None:
    nodes = {*NODES, SURVEY, PROGRAM, "understand"}
    assert set(CELLS) == {(node, situation) for node in nodes for situation in SITUATIONS}


@pytest.mark.parametrize("tokens", [0, 50, 300, 700, 1200, 2500])
@pytest.mark.parametrize("frames", [0, 1, 7])
def test_any_budget_ends_in_an_answer_that_is_paid_for(rig: Rig, tokens: int, frames: int) -> None:
    chat, vision = rig.script(answer=milk), FakeVision("a wall", yes=0.6)
    answer = rig.ask(LIFTS, chat=chat, vision=vision, budget=Budget(tokens=tokens, frames=frames))
    assert answer.cost.frames <= frames
    assert answer.abstained or answer.evidence
