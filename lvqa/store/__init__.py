"""The index of an archive: SQLite is the truth, FAISS a cache of it. Knows nothing of models or media.

The names below load on first use, so that `import lvqa.store` brings in neither numpy nor SQLite.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lvqa.store.filters import Filter
    from lvqa.store.finding import Finding, Mend
    from lvqa.store.keys import note_id, stage_key
    from lvqa.store.rows import FileRow, JobRow, JobStatus, RemovedCounts, StoreCounts, VideoCounts
    from lvqa.store.store import STAGES, Store
    from lvqa.store.textquery import STOP_WORDS, TextQuery

_HOME = {
    "Filter": "filters",
    "Finding": "finding",
    "Mend": "finding",
    "note_id": "keys",
    "stage_key": "keys",
    "FileRow": "rows",
    "JobRow": "rows",
    "JobStatus": "rows",
    "RemovedCounts": "rows",
    "StoreCounts": "rows",
    "VideoCounts": "rows",
    "STAGES": "store",
    "Store": "store",
    "STOP_WORDS": "textquery",
    "TextQuery": "textquery",
}

__all__ = [
    "STAGES",
    "STOP_WORDS",
    "FileRow",
    "Filter",
    "Finding",
    "JobRow",
    "JobStatus",
    "Mend",
    "RemovedCounts",
    "Store",
    "StoreCounts",
    "TextQuery",
    "VideoCounts",
    "note_id",
    "stage_key",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"lvqa.store.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
