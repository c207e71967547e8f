from .captions_file import import_captions as import_captions
from .hierarchy.digest import Digest as Digest, is_stale as is_stale, read_digest as read_digest
from .planning.dry_run import (
    IndexPlan as IndexPlan,
    plan_index as plan_index,
    plan_lines as plan_lines,
)
from .planning.plan import read_passed as read_passed
from .progress import NoProgress as NoProgress, Progress as Progress, RichProgress as RichProgress
from .report import ImportReport as ImportReport, IndexReport as IndexReport, SummaryReport as SummaryReport
from .run import run_index as run_index
from .run_status import Running as Running, find_run as find_run
