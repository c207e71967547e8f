"""Frames of videos as they are shown to the VLM: decoded once a question. Chooses none, and asks no model."""

from __future__ import annotations

from collections.abc import Sequence

from lvqa.agents.state import Context
from lvqa.errors import MediaError
from lvqa.media.files import locate
from lvqa.models.base import Frame
from lvqa.types import Keyframe
from lvqa.zoom import fitted


def decode(context: Context, groups: Sequence[Sequence[Keyframe]]) -> tuple[dict[int, list[Frame]], list[str]]:
    """The frames of each group of one video by its number, as models see them; a line for each that cannot be read."""
    images: dict[int, list[Frame]] = {}
    failed: list[str] = []
    for video_id in dict.fromkeys(group[0].video_id for group in groups):
        mine = [n for n, group in enumerate(groups) if group[0].video_id == video_id]
        try:
            path = locate(context.folder, context.retriever.path(video_id))
            frames = iter(context.frames.at(path, [frame.time_s for n in mine for frame in groups[n]]))
        except MediaError as error:
            failed.append(str(error))
            continue
        for n in mine:
            images[n] = [fitted(next(frames).image, context.settings.max_side) for _ in groups[n]]
    return images, failed
