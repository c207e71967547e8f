"""The errors of lvqa.

    LvqaError
    ├── UsageError            the call makes no sense: an empty question, no such option   (exit status 2)
    ├── MediaError            a file that cannot be read as video
    │   ├── NoVideo           a sound file, a still picture: whole, and no video
    │   └── SubtitleError     a subtitle file that cannot be read
    ├── ModelError            a model failed or replied with something unusable
    │   ├── ModelNotFound     its weights, package or server are not there
    │   │   └── ServerAway    its server was busy or gone for longer than it is waited for
    │   ├── LateReply         it did not reply in the time that there was
    │   ├── TooLong           it cannot read as much as it was sent
    │   └── ReplyError        its reply did not parse, and neither did the repeated one
    ├── StoreError            the index cannot be read or written
    │   ├── StoreLocked       somebody else is indexing this archive
    │   ├── StoreFull         the disk has no room left
    │   └── StoreVersionError the index was written by a newer lvqa
    └── PromptError           a prompt file misses a hole, or has one too many

Every message says what happened and what to do about it. This module knows nothing of any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class LvqaError(Exception):
    """Root of everything lvqa raises on purpose."""


class UsageError(LvqaError, ValueError):
    """The call makes no sense as it stands."""


class MediaError(LvqaError):
    """A file that cannot be read as video."""


class NoVideo(MediaError):
    """A file that is what it is meant to be, and no video: sound alone, or one picture."""


class SubtitleError(MediaError):
    """A subtitle file or track that cannot be read."""


class ModelError(LvqaError):
    """A model failed, or replied with something unusable."""


class ModelNotFound(ModelError):
    """The weights, the package or the server of a model are not there."""


class ServerAway(ModelNotFound):
    """A model's server was busy, or gone, for longer than it is waited for; nothing is wrong with what it was sent."""


class LateReply(ModelError):
    """A model did not reply before the time was up that there was for it."""


class TooLong(ModelError):
    """A model cannot read, and reply to, as much as it was sent; less of the same may do."""


class ReplyError(ModelError):
    """A reply did not parse, and neither did the one asked for in its place."""


class StoreError(LvqaError):
    """The index cannot be read or written."""


class StoreLocked(StoreError):
    """Another process is writing to this archive."""


class StoreFull(StoreError):
    """The disk that holds the index has no room left; what was committed is there."""


class StoreVersionError(StoreError):
    """The index was written by a newer version of lvqa."""


class PromptError(LvqaError):
    """A prompt file lacks a hole that was filled, or has one that was not."""


@contextmanager
def needs_extra(extra: str, what: str) -> Iterator[None]:
    """Around imports of packages that come with an extra of lvqa: `with needs_extra("plot", "a picture of a search")`.

    Raises UsageError, with what to install, where one of them is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "a package").partition(".")[0]
        raise UsageError(f"{what} needs {package}, which is not installed: pip install 'lvqa[{extra}]'") from error
