"""The index of an archive: SQLite is the truth, FAISS a cache of it. Knows nothing of models or media.

The names below load on first use, so that `import lvqa.store` brings in neither numpy nor SQLite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from lvqa.store.exchange.backup import BackupReport as BackupReport
    from lvqa.store.exchange.backup import backup as backup
    from lvqa.store.exchange.export import export_archive as export_archive
    from lvqa.store.exchange.format import ExportReport as ExportReport
    from lvqa.store.exchange.format import MergeReport as MergeReport
    from lvqa.store.exchange.incoming import is_export as is_export
    from lvqa.store.exchange.merge import merge_export as merge_export
    from lvqa.store.filters import Filter as Filter
    from lvqa.store.health.check import check_index as check_index
    from lvqa.store.health.check import describe_findings as describe_findings
    from lvqa.store.health.finding import Finding as Finding
    from lvqa.store.health.finding import FindingKind as FindingKind
    from lvqa.store.health.finding import Mend as Mend
    from lvqa.store.health.finding import damaged as damaged
    from lvqa.store.health.repair import DAMAGED_FOLDER as DAMAGED_FOLDER
    from lvqa.store.health.repair import repair_index as repair_index
    from lvqa.store.imported_videos import imported_video_ids as imported_video_ids
    from lvqa.store.imported_videos import set_imported_video_ids as set_imported_video_ids
    from lvqa.store.keys import note_id as note_id
    from lvqa.store.keys import stage_key as stage_key
    from lvqa.store.lock.holder import Holder as Holder
    from lvqa.store.lock.writer import WriterLock as WriterLock
    from lvqa.store.opening import DATABASE_FILE as DATABASE_FILE
    from lvqa.store.rows import FileRow as FileRow
    from lvqa.store.rows import JobRow as JobRow
    from lvqa.store.rows import JobStatus as JobStatus
    from lvqa.store.rows import RemovedCounts as RemovedCounts
    from lvqa.store.rows import StoreCounts as StoreCounts
    from lvqa.store.rows import VectorKind as VectorKind
    from lvqa.store.rows import VideoCounts as VideoCounts
    from lvqa.store.search.text_query import TextQuery as TextQuery
    from lvqa.store.store import STAGES as STAGES
    from lvqa.store.store import Store as Store

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "exchange.backup": ("BackupReport", "backup"),
        "exchange.export": ("export_archive",),
        "exchange.format": ("ExportReport", "MergeReport"),
        "exchange.incoming": ("is_export",),
        "exchange.merge": ("merge_export",),
        "filters": ("Filter",),
        "health.check": ("check_index", "describe_findings"),
        "health.finding": ("Finding", "FindingKind", "Mend", "damaged"),
        "health.repair": ("DAMAGED_FOLDER", "repair_index"),
        "imported_videos": ("imported_video_ids", "set_imported_video_ids"),
        "keys": ("note_id", "stage_key"),
        "lock.holder": ("Holder",),
        "lock.writer": ("WriterLock",),
        "opening": ("DATABASE_FILE",),
        "rows": ("FileRow", "JobRow", "JobStatus", "RemovedCounts", "StoreCounts", "VectorKind", "VideoCounts"),
        "search.text_query": ("TextQuery",),
        "store": ("STAGES", "Store"),
    },
)
