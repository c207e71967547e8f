"""What a scope means in an index: names of videos become the videos themselves, and the whole becomes a filter.

Knows the store and nothing of who asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lvqa import phrasing
from lvqa.errors import UsageError
from lvqa.store import Filter
from lvqa.types import Scope, Video

if TYPE_CHECKING:
    from lvqa.store import Store


def filter_of(scope: Scope, store: Store) -> Filter:
    """The rows of an index that a scope allows. Raises UsageError where a name fits no video.

    Summaries say again what the notes of their time say: they count only where the scope names them as a source.
    """
    return Filter(
        level=None if "summary" in scope.sources else "clip",
        video_ids=frozenset(video.id for video in videos_named(scope.videos, store)) if scope.videos else None,
        span=scope.between,
        sources=frozenset(scope.sources) or None,
    )


def videos_named(names: Sequence[str], store: Store) -> list[Video]:
    """The videos that names mean, as `Store.videos.find` takes them, each once.

    Raises UsageError where a name fits none.
    """
    found: dict[str, Video] = {}
    for name in names:
        matches = store.videos.find(name) if name.strip() else []
        if not matches:
            known = sorted(video.path for video in store.videos.all())
            raise UsageError(f"there is no video {name!r} in the index; there are: {phrasing.listed(known) or 'none'}")
        found |= {video.id: video for video in matches}
    return list(found.values())


def video_named(name: str, store: Store) -> Video:
    """The one video that a name means. Raises UsageError where there is none, or several."""
    found, *others = videos_named([name], store)
    if others:
        paths = [video.path for video in (found, *others)]
        raise UsageError(f"{name!r} names {len(paths)} videos: {phrasing.listed(paths)}")
    return found
