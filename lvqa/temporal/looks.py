"""Looks at single frames: who wants to know what, asked in batches, each thing once, everything charged to the ledger.

A search is written as a generator (`Course`) that yields what it wants to know and is sent what was seen; `alongside`
makes one of many, so that what they ask at the same time travels in one batch. Where the budget ends, the
answer to what was asked is None. This module knows no question about time.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

from lvqa.errors import MediaError
from lvqa.indexers.stages.caption import usable_caption
from lvqa.language.words import with_article
from lvqa.models.base import Frame, VisionModel, VisionRequest
from lvqa.prompts import for_prompt, load
from lvqa.tools.vision_calls import generate, probability_of_yes
from lvqa.zoom.scorers import calibrated, yes_bar

if TYPE_CHECKING:
    from lvqa.agents.state import Context
    from lvqa.media import FrameReader, TimedFrame

Crop = tuple[float, float, float, float]
"""Left, top, right, bottom as shares of a frame's width and height."""

REPLY_TOKENS = 24
_KEPT_FRAMES = 64
# Median difference of blocks, of 255, from which a picture has changed as a whole.
_CUT = 6.0
_BLOCKS = 12


@dataclass(frozen=True, slots=True)
class Ask:
    """Something to be known about one frame: whether a thing is there, or with `says` what is replied to a question.

    `about` is a noun phrase without article, or the question; `crop` the part of the frame that is shown.
    """

    video_id: str
    time_s: float
    about: str
    says: bool = False
    crop: Crop | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen on the frame with time `pts_s`: P(yes) in [0, 1], or a reply."""

    pts_s: float
    yes: float = 0.0
    text: str = ""


T = TypeVar("T")
Course = Generator[list[Ask], "list[Seen | None]", T]


class Looker(Protocol):
    """Who answers what programs ask: by looking at frames, or by reading what was written about them."""

    @property
    def left(self) -> int:
        """How many more looks there may be."""
        ...

    def look(self, asks: Sequence[Ask]) -> list[Seen | None]:
        """What is seen, in order; None where the budget ended or the frame cannot be had."""
        ...

    def is_cut(self, video_id: str, before_s: float, after_s: float) -> bool:
        """Whether the whole picture changes between two times."""
        ...


def alongside(courses: Sequence[Course[T]]) -> Course[list[T]]:
    """Searches side by side as one: what they ask in the same round is asked together. Their results in order."""
    results: dict[int, T] = {}
    waiting: dict[int, list[Ask]] = {}

    def go_on(n: int, seen: list[Seen | None] | None) -> None:
        waiting.pop(n, None)
        try:
            waiting[n] = next(courses[n]) if seen is None else courses[n].send(seen)
        except StopIteration as stop:
            results[n] = stop.value

    for n in range(len(courses)):
        go_on(n, None)
    while waiting:
        order = sorted(waiting)
        seen = iter((yield [ask for n in order for ask in waiting[n]]))
        for n, answers in [(n, [next(seen) for _ in waiting[n]]) for n in order]:
            go_on(n, answers)
    return [results[n] for n in range(len(courses))]


def run(course: Course[T], look: Callable[[Sequence[Ask]], list[Seen | None]]) -> T:
    """Run a search to its end; `look` answers what it asks, None for what cannot be looked at."""
    try:
        asks = next(course)
        while True:
            asks = course.send(look(asks))
    except StopIteration as stop:
        result: T = stop.value
        return result


@dataclass(slots=True)
class Eyes:
    """The VLM with the videos' frames and the budget; remembers what it saw. A context manager for one question."""

    context: Context
    vision: VisionModel
    troubles: list[str] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    _readers: dict[tuple[str, bool], FrameReader] = field(default_factory=dict)
    _frames: dict[tuple[str, float, bool], TimedFrame] = field(default_factory=dict)
    _known: dict[tuple[Any, ...], Seen] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    @property
    def left(self) -> int:
        """How many more frames may be looked at."""
        return min(self.context.ledger.frames_left, self.context.ledger.calls_left)

    def look(self, asks: Sequence[Ask]) -> list[Seen | None]:
        """What is seen, in order; None where the budget ended or the frame cannot be had."""
        frames = self._decode(asks)
        keys = [self._key(ask, frame) if frame is not None else None for ask, frame in zip(asks, frames, strict=True)]
        fresh: dict[tuple[Any, ...], tuple[Ask, TimedFrame]] = {}
        for ask, frame, key in zip(asks, frames, keys, strict=True):
            if key is not None and frame is not None and key not in self._known:
                fresh.setdefault(key, (ask, frame))
        paid = list(fresh.items())[: self.context.ledger.take_vision([1] * len(fresh))]
        for says in (False, True):
            mine = [(key, ask, frame) for key, (ask, frame) in paid if ask.says == says]
            requests = [self._request(ask, frame.image) for _, ask, frame in mine]
            for (key, ask, frame), seen in zip(mine, self._reply(requests, says), strict=True):
                self._known[key] = Seen(frame.pts_s, *seen)
                about = {"video": self.context.retriever.path(ask.video_id), "time_s": round(frame.pts_s, 3)}
                self.log.append({**about, "about": ask.about, "seen": seen[1] if says else round(seen[0], 3)})
        return [self._known.get(key) if key is not None else None for key in keys]

    def is_cut(self, video_id: str, before_s: float, after_s: float) -> bool:
        """Whether the whole picture changes between two times; decodes, and asks no model."""
        frames = self._decode([Ask(video_id, before_s, "-"), Ask(video_id, after_s, "-")])
        if any(frame is None for frame in frames):
            return False
        small = [_coarse(frame.image) for frame in frames if frame is not None]
        # A thing that comes or goes changes a few blocks, a cut most of them.
        return float(np.median(np.abs(small[0] - small[1]))) > _CUT

    def _key(self, ask: Ask, frame: TimedFrame) -> tuple[Any, ...]:
        return ask.video_id, frame.pts_s, ask.about, ask.says, ask.crop

    def _request(self, ask: Ask, image: Frame) -> VisionRequest:
        if ask.crop is not None:
            h, w = image.shape[:2]
            x0, y0, x1, y1 = ask.crop
            image = image[round(y0 * h) : max(round(y1 * h), round(y0 * h) + 1), round(x0 * w) : round(x1 * w)]
        prompt_set = getattr(self.vision, "prompt_set", "")
        if ask.says:
            prompt = load("timeline_ask", prompt_set).fill(question=for_prompt(ask.about, 400))
            return VisionRequest([image], prompt, REPLY_TOKENS)
        prompt = load("timeline_present", prompt_set).fill(thing=for_prompt(with_article(ask.about), 200))
        return VisionRequest([image], prompt, 1)

    def _reply(self, requests: list[VisionRequest], says: bool) -> list[tuple[float, str]]:
        if not requests:
            return []
        if says:
            texts = generate(self.vision, self.context.ledger, requests)
            return [(0.0, (usable_caption(text) or "").strip(".").lower()) for text in texts]
        yes = probability_of_yes(self.vision, self.context.ledger, requests)
        bar = yes_bar(self.vision)
        return [(calibrated(value, bar), "") for value in yes]

    def _decode(self, asks: Sequence[Ask]) -> list[TimedFrame | None]:
        wanted = [(ask.video_id, max(0.0, ask.time_s), ask.crop is not None) for ask in asks]
        for video_id, whole in sorted({(video_id, whole) for video_id, _, whole in wanted}):
            times = sorted({t for v, t, f in wanted if (v, f) == (video_id, whole) and (v, t, f) not in self._frames})
            if not times:
                continue
            try:
                for frame in self._reader(video_id, whole).at(times):
                    self._frames[video_id, frame.time_s, whole] = frame
            except MediaError as error:
                if str(error) not in self.troubles:
                    self.troubles.append(str(error))
        found = [self._frames.get(key) for key in wanted]
        for key in list(self._frames)[: max(0, len(self._frames) - _KEPT_FRAMES)]:
            del self._frames[key]
        return found

    def _reader(self, video_id: str, whole: bool) -> FrameReader:
        from lvqa.media import FrameReader, locate

        if (video_id, whole) not in self._readers:
            path = locate(self.context.folder, self.context.retriever.path(video_id))
            settings = self.context.settings
            reader = FrameReader(path, max_side=None if whole else settings.max_side, backend=settings.reader)
            self._readers[video_id, whole] = self._stack.enter_context(reader)
        return self._readers[video_id, whole]


def _coarse(image: Frame) -> npt.NDArray[np.float64]:
    """The means of blocks of a frame, float64 (blocks, blocks, 3)."""
    h, w = (max(1, side // _BLOCKS) for side in image.shape[:2])
    cut = image[: h * min(_BLOCKS, image.shape[0]), : w * min(_BLOCKS, image.shape[1])]
    rows, columns = cut.shape[0] // h, cut.shape[1] // w
    return np.asarray(cut.reshape(rows, h, columns, w, 3).mean(axis=(1, 3)), np.float64)
