from .exchange.backup import BackupReport as BackupReport, backup as backup
from .exchange.export import export_archive as export_archive
from .exchange.format import ExportReport as ExportReport, MergeReport as MergeReport
from .exchange.incoming import is_export as is_export
from .exchange.merge import (
    imported_video_ids as imported_video_ids,
    merge_export as merge_export,
    set_imported_video_ids as set_imported_video_ids,
)
from .filters import Filter as Filter
from .health.check import check_index as check_index, describe_findings as describe_findings
from .health.finding import Finding as Finding, FindingKind as FindingKind, Mend as Mend, damaged as damaged
from .health.repair import DAMAGED_FOLDER as DAMAGED_FOLDER, repair_index as repair_index
from .keys import note_id as note_id, stage_key as stage_key
from .lock.holder import Holder as Holder, pid_space as pid_space
from .lock.writer import WriterLock as WriterLock
from .opening import DATABASE_FILE as DATABASE_FILE
from .rows import (
    FileRow as FileRow,
    JobRow as JobRow,
    JobStatus as JobStatus,
    RemovedCounts as RemovedCounts,
    StoreCounts as StoreCounts,
    VectorKind as VectorKind,
    VideoCounts as VideoCounts,
)
from .search.text_query import TextQuery as TextQuery
from .store import STAGES as STAGES, Store as Store
