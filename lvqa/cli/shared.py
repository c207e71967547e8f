"""What several commands need: settings whose names were checked, and a bar on stderr. Knows no command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lvqa import render
from lvqa.cli import output
from lvqa.errors import UsageError

if TYPE_CHECKING:
    from lvqa.indexers import Progress
    from lvqa.settings import Settings


def checked_settings(given: Mapping[str, Any]) -> Settings:
    """The settings that these make. Raises UsageError for an unknown name, listing those that there are."""
    from lvqa.settings import Settings

    unknown = sorted(given.keys() - Settings.model_fields.keys())
    if unknown:
        raise UsageError(f"there is no setting {', '.join(unknown)}; there are: {', '.join(Settings.model_fields)}")
    return Settings.load(None, **given)


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
            super().message(f"lvqa: {render.one_line(text)}")

    with SafeProgress() as progress:
        yield progress
