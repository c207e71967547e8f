"""The agent as a LangGraph StateGraph: plan, recall, zoom, inspect, compute, answer, verify, then recall again or end.

A question that its plan takes apart goes by `decompose` first: each sub-question is answered by a run of the same graph
(`sub`). Where their answers say where the rest is to be found, the nodes see that much of the archive alone, and all of
it again (`widen`) where nothing was there.

A baseline retrieves notes in its own way, and reasons and is scored like the rest: plan, survey, compute, answer,
verify.

Knows the order of the nodes and nothing of what they do.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, wraps
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command

from lvqa.agents.nodes.answer import answer
from lvqa.agents.nodes.compute import compute
from lvqa.agents.nodes.decompose import SUB, decompose, sub, widen
from lvqa.agents.nodes.inspect import inspect
from lvqa.agents.nodes.plan import plan
from lvqa.agents.nodes.recall import recall
from lvqa.agents.nodes.survey import survey
from lvqa.agents.nodes.verify import verify
from lvqa.agents.nodes.zoom import zoom
from lvqa.agents.state import Context, State, initial
from lvqa.models.replies import replies_within
from lvqa.tools import filter_of

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

NODES: dict[str, Any] = {node.__name__: node for node in (plan, recall, zoom, inspect, compute, answer, verify)}
SURVEY, DECOMPOSE, WIDEN = "survey", "decompose", "widen"


def route(state: State) -> str:
    """Behind `verify`: back to where notes come from until there is an answer."""
    if state["answer"] is not None and state["answer"].abstained and state["narrowed"] is not None:
        return WIDEN
    return END if state["answer"] is not None else SURVEY if state["surveys"] else "recall"


def way(state: State) -> str:
    """Behind `plan`: `survey` for a baseline, `decompose` for a question of several parts, else `recall`."""
    return SURVEY if state["surveys"] else DECOMPOSE if state["plan"].sub_questions else "recall"


def within(node: Any) -> Any:
    """A node that sees no more of the archive, and of the question, than what sub-answers left to look through."""

    @wraps(node)
    def run(state: State, runtime: Runtime[Context]) -> Any:
        found, context = state["narrowed"], runtime.context
        if found is not None:
            asked, chosen = replace(context.question, scope=found.scope), filter_of(found.scope, context.store)
            context = replace(context, question=asked, filter=chosen, wording=found.text)
        return node(state, runtime.override(context=context))

    return run


def charged(node: Any) -> Any:
    """A node whose charges travel in the state: a run that is resumed begins with those of the nodes before it.

    No model's reply is waited for beyond the budget's seconds.
    """

    @wraps(node)
    def run(state: State, runtime: Runtime[Context]) -> Any:
        ledger = runtime.context.ledger
        ledger.resume(state["cost"], state["spent"])
        with replies_within(lambda: ledger.seconds_left):
            made = node(state, runtime)
        kept: dict[str, Any] = {"cost": ledger.cost - state["cost"], "spent": ledger.spent}
        if isinstance(made, Command):
            return replace(made, update={**(made.update or {}), **kept})
        return {**made, **kept}

    return run


def _sub(task: Any, runtime: Runtime[Context]) -> dict[str, Any]:
    return sub(task, runtime, lambda context: cast("State", graph().invoke(initial(), context=context)))


def build_graph(
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> CompiledStateGraph[State, Context, State, State]:
    """Compile the graph; with a checkpointer (LangGraph's SqliteSaver, say) runs can be inspected and resumed."""
    graph = StateGraph(State, context_schema=Context)
    for name, node in NODES.items():
        graph.add_node(name, charged(within(node)))
    order = list(NODES)
    graph.add_edge(START, order[0])
    for here, there in pairwise(order[1:]):
        graph.add_edge(here, there)
    beside: dict[str, Any] = {SURVEY: survey, WIDEN: widen}
    for name, node in beside.items():
        graph.add_node(name, charged(node))
    of_task: Any = _sub
    graph.add_node(SUB, of_task)
    graph.add_node(DECOMPOSE, charged(decompose), destinations=(SUB, order[1]))
    graph.add_edge(SUB, DECOMPOSE)
    graph.add_edge(WIDEN, order[1])
    graph.add_conditional_edges(order[0], way, [SURVEY, DECOMPOSE, order[1]])
    graph.add_edge(SURVEY, "compute")
    graph.add_conditional_edges(order[-1], route, ["recall", SURVEY, WIDEN, END])
    return graph.compile(checkpointer=checkpointer)


@cache
def graph() -> CompiledStateGraph[State, Context, State, State]:
    """The graph without a checkpointer, compiled once."""
    return build_graph()
