"""From a question to an answer with its evidence: who decides what is done next.

The names below load on first use, so that `import lvqa.agents` brings in no LangGraph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from lvqa.agents.cost.estimate import Estimate as Estimate
    from lvqa.agents.graph import build_graph as build_graph
    from lvqa.agents.run import ask as ask
    from lvqa.agents.run import stream as stream

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "cost.estimate": ("Estimate",),
        "graph": ("build_graph",),
        "run": (
            "ask",
            "stream",
        ),
    },
)
