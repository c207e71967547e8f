"""Intervals from looks at frames: boundaries, counts, orders, comparisons, durations, as small programs over time.

A `QuestionPlanner` reads a question as a `TemporalQuery`; `solve` is its program, which asks to look at frames
(`LookRequest`) where `Presence` says that things may be, and comes to a `Result`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from lvqa.temporal.inquiry import Inquiry as Inquiry
    from lvqa.temporal.localize import Interval as Interval
    from lvqa.temporal.looks import Course as Course
    from lvqa.temporal.looks import LookReply as LookReply
    from lvqa.temporal.looks import LookRequest as LookRequest
    from lvqa.temporal.looks import Viewer as Viewer
    from lvqa.temporal.operators import Operator as Operator
    from lvqa.temporal.operators import compute as compute
    from lvqa.temporal.operators import distinct as distinct
    from lvqa.temporal.options import match as match
    from lvqa.temporal.planner import QuestionPlanner as QuestionPlanner
    from lvqa.temporal.presence import MOST as MOST
    from lvqa.temporal.presence import Candidate as Candidate
    from lvqa.temporal.presence import Presence as Presence
    from lvqa.temporal.programs import solve as solve
    from lvqa.temporal.query import TemporalQuery as TemporalQuery
    from lvqa.temporal.result import Result as Result

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "inquiry": ("Inquiry",),
        "localize": ("Interval",),
        "looks": ("Course", "LookReply", "LookRequest", "Viewer"),
        "operators": ("Operator", "compute", "distinct"),
        "options": ("match",),
        "planner": ("QuestionPlanner",),
        "presence": ("MOST", "Candidate", "Presence"),
        "programs": ("solve",),
        "query": ("TemporalQuery",),
        "result": ("Result",),
    },
)
