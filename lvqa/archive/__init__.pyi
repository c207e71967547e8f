from .archive import Archive as Archive
from .chats import Chat as Chat
from .check import CheckReport as CheckReport
from .contents import VideoReport as VideoReport
from .results import (
    ArchivedAnswer as ArchivedAnswer,
    HitList as HitList,
    SightingList as SightingList,
    thumbnailer as thumbnailer,
)
from .workspace import INDEX_FOLDER as INDEX_FOLDER
