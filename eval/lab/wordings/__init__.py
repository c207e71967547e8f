"""The grammar of the world's questions, and the programs that only its wordings ask for.

`WorldPlanner` is what `Models(..., planner=WorldPlanner())` takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from lvqa.eval.lab.wordings.planner import WorldPlanner as WorldPlanner

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={"planner": ("WorldPlanner",)})
