"""Frames of videos as they are shown to the VLM: decoded, each file opened once. Chooses none, and asks no model."""

from __future__ import annotations

from collections.abc import Sequence

from lvqa.agents.state import Context
from lvqa.errors import MediaError
from lvqa.models.base import Frame
from lvqa.types import Keyframe


def decode(context: Context, groups: Sequence[Sequence[Keyframe]]) -> tuple[dict[int, list[Frame]], list[str]]:
    """The frames of each group by its number, each file opened once; and a line for each that cannot be read."""
    from lvqa.media import FrameReader, locate

    images: dict[int, list[Frame]] = {}
    failed: list[str] = []
    for video_id in dict.fromkeys(group[0].video_id for group in groups):
        mine = [n for n, group in enumerate(groups) if group[0].video_id == video_id]
        try:
            path = locate(context.folder, context.retriever.path(video_id))
            with FrameReader(path, max_side=context.settings.max_side, backend=context.settings.reader) as reader:
                frames = iter(reader.at([frame.time_s for n in mine for frame in groups[n]]))
                for n in mine:
                    images[n] = [next(frames).image for _ in groups[n]]
        except MediaError as error:
            failed.append(str(error))
    return images, failed
