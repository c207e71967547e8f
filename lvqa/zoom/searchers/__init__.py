"""The searchers, a module each: ours, and those of the literature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from lvqa.zoom.searchers.videotree import breadth as breadth
    from lvqa.zoom.searchers.videotree import depth as depth

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "videotree": ("breadth", "depth"),
    },
)
