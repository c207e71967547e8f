"""The index of an archive: SQLite is the truth, FAISS a cache of it. Knows nothing of models or media.

The names below load on first use, so that `import lvqa.store` brings in neither numpy nor SQLite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from lvqa.store.filters import Filter as Filter
    from lvqa.store.health.finding import Finding as Finding
    from lvqa.store.health.finding import Mend as Mend
    from lvqa.store.keys import note_id as note_id
    from lvqa.store.keys import stage_key as stage_key
    from lvqa.store.rows import FileRow as FileRow
    from lvqa.store.rows import JobRow as JobRow
    from lvqa.store.rows import JobStatus as JobStatus
    from lvqa.store.rows import RemovedCounts as RemovedCounts
    from lvqa.store.rows import StoreCounts as StoreCounts
    from lvqa.store.rows import VideoCounts as VideoCounts
    from lvqa.store.search.text_query import TextQuery as TextQuery
    from lvqa.store.store import STAGES as STAGES
    from lvqa.store.store import Store as Store

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "filters": ("Filter",),
        "health.finding": (
            "Finding",
            "Mend",
        ),
        "keys": (
            "note_id",
            "stage_key",
        ),
        "rows": (
            "FileRow",
            "JobRow",
            "JobStatus",
            "RemovedCounts",
            "StoreCounts",
            "VideoCounts",
        ),
        "store": (
            "STAGES",
            "Store",
        ),
        "search.text_query": ("TextQuery",),
    },
)
