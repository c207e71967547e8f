"""Looks at single frames by the VLM: decoded once a question, each thing asked once, everything charged to the ledger.

`run` drives a program over time (`lvqa.temporal.looks.Course`) with whoever answers what it asks. This module knows no
question about time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lvqa.errors import MediaError
from lvqa.language.words import with_article
from lvqa.media.files import locate
from lvqa.models.base import Frame, VisionModel, VisionRequest
from lvqa.models.capabilities import capabilities_of
from lvqa.models.replies import usable_caption
from lvqa.prompts import for_prompt, load
from lvqa.settings import Settings
from lvqa.temporal.changes import is_cut
from lvqa.temporal.looks import Course, LookReply, LookRequest
from lvqa.tools.ledger import Ledger
from lvqa.tools.vision_calls import generate, probability_of_yes
from lvqa.zoom.footage import cropped, fitted
from lvqa.zoom.scorers import calibrated, yes_bar

if TYPE_CHECKING:
    from lvqa.media import FrameCache, TimedFrame

REPLY_TOKENS = 24

T = TypeVar("T")


def run(course: Course[T], look: Callable[[Sequence[LookRequest]], list[LookReply | None]]) -> T:
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
    """The VLM with the videos' frames and the budget; remembers what it saw, for one question.

    Args:
        vision: looks.
        ledger: is charged a call a frame, before each is made.
        folder: what the videos' paths are relative to.
        settings: `max_side` of what is shown.
        path_of: the path of a video, by its id.
        cache: where frames are decoded and kept.
        failed: a line for each file that could not be read.
        log: what was looked at, in order: video, time, what about, what was seen.
    """

    vision: VisionModel
    ledger: Ledger
    folder: Path
    settings: Settings
    path_of: Callable[[str], str]
    cache: FrameCache
    failed: list[str] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    _known: dict[tuple[Any, ...], LookReply] = field(default_factory=dict)

    @property
    def left(self) -> int:
        """How many more frames may be looked at."""
        return min(self.ledger.frames_left, self.ledger.calls_left)

    def look(self, asks: Sequence[LookRequest]) -> list[LookReply | None]:
        """What is seen, in order; None where the budget ended or the frame cannot be had."""
        frames = self.decode(asks)
        keys = [self._key(ask, frame) if frame is not None else None for ask, frame in zip(asks, frames, strict=True)]
        fresh: dict[tuple[Any, ...], tuple[LookRequest, TimedFrame]] = {}
        for ask, frame, key in zip(asks, frames, keys, strict=True):
            if key is not None and frame is not None and key not in self._known:
                fresh.setdefault(key, (ask, frame))
        paid = list(fresh.items())[: self.ledger.take_vision([1] * len(fresh))]
        for says in (False, True):
            mine = [(key, ask, frame) for key, (ask, frame) in paid if ask.says == says]
            requests = [self._request(ask, frame.image) for _, ask, frame in mine]
            for (key, ask, frame), seen in zip(mine, self._reply(requests, says), strict=True):
                self._known[key] = LookReply(frame.pts_s, *seen)
                about = {"video": self.path_of(ask.video_id), "time_s": round(frame.pts_s, 3)}
                self.log.append({**about, "about": ask.about, "seen": seen[1] if says else round(seen[0], 3)})
        return [self._known.get(key) if key is not None else None for key in keys]

    def _key(self, ask: LookRequest, frame: TimedFrame) -> tuple[Any, ...]:
        return ask.video_id, frame.pts_s, ask.about, ask.says, ask.crop

    def _request(self, ask: LookRequest, image: Frame) -> VisionRequest:
        image = fitted(cropped(image, ask.crop), self.settings.max_side)
        own = capabilities_of(self.vision).prompts
        if ask.says:
            prompt = load("timeline_ask", own).fill(question=for_prompt(ask.about, 400))
            return VisionRequest([image], prompt, REPLY_TOKENS)
        prompt = load("timeline_present", own).fill(thing=for_prompt(with_article(ask.about), 200))
        return VisionRequest([image], prompt, 1)

    def _reply(self, requests: list[VisionRequest], says: bool) -> list[tuple[float, str]]:
        if not requests:
            return []
        if says:
            texts = generate(self.vision, self.ledger, requests)
            return [(0.0, (usable_caption(text) or "").strip(".").lower()) for text in texts]
        yes = probability_of_yes(self.vision, self.ledger, requests)
        bar = yes_bar(self.vision)
        return [(calibrated(value, bar), "") for value in yes]

    def is_cut(self, video_id: str, before_s: float, after_s: float) -> bool:
        """Whether the whole picture changes between two times; false where one of the frames cannot be had."""
        one, other = self.decode([LookRequest(video_id, before_s, ""), LookRequest(video_id, after_s, "")])
        return one is not None and other is not None and is_cut(one.image, other.image)

    def decode(self, asks: Sequence[LookRequest]) -> list[TimedFrame | None]:
        """The frames that are asked about, in order, None for what cannot be read; shows no model any."""
        wanted = [(ask.video_id, max(0.0, ask.time_s)) for ask in asks]
        found: dict[tuple[str, float], TimedFrame] = {}
        for video_id in sorted({video_id for video_id, _ in wanted}):
            times = sorted({time_s for name, time_s in wanted if name == video_id})
            try:
                for frame in self.cache.at(locate(self.folder, self.path_of(video_id)), times):
                    found[video_id, frame.time_s] = frame
            except MediaError as error:
                if str(error) not in self.failed:
                    self.failed.append(str(error))
        return [found.get(key) for key in wanted]
