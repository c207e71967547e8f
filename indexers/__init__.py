"""From video files, and from ready-made captions, to rows in the store. Knows nothing of questions.

The names below load on first use, so that `import lvqa.indexers` brings in no model, decoder or database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from lvqa.indexers.captions_file import import_captions as import_captions
    from lvqa.indexers.hierarchy.digest import Digest as Digest
    from lvqa.indexers.hierarchy.digest import is_stale as is_stale
    from lvqa.indexers.hierarchy.digest import read_digest as read_digest
    from lvqa.indexers.planning.dry_run import IndexPlan as IndexPlan
    from lvqa.indexers.planning.dry_run import plan_index as plan_index
    from lvqa.indexers.planning.dry_run import plan_lines as plan_lines
    from lvqa.indexers.progress import NoProgress as NoProgress
    from lvqa.indexers.progress import Progress as Progress
    from lvqa.indexers.progress import RichProgress as RichProgress
    from lvqa.indexers.report import ImportReport as ImportReport
    from lvqa.indexers.report import IndexReport as IndexReport
    from lvqa.indexers.report import SummaryReport as SummaryReport
    from lvqa.indexers.run import run_index as run_index
    from lvqa.indexers.run_status import Running as Running
    from lvqa.indexers.run_status import find_run as find_run

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "captions_file": ("import_captions",),
        "hierarchy.digest": (
            "Digest",
            "is_stale",
            "read_digest",
        ),
        "planning.dry_run": (
            "IndexPlan",
            "plan_index",
            "plan_lines",
        ),
        "progress": (
            "NoProgress",
            "Progress",
            "RichProgress",
        ),
        "report": (
            "ImportReport",
            "IndexReport",
            "SummaryReport",
        ),
        "run": ("run_index",),
        "run_status": (
            "Running",
            "find_run",
        ),
    },
)
