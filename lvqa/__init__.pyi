from .archive import (
    Archive as Archive,
    ArchivedAnswer as ArchivedAnswer,
    Chat as Chat,
    CheckReport as CheckReport,
    HitList as HitList,
    SightingList as SightingList,
    VideoReport as VideoReport,
)
from .errors import (
    LvqaError as LvqaError,
    MediaError as MediaError,
    ModelError as ModelError,
    ModelNotFound as ModelNotFound,
    PromptError as PromptError,
    ReplyError as ReplyError,
    StoreError as StoreError,
    StoreFull as StoreFull,
    StoreLocked as StoreLocked,
    StoreVersionError as StoreVersionError,
    SubtitleError as SubtitleError,
    UsageError as UsageError,
)
from .models.profiles import Models as Models
from .settings import Settings as Settings
from .types import (
    Answer as Answer,
    Budget as Budget,
    Clip as Clip,
    Computation as Computation,
    Cost as Cost,
    EventRow as EventRow,
    Evidence as Evidence,
    Hit as Hit,
    Keyframe as Keyframe,
    Note as Note,
    Question as Question,
    Scope as Scope,
    Sighting as Sighting,
    Span as Span,
    Statement as Statement,
    Step as Step,
    Video as Video,
)

__version__: str
