"""A question in, steps and an answer out: opens the ledger, runs the graph, streams what its nodes report.

Knows no node. Models are loaded before the clock starts: loading is paid once an archive, not by a question. A run that
is stopped ends with what it has (`lvqa.agents.anytime`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from lvqa.agents.anytime import answer_now
from lvqa.agents.baselines.presets import check_agent
from lvqa.agents.cost.measured import measured_with
from lvqa.agents.graph import build_graph, graph
from lvqa.agents.state import Context, State, initial
from lvqa.agents.stop import Asked, Stop, until_answered
from lvqa.errors import UsageError
from lvqa.language.video_names import named_videos
from lvqa.recall import Retriever
from lvqa.settings import Settings
from lvqa.store import Filter, Store
from lvqa.tools.ledger import Budget, Ledger
from lvqa.tools.prices import Prices
from lvqa.types import Answer, Step
from lvqa.zoom import Searcher, check_searcher

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
    stop: Asked = None,
) -> Answer:
    """Answer a question from the store's notes and the folder's videos; see `stream`."""
    ending = Stop.of(stop)
    events = stream(
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
        stop=ending,
    )
    return until_answered(events, ending, on_step)


def of_named(question: str, options: Sequence[str], store: Store, filter: Filter | None) -> tuple[str, Filter | None]:
    """The question without the files that it names, and the filter with only those of the videos that it allows.

    Where the question names none of them, or the options are files, both stay as they are.
    """
    allowed = filter.video_ids if filter is not None else None
    videos = [video for video in store.videos.all() if allowed is None or video.id in allowed]
    paths = [video.path for video in videos]
    wording, named = named_videos(question, paths)
    if not named or any(named_videos(f"in {option}", paths)[1] for option in options):
        return question, filter
    ids = frozenset(video.id for video in videos if video.path in named)
    return wording, replace(filter if filter is not None else Filter(), video_ids=ids)


def checked(question: str, options: Sequence[str] | None) -> tuple[str, ...]:
    """The options without what is around them. Raises UsageError for an empty question, and options that are none."""
    if not question.strip():
        raise UsageError("the question is empty; ask something")
    given = tuple(option.strip() for option in options or ())
    if len(given) == 1 or not all(given):
        raise UsageError("a multiple-choice question needs at least two options, none of them empty")
    return given


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
    thread_id: str = "",
    stop: Asked = None,
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
        agent: in place of the settings' `agent`: a name of `lvqa.agents.baselines.presets.AGENTS`.
        searcher: chooses keyframes, in place of the settings' `searcher`: a name, or a searcher.
        checkpointer: keeps the graph's state under `thread_id`, which is one question's: a new one unless given.
        stop: an event, or what says whether to end: no model is called from then on, and the answer is what can be said
            from what was found. A first Ctrl-C does the same; its last step's node is `stop`.

    Raises UsageError for an empty question or option and an unknown agent or searcher, ModelError when a model fails,
    KeyboardInterrupt for a second Ctrl-C.
    """
    given = checked(question, options)
    chooser = searcher if searcher is not None else settings.searcher
    if isinstance(chooser, str):
        check_searcher(chooser)
    preset = check_agent(agent if agent is not None else settings.agent)
    vision, chat, embedder, image_embedder = models.vision, models.chat, models.embedder, models.image_embedder
    del vision, chat  # loaded, and kept by `models`
    wording, filter = of_named(question.strip(), given, store, filter or Filter(level="clip"))
    ending = Stop.of(stop)
    limits = budget if budget is not None else Budget.of(settings)
    ledger = Ledger(limits, prices=Prices.of(settings), stop=ending)
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
    config: RunnableConfig = {"recursion_limit": limit, "configurable": {"thread_id": thread_id or uuid4().hex}}
    state, steps = initial(), list[Step]()
    try:
        for mode, update in compiled.stream(state, config, context=context, stream_mode=["updates", "values"]):
            if mode == "values":
                state = cast("State", update)
                if state["answer"] is None and ending():
                    break
                continue
            for changes in cast("dict[str, dict[str, Any]]", update).values():
                for step in changes.get("steps", ()):
                    steps.append(step)
                    yield step
        else:
            measured_with(models).add(preset, ledger.cost)
    except KeyboardInterrupt:
        ending.interrupt()
    answer = state["answer"]
    if answer is None or ledger.stopped:
        answer, last = answer_now(state, context, steps[-1].node if steps else "")
        steps.append(last)
        yield last
    yield replace(answer, cost=ledger.cost, steps=tuple(steps), question=context.question, options=given)
