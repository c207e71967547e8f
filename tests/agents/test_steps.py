"""Each step's line for people and its JSON, to the letter: programs read them by `ask --steps --json`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lvqa.agents.chat.turns import Understood
from lvqa.agents.replay import searches_of
from lvqa.agents.state import Claim, Draft, Plan, SubQuestion
from lvqa.agents.steps import (
    AnswerStep,
    CheckedClaim,
    ComputeSkippedStep,
    ComputeStep,
    InspectSkippedStep,
    InspectStep,
    LoggedLook,
    NoTargetsStep,
    PlanStep,
    ProgramLooksStep,
    ProgramResultStep,
    ProgramStep,
    Reasoning,
    RecallAgainStep,
    RecallStep,
    RowsReading,
    StopStep,
    SurveyStep,
    TargetsStep,
    VerifyStep,
    Way,
    ZoomSkippedStep,
    ZoomStep,
)
from lvqa.eval.runner.controls import BlindStep
from lvqa.temporal.query import TemporalQuery
from lvqa.types import Computation, EventRow, Hit, Keyframe, Note, Span, Step
from lvqa.zoom.base import Round, Trace

NOTE = Note("n1", "v1", None, Span(1.23456, 2.0), "a cat", "seen", "m", "p")
HIT = Hit("a.mp4", NOTE, 0.123456, {"text": 0.98765432})
CLAIM = Claim("A cat sits.", ("n1",), 0.876543)
DRAFT = Draft("A cat sits.", 1, (CLAIM,), own=0.7, closeness=0.55555, agreement=1.0, missing=("a dog",), by="chat")
PLAN = Plan(kind="when", sub_questions=(SubQuestion(text="who?"),), phrases=("a cat", "the cat"), between=(1.0, 2.0))
ROW = EventRow("a cat", "a.mp4", Span(1, 2), 0.5, ("n1",))
TRACE = Trace(
    "lvqa", "v1", 9.0, ("cat", "sofa"), 1,
    [Round("scan", (1.00049, 2.0), (None, (0.0, 0.0, 0.5, 0.5)), ((0.12345, 0.0), (1.0, 0.5)), (1.0,))],
    2, {"cat": 2.0004}, "all found", (0.1234567,), {"drawn": 1},
)  # fmt: skip
ANSWER = '{"by": "chat", "choice": 1, "claims": [{"text": "A cat sits.", "notes": ["n1"]}], "missing": ["a dog"], '
VERIFIED = (
    '{"claims": [{"text": "A cat sits.", "support": 0.8765, "by": "vlm", "kept": true}], "confidence": 0.8123, '
    '"uncalibrated": 0.7988, "way": "chat:options", "closeness": 0.5556, "agreement": 1.0, "own": 0.7, '
    '"spent": ["frames"], "troubles": ["a reply"], "unparsed": true, '
)
WAY = Way("summary", (CLAIM,), 1, 0.7, (), 2, True)
CHECKED = VerifyStep(
    (CheckedClaim(CLAIM, "vlm", True),), 0.81234, 0.79876, "chat:options", 0.55556, 1.0, 0.7, "again",
    ("a dog",), ("a reply",), ("frames",), unparsed=True,
)  # fmt: skip
PLANNED = (
    '{"kind": "when", "sub_questions": [{"text": "who?", "needs": []}], "targets": [], "cues": [], '
    '"phrases": ["a cat", "the cat"], "between": [1.0, 2.0], "events": [], "compute": null, '
    '"attribute": "", "negated": false, "across": "", "named": false, '
)

STEPS: list[tuple[Step, str, str, str]] = [
    (
        PlanStep(PLAN, "chat 1a2b"),
        "plan",
        "a question of kind when, 2 search phrases, by chat",
        PLANNED + '"by": "chat 1a2b", "unparsed": false}',
    ),
    (
        PlanStep(PLAN, "rules", reason="the chat model's plan did not parse, twice", unparsed=True),
        "plan",
        "a question of kind when, 2 search phrases, by rules; the chat model's plan did not parse, twice",
        PLANNED + '"by": "rules", "unparsed": true}',
    ),
    (
        RecallStep(("a cat",), True, 7, 3, 1, (HIT,), again=True),
        "recall",
        "7 notes of 1 video for 1 phrase, 3 of them new",
        '{"phrases": ["a cat"], "in_named_time": true, "notes": 7, "new": 3, "best": [{"video": "a.mp4", '
        '"start_s": 1.235, "end_s": 2.0, "text": "a cat", "source": "seen", "score": 0.1235, '
        '"window_start_s": 1.235, "window_end_s": 2.0, "channels": {"text": 0.9877}}]}',
    ),
    (
        RecallStep((), False, 0, 0, 0, ()),
        "recall",
        "0 notes of 0 videos for 0 phrases",
        '{"phrases": [], "in_named_time": false, "notes": 0, "new": 0, "best": []}',
    ),
    (
        RecallAgainStep(1),
        "recall",
        "1 note as before",
        '{"phrases": [], "in_named_time": false, "notes": 1, "new": 0, "best": []}',
    ),
    (
        SurveyStep("uniform", (("a.mp4", NOTE),), None, 1, ("no file",), ("frames", "seconds"), unparsed=True),
        "survey",
        "1 frame described of 1 video, as uniform does; no file; budget spent: frames, seconds",
        '{"agent": "uniform", "described": [{"video": "a.mp4", "start_s": 1.235, "text": "a cat"}], '
        '"troubles": ["no file"], "unparsed": true}',
    ),
    (
        SurveyStep("llovi", (), 12, 2),
        "survey",
        "12 notes read of 2 videos, as llovi does",
        '{"agent": "llovi", "described": [], "troubles": [], "unparsed": false}',
    ),
    (
        ZoomStep("lvqa", (("a.mp4", Keyframe("v1", 1.00049, 0.98765)),), (("a.mp4", TRACE),), ("b is gone",), ("b",)),
        "zoom",
        "1 keyframe in 1 video by lvqa, 2 looked at on the way; b is gone",
        '{"searcher": "lvqa", "keyframes": [{"video": "a.mp4", "time_s": 1.0, "score": 0.9877}], "searches": '
        '[{"video": "a.mp4", "searcher": "lvqa", "targets": ["cat"], "cues": ["sofa"], "looked": 2, "rounds": '
        '[{"why": "scan", "times_s": [1.0, 2.0], "presence": [[0.123, 0.0], [1.0, 0.5]]}], "found": {"cat": 2.0}, '
        '"stopped": "all found", "belief": [0.123457], "drawn": 1}], "missing_files": ["b"]}',
    ),
    (ZoomSkippedStep("no model"), "zoom", "nothing to look at: no model", '{"keyframes": []}'),
    (
        ZoomSkippedStep("no file", ("b.mp4",)),
        "zoom",
        "nothing to look at: no file",
        '{"keyframes": [], "missing_files": ["b.mp4"]}',
    ),
    (
        TargetsStep("1a2b", ("a cat", "a dog"), ("a sofa",)),
        "zoom",
        "looking for a cat, a dog; near a sofa, by the vision model",
        '{"prompt": "1a2b", "targets": ["a cat", "a dog"], "cues": ["a sofa"]}',
    ),
    (NoTargetsStep("the server is gone"), "zoom", "the server is gone", "{}"),
    (
        NoTargetsStep("", "1a2b"),
        "zoom",
        "the vision model named no targets",
        '{"prompt": "1a2b", "unparsed": false}',
    ),
    (
        NoTargetsStep("no JSON", "1a2b", unparsed=True),
        "zoom",
        "the vision model named no targets: no JSON",
        '{"prompt": "1a2b", "unparsed": true}',
    ),
    (
        InspectStep("1a2b", 8, 2, (("a.mp4", NOTE),), 1, ("b is gone",), ("frames",)),
        "inspect",
        "8 frames in 2 looks, 1 of them shows something; 1 look left out, budget spent: frames; b is gone",
        '{"prompt": "1a2b", "seen": [{"video": "a.mp4", "start_s": 1.23456, "end_s": 2.0, "text": "a cat"}], '
        '"left_out": 1, "troubles": ["b is gone"]}',
    ),
    (InspectSkippedStep(), "inspect", "nothing looked at", '{"seen": []}'),
    (
        ComputeStep("count", ("a cat",), ((ROW, ROW),), Computation("count", "twice"), RowsReading("1a2b", True, 1)),
        "compute",
        "count: twice (2 rows of a cat), by chat",
        '{"by": "chat", "operator": "count", "prompt": "1a2b", "repaired": true, "dropped_rows": 1, "rows": '
        + json.dumps([ROW.to_dict()] * 2)
        + "}",
    ),
    (
        ComputeStep("before_after", ("a", "b"), ((), ()), None, None, "no JSON", True, unparsed=True),
        "compute",
        "before after: the notes do not tell (0 rows of a, 0 rows of b), by rules; no JSON",
        '{"by": "rules", "operator": "before_after", "unparsed": true, "rows": []}',
    ),
    (
        ComputeStep("order", ("a",), ((),), None, None, "the budget of tokens is spent, so by rule"),
        "compute",
        "order: the notes do not tell (0 rows of a), by rules; the budget of tokens is spent, so by rule",
        '{"by": "rules", "operator": "order", "rows": []}',
    ),
    (ComputeSkippedStep(), "compute", "nothing to compute", "{}"),
    (
        AnswerStep(
            DRAFT,
            3,
            Reasoning(
                {"answer": "1a2b"}, "a cat", (Way("summary", (CLAIM,), 1, 0.7, (), 2, True),), (0.33333,), ("s",)
            ),
        ),
        "answer",
        "A cat sits., from 3 notes, 1 claim; s",
        ANSWER + '"unparsed": false, "prompts": {"answer": "1a2b"}, "summary": "a cat", "ways": [{"way": "summary", '
        '"choice": 1, "own": 0.7, "sentences": 1, "uncited": 2}], "option_scores": [0.3333], "repaired": true, '
        '"uncited_claims": 2, "skipped": ["s"]}',
    ),
    (
        AnswerStep(Draft("", None, ()), 1, None, "no JSON", unparsed=True),
        "answer",
        "no answer, from 1 note, 0 claims; no JSON",
        '{"by": "rules", "choice": null, "claims": [], "missing": [], "unparsed": true}',
    ),
    (
        CHECKED,
        "verify",
        "1 of 1 claim holds, confidence 0.81: looking again; budget spent: frames",
        VERIFIED + '"route": "again", "missing": ["a dog"]}',
    ),
    (
        replace(CHECKED, route="abstain", spent=(), claims=(), missing=()),
        "verify",
        "0 of 0 claims hold, confidence 0.81: abstaining",
        VERIFIED.replace('[{"text": "A cat sits.", "support": 0.8765, "by": "vlm", "kept": true}]', "[]").replace(
            '["frames"]', "[]"
        )
        + '"route": "abstain"}',
    ),
    (
        replace(CHECKED, route="answer", missing=()),
        "verify",
        "1 of 1 claim holds, confidence 0.81: answering; budget spent: frames",
        VERIFIED + '"route": "answer"}',
    ),
    (
        ProgramStep(TemporalQuery("count_events", ("red star",), at=Span(1, 2)), ("a.mp4", "b.mp4")),
        "compute",
        "count events of red star in 2 videos",
        '{"query": {"op": "count_events", "targets": ["red star"], "at": "00:00:01-00:00:02", "change": "appear"}, '
        '"videos": ["a.mp4", "b.mp4"]}',
    ),
    (
        ProgramStep(TemporalQuery("order", among=True), ("a.mp4",)),
        "compute",
        "order of the options in 1 video",
        '{"query": {"op": "order", "change": "appear", "among": true}, "videos": ["a.mp4"]}',
    ),
    (
        ProgramLooksStep((LoggedLook("a.mp4", 1.0, "cat", 0.5), LoggedLook("a.mp4", 2.0, "what?", "red")), ("x",)),
        "compute",
        "2 looks, 2 of them fruitful",
        '{"looks": [{"video": "a.mp4", "time_s": 1.0, "about": "cat", "seen": 0.5}, '
        '{"video": "a.mp4", "time_s": 2.0, "about": "what?", "seen": "red"}], "troubles": ["x"]}',
    ),
    (
        ProgramResultStep("twice", 0, 0.5, (("a.mp4", Span(1, 2)),), "two of them"),
        "compute",
        "twice, confidence 0.50",
        '{"shown": [{"video": "a.mp4", "start_s": 1, "end_s": 2}], "choice": 0, "why": "two of them"}',
    ),
    (
        ProgramResultStep("", None, 0.0, (), "nothing seen", found=False),
        "compute",
        "not found: nothing seen",
        '{"shown": [], "choice": null, "why": "nothing seen"}',
    ),
    (
        StopStep("recall", False, 0.12345, True, ("frames",)),
        "stop",
        "interrupted after recall, answering from what there is",
        '{"after": "recall", "drafted": false, "confidence": 0.1235, "spent": ["frames"], "route": "abstain"}',
    ),
    (
        StopStep("", True, 0.5, False),
        "stop",
        "interrupted, answering from what there is",
        '{"after": "", "drafted": true, "confidence": 0.5, "spent": [], "route": "answer"}',
    ),
    (
        Understood("What?", ("a.mp4",), Span(1, 2.5), "why", "rules", "1a", "spent", False).step(),
        "understand",
        '"What?" in a.mp4 at 00:00:01-00:00:02.500, by rules: why; spent',
        '{"question": "What?", "videos": ["a.mp4"], "between": [1, 2.5], "why": "why", "by": "rules", "prompt": "1a", '
        '"trouble": "spent", "empty": false}',
    ),
    (
        Understood("What?").step(),
        "understand",
        "as it was asked",
        '{"question": "What?", "videos": [], "between": null, "why": "as it was asked", "by": "as asked", '
        '"prompt": "", "trouble": "", "empty": false}',
    ),
    (BlindStep(unparsed=True), "blind", "the reply did not parse, twice", '{"unparsed": true}'),
]


@pytest.mark.parametrize(("step", "node", "line", "data"), STEPS)
def test_a_step_renders_itself(step: Step, node: str, line: str, data: str) -> None:
    assert (step.node, step.summary) == (node, line)
    assert json.dumps(step.data) == data
    assert json.dumps(step.to_dict()) == f'{{"node": "{node}", "summary": {json.dumps(line)}, "data": {data}}}'


def test_steps_go_through_a_checkpointer() -> None:
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    serde = JsonPlusSerializer()
    for step, *_ in STEPS:
        assert serde.loads_typed(serde.dumps_typed(step)).to_dict() == step.to_dict()


def test_searches_and_looks_are_drawn_from_steps() -> None:
    zoom = ZoomStep("lvqa", (("a.mp4", Keyframe("v1", 1.0, 0.9)), ("b.mp4", Keyframe("v2", 1.0))), (("a.mp4", TRACE),))
    looks = tuple(LoggedLook("b.mp4", float(n), "cat", 0.9 if n == 150 else 0.1) for n in range(300))
    (search, of_looks) = searches_of([zoom, ProgramLooksStep(looks)], {"a.mp4": 1.0, "b.mp4": 900.0})
    assert (search[0], search[1].video_id, search[1].duration_s) == ("a.mp4", "a.mp4", 2.0)
    assert search[2] == (Keyframe("a.mp4", 1.0, 0.9),)
    assert search[1].rounds[0].crops == (None, None)
    assert (of_looks[0], of_looks[1].looked, of_looks[1].found) == ("b.mp4", 200, {"cat": 150.0})
    assert of_looks[1].duration_s == 900.0
