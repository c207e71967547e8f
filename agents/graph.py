"""The agent as a LangGraph StateGraph: plan, recall, zoom, inspect, compute, answer, verify, then recall again or end.

A question that is a program over time takes a way of its own: plan, timeline, verify. A baseline retrieves notes in its
own way, and reasons and is scored like the rest: plan, survey, answer (or timeline), verify.

Knows the order of the nodes and nothing of what they do.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from langgraph.graph import END, START, StateGraph

from lvqa.agents.nodes.answer import answer
from lvqa.agents.nodes.compute import compute
from lvqa.agents.nodes.inspect import inspect
from lvqa.agents.nodes.plan import plan
from lvqa.agents.nodes.recall import recall
from lvqa.agents.nodes.survey import survey
from lvqa.agents.nodes.timeline import timeline
from lvqa.agents.nodes.verify import verify
from lvqa.agents.nodes.zoom import zoom
from lvqa.agents.state import Context, State

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

NODES = {
    "plan": plan,
    "recall": recall,
    "zoom": zoom,
    "inspect": inspect,
    "compute": compute,
    "answer": answer,
    "verify": verify,
}
TIMELINE, SURVEY = "timeline", "survey"


def route(state: State) -> str:
    """Behind `verify`: back to where notes come from until there is an answer."""
    return END if state["answer"] is not None else SURVEY if state["surveys"] else "recall"


def way(state: State) -> str:
    """Behind `plan`: to `survey` for a baseline, to `timeline` for a program over time, else to `recall`."""
    return SURVEY if state["surveys"] else TIMELINE if state["by_program"] else "recall"


def reason(state: State) -> str:
    """Behind `survey`: to who reasons on what was retrieved."""
    return TIMELINE if state["by_program"] else "answer"


def build_graph(
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> CompiledStateGraph[State, Context, State, State]:
    """Compile the graph; with a checkpointer (LangGraph's SqliteSaver, say) runs can be inspected and resumed."""
    graph = StateGraph(State, context_schema=Context)
    for name, node in NODES.items():
        graph.add_node(name, node)
    order = list(NODES)
    graph.add_edge(START, order[0])
    for here, there in pairwise(order[1:]):
        graph.add_edge(here, there)
    graph.add_node(TIMELINE, timeline)
    graph.add_node(SURVEY, survey)
    graph.add_conditional_edges(order[0], way, [SURVEY, TIMELINE, order[1]])
    graph.add_conditional_edges(SURVEY, reason, [TIMELINE, "answer"])
    graph.add_edge(TIMELINE, order[-1])
    graph.add_conditional_edges(order[-1], route, ["recall", SURVEY, END])
    return graph.compile(checkpointer=checkpointer)


@cache
def graph() -> CompiledStateGraph[State, Context, State, State]:
    """The graph without a checkpointer, compiled once."""
    return build_graph()
