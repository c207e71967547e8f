"""Ctrl-C during `lvqa ask`, and what an estimate learns from answers before it."""

from __future__ import annotations

import json

import pytest

from lvqa import Archive
from lvqa.agents import extractive
from lvqa.agents.recall import Retriever
from lvqa.models.fake import FakeVision
from lvqa.models.profiles import Models

QUESTION = "What does she take out of the fridge?"


@pytest.mark.parametrize("as_json", [False, True])
def test_ctrl_c_while_asking_prints_what_was_found(archive: Archive, folder, lvqa, light, monkeypatch, as_json) -> None:
    drafts, calls = extractive.draft, []

    def interrupted_at_first(*args, **kwargs):
        calls.append(args)
        if len(calls) == 1:  # after recall: the notes are there, and nothing is drafted
            raise KeyboardInterrupt
        return drafts(*args, **kwargs)

    monkeypatch.setattr(extractive, "draft", interrupted_at_first)
    done = lvqa("ask", folder, QUESTION, *light, *(["--json"] if as_json else []))
    assert done.status == 130
    assert done.err == "lvqa: stopped: answered from what was found so far\n"
    text = json.loads(done.out)["answer"] if as_json else done.out
    assert text.startswith("It is said: ")


def test_ctrl_c_before_anything_was_found_says_so(archive: Archive, folder, lvqa, light, monkeypatch) -> None:
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(Retriever, "search", interrupted)
    done = lvqa("ask", folder, QUESTION, *light)
    assert done.status == 130
    assert done.out.startswith("No answer: stopped before anything was found")


def test_a_second_ctrl_c_stops_without_an_answer(archive: Archive, folder, lvqa, light, monkeypatch) -> None:
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    # The first in the node that answers, the second while the answer so far is made.
    monkeypatch.setattr(extractive, "draft", interrupted)
    done = lvqa("ask", folder, QUESTION, *light)
    assert (done.status, done.out, done.err) == (130, "", "lvqa: stopped; run again to go on\n")


def test_seconds_are_told_once_these_models_were_timed(archive: Archive, folder) -> None:
    asked = Archive(folder, models=Models.of(vision=FakeVision(latency_s=0.01)), profile="text")
    before = asked.estimate(QUESTION)
    assert not before.timed
    assert "seconds" not in before.to_dict()["at_most"]
    took = asked.ask(QUESTION).cost
    after = asked.estimate(QUESTION)
    assert took.vlm_calls > 0
    assert after.timed
    assert 0 < after.likely.seconds <= after.most.seconds
    assert after.to_dict()["at_most"]["seconds"] > 0
    assert not Archive(folder, models=Models.of(vision=FakeVision()), profile="text").estimate(QUESTION).timed
