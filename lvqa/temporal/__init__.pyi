from .inquiry import Inquiry as Inquiry
from .localize import Interval as Interval
from .looks import Course as Course, LookReply as LookReply, LookRequest as LookRequest, Viewer as Viewer
from .operators import Operator as Operator, compute as compute, distinct as distinct
from .options import match as match
from .planner import QuestionPlanner as QuestionPlanner
from .presence import Candidate as Candidate, Presence as Presence
from .programs import solve as solve
from .query import TemporalQuery as TemporalQuery
from .result import Result as Result
from .rules import RULES as RULES, TemporalRules as TemporalRules
