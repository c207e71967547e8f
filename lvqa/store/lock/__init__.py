"""One writer to an archive, and who that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from lvqa.store.lock.holder import pid_space as pid_space

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "holder": ("pid_space",),
    },
)
