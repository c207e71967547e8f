"""A small archive made through the Store's own calls, with a real video beside it, and scripted models."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from kitchen import embedder as embedder
from kitchen import fill as fill
from kitchen import folder as folder
from kitchen import kitchen_mp4 as kitchen_mp4
from kitchen import note as note
from kitchen import store as store

from lvqa import agents
from lvqa.agents.state import Context
from lvqa.models.fake import FakeChat, FakeEmbedder
from lvqa.models.profiles import Models
from lvqa.recall import Retriever
from lvqa.settings import Settings
from lvqa.store import Store
from lvqa.tools.eyes import Eyes
from lvqa.tools.ledger import Ledger
from lvqa.types import Answer, Budget, Question
from lvqa.zoom import frame_cache


@pytest.fixture
def ask(store: Store, folder: Path, embedder: FakeEmbedder) -> Callable[..., Answer]:
    """Ask the archive with the given models; settings come by name, the embedder is the archive's."""

    def run(
        question: str,
        options: Sequence[str] | None = None,
        *,
        vision: Any = None,
        chat: Any = None,
        settings: dict[str, Any] | None = None,
        **given: Any,
    ) -> Answer:
        archive = given.pop("store", store)
        models = given.pop("models", None) or Models.of(vision=vision, chat=chat, embedder=embedder)
        kept = {name: given.pop(name) for name in ("on_step", "stop", "searcher") if name in given}
        return agents.ask(
            Question.of(question, options, **given),
            store=archive,
            models=models,
            settings=Settings(**(settings or {})),
            folder=folder,
            **kept,
        )

    return run


@pytest.fixture
def context(store: Store, folder: Path, embedder: FakeEmbedder) -> Callable[..., Context]:
    """What nodes work with, for a question to the archive; models, settings and budget come by name."""

    def make(question: str, options: Sequence[str] | None = None, **given: Any) -> Context:
        own = given.pop("embedder", embedder)
        models = Models.of(vision=given.pop("vision", None), chat=given.pop("chat", None), embedder=own)
        archive = given.pop("store", store)
        settings, ledger = Settings(**given.pop("settings", {})), Ledger(given.pop("budget", Budget()))
        retriever, frames = Retriever(archive, own), frame_cache(768)
        if models.vision is not None:
            given.setdefault("eyes", Eyes(models.vision, ledger, folder, settings, retriever.path, frames))
        asked = Question.of(question, options)
        return Context(archive, models, settings, folder, ledger, retriever, frames, question=asked, **given)

    return make


@pytest.fixture
def script() -> Callable[..., FakeChat]:
    """A chat model that answers each prompt by its kind; a list is consumed in order, anything else goes on for ever.

    Defaults: a plan without phrases, a summary, support of 0.9 for every claim, the same answer from reading by time as
    from the summary, and a score of 0.5 for every option, but 1 for those that hold the word `likes`.
    """

    def make(likes: str = "", **replies: Any) -> FakeChat:
        given = {
            "plan": {"kind": "when", "sub_questions": [], "targets": [], "cues": [], "phrases": []},
            "summarise": "She lifts out a milk carton [1].",
            "support": {"verdicts": [{"claim": n, "support": 0.9} for n in range(1, 5)]},
            "options": lambda text: json.dumps(scores_of(text, likes)),
            "rows": {"rows": []},
            **replies,
        }
        used: dict[str, int] = {}
        asked = ""

        def reply(messages: list[Any]) -> str:
            nonlocal asked
            text = str(messages[-1].text)
            kind = next(name for name, mark in MARKS.items() if mark in text)
            if kind == "repair":  # which shows no notes: a script that reads them looks at what was asked before
                text = f"{text}\n\n{asked}"
            else:
                asked = text
            again = kind == "direct" and kind not in given
            value = given["answer" if again else kind]
            if isinstance(value, list):
                value = value[used["answer"] - 1 if again else used.get(kind, 0)]
                used[kind] = used.get(kind, 0) + 1
            if callable(value):
                value = value(text)
            return value if isinstance(value, str) else json.dumps(value)

        return FakeChat(reply)

    return make


# What only that prompt says; `repair` first, since it quotes another.
MARKS = {
    "repair": "What is wrong with it",
    "plan": "Plan how to answer this question",
    "summarise": "Summarise, in at most",
    "answer": "Answer the question from the summary",
    "direct": "Go through the notes in their order",
    "options": "Judge how well the notes support each of the possible answers",
    "rows": "Find the happenings of these events in the notes",
    "support": "Check whether notes about videos support these statements",
}


def scores_of(prompt: str, likes: str) -> dict[str, dict[str, float]]:
    """A score for each option that a prompt lists."""
    listed = re.findall(r"^([A-Z]\d*)\. (.*)$", prompt, re.MULTILINE)
    return {"scores": {mark: 1.0 if likes and likes in text else 0.5 for mark, text in listed}}


@pytest.fixture
def steps() -> Callable[[Answer], dict[str, Any]]:
    """The data of each node's last step, by node."""
    return lambda answer: {step.node: dict(step.data) for step in answer.steps}
