"""Answers and hits that know where their videos lie, so that a notebook can show them with pictures.

Takes pictures from the video files when shown; knows neither the index nor the agent.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from lvqa import phrasing, render
from lvqa.errors import MediaError, UsageError
from lvqa.types import Answer, Hit, Sighting, Span

if TYPE_CHECKING:
    from lvqa.tools.find import FindResult
    from lvqa.zoom import SearchResult


@dataclass(frozen=True, slots=True)
class ArchivedAnswer(Answer):
    """An answer that also knows where its videos lie, so that a notebook can show them.

    `currency` is that of its cost's money; empty where nothing has a price.
    """

    folder: Path = Path()
    durations: Mapping[str, float] | None = None
    currency: str = ""

    def plot(self, path: str | os.PathLike[str], *, gold: Sequence[Span] = ()) -> list[Path]:
        """Draw what was looked at in each video, as PNG: into the file, or numbered where there are several.

        Nothing is drawn where nothing was searched for. `gold` are stretches to mark. Raises UsageError where the file
        cannot be written.
        """
        from lvqa.agents.replay import searches_of
        from lvqa.zoom.plot import save

        searches = searches_of(self.steps, self.durations or {})
        paths = _numbered(Path(path), len(searches))
        for where, (video, trace, frames) in zip(paths, searches, strict=True):
            save(where, trace, frames, gold=gold, title=video)
        return paths

    def _repr_html_(self) -> str:
        pictures, base = thumbnailer(self.folder), link_base(self.folder)
        return render.answer_html(self, pictures, self.durations or {}, base, self.currency)


class HitList(list[Hit]):
    """Search results, best first; a list of `Hit` that a notebook shows with pictures.

    `did_you_mean` is the query with words that stand nowhere as they were probably meant; empty where there are none.
    """

    def __init__(
        self,
        hits: Sequence[Hit] = (),
        folder: Path = Path(),
        durations: Mapping[str, float] | None = None,
        did_you_mean: str = "",
    ) -> None:
        super().__init__(hits)
        self.did_you_mean = did_you_mean
        self.folder = folder
        self.durations = durations or {}

    def _repr_html_(self) -> str:
        return render.hits_html(self, thumbnailer(self.folder), self.durations, link_base(self.folder))


class SightingList(list[Sighting]):
    """Where something was seen, those seen first; a list of `Sighting` that a notebook shows with pictures.

    `frames` were looked at, in `seconds`; `searches` holds each searched video's path and its search, `troubles` a line
    for each video that could not be read.
    """

    def __init__(
        self, finding: FindResult, folder: Path = Path(), durations: Mapping[str, float] | None = None
    ) -> None:
        super().__init__(finding.sights)
        self.query = finding.query
        self.searches = finding.searches
        self.frames = finding.frames
        self.seconds = finding.seconds
        self.troubles = finding.failed
        self.folder = folder
        self.durations = durations or {}

    def plot(self, path: str | os.PathLike[str], *, gold: Sequence[Span] = ()) -> list[Path]:
        """Draw each video's search as PNG: into the file, or with a number before its ending where there are several.

        `gold` are stretches to mark. Raises UsageError where the file cannot be written.
        """
        from lvqa.zoom.plot import save

        paths = _numbered(Path(path), len(self.searches))
        for where, (video, found) in zip(paths, self.searches, strict=True):
            save(where, found.trace, found.keyframes, gold=gold, title=video)
        return paths

    def _repr_html_(self) -> str:
        pictures, base = thumbnailer(self.folder), link_base(self.folder)
        plots = [plot for video, found in self.searches if (plot := _plot(video, found)) is not None]
        return render.sights_html(self, pictures, self.durations, self.summary(), plots, base)

    def summary(self) -> str:
        """One line on what was looked for, and what it took."""
        searchers = ", ".join(dict.fromkeys(found.trace.searcher for _, found in self.searches))
        videos = phrasing.count(len(self.searches), "video")
        return f"{phrasing.count(self.frames, 'frame')} looked at in {videos} by {searchers}, {self.seconds:.1f} s"


def _plot(video: str, found: SearchResult) -> bytes | None:
    """A search as PNG; None where matplotlib is not installed: a notebook shows the rest."""
    from lvqa.zoom.plot import picture

    out = io.BytesIO()
    try:
        picture(found.trace, found.keyframes, title=video, width=900).save(out, "PNG")
    except UsageError:
        return None
    return out.getvalue()


def _numbered(path: Path, n: int) -> list[Path]:
    """n file names: the path itself, then with a number before its ending."""
    return [path.with_stem(f"{path.stem}-{k}") if k else path for k in range(n)]


def thumbnailer(folder: Path) -> render.Thumbnailer:
    """Pictures of the videos below a folder; None for a file that is gone or cannot be read."""

    def picture(video: str, time_s: float) -> bytes | None:
        from lvqa.media import locate, thumbnail

        try:
            return thumbnail(locate(folder, video), time_s)
        except (MediaError, OSError):  # imported captions without a file, or one that is gone: shown without a picture
            return None

    return picture


def no_picture(video: str, time_s: float) -> bytes | None:
    """For where there are none."""
    return None


def link_base(folder: Path) -> str:
    """The folder as a link from a notebook in the current folder."""
    return quote(os.path.relpath(folder), errors="surrogatepass")
