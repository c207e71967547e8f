"""Reading videos in this process: what the child does that decodes, and what is done where isolation is off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from lvqa.media.decoding.audio import decode_audio
from lvqa.media.decoding.decoder import FrameDecoder
from lvqa.media.decoding.subtitles import collect_subtitles
from lvqa.media.decoding.video_info import read_video_info
from lvqa.media.values import Backend, OnPicture, Samples, Subtitle, VideoInfo
from lvqa.types import Clock


class InProcess:
    """The `lvqa.media.transport.Transport` without a child."""

    def probe(self, path: Path, *, exact: bool = True) -> VideoInfo:
        """What a video is."""
        return read_video_info(path, exact=exact)

    def open(
        self, path: Path, max_side: int | None, backend: Backend, clock: Clock = (), info: VideoInfo | None = None
    ) -> FrameDecoder:
        """Open a video for its frames; `info` where it was probed before, `clock` where that alone is known."""
        return FrameDecoder(path, max_side, backend, info, clock)

    def audio(self, path: Path, rate: int, chunk_s: float, track: int = 0) -> Iterator[tuple[float, Samples]]:
        """The sound of a video, in chunks."""
        return decode_audio(path, rate, chunk_s, track)

    def subtitles(
        self, path: Path, on_problem: Callable[[str], None], on_picture: OnPicture | None = None
    ) -> list[Subtitle]:
        """The subtitles of a video."""
        return collect_subtitles(path, on_problem, on_picture)
