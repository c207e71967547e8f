"""Questions about hours of video, answered with the video and the seconds that show it.

    from lvqa import Archive
    archive = Archive("~/videos")
    archive.index()
    answer = archive.ask("Who opened the fridge first?", options=["the man", "the woman"])

Every name is loaded when it is first used, so that `import lvqa` costs milliseconds. This module knows where the public
names live and nothing else.
"""

from __future__ import annotations

from typing import Any

import lazy_loader

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    if name != "__version__":
        return _load(name)
    from importlib import metadata

    try:
        return metadata.version("lvqa")
    except metadata.PackageNotFoundError:  # a bare checkout on the path
        return "0+uninstalled"
