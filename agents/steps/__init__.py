"""What an agent tells of itself while it is at work: one value for each kind of event, which renders itself.

A node fills in what happened; the line for people (`summary`) and the plain JSON (`data`) follow from that. A program
that reads an answer's steps asks for their class and reads their fields.
"""

from lvqa.agents.steps.concluding import (
    AnswerStep,
    CheckedClaim,
    ComputeSkippedStep,
    ComputeStep,
    Reasoning,
    RowsReading,
    StopStep,
    VerifyStep,
    Way,
)
from lvqa.agents.steps.finding import PlanStep, RecallAgainStep, RecallStep, SurveyStep
from lvqa.agents.steps.looking import (
    InspectSkippedStep,
    InspectStep,
    LoggedLook,
    NoTargetsStep,
    TargetsStep,
    TimelineAnswerStep,
    TimelineLooksStep,
    TimelineQueryStep,
    ZoomSkippedStep,
    ZoomStep,
)

__all__ = [
    "AnswerStep",
    "CheckedClaim",
    "ComputeSkippedStep",
    "ComputeStep",
    "InspectSkippedStep",
    "InspectStep",
    "LoggedLook",
    "NoTargetsStep",
    "PlanStep",
    "Reasoning",
    "RecallAgainStep",
    "RecallStep",
    "RowsReading",
    "StopStep",
    "SurveyStep",
    "TargetsStep",
    "TimelineAnswerStep",
    "TimelineLooksStep",
    "TimelineQueryStep",
    "VerifyStep",
    "Way",
    "ZoomSkippedStep",
    "ZoomStep",
]
