"""Questions about hours of video, answered with the video and the seconds that show it.

    from lvqa import Archive
    archive = Archive("~/videos")
    archive.index()
    answer = archive.ask("Who opened the fridge first?", options=["the man", "the woman"])

Every name is loaded when it is first used, so that `import lvqa` costs milliseconds. This module knows where the public
names live and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lvqa.archive.archive import Archive as Archive
    from lvqa.archive.chats import Chat as Chat
    from lvqa.archive.results import HitList as HitList
    from lvqa.errors import LvqaError as LvqaError
    from lvqa.errors import MediaError as MediaError
    from lvqa.errors import ModelError as ModelError
    from lvqa.errors import ModelNotFound as ModelNotFound
    from lvqa.errors import PromptError as PromptError
    from lvqa.errors import ReplyError as ReplyError
    from lvqa.errors import StoreError as StoreError
    from lvqa.errors import StoreFull as StoreFull
    from lvqa.errors import StoreLocked as StoreLocked
    from lvqa.errors import StoreVersionError as StoreVersionError
    from lvqa.errors import SubtitleError as SubtitleError
    from lvqa.errors import UsageError as UsageError
    from lvqa.models.profiles import Models as Models
    from lvqa.settings import Settings as Settings
    from lvqa.types import Answer as Answer
    from lvqa.types import Budget as Budget
    from lvqa.types import Clip as Clip
    from lvqa.types import Cost as Cost
    from lvqa.types import Evidence as Evidence
    from lvqa.types import Hit as Hit
    from lvqa.types import Keyframe as Keyframe
    from lvqa.types import Note as Note
    from lvqa.types import Span as Span
    from lvqa.types import Step as Step
    from lvqa.types import Video as Video

    __version__: str

_HOMES = {
    "lvqa.tools.ledger": ("Budget",),
    "lvqa.archive.archive": ("Archive",),
    "lvqa.archive.chats": ("Chat",),
    "lvqa.errors": (
        "LvqaError",
        "MediaError",
        "ModelError",
        "ModelNotFound",
        "PromptError",
        "ReplyError",
        "StoreError",
        "StoreFull",
        "StoreLocked",
        "StoreVersionError",
        "SubtitleError",
        "UsageError",
    ),
    "lvqa.models.profiles": ("Models",),
    "lvqa.archive.results": ("HitList",),
    "lvqa.settings": ("Settings",),
    "lvqa.types": ("Answer", "Clip", "Cost", "Evidence", "Hit", "Keyframe", "Note", "Span", "Step", "Video"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    from importlib import import_module, metadata

    value: Any
    if name == "__version__":
        try:
            value = metadata.version("lvqa")
        except metadata.PackageNotFoundError:  # a bare checkout on the path
            value = "0+uninstalled"
    elif name in _HOME_OF:
        value = getattr(import_module(_HOME_OF[name]), name)
    else:
        raise AttributeError(f"module 'lvqa' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF, "__version__"})
