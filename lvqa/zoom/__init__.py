"""Temporal search: which few frames of a video show what is searched for, and what it cost to find them.

`base` has the two interfaces, `Searcher` and `FrameScorer`; `searchers` has a module for each, ours and those of the
literature. `footage` is what they search, `scorers` what they see with, `looking` charges and remembers. `across`
shares one budget among the videos of an archive, `plot` draws a search.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lvqa.errors import UsageError
from lvqa.zoom.base import FrameScorer, Query, SearchBudget, Searcher, SearchResult, Trace

if TYPE_CHECKING:
    from lvqa.zoom.scorers import Scorers

__all__ = [
    "SEARCHERS",
    "FrameScorer",
    "Query",
    "SearchBudget",
    "SearchResult",
    "Searcher",
    "Trace",
    "check_searcher",
    "make_searcher",
]

DEFAULT = "lvqa"
SEARCHERS: dict[str, str] = {
    "lvqa": "lvqa:Lvqa",
    "uniform": "uniform:Uniform",
    "tstar": "tstar:TStar",
    "bolt": "bolt:Bolt",
    "aks": "aks:Aks",
    "qframe": "qframe:QFrame",
    "maxinfo": "maxinfo:MaxInfo",
    "videotree": "videotree:VideoTree",
    "gens": "gens:Gens",
}


def check_searcher(name: str) -> None:
    """Raises UsageError for a name that is not there."""
    if name not in SEARCHERS:
        raise UsageError(f"there is no searcher {name!r}; there are: {', '.join(SEARCHERS)}")


def make_searcher(name: str, scorers: Scorers, **parameters: Any) -> Searcher:
    """A searcher by name, with its parameters. Raises UsageError for a name that is not there."""
    check_searcher(name)
    module, _, kind = SEARCHERS[name].partition(":")
    made = getattr(importlib.import_module(f"lvqa.zoom.searchers.{module}"), kind)
    searcher: Searcher = made(**parameters) if name == "uniform" else made(scorers, **parameters)
    return searcher
