"""The agents by name: lvqa's own, and the baselines of the field as presets of the same graph."""

from __future__ import annotations

from lvqa.errors import UsageError

AGENTS = ("lvqa", "llovi", "videoagent", "videotree", "uniform")
DEFAULT_AGENT = "lvqa"


def check_agent(name: str) -> str:
    """The name, where there is such an agent; raises UsageError with the names that there are."""
    if name not in AGENTS:
        raise UsageError(f"there is no agent {name!r}; there are: {', '.join(AGENTS)}")
    return name
