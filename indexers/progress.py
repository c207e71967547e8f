"""How far indexing is, told to whoever asked: a small Protocol, and a bar on stderr. Knows no video and no model."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Progress(Protocol):
    """Told by one thread how far a run is. A part may be started after another has ended."""

    def start(self, videos: int, total: float, unit: str = "s") -> None:
        """Work begins on that many videos: `total` seconds of footage, or of whatever `unit` names."""
        ...

    def advance(self, amount: float = 0.0, *, videos: int = 0, clips: int = 0) -> None:
        """So much more of the total is in the index, so many more videos are settled, so many more clips made."""
        ...

    def message(self, text: str) -> None:
        """Something people should know now."""
        ...

    def finish(self) -> None:
        """The work is over, one way or another."""
        ...


class NoProgress:
    """Says nothing."""

    def start(self, videos: int, total: float, unit: str = "s") -> None:
        """Do nothing."""

    def advance(self, amount: float = 0.0, *, videos: int = 0, clips: int = 0) -> None:
        """Do nothing."""

    def message(self, text: str) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing."""


class RichProgress:
    """A bar on stderr: videos, clips a second, time left. Silent when stderr is no terminal, messages apart.

    Use it as a context manager, so that the terminal is left as it was.
    """

    def __init__(self, console: Any = None) -> None:
        from rich.console import Console

        self._console: Any = console or Console(file=sys.stderr, highlight=False)
        self._bar: Any = None
        self._task: Any = None
        self._videos = 0
        self._settled = 0
        self._clips = 0
        self._unit = "s"

    def __enter__(self) -> RichProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish()

    def start(self, videos: int, total: float, unit: str = "s") -> None:
        """Show the bar, where there is a terminal."""
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self.finish()
        self._videos, self._settled, self._clips, self._unit = videos, 0, 0, unit
        if not self._console.is_terminal or total <= 0:
            return
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task(self._describe(), total=total, rate="")
        self._bar.start()

    def advance(self, amount: float = 0.0, *, videos: int = 0, clips: int = 0) -> None:
        """Move the bar."""
        self._settled += videos
        self._clips += clips
        if self._bar is None:
            return
        elapsed = self._bar.tasks[0].elapsed or 0.0
        counted = self._unit == "s" and self._clips > 0 and elapsed > 0
        rate = f"{self._clips / elapsed:.1f} clips/s" if counted else ""
        self._bar.update(self._task, advance=amount, description=self._describe(), rate=rate)

    def message(self, text: str) -> None:
        """One line above the bar; it is text: no markup, no names of emoji."""
        self._console.print(text, markup=False, emoji=False, soft_wrap=True)

    def finish(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _describe(self) -> str:
        if self._unit != "s":
            return self._unit
        return f"{self._settled}/{self._videos} video{'s' if self._videos != 1 else ''}"
