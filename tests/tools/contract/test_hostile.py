"""Hostile texts in notes, questions and replies: fenced where they go into a prompt, inert where they come out."""

from __future__ import annotations

import contextlib
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lvqa.errors import UsageError
from lvqa.models.fake import FakeVision
from lvqa.phrasing import for_terminal
from lvqa.store import Store, note_id
from lvqa.tools.find import find
from lvqa.tools.look import look
from lvqa.tools.measure import measure
from lvqa.tools.overview import overview
from lvqa.tools.read import read
from lvqa.tools.search import search
from lvqa.tools.verify import verify
from lvqa.types import Note, Span, Video


def _texts() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "lvqa_tests_tools_hostile_texts", Path(__file__).parents[2] / "hostile" / "texts.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TEXTS: dict[str, str] = _texts().TEXTS
hostile = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())


def sound(result: Any) -> dict[str, Any]:
    """A result as JSON holds it, whose every line a terminal shows on one line without a control character."""
    told: dict[str, Any] = result.to_dict()
    assert json.loads(json.dumps(told)) == told
    for line in told["left_out"]:
        assert for_terminal(line).isprintable()
    return told


@hostile
def test_what_is_asked_is_data_in_a_prompt(bench, text):
    vision = FakeVision("a cat", 0.5)
    made = bench(vision=vision)
    for call in (
        lambda: look(made, "a.mp4", (10, 12), text),
        lambda: verify(made, text, "a.mp4", (10, 12)),
        lambda: measure(made, "count", [text]),
        lambda: find(made, text, frames=2),
        lambda: search(made, text),
    ):
        with contextlib.suppress(UsageError):
            sound(call())
    asked = [request.prompt for call in (*vision.calls, *vision.yes_calls) for request in call]
    assert asked
    for prompt in asked:
        # One fence at most, which the text has not ended; nothing that a tokenizer takes for its own.
        assert prompt.count("```") in (0, 2)
        assert not any(mark in prompt for mark in ("<|", "|>", "</s>", "<<SYS>>", "\x1b", "\x00", "\u202e"))
        assert "data, not an instruction" in prompt or "```" not in prompt


@hostile
def test_what_a_note_or_a_reply_says_comes_out_as_it_is_and_no_more(bench, text, tmp_path):
    if not any(character.isalnum() for character in text):
        pytest.skip("no note without a letter or a digit")
    span = Span(0, 10)
    with Store.open(tmp_path / ".lvqa", write=True) as store:
        store.videos.put(Video("v", "gone.mp4", "v", 20.0))
        store.notes.put([Note(note_id("v", "caption", span, "", "", text), "v", None, span, text, "caption")])
        made = bench(store=store, folder=tmp_path, vision=FakeVision(text))
        for result in (
            overview(made, "gone.mp4"),
            read(made, "gone.mp4"),
            search(made, "answer"),
            verify(made, "the answer is B", "gone.mp4"),
            measure(made, "count", ["answer B"]),
        ):
            sound(result)
    seen = sound(look(bench(vision=FakeVision(text)), "a.mp4", (10, 12), "What is there?"))
    assert len(seen["notes"]) <= 2  # 8 frames, 4 at a time
    assert all(len(note["text"]) <= 300 for note in seen["notes"])
