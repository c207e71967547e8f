"""Which videos came with an import and have not been seen as files here: they stay although no file holds them.

Kept among the index's free-form values. Knows ids only.
"""

from __future__ import annotations

import json
from collections.abc import Collection

from lvqa.store.store import Store

_META = "elsewhere"


def imported_video_ids(store: Store) -> frozenset[str]:
    """The ids of the videos that came with an import and have no file here."""
    held = store.meta.get(_META)
    return frozenset(json.loads(held)) if held else frozenset()


def set_imported_video_ids(store: Store, video_ids: Collection[str]) -> None:
    """Keep which videos these are. Raises StoreError."""
    if imported_video_ids(store) != frozenset(video_ids):
        store.meta.set(_META, json.dumps(sorted(video_ids)) if video_ids else "")
