"""A question in, steps and an answer out: opens the ledger, runs the graph, streams what its nodes report.

Knows no node. Models are loaded before the clock starts: loading is paid once an archive, not by a question. A run that
is stopped ends with what it has (`lvqa.agents.anytime`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from lvqa.agents.anytime import answer_now
from lvqa.agents.baselines.presets import check_agent
from lvqa.agents.cost.measured import take_note
from lvqa.agents.graph import build_graph, graph
from lvqa.agents.state import Context, State, initial
from lvqa.agents.stop import Asked, Stop, until_answered
from lvqa.errors import ServerAway
from lvqa.language.video_names import named_videos
from lvqa.prompts import for_prompt
from lvqa.recall import Retriever
from lvqa.settings import Settings
from lvqa.store import Filter, Store
from lvqa.tools.eyes import Eyes
from lvqa.tools.ledger import Ledger
from lvqa.tools.prices import Prices
from lvqa.tools.scope import filter_of
from lvqa.types import Answer, Question, Step
from lvqa.zoom import Searcher, check_searcher, frame_cache

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.types import Durability

    from lvqa.models.profiles import Models

_NODES_A_ROUND, _MOST_SUB_QUESTIONS = 7, 8


def ask(
    question: Question,
    *,
    store: Store,
    models: Models,
    settings: Settings,
    folder: Path,
    searcher: Searcher | None = None,
    on_step: Callable[[Step], None] | None = None,
    stop: Asked = None,
) -> Answer:
    """Answer a question from the store's notes and the folder's videos; see `stream`."""
    ending = Stop.of(stop)
    events = stream(
        question, store=store, models=models, settings=settings, folder=folder, searcher=searcher, stop=ending
    )
    return until_answered(events, ending, on_step)


def where_to_look(question: Question, store: Store) -> tuple[str, Filter]:
    """The question's text without the files that it names, and its scope with only those of the videos that it allows.

    Where the text names none of them, or the options are files, both stay as they are. Raises UsageError where the
    scope names a video that is not there.
    """
    allowed = filter_of(question.scope, store)
    videos = [video for video in store.videos.all() if allowed.video_ids is None or video.id in allowed.video_ids]
    paths = [video.path for video in videos]
    wording, named = named_videos(question.text, paths)
    if not named or any(named_videos(f"in {option}", paths)[1] for option in question.options):
        return question.text, allowed
    return wording, replace(allowed, video_ids=frozenset(video.id for video in videos if video.path in named))


def stream(
    question: Question,
    *,
    store: Store,
    models: Models,
    settings: Settings,
    folder: Path,
    searcher: Searcher | None = None,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    thread_id: str = "",
    stop: Asked = None,
) -> Iterator[Step | Answer]:
    """Every step as it happens, and the answer last.

    Args:
        question: what to answer, and how; where it names videos by file, only those are looked at.
        store: the index, open for reading.
        models: `vision`, `chat`, `embedder` and `image_embedder` are used where they are there.
        settings: `top_k`, `rounds`, `explore`, `frames_per_clip`, `max_side`, `abstain_below`, and the budget, agent
            and searcher of a question that names none.
        folder: what the videos' paths are relative to; a file that is not there is not looked at.
        searcher: chooses keyframes, in place of the one that the question or the settings name.
        checkpointer: keeps the graph's state under `thread_id`, which is one question's: a new one unless given. A run
            that it knows goes on behind the last node that ended: the steps before it are told again, what they were
            charged is charged here, and no model is asked for them.
        stop: an event, or what says whether to end: no model is called from then on, and the answer is what can be said
            from what was found. A first Ctrl-C does the same; its last step's node is `stop`.

    Raises UsageError for an unknown video, agent or searcher, ModelError when a model fails, ServerAway when a server
    is gone for longer than it is waited for, which says what was found until then, KeyboardInterrupt for a second
    Ctrl-C.
    """
    named = question.searcher if question.searcher is not None else settings.searcher
    check_searcher(named)
    agent = check_agent(question.agent if question.agent is not None else settings.agent)
    vision, chat, embedder, image_embedder = models.vision, models.chat, models.embedder, models.image_embedder
    del chat  # loaded, and kept by `models`
    wording, filter = where_to_look(question, store)
    ending = Stop.of(stop)
    ledger = Ledger(question.budget_in(settings), prices=Prices.of(settings), stop=ending)
    retriever, frames = Retriever(store, embedder, image_embedder), frame_cache(settings.max_side, settings.reader)
    eyes = Eyes(vision, ledger, folder, settings, retriever.path, frames) if vision is not None else None
    context = Context(
        question=question,
        store=store,
        models=models,
        settings=settings,
        folder=folder,
        ledger=ledger,
        retriever=retriever,
        frames=frames,
        agent=agent,
        searcher=searcher if searcher is not None else named,
        eyes=eyes,
        filter=filter,
        seed=question.seed,
        wording=wording,
    )
    compiled = graph() if checkpointer is None else build_graph(checkpointer)
    # Twice, where the search is widened; and for each sub-question, which is answered within the same limit.
    limit = 2 * _NODES_A_ROUND * (settings.rounds + 2) + 2 * _MOST_SUB_QUESTIONS
    config: RunnableConfig = {"recursion_limit": limit, "configurable": {"thread_id": thread_id or uuid4().hex}}
    held = compiled.get_state(config).values if checkpointer is not None else {}
    begun = "answer" in held  # else no more than the beginning was kept
    state, told = cast("State", held) if begun else initial(), 0
    durability: Durability | None = "sync" if checkpointer is not None else None
    start = None if begun else state
    try:
        for values in compiled.stream(start, config, context=context, stream_mode="values", durability=durability):
            state = cast("State", {**state, **values})  # a run that is resumed before its first node tells of a part
            yield from state["steps"][told:]
            told = max(told, len(state["steps"]))
            if state["answer"] is None and ending():
                break
        else:
            ledger.resume(state["cost"], state["spent"])
            take_note(models, agent, ledger.cost)
    except KeyboardInterrupt:
        ending.interrupt()
    except ServerAway as away:
        raise _with_what_was_found(away, state, context) from away
    finally:
        context.frames.close()
    answer, steps = state["answer"], state["steps"]
    if answer is None or ledger.stopped:
        answer, last = answer_now(state, context, steps[-1].node if steps else "")
        steps = [*steps, last]
        yield last
    yield replace(answer, cost=ledger.cost, steps=tuple(steps), question=question.text, options=question.options)


def _with_what_was_found(away: ServerAway, state: State, context: Context) -> ServerAway:
    """The same error, and what can be said from what was found before the server went."""
    found, _ = answer_now(state, context)
    nearest = found.evidence[0] if found.evidence else None
    if nearest is None:
        return away
    said = f"{nearest.video} {nearest.span}: {for_prompt(nearest.text, 160)}" if found.abstained else found.text
    return ServerAway(f"{away}; until then, from the notes: {for_prompt(said, 300)}")
