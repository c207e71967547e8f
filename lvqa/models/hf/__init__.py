"""Models of transformers: vision-language models, language models as chat models, and what both share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from lvqa.models.hf.common import Batches as Batches

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "common": ("Batches",),
    },
)
