from .changes import is_cut as is_cut
from .events import CaptionEvent as CaptionEvent, is_thing as is_thing, read_event as read_event
from .inquiry import Inquiry as Inquiry
from .localize import Interval as Interval
from .looks import Course as Course, LookReply as LookReply, LookRequest as LookRequest, Viewer as Viewer
from .operators import Operator as Operator, compute as compute, distinct as distinct
from .options import bare_phrase as bare_phrase, match as match
from .presence import Candidate as Candidate, Presence as Presence
from .programs import COMPUTED as COMPUTED, solve as solve
from .query import Both as Both, Operation as Operation, Side as Side, TemporalQuery as TemporalQuery
from .result import Result as Result
from .rules import RULES as RULES, TemporalRules as TemporalRules
