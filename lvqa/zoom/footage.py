"""One video as a search sees it: its frames, decoded once however many look at them, and what the index knows of it.

Frames are decoded larger than models see them and kept (`lvqa.media.FrameCache`); smaller ones and crops are made from
those. The index's visual channel is read in blocks, so that an hour more of video takes no more memory. This module
scores nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from lvqa.models.base import Frame, Vectors
from lvqa.types import Note, Span
from lvqa.zoom.arrays import Crop, Mask, Scores, Values
from lvqa.zoom.salience import nearest

if TYPE_CHECKING:
    from lvqa.media import FrameCache, TimedFrame
    from lvqa.store import Store

# A quarter of a frame is shown as large as a model takes it, a small sign of an ordinary video too; and no frame of 8K
# fills the memory.
_TIMES_LARGER, _LEAST_SIDE = 2, 1536
_BLOCK_S = 600.0
# A time so near to an embedded frame shows the same.
_SAME_S = 0.05


class FrameChannel(Protocol):
    """The frame vectors of one video that an index holds."""

    @property
    def model(self) -> str:
        """The image embedder that made them."""
        ...

    @property
    def times_s(self) -> Values:
        """When the frames are, in seconds, float64 (n,), rising."""
        ...

    def blocks(self) -> Iterator[Vectors]:
        """The vectors, float32 (b, d), unit norm, in order of time, a part at a time."""
        ...


@dataclass(eq=False)
class StoreChannel:
    """Frame vectors in a store, read ten minutes at a time."""

    store: Store
    model: str
    video_id: str
    within: Span
    times_s: Values = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        self.times_s = self.store.frames.times(self.model, self.video_id, self.within)

    def blocks(self) -> Iterator[Vectors]:
        """Blocks of `_BLOCK_S` seconds."""
        start_s = self.within.start_s
        while start_s < self.within.end_s:
            end_s = min(start_s + _BLOCK_S, self.within.end_s)
            _, vectors = self.store.frames.of(self.model, self.video_id, Span(start_s, end_s))
            if len(vectors):
                yield vectors
            start_s = end_s


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of the video that recall brought, and how probable it is that the answer lies there."""

    span: Span
    score: float

    def __post_init__(self) -> None:
        if not self.score > 0:
            raise ValueError(f"a region's score is above zero, got {self.score!r}")


@dataclass(eq=False)
class Footage:
    """One video to be searched; a context manager, for one search at a time.

    Args:
        video_id: goes into keyframes.
        duration_s: its length.
        path: the file; None where there is none, and nothing can be looked at.
        within: the only part that may be searched.
        channel: the index's frame vectors.
        notes: what is written and said of it, in order of time.
        regions: what recall brought of it.
        taken: times that were looked at before and are not wanted again.
        max_side: the longer side, in pixels, of the frames that models are shown.
        backend: what decodes.
        frame_s: the time between two frames; found in the file when not given.
        cache: where frames are decoded and kept; one of its own, of this video alone, when not given.
    """

    video_id: str
    duration_s: float
    path: Path | None = None
    within: Span = field(default=None)  # type: ignore[assignment]
    channel: FrameChannel | None = None
    notes: Sequence[Note] = ()
    regions: Sequence[Region] = ()
    taken: Sequence[float] = ()
    max_side: int = 768
    backend: Any = "pyav"
    frame_s: float = 0.0
    cache: FrameCache | None = None
    cosines: dict[tuple[str, str], Scores] = field(default_factory=dict, init=False)
    """Cosines of the whole channel with a phrase, float32 (n,), by embedder and phrase; the scorers' own."""
    _own: FrameCache | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        whole = Span(0.0, self.duration_s)
        self.within = whole if self.within is None else self.within.intersection(whole) or whole

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file and of all frames, but for those of a cache that others share."""
        if self._own is not None:
            self._own.close()
            self._own = None

    @property
    def seconds(self) -> Values:
        """The whole seconds that lie in it, float64 (n,), its start where none does: what searches choose from."""
        first = int(np.ceil(self.within.start_s - 1e-9))
        seconds = np.arange(first, self.within.end_s - 1e-6, 1.0)
        return np.maximum(seconds, self.within.start_s) if len(seconds) else np.array([self.within.start_s])

    @property
    def moments(self) -> Values:
        """The whole seconds and, between them, the times of the visual channel's other frames, float64 (n,), rising."""
        seconds = self.seconds
        if self.channel is None:
            return seconds
        others = self.channel.times_s
        others = others[(others > seconds[0]) & (others < self.within.end_s)]
        apart = np.abs(others - np.round(others)) > _SAME_S
        return np.union1d(seconds, others[apart]) if apart.any() else seconds

    @property
    def last_s(self) -> float:
        """The last time that may be asked for: within the last frame."""
        return max(self.within.start_s, self.within.end_s - 1e-3)

    @property
    def step_s(self) -> float:
        """The time between two frames, in seconds; a guess of 1 / 25 where there is no file."""
        if not self.frame_s:
            fps = self._cache().info(self.path).fps if self.path is not None else 0.0
            self.frame_s = 1.0 / fps if fps > 0 else 0.04
        return self.frame_s

    def clip(self, times_s: Values) -> Values:
        """Times moved inside."""
        return np.clip(times_s, self.within.start_s, self.last_s)

    def covered(self, times_s: Values) -> Mask:
        """Whether the visual channel has a frame at these times, bool (n,)."""
        known = self.channel.times_s if self.channel is not None else np.zeros(0)
        if not len(known):
            return np.zeros(len(times_s), bool)
        return np.asarray(np.abs(known[nearest(known, times_s)] - times_s) <= _SAME_S, np.bool_)

    def at(self, times_s: Sequence[float]) -> Frames:
        """Whole frames at times in seconds, decoded when they are looked at."""
        return Frames(self, tuple(float(t) for t in times_s), (None,) * len(times_s))

    def pts_of(self, time_s: float) -> float | None:
        """The own time of the frame shown at a time, where it was decoded before."""
        return self._cache().pts_of(self.path, time_s) if self.path is not None else None

    def decoded(self, times_s: Sequence[float]) -> list[TimedFrame]:
        """The whole frames shown at times in seconds, in that order, as they are kept. Raises MediaError."""
        from lvqa.errors import MediaError

        if self.path is None:
            raise MediaError(f"the file of video {self.video_id} is not there; nothing of it can be looked at")
        return self._cache().at(self.path, times_s)

    def _cache(self) -> FrameCache:
        if self.cache is not None:
            return self.cache
        if self._own is None:
            self._own = frame_cache(self.max_side, self.backend)
        return self._own


def frame_cache(max_side: int, backend: Any = "pyav") -> FrameCache:
    """A cache of frames for models that are shown frames of at most `max_side` pixels, and parts of them."""
    from lvqa.media import FrameCache

    return FrameCache(max(_TIMES_LARGER * max_side, _LEAST_SIDE), backend)


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames of one video by time, whole or cropped; decoded when their images are asked for."""

    footage: Footage
    times_s: tuple[float, ...]
    crops: tuple[Crop | None, ...]

    def __len__(self) -> int:
        return len(self.times_s)

    def __getitem__(self, rows: Sequence[int] | range | npt.NDArray[np.int64]) -> Frames:
        wanted = [int(row) for row in rows]
        return Frames(
            self.footage, tuple(self.times_s[row] for row in wanted), tuple(self.crops[row] for row in wanted)
        )

    def images(self) -> Iterator[Frame]:
        """The frames in order, uint8 (h, w, 3), their longer side at most the footage's `max_side`."""
        for frame, crop in zip(self.footage.decoded(self.times_s), self.crops, strict=True):
            yield fitted(cropped(frame.image, crop), self.footage.max_side)


def cropped(image: Frame, crop: Crop | None) -> Frame:
    """A part of a frame, at least a pixel; all of it where there is no crop."""
    if crop is None:
        return image
    h, w = image.shape[:2]
    x0, y0 = min(round(crop[0] * w), w - 1), min(round(crop[1] * h), h - 1)
    return image[y0 : max(round(crop[3] * h), y0 + 1), x0 : max(round(crop[2] * w), x0 + 1)]


def fitted(image: Frame, max_side: int) -> Frame:
    """A frame scaled down so that its longer side has at most so many pixels."""
    h, w = image.shape[:2]
    if max(h, w) <= max_side:
        return np.ascontiguousarray(image)
    import cv2

    share = max_side / max(h, w)
    size = (max(1, round(w * share)), max(1, round(h * share)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
