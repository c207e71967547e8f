"""Answers and hits that know where their videos lie, so that a notebook can show them with pictures.

Takes pictures from the video files when shown; knows neither the index nor the agent.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from lvqa import render
from lvqa.errors import MediaError
from lvqa.types import Answer, Hit


@dataclass(frozen=True, slots=True)
class ArchivedAnswer(Answer):
    """An answer that also knows where its videos lie, so that a notebook can show them."""

    folder: Path = Path()
    durations: Mapping[str, float] | None = None

    def _repr_html_(self) -> str:
        return render.answer_html(self, thumbnailer(self.folder), self.durations or {}, link_base(self.folder))


class HitList(list[Hit]):
    """Search results, best first; a list of `Hit` that a notebook shows with pictures."""

    def __init__(
        self, hits: Sequence[Hit] = (), folder: Path = Path(), durations: Mapping[str, float] | None = None
    ) -> None:
        super().__init__(hits)
        self.folder = folder
        self.durations = durations or {}

    def _repr_html_(self) -> str:
        return render.hits_html(self, thumbnailer(self.folder), self.durations, link_base(self.folder))


def thumbnailer(folder: Path) -> render.Thumbnailer:
    """Pictures of the videos below a folder; None for a file that is gone or cannot be read."""

    def picture(video: str, time_s: float) -> bytes | None:
        from lvqa.media import thumbnail

        try:
            return thumbnail(folder / video, time_s)
        except (MediaError, OSError):  # imported captions without a file, or one that is gone: shown without a picture
            return None

    return picture


def no_picture(video: str, time_s: float) -> bytes | None:
    """For where there are none."""
    return None


def link_base(folder: Path) -> str:
    """The folder as a link from a notebook in the current folder."""
    return quote(os.path.relpath(folder), errors="surrogatepass")
