"""One pass over a video: every frame that any stage needs is decoded once, and leaves as events in time order.

Knows frames, clips and what is near-duplicate; no models, no threads, no store. Frames are always decoded whole and
made smaller here, so that which stages run never changes what another stage sees.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING

from lvqa.errors import MediaError
from lvqa.indexers.stages.between import BetweenFrames, Waiting
from lvqa.indexers.stages.caption import caption_frames
from lvqa.indexers.stages.duplicates import shrink
from lvqa.indexers.stages.screen_watch import ScreenChange, ScreenWatch, WatchState
from lvqa.indexers.stages.shots import ClipCutter, ClipRules, ShotDetector, sample_rate
from lvqa.models.base import Frame
from lvqa.types import Span, format_time

if TYPE_CHECKING:
    from lvqa.media import FrameReader, TimedFrame, VideoInfo
    from lvqa.settings import Settings

_EPS = 1e-6
_CANDIDATES = 4
_CHUNK_BYTES = 64 << 20
# Between two frames that may be read, one tells which of them a change is nearer to.
_LOOKS = 2
# Times `duplicate_threshold`: at its default, a codec's noise in a still picture stays below, a thin stroke does not.
_NOISE = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class ScreenFrame:
    """A frame whose text is wanted, its time, and since when the screen may show it."""

    time_s: float
    change: ScreenChange
    frame: Frame


@dataclass(frozen=True, slots=True, eq=False)
class CutClip:
    """A clip that has ended, with the frames of it that the captioner and the image embedder get."""

    span: Span
    caption_frames: list[Frame] = field(default_factory=list)
    embed_times_s: list[float] = field(default_factory=list)
    embed_frames: list[Frame] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Wants:
    """From which second on each stage wants a video, None for not at all; the pass starts at the least of all."""

    segment_s: float | None = None
    caption_s: float | None = None
    screen_s: float | None = None
    frames_s: float | None = None

    @property
    def start_s(self) -> float | None:
        """Where the pass starts; None where no stage wants anything."""
        given = [s for s in (self.segment_s, self.caption_s, self.screen_s, self.frames_s) if s is not None]
        return min(given) if given else None


def on_grid(time_s: float, every_s: float) -> bool:
    """Whether a time is a multiple of a spacing, to the microsecond."""
    return abs(time_s - round(time_s / every_s) * every_s) < _EPS


def grid(span: Span, *spacings_s: float) -> Iterator[float]:
    """The multiples of all spacings inside a span, rising; times that agree to the microsecond come once."""
    counts = [math.ceil(span.start_s / every_s - _EPS) for every_s in spacings_s]
    while True:
        nexts = [count * every_s for count, every_s in zip(counts, spacings_s, strict=True)]
        time_s = min(nexts)
        if time_s >= span.end_s - _EPS:
            return
        yield time_s
        counts = [count + (at - time_s < _EPS) for count, at in zip(counts, nexts, strict=True)]


def common_rate(*spacings_s: float) -> float | None:
    """The least rate whose grid holds the multiples of all spacings; None where it is above 60 a second, or none is."""
    rates = [(1 / Fraction(every_s).limit_denominator(1000)).limit_denominator(1000) for every_s in spacings_s]
    if any(abs(1 / every_s - float(rate)) > _EPS / 100 for every_s, rate in zip(spacings_s, rates, strict=True)):
        return None
    common = Fraction(math.lcm(*(rate.numerator for rate in rates)), math.gcd(*(rate.denominator for rate in rates)))
    return float(common) if common <= max(Fraction(60), *rates) else None


class VideoPass:
    """The events of one video, from a clip's start to the end of the video. Make one for each pass."""

    def __init__(self, settings: Settings, wants: Wants, duration_s: float, watched: WatchState | None = None) -> None:
        """`watched` is what the pass that came to `wants.screen_s` knew of the screen."""
        start_s = wants.start_s
        if start_s is None:
            raise ValueError("no stage wants this video")
        self._settings = settings
        self._wants = wants
        self._duration_s = duration_s
        self._start_s = start_s
        self._step_s = 1 / sample_rate(settings.sample_fps, settings.clip_max_s)
        self._watched = watched
        self._watch = ScreenWatch(_NOISE * settings.duplicate_threshold)
        self._watch_s = settings.ocr_every_s / _LOOKS
        self.cut_short = False
        # A clip holds no more frames than this spacing allows, however high the sampling rate.
        self._candidate_s = settings.clip_max_s / (_CANDIDATES * settings.frames_per_clip)

    @property
    def watched(self) -> WatchState | None:
        """What is known of the screen at the end of the clip that came last."""
        return self._watch.state or self._watched

    def events(self, reader: FrameReader, ended: Callable[[], bool] = lambda: False) -> Iterator[ScreenFrame | CutClip]:
        """Read the video through and yield, in time order, frames to read and clips; a clip comes after its frames.

        Once `ended` says so, no more frames are read and `cut_short` is true: the clip that is open is not told of.
        Raises MediaError where decoding fails, and after the last clip of a file that breaks off.
        """
        info = reader.info
        if self._duration_s - self._start_s <= _EPS:
            if info.breaks_off:
                raise _broken(info)
            return
        settings = self._settings
        rules = ClipRules(settings.clip_min_s, settings.clip_max_s, self._step_s)
        cutter = ClipCutter(rules, self._duration_s, self._start_s)
        detector = ShotDetector(settings.shot_threshold)
        clip = _OpenClip(settings, self._wants)
        if self._watched is not None:
            before = [timed.image for timed in reader.at(self._watched.times_s)]
            self._watch.go_on(self._watched, before)
        seen = False
        for timed in self._frames(reader):
            seen = True
            if ended():
                self.cut_short = True
                return
            # The same time to the last bit, whichever way the grid was walked: rows are compared exactly.
            time_s = round(timed.time_s, 6)
            sampled = on_grid(time_s, self._step_s)
            if sampled:
                span = cutter.push(time_s, detector.push(timed.image))
                if span is not None:
                    yield clip.close(span)
                    clip = _OpenClip(settings, self._wants)
            clip.take(time_s, timed.image, cutter.start_s, self._candidate_s, sampled=sampled)
            if _wanted(self._wants.screen_s, time_s) and on_grid(time_s, self._watch_s):
                change = self._watch.look(time_s, timed.image, due=on_grid(time_s, settings.ocr_every_s))
                if change is not None:
                    yield ScreenFrame(time_s, change, timed.image)
        if not seen:
            raise MediaError(f"no frame of {info.path.name} could be decoded; make the file anew")
        last = cutter.finish()
        if last is not None:
            yield clip.close(last)
        if info.breaks_off:
            raise _broken(info)

    def _frames(self, reader: FrameReader) -> Iterator[TimedFrame]:
        """Every frame that is wanted, in order, until the end or the place where the file breaks off."""
        settings, span = self._settings, Span(self._start_s, self._duration_s)
        spacings = [self._step_s]
        if self._wants.screen_s is not None:
            spacings.append(self._watch_s)
        if self._wants.frames_s is not None:
            spacings.append(settings.embed_every_s)
        rate = common_rate(self._step_s, self._watch_s, settings.embed_every_s)
        if rate is not None:
            frames = reader.sample(rate, span)
            while (timed := _next(frames, reader)) is not None:
                if any(on_grid(timed.time_s, every_s) for every_s in spacings):
                    yield timed
            return
        size = min(64, max(2, _CHUNK_BYTES // max(1, 3 * reader.info.width * reader.info.height)))
        times = grid(span, *spacings)
        while chunk := list(islice(times, size)):
            yield from reader.at(chunk)


def _next(frames: Iterator[TimedFrame], reader: FrameReader) -> TimedFrame | None:
    """The next frame; a file that breaks off ends like any other here, and is told of after its last clip."""
    try:
        return next(frames, None)
    except MediaError:
        if reader.info.breaks_off:
            return None
        raise


def _broken(info: VideoInfo) -> MediaError:
    return MediaError(
        f"{info.path.name} breaks off at {format_time(info.duration_s)}, before the end its header gives; what comes "
        "before is indexed: copy the file again for the rest"
    )


class _OpenClip:
    """What has been seen of the clip that is going on."""

    def __init__(self, settings: Settings, wants: Wants) -> None:
        self._settings = settings
        self._wants = wants
        self._times_s: list[float] = []
        self._frames: list[Frame] = []
        self._embed_times_s: list[float] = []
        self._embed_frames: list[Frame] = []
        # Where clips are shorter than the spacing anyway, one without an embedded frame is no short shot.
        self._between = BetweenFrames(first_at_least=settings.clip_max_s >= settings.embed_every_s)

    def take(self, time_s: float, frame: Frame, clip_start_s: float, candidate_s: float, *, sampled: bool) -> None:
        """Keep of a frame what is needed later.

        `sampled` says that shots are looked for on it: those frames come whichever stages run.
        """
        settings, wants = self._settings, self._wants
        small: Frame | None = None
        if _wanted(wants.caption_s, clip_start_s) and (
            not self._times_s or time_s - self._times_s[-1] >= candidate_s - _EPS
        ):
            small = shrink(frame, settings.max_side)
            self._times_s.append(time_s)
            self._frames.append(small)
        # By its own time: cut anew, a clip may begin before the second that its frames are wanted from.
        if _wanted(wants.frames_s, time_s):
            small = shrink(frame, settings.max_side) if small is None else small
            if on_grid(time_s, settings.embed_every_s):
                if settings.embed_between:
                    self._embed_also(self._between.embedded(small))
                self._embed_times_s.append(time_s)
                self._embed_frames.append(small)
            elif sampled and settings.embed_between:
                self._between.sampled(time_s, small)

    def _embed_also(self, between: Waiting | None) -> None:
        if between is not None:
            self._embed_times_s.append(between.time_s)
            self._embed_frames.append(between.frame)

    def close(self, span: Span) -> CutClip:
        """The clip with what its stages get."""
        self._embed_also(self._between.end())
        count, threshold = self._settings.frames_per_clip, self._settings.duplicate_threshold
        frames = caption_frames(self._times_s, self._frames, span, count, threshold) if self._frames else []
        return CutClip(span, frames, self._embed_times_s, self._embed_frames)


def _wanted(from_s: float | None, time_s: float) -> bool:
    return from_s is not None and time_s >= from_s - _EPS
