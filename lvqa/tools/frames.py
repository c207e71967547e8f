"""FramesResult of a video for people, or for a model that looks for itself; shows the VLM none, and charges none."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lvqa.errors import MediaError
from lvqa.media.files import locate
from lvqa.models.base import Frame
from lvqa.tools.arguments import region as region_of
from lvqa.tools.workbench import Workbench
from lvqa.zoom.footage import cropped, fitted


@dataclass(frozen=True, slots=True, eq=False)
class FramePicture:
    """A frame, uint8 (h, w, 3), RGB: the time it was asked for, and its own."""

    time_s: float
    pts_s: float
    image: Frame

    def to_dict(self) -> dict[str, Any]:
        """The times and the size in pixels."""
        height, width = self.image.shape[:2]
        return {"time_s": round(self.time_s, 3), "pts_s": round(self.pts_s, 3), "width": width, "height": height}

    def jpeg(self, quality: int = 85) -> bytes:
        """The picture as JPEG."""
        from PIL import Image

        out = io.BytesIO()
        Image.fromarray(self.image).save(out, "JPEG", quality=quality)
        return out.getvalue()


@dataclass(frozen=True, slots=True, eq=False)
class FramesResult:
    """FramesResult of a video (by path) in order of time, and a line for what could not be read."""

    video: str
    pictures: tuple[FramePicture, ...]
    left_out: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The times and sizes of the pictures; they themselves are in `pictures`."""
        shown = [picture.to_dict() for picture in self.pictures]
        return {"video": self.video, "frames": shown, "left_out": list(self.left_out)}


def frames(
    bench: Workbench,
    video: str,
    times: Sequence[float],
    region: tuple[float, float, float, float] | None = None,
) -> FramesResult:
    """The frames shown at times of a video, in seconds, or a part of each. Raises UsageError for bad arguments."""
    one, part = bench.video(video), region_of(region)
    wanted = bench.times(one, times)
    try:
        found = bench.frames.at(locate(bench.folder, one.path), wanted)
    except MediaError as error:
        return FramesResult(one.path, (), (str(error),))
    side = bench.settings.max_side
    shown = (FramePicture(frame.time_s, frame.pts_s, fitted(cropped(frame.image, part), side)) for frame in found)
    return FramesResult(one.path, tuple(shown))
