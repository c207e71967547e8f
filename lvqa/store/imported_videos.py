"""Which videos came with an import and have not been seen as files here: they stay although no file holds them.

Kept among the index's free-form values. Knows ids only.
"""

from __future__ import annotations

import json
from collections.abc import Collection

from lvqa.store.catalog import Catalog

_META = "elsewhere"


def elsewhere(store: Catalog) -> frozenset[str]:
    """The ids of the videos whose files are elsewhere."""
    held = store.meta.get(_META)
    return frozenset(json.loads(held)) if held else frozenset()


def set_elsewhere(store: Catalog, video_ids: Collection[str]) -> None:
    """Keep which videos these are. Raises StoreError."""
    if elsewhere(store) != frozenset(video_ids):
        store.meta.set(_META, json.dumps(sorted(video_ids)) if video_ids else "")
