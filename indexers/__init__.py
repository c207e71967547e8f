"""From video files, and from ready-made captions, to rows in the store. Knows nothing of questions.

The names below load on first use, so that `import lvqa.indexers` brings in no model, decoder or database.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lvqa.indexers.captions_file import import_captions
    from lvqa.indexers.digest import Digest, is_stale, read_digest
    from lvqa.indexers.dryrun import IndexPlan, plan_index, plan_lines
    from lvqa.indexers.progress import NoProgress, Progress, RichProgress
    from lvqa.indexers.report import ImportReport, IndexReport, SummaryReport
    from lvqa.indexers.run import run_index
    from lvqa.indexers.running import Running, find_run

_HOME = {
    "run_index": "run",
    "IndexPlan": "dryrun",
    "plan_index": "dryrun",
    "plan_lines": "dryrun",
    "Running": "running",
    "find_run": "running",
    "import_captions": "captions_file",
    "Digest": "digest",
    "is_stale": "digest",
    "read_digest": "digest",
    "IndexReport": "report",
    "SummaryReport": "report",
    "ImportReport": "report",
    "Progress": "progress",
    "NoProgress": "progress",
    "RichProgress": "progress",
}

__all__ = [
    "Digest",
    "ImportReport",
    "IndexPlan",
    "IndexReport",
    "NoProgress",
    "Progress",
    "RichProgress",
    "Running",
    "SummaryReport",
    "find_run",
    "import_captions",
    "is_stale",
    "plan_index",
    "plan_lines",
    "read_digest",
    "run_index",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"lvqa.indexers.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
