"""A folder of videos with its index: the room of `Archive`, which users of the library hold.

The names below load on first use, so that `import lvqa.archive` brings in no model and no database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from lvqa.archive.archive import Archive as Archive
    from lvqa.archive.chats import Chat as Chat
    from lvqa.archive.check import CheckReport as CheckReport
    from lvqa.archive.contents import VideoReport as VideoReport
    from lvqa.archive.results import ArchivedAnswer as ArchivedAnswer
    from lvqa.archive.results import HitList as HitList
    from lvqa.archive.results import SightingList as SightingList
    from lvqa.archive.results import thumbnailer as thumbnailer
    from lvqa.archive.workspace import INDEX_FOLDER as INDEX_FOLDER

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "archive": ("Archive",),
        "chats": ("Chat",),
        "check": ("CheckReport",),
        "contents": ("VideoReport",),
        "results": ("ArchivedAnswer", "HitList", "SightingList", "thumbnailer"),
        "workspace": ("INDEX_FOLDER",),
    },
)
