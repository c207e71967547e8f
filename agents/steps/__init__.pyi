from .concluding import (
    AnswerStep as AnswerStep,
    CheckedClaim as CheckedClaim,
    ComputeSkippedStep as ComputeSkippedStep,
    ComputeStep as ComputeStep,
    NarrowStep as NarrowStep,
    Reasoning as Reasoning,
    RowsReading as RowsReading,
    StopStep as StopStep,
    SubQuestionStep as SubQuestionStep,
    VerifyStep as VerifyStep,
    Way as Way,
)
from .finding import (
    PlanStep as PlanStep,
    RecallAgainStep as RecallAgainStep,
    RecallStep as RecallStep,
    SurveyStep as SurveyStep,
)
from .looking import (
    InspectSkippedStep as InspectSkippedStep,
    InspectStep as InspectStep,
    LoggedLook as LoggedLook,
    NoTargetsStep as NoTargetsStep,
    TargetsStep as TargetsStep,
    ProgramResultStep as ProgramResultStep,
    ProgramFailedStep as ProgramFailedStep,
    ProgramLooksStep as ProgramLooksStep,
    ProgramStep as ProgramStep,
    ZoomSkippedStep as ZoomSkippedStep,
    ZoomStep as ZoomStep,
)
