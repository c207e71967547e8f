"""Sub-questions are asked in the order of their needs, from their share of the budget, and go into the answer."""

from __future__ import annotations

import json
import re
import threading

import pytest

from lvqa import agents
from lvqa.agents.nodes.plan import joined
from lvqa.agents.rules.plan import by_rules
from lvqa.agents.state import Plan
from lvqa.agents.steps import NarrowStep, PlanStep, SubQuestionStep
from lvqa.errors import ModelError
from lvqa.models.fake import FakeVision
from lvqa.models.profiles import Models
from lvqa.settings import Settings
from lvqa.tools.ledger import Ledger
from lvqa.types import Budget, Question, Span

WHOLE = "What colour is the wall when the milk is lifted out?"
MILK, CAT, GLASS = "who lifts out the milk?", "where does the cat sleep?", "what is the milk poured into?"
SAID = {"milk": "a woman lifts out a milk carton", "cat": "a yellow cat sleeps on the sofa",
        "glass": "she pours milk into a glass", "wall": "the wall is red"}  # fmt: skip
NOTE = {"milk": "milk carton", "cat": "yellow cat", "glass": "into a glass", "wall": "wall is red"}


def asked(text: str) -> str:
    """The question of a prompt."""
    return re.search(r"^The question:\n\n```data\n(.*?)\n```", text, re.DOTALL | re.MULTILINE)[1]


def about(question: str) -> str:
    first = question.splitlines()[0]
    return "wall" if "wall" in first else "cat" if "cat" in first else "glass" if "poured" in first else "milk"


def cite(text: str, fragment: str) -> int:
    line = next(line for line in text.splitlines() if line.startswith("[") and fragment in line)
    return int(line[1 : line.index("]")])


class Planner:
    """A chat model that plans the whole with these sub-questions, and answers each question from its own note."""

    def __init__(self, script, *subs, fails=(), lacks=(), before=None):
        self.asked: list[tuple[str, str]] = []
        self.prompts: list[str] = []
        self._subs, self._fails, self._lacks = list(subs), fails, lacks
        self._before = before or (lambda kind, question: None)
        self._lock = threading.Lock()
        self.chat = script(plan=self._plan, answer=self._answer, direct=self._answer)

    def _heard(self, kind: str, text: str) -> str:
        question = asked(text)
        with self._lock:
            self.asked.append((kind, question))
            self.prompts.append(text)
        self._before(kind, question)
        return question

    def _plan(self, text: str) -> str:
        question = self._heard("plan", text)
        subs = self._subs if question == WHOLE else ["is this asked for twice?"]
        return json.dumps({"kind": "attribute", "phrases": [SAID[about(question)]], "sub_questions": subs})

    def _answer(self, text: str) -> str:
        question = self._heard("answer", text)
        thing = about(question)
        if thing in self._fails:
            raise ModelError("the chat model is gone")
        if thing in self._lacks:
            return json.dumps({"sentences": [], "confidence": 0.0})
        sentence = {"text": f"It is so that {SAID[thing]}.", "evidence": [cite(text, NOTE[thing])]}
        return json.dumps({"sentences": [sentence], "confidence": 0.9})

    @property
    def planned(self) -> list[str]:
        return [question for kind, question in self.asked if kind == "plan"]


@pytest.fixture
def run(ask, script):
    def go(*subs, vision=None, settings=None, **how):
        planner = Planner(script, *subs, **how)
        answer = ask(WHOLE, chat=planner.chat, vision=vision, settings={"rounds": 1, **(settings or {})})
        return planner, answer, [step.sub for step in answer.steps if isinstance(step, SubQuestionStep)]

    return go


def needs(text: str, *places: int) -> dict:
    return {"text": text, "needs": list(places)}


def test_an_earlier_answer_stands_in_a_later_question(run) -> None:
    planner, answer, subs = run(MILK, needs("what is the milk poured into after {0} is seen?"))
    said = SAID["milk"]
    assert said == "a woman lifts out a milk carton"
    known = f"known: {MILK} It is so that {said}"
    assert planner.planned == [WHOLE, MILK, f"what is the milk poured into after a woman is seen?\n{known}"]
    assert [sub.answer.status for sub in subs] == ["answered"] * 2
    assert [sub.answer.evidence[0].span for sub in subs] == [Span(0, 6), Span(6, 12)]
    assert all(0 < sub.answer.confidence < 1 for sub in subs)
    assert not answer.abstained


def test_an_answer_without_a_hole_is_told_behind_the_question(run) -> None:
    planner, _, subs = run(MILK, needs(GLASS, 0))
    assert planner.planned[2] == f"{GLASS}\nknown: {MILK} It is so that {SAID['milk']}"
    plans = [step for step in subs[1].answer.steps if isinstance(step, PlanStep)]
    assert plans[0].plan.phrases[0] == GLASS, "what is known is no phrase to search for"


def test_independent_ones_are_asked_side_by_side(run) -> None:
    """Each waits in its plan until the other is asked too: one after the other, neither would go on."""
    both = threading.Barrier(2, timeout=60)

    def wait(kind, question):
        if kind == "plan" and question in (MILK, CAT):
            both.wait()

    planner, answer, subs = run(MILK, CAT, needs("who sleeps, {0} or {1}, the cat?"), before=wait)
    assert set(planner.planned[1:3]) == {MILK, CAT}
    assert [sub.place for sub in subs] == [0, 1, 2]
    assert planner.planned[3].startswith("who sleeps, a woman or ")
    assert SAID["cat"] in planner.planned[3]
    assert not answer.abstained


@pytest.mark.parametrize("first", [MILK, CAT])
def test_the_same_answer_whichever_was_done_first(run, first) -> None:
    """Who comes second waits until the first has been answered."""
    done = threading.Event()

    def wait(kind, question):
        if question not in (MILK, CAT):
            return
        if question == first and kind == "answer":
            done.set()
        elif question != first:
            assert done.wait(60)

    _, answer, _ = run(MILK, CAT, before=wait)
    _, other, _ = run(MILK, CAT)
    shown, plain = ([step.to_dict() for step in one.steps] for one in (answer, other))
    assert shown == plain
    assert (answer.text, answer.evidence, answer.confidence) == (other.text, other.evidence, other.confidence)


def test_the_whole_is_told_what_is_known_and_can_cite_it(run) -> None:
    planner, answer, subs = run(MILK, CAT)
    composed = [
        p for (kind, q), p in zip(planner.asked, planner.prompts, strict=True) if (kind, q) == ("answer", WHOLE)
    ]
    assert len(composed) == 2, "from the summary, and by time"
    for prompt in composed:
        known = prompt.partition("found out before about parts of the question")[2]
        assert f"{MILK} - It is so that {SAID['milk']}. (confidence 0." in known
        assert f"[{cite(prompt, 'yellow cat')}]" in known, "the cat's note is numbered, though nothing asks for it"
    assert "[" not in asked(composed[0])
    assert [sub.items[0].note.text for sub in subs] == [sub.answer.evidence[0].text for sub in subs]
    assert answer.text == f"It is so that {SAID['wall']}."


def test_a_sub_question_is_not_taken_apart_again(run) -> None:
    planner, _, subs = run(MILK)
    assert planner.planned == [WHOLE, MILK]
    assert [step.node for step in subs[0].answer.steps][:2] == ["plan", "recall"]


def test_what_cannot_be_answered_is_said_and_what_needs_it_is_not_asked(run) -> None:
    planner, answer, subs = run(CAT, needs("what holds {0}, the milk?"), GLASS, lacks=("cat",))
    assert [(sub.place, sub.answer.status, sub.reason) for sub in subs] == [
        (0, "absent", ""), (1, "absent", "what it needs was not answered"), (2, "answered", ""),
    ]  # fmt: skip
    assert planner.planned == [WHOLE, CAT, GLASS] or planner.planned == [WHOLE, GLASS, CAT]
    known = next(
        p for (kind, q), p in zip(planner.asked, planner.prompts, strict=True) if (kind, q) == ("answer", WHOLE)
    )
    assert f"{CAT} - not answered: nothing is known" in known
    assert not answer.abstained
    line = next(step.summary for step in answer.steps if isinstance(step, SubQuestionStep))
    assert line == f"{CAT} - not answered"


def test_one_whose_model_fails_leaves_the_others(run) -> None:
    _, answer, subs = run(CAT, GLASS, fails=("cat",))
    assert [sub.answer.status for sub in subs] == ["absent", "answered"]
    assert "the chat model is gone" in subs[0].reason
    assert not answer.abstained


def test_a_sub_question_that_is_the_question_is_not_asked(run) -> None:
    planner, answer, subs = run(WHOLE.upper(), "who sleeps, the cat?", needs("does it, {0}?"))
    assert planner.planned == [WHOLE, "who sleeps, the cat?"]
    assert [(sub.place, sub.answer.status) for sub in subs] == [(2, "absent"), (1, "answered")]
    assert not answer.abstained


def test_none_starves_the_others_and_the_whole(run) -> None:
    vision = FakeVision("a wall", yes=lambda request: True)
    _, answer, subs = run(MILK, CAT, vision=vision, settings={"budget_frames": 12, "frames_per_clip": 2})
    frames = [sub.answer.cost.frames for sub in subs]
    assert 0 < answer.cost.frames <= 12
    assert answer.cost.frames == sum(
        len(request.frames) for call in [*vision.calls, *vision.yes_calls] for request in call
    )
    assert all(0 < n <= 4 for n in frames), "a third each"
    assert answer.cost.frames > sum(frames), "the whole still looks"


def test_shares_of_a_budget() -> None:
    now = [0.0]
    ledger = Ledger(Budget(30, 24, 1000, 90.0, 3.0), lambda: now[0])
    assert ledger.share(3) == Budget(10, 8, 333, 30.0, 1.0)
    assert ledger.share(3, together=2).seconds == 60.0
    part = ledger.part(ledger.share(3))
    assert part.take_vision([6, 6]) == 1
    part.add_tokens(100, 0)
    now[0] = 30.0
    assert (part.cost.frames, ledger.cost.frames, ledger.cost.tokens_in) == (6, 6, 100)
    assert (part.can_think, ledger.can_think) == (False, True), "its seconds are over"
    assert (part.spent, ledger.spent) == (["frames"], []), "the whole may go on"
    assert ledger.share(2) == Budget(12, 11, 450, 30.0, 1.5)
    assert Ledger(Budget(1, 1, 1, 1.0, 0.0)).share(2).money == 0.0, "0 is no limit, and stays none"
    spent = Ledger(Budget(0, 0, 0, 1.0, 1e-12)).share(2)
    assert 0 < spent.money < 1e-8


def test_a_plan_without_parts_goes_the_usual_way(run) -> None:
    planner, answer, subs = run()
    assert subs == []
    assert [step.node for step in answer.steps] == ["plan", "recall", "zoom", "inspect", "compute", "answer", "verify"]
    assert not any("found out before" in prompt for prompt in planner.prompts)


def test_steps_are_told_below_their_sub_question(run, capsys) -> None:
    from lvqa.cli.output import note_step

    _, answer, _ = run(MILK)
    step = next(step for step in answer.steps if isinstance(step, SubQuestionStep))
    shown = step.to_dict()
    assert (shown["node"], step.node) == ("sub", "sub")
    assert shown["summary"].startswith(f"{MILK} - It is so that {SAID['milk']}. (confidence 0.")
    data = shown["data"]
    assert (data["place"], data["text"], data["asked"], data["status"]) == (0, MILK, MILK, "answered")
    assert data["evidence"][0]["video"] == "kitchen.mp4"
    assert [one["node"] for one in data["steps"]][-1] == "verify"
    json.dumps(shown)
    note_step(step)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("  sub:")
    assert [line.split(":")[0] for line in lines[1:]] == [f"    {one.node}" for one in step.steps]


# By rules


def test_rules_look_beside_the_event(ask) -> None:
    answer = ask("What happens after the woman opens the fridge?")
    steps = {step.node: step for step in answer.steps}
    assert steps["sub"].sub.asked == "When is it that the woman opens the fridge?"
    assert steps["sub"].sub.answer.evidence[0].span == Span(0, 6)
    narrow = steps["narrow"]
    assert (narrow.videos, narrow.between) == (("kitchen.mp4",), Span(6, 26))
    assert narrow.summary == "What happens? - looking in kitchen.mp4 at 00:00:06-00:00:26"
    assert answer.text.startswith("00:00:06: she pours milk into a glass")
    assert all(one.span.start_s >= 6 for one in answer.evidence)


def test_rules_look_everywhere_where_nothing_is_beside_it(ask) -> None:
    answer = ask("Who opens the fridge after the yellow cat sleeps on the sofa?")
    told = [step for step in answer.steps if isinstance(step, NarrowStep)]
    assert told[0].between == Span(24, 44)
    assert told[1].summary.endswith("looking everywhere, for nothing was there")
    assert [step.node for step in answer.steps].count("recall") == 2
    assert answer.evidence[0].span == Span(18, 24), "as without a split"


def test_a_decomposed_run_goes_through_a_checkpointer(store, folder, embedder, script) -> None:
    from langgraph.checkpoint.memory import InMemorySaver

    planner = Planner(script, MILK, CAT)
    given = {"store": store, "models": Models.of(chat=planner.chat, embedder=embedder), "folder": folder}
    kept = list(agents.stream(Question(WHOLE), **given, settings=Settings(), checkpointer=InMemorySaver()))[-1]
    plain = list(agents.stream(Question(WHOLE), **given, settings=Settings()))[-1]
    assert (kept.text, kept.evidence) == (plain.text, plain.evidence)
    assert [step.to_dict() for step in kept.steps] == [step.to_dict() for step in plain.steps]


def test_a_stop_ends_a_decomposed_run(store, folder, embedder, script) -> None:
    ended = threading.Event()
    planner = Planner(script, MILK, CAT, before=lambda kind, q: ended.set() if kind == "answer" else None)
    models = Models.of(chat=planner.chat, embedder=embedder)
    answer = agents.ask(Question(WHOLE), store=store, models=models, settings=Settings(), folder=folder, stop=ended)
    assert answer.steps[-1].node == "stop"
    assert WHOLE not in [question for kind, question in planner.asked if kind == "answer"]


def test_what_is_told_as_known_names_no_video_and_no_time(context) -> None:
    """An earlier answer in another video at another time says nothing about where to look now."""
    wording = "When does a red star appear in kitchen.mp4?"
    asked = f"{wording}\nknown: Where is a blue star? Between 00:01:00 and 00:02:00 in garden.mp4"
    part = context(asked, wording=wording, part=True)
    assert part.words == part.asked == wording
    made = joined(Plan(between=(60.0, 120.0)), by_rules(part.asked), part.words, False)
    assert made.between is None
    whole = context(asked)
    assert whole.words == asked
    assert joined(Plan(between=(60.0, 120.0)), by_rules(whole.asked), whole.words, False).between == (60.0, 120.0)
