"""From a question to an answer with its evidence: who decides what is done next.

The names below load on first use, so that `import lvqa.agents` brings in no LangGraph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from lvqa.agents.calibration import Curve as Curve
    from lvqa.agents.calibration import on_curve as on_curve
    from lvqa.agents.citations import read_choice as read_choice
    from lvqa.agents.cost.estimate import Estimate as Estimate
    from lvqa.agents.graph import build_graph as build_graph
    from lvqa.agents.options import options_block as options_block
    from lvqa.agents.replay import searches_of as searches_of
    from lvqa.agents.run import ask as ask
    from lvqa.agents.run import stream as stream
    from lvqa.agents.stop import Stop as Stop
    from lvqa.agents.stop import until_answered as until_answered
    from lvqa.agents.stop import was_stopped as was_stopped
    from lvqa.agents.structured import ask_for as ask_for

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "calibration": ("Curve", "on_curve"),
        "citations": ("read_choice",),
        "cost.estimate": ("Estimate",),
        "graph": ("build_graph",),
        "options": ("options_block",),
        "replay": ("searches_of",),
        "run": ("ask", "stream"),
        "stop": ("Stop", "until_answered", "was_stopped"),
        "structured": ("ask_for",),
    },
)
