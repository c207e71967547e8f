"""What several commands need: exit statuses, an archive with its settings checked, and a bar on stderr.

Knows no command.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lvqa import phrasing
from lvqa.cli import output
from lvqa.errors import UsageError
from lvqa.secrets import strike
from lvqa.stopping import Stop, on_signals

if TYPE_CHECKING:
    from lvqa.archive.archive import Archive
    from lvqa.indexers import Progress
    from lvqa.settings import Settings

OK, ERROR, USAGE, SOME_FAILED, OF_NO_USE, STOPPED, BROKEN_PIPE = 0, 1, 2, 3, 4, 130, 141


def open_archive(folder: str, archive_dir: str | None, settings: Mapping[str, Any] | None = None) -> Archive:
    """The archive of a folder. Raises UsageError as `checked_settings` and `Archive` do."""
    from lvqa.archive.archive import Archive

    settings = settings or {}
    checked_settings(settings)  # before they mix with the arguments that are no settings
    return Archive(folder, archive_dir=archive_dir, **settings)


def reasons(archive: Archive) -> list[str]:
    """What the `auto` profile chose, and why."""
    if archive.settings.profile != "auto":
        return []
    return [f"lvqa: {phrasing.for_terminal(reason)}" for reason in archive.models.reasons]


def checked_settings(given: Mapping[str, Any]) -> Settings:
    """The settings that these make. Raises UsageError for an unknown name, listing those that there are."""
    from lvqa.settings import Settings

    unknown = sorted(given.keys() - Settings.model_fields.keys())
    if unknown:
        raise UsageError(f"there is no setting {', '.join(unknown)}; there are: {', '.join(Settings.model_fields)}")
    return Settings.load(None, **given)


@contextmanager
def stoppable() -> Iterator[Stop]:
    """What asks a run to end at the first Ctrl-C or SIGTERM, and says so; at the second the run ends at once."""
    stop = Stop()

    def told() -> None:
        # Not through sys.stderr: a signal may arrive in the middle of one of its own writes.
        with contextlib.suppress(OSError, ValueError):
            line = "lvqa: stopping after the batch under way; press Ctrl-C again to stop at once\n"
            os.write(sys.stderr.fileno(), line.encode())

    with on_signals(stop, told):
        yield stop


@contextmanager
def progress_bar(first: Sequence[str] = ()) -> Iterator[Progress]:
    """A bar on stderr; `first` is said before the work begins, and not where there is none."""
    from lvqa.indexers.progress import RichProgress

    unsaid = list(first)

    class SafeProgress(RichProgress):
        def start(self, videos: int, total: float, unit: str = "s") -> None:
            while unsaid:
                output.note(unsaid.pop(0))
            super().start(videos, total, unit)

        def message(self, text: str) -> None:
            super().message(f"lvqa: {phrasing.for_terminal(strike(text))}")

    with SafeProgress() as progress:
        yield progress
