"""The field's methods as presets of the same graph, and what they need of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from lvqa.agents.baselines.presets import check_agent as check_agent

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "presets": ("check_agent",),
    },
)
