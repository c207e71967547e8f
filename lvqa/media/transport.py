"""What `lvqa.media` asks of whatever reads a video, be it in this process or in a child.

What each call means, returns and raises is told in `lvqa.media.reader`, which checks what it is given first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, Protocol

from lvqa.media.values import Backend, OnPicture, Samples, Subtitle, TimedFrame, VideoInfo
from lvqa.types import Clock, Span


class OpenVideo(Protocol):
    """A video that is open, for one thread at a time. All but `close` raise MediaError."""

    @property
    def info(self) -> VideoInfo:
        """What the video is."""
        ...

    @property
    def backend(self) -> Literal["decord", "pyav"]:
        """What reads the frames."""
        ...

    def rising(self, times_s: Sequence[float]) -> Iterator[TimedFrame]:
        """The frames shown at these times, which rise and do not repeat; one after the other."""
        ...

    def sample(self, fps: float, span: Span | None) -> Iterator[TimedFrame]:
        """Frames at all times k / fps inside the span (else the whole video), in order."""
        ...

    def close(self) -> None:
        """Let go of the file. May be called again."""
        ...


class Transport(Protocol):
    """Reads videos. Raises MediaError and SubtitleError, nothing else that a file could cause."""

    def probe(self, path: Path, *, exact: bool = True) -> VideoInfo:
        """What a video is; where that is not to be exact, its packets are not counted, nor is its clock followed."""
        ...

    def open(self, path: Path, max_side: int | None, backend: Backend, clock: Clock = ()) -> OpenVideo:
        """Open a video for its frames; `clock` where it is known."""
        ...

    def audio(self, path: Path, rate: int, chunk_s: float, track: int = 0) -> Iterator[tuple[float, Samples]]:
        """The sound of a video, or of one of its tracks, in chunks."""
        ...

    def subtitles(
        self, path: Path, on_problem: Callable[[str], None], on_picture: OnPicture | None = None
    ) -> list[Subtitle]:
        """The subtitles of a video that are text; those that are pictures are given out one by one."""
        ...
