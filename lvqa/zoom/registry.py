"""Searchers by name: where each lives, so that one is imported when it is asked for and no sooner."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lvqa.errors import UsageError

if TYPE_CHECKING:
    from lvqa.zoom.base import Searcher
    from lvqa.zoom.scorers import Scorers

DEFAULT = "lvqa"
SEARCHERS: dict[str, str] = {
    "lvqa": "lvqa:Lvqa",
    "uniform": "at_once:Uniform",
    "tstar": "tstar:TStar",
    "bolt": "at_once:Bolt",
    "aks": "at_once:Aks",
    "qframe": "at_once:QFrame",
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
