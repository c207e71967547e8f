"""Writes a video of the world from its truth: H.264 frame by frame in bounded memory, subtitles inside or beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event

from lvqa.eval.lab.footage_writer import write_video
from lvqa.eval.lab.world.scenes.draw import Frame, paint
from lvqa.eval.lab.world.scenes.truth import FPS, VideoTruth
from lvqa.types import format_time

# One thread, so that the same bytes come out on every machine; the fastest preset also decodes fastest.
_OPTIONS = {"preset": "ultrafast", "crf": "25", "threads": "1"}
# A keyframe at least every six seconds: a look at one moment decodes 24 frames at most.
_GOP = 6 * FPS


class RenderingStopped(Exception):
    """Rendering was told to stop."""


def frames(truth: VideoTruth, stop: Event | None = None) -> Iterator[Frame]:
    """The video's frames in order, uint8 (HEIGHT, WIDTH, 3) RGB; raises Stopped once `stop` is set."""
    for k in range(truth.n_frames):
        if stop is not None and stop.is_set():
            raise RenderingStopped
        yield paint(truth.view_at(k / FPS))


def render(truth: VideoTruth, folder: Path, stop: Event | None = None) -> list[Path]:
    """Write the video into a folder.

    Args:
        truth: what to show.
        folder: where to write; files of the same names are replaced.
        stop: ends the rendering early when set.

    Returns:
        What was written, the video last: it alone, or its subtitles as .srt and it.

    Raises:
        Stopped: `stop` was set.
    """
    path, text = folder / truth.name, folder / srt_name(truth)
    cues = [(line.start_s, line.end_s, line.text) for line in truth.subtitles]
    inside = truth.embedded and cues
    write_video(path, frames(truth, stop), fps=FPS, gop=_GOP, options=_OPTIONS, subtitles=cues if inside else ())
    if inside or not cues:
        return [path]
    text.write_text("\n".join(_srt(*cue, number=k) for k, cue in enumerate(cues, 1)), encoding="utf-8")
    return [text, path]


def srt_name(truth: VideoTruth) -> str:
    """The name of the file of subtitles beside the video, where they are not inside it."""
    return Path(truth.name).with_suffix(".srt").name


def _srt(start_s: float, end_s: float, text: str, *, number: int) -> str:
    start, end = (format_time(time_s, milliseconds=True).replace(".", ",") for time_s in (start_s, end_s))
    return f"{number}\n{start} --> {end}\n{text}\n"
