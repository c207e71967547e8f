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

import lazy_loader

if TYPE_CHECKING:
    from lvqa.archive import Archive as Archive
    from lvqa.archive import ArchivedAnswer as ArchivedAnswer
    from lvqa.archive import Chat as Chat
    from lvqa.archive import CheckReport as CheckReport
    from lvqa.archive import HitList as HitList
    from lvqa.archive import SightingList as SightingList
    from lvqa.archive import VideoReport as VideoReport
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
    from lvqa.types import Computation as Computation
    from lvqa.types import Cost as Cost
    from lvqa.types import EventRow as EventRow
    from lvqa.types import Evidence as Evidence
    from lvqa.types import Hit as Hit
    from lvqa.types import Keyframe as Keyframe
    from lvqa.types import Note as Note
    from lvqa.types import Question as Question
    from lvqa.types import Scope as Scope
    from lvqa.types import Sighting as Sighting
    from lvqa.types import Span as Span
    from lvqa.types import Statement as Statement
    from lvqa.types import Step as Step
    from lvqa.types import Video as Video

    __version__: str

_load, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "archive": (
            "Archive",
            "ArchivedAnswer",
            "Chat",
            "CheckReport",
            "HitList",
            "SightingList",
            "VideoReport",
        ),
        "errors": (
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
        "models.profiles": ("Models",),
        "settings": ("Settings",),
        "types": (
            "Answer",
            "Budget",
            "Clip",
            "Computation",
            "Cost",
            "EventRow",
            "Evidence",
            "Hit",
            "Keyframe",
            "Note",
            "Question",
            "Scope",
            "Sighting",
            "Span",
            "Statement",
            "Step",
            "Video",
        ),
    },
)


def __getattr__(name: str) -> Any:
    if name != "__version__":
        return _load(name)
    from importlib import metadata

    try:
        return metadata.version("lvqa")
    except metadata.PackageNotFoundError:  # a bare checkout on the path
        return "0+uninstalled"
