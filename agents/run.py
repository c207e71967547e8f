"""A question in, steps and an answer out: opens the ledger, runs the graph, streams what its nodes report.

Knows no node. Models are loaded before the clock starts: loading is paid once an archive, not by a question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvqa.agents.budget import Budget, Ledger
from lvqa.agents.graph import build_graph, graph
from lvqa.agents.presets import check_agent
from lvqa.agents.recall import Retriever
from lvqa.agents.state import Context, initial
from lvqa.agents.words import named_videos
from lvqa.agents.zoom import Searcher, check_searcher
from lvqa.errors import UsageError
from lvqa.settings import Settings
from lvqa.store import Filter, Store
from lvqa.types import Answer, Step

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import BaseCheckpointSaver

    from lvqa.models.profiles import Models

_NODES_A_ROUND = 7


def ask(
    question: str,
    options: Sequence[str] | None = None,
    *,
    store: Store,
    models: Models,
    settings: Settings,
    folder: Path,
    filter: Filter | None = None,
    budget: Budget | None = None,
    seed: int = 0,
    agent: str | None = None,
    searcher: str | Searcher | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> Answer:
    """Answer a question from the store's notes and the folder's videos; see `stream`."""
    for event in stream(
        question,
        options,
        store=store,
        models=models,
        settings=settings,
        folder=folder,
        filter=filter,
        budget=budget,
        seed=seed,
        agent=agent,
        searcher=searcher,
    ):
        if isinstance(event, Answer):
            return event
        if on_step is not None:
            on_step(event)
    raise AssertionError("the graph ended without an answer")


def _of_named(question: str, options: Sequence[str], store: Store, filter: Filter | None) -> tuple[str, Filter | None]:
    """The question without the files that it names, and the filter with only those of the videos that it allows.

    Where the question names none of them, or the options are files, both stay as they are.
    """
    allowed = filter.video_ids if filter is not None else None
    videos = [video for video in store.videos() if allowed is None or video.id in allowed]
    paths = [video.path for video in videos]
    wording, named = named_videos(question, paths)
    if not named or any(named_videos(f"in {option}", paths)[1] for option in options):
        return question, filter
    ids = frozenset(video.id for video in videos if video.path in named)
    return wording, replace(filter if filter is not None else Filter(), video_ids=ids)


def stream(
    question: str,
    options: Sequence[str] | None = None,
    *,
    store: Store,
    models: Models,
    settings: Settings,
    folder: Path,
    filter: Filter | None = None,
    budget: Budget | None = None,
    seed: int = 0,
    agent: str | None = None,
    searcher: str | Searcher | None = None,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    thread_id: str = "lvqa",
) -> Iterator[Step | Answer]:
    """Every step as it happens, and the answer last.

    Args:
        question: what to answer; where it names videos by file, only those are looked at.
        options: the answers to choose from, or None (or none) for an open question.
        store: the index, open for reading.
        models: `vision`, `chat`, `embedder` and `image_embedder` are used where they are there.
        settings: `top_k`, `rounds`, `explore`, `frames_per_clip`, `max_side`, `abstain_below` and the budget.
        folder: what the videos' paths are relative to; a file that is not there is not looked at.
        filter: the only videos, time, sources and level that may be used; the notes of clips when not given.
        budget: in place of the settings' budget.
        seed: of the frames drawn to explore. Same question, seed and models: same answer.
        agent: in place of the settings' `agent`: a name of `lvqa.agents.presets.AGENTS`.
        searcher: chooses keyframes, in place of the settings' `searcher`: a name, or a searcher.
        checkpointer: keeps the graph's state under `thread_id`.

    Raises UsageError for an empty question or option and an unknown agent or searcher, ModelError when a model fails.
    """
    if not question.strip():
        raise UsageError("the question is empty; ask something")
    given = tuple(option.strip() for option in options or ())
    if len(given) == 1 or not all(given):
        raise UsageError("a multiple-choice question needs at least two options, none of them empty")
    chooser = searcher if searcher is not None else settings.searcher
    if isinstance(chooser, str):
        check_searcher(chooser)
    preset = check_agent(agent if agent is not None else settings.agent)
    vision, chat, embedder, image_embedder = models.vision, models.chat, models.embedder, models.image_embedder
    del vision, chat  # loaded, and kept by `models`
    wording, filter = _of_named(question.strip(), given, store, filter or Filter(level="clip"))
    ledger = Ledger(budget if budget is not None else Budget.of(settings))
    context = Context(
        question=question.strip(),
        options=given,
        store=store,
        models=models,
        settings=settings,
        folder=folder,
        ledger=ledger,
        retriever=Retriever(store, embedder, image_embedder),
        agent=preset,
        searcher=chooser,
        filter=filter,
        seed=seed,
        wording=wording,
    )
    compiled = graph() if checkpointer is None else build_graph(checkpointer)
    limit = _NODES_A_ROUND * (settings.rounds + 2)
    config: RunnableConfig = {"recursion_limit": limit, "configurable": {"thread_id": thread_id}}
    steps: list[Step] = []
    answer: Answer | None = None
    for update in compiled.stream(initial(), config, context=context, stream_mode="updates"):
        for changes in update.values():
            for step in changes.get("steps", ()):
                steps.append(step)
                yield step
            answer = changes.get("answer") or answer
    assert answer is not None, "the graph ended without an answer"
    yield replace(answer, cost=ledger.cost, steps=tuple(steps), question=context.question, options=given)
