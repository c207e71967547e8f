"""From a question to an answer with its evidence.

The names below load on first use, so that `import lvqa.agents` brings in no LangGraph.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lvqa.agents.budget import Budget, Ledger
    from lvqa.agents.estimate import Estimate
    from lvqa.agents.graph import build_graph
    from lvqa.agents.prices import Prices
    from lvqa.agents.recall import Retriever, hybrid_search
    from lvqa.agents.run import ask, stream
    from lvqa.agents.sights import find

_HOME = {
    "Budget": "budget",
    "Estimate": "estimate",
    "Ledger": "budget",
    "Prices": "prices",
    "Retriever": "recall",
    "ask": "run",
    "build_graph": "graph",
    "find": "sights",
    "hybrid_search": "recall",
    "stream": "run",
}

__all__ = [
    "Budget",
    "Estimate",
    "Ledger",
    "Prices",
    "Retriever",
    "ask",
    "build_graph",
    "find",
    "hybrid_search",
    "stream",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"lvqa.agents.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
