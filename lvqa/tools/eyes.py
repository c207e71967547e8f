"""Where the VLM is shown frames: decoded once a question, each request shown once, everything charged to the ledger.

Whoever has something to show says what and where (`Showing`), and gets what came of it (`Shown`); programs over time
ask of single frames (`lvqa.temporal.looks`), and `run` drives one with whoever answers what it asks. This module
chooses no frame, and knows no prompt but the two that programs ask with.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lvqa.errors import MediaError, ModelError
from lvqa.language.words import with_article
from lvqa.media.clock import centres
from lvqa.media.files import locate
from lvqa.models.base import VisionModel, VisionRequest
from lvqa.models.capabilities import capabilities_of
from lvqa.models.replies import usable_caption
from lvqa.prompts import for_prompt, load
from lvqa.settings import Settings
from lvqa.temporal.changes import is_cut
from lvqa.temporal.looks import Course, LookReply, LookRequest
from lvqa.tools.ledger import Ledger
from lvqa.tools.vision_calls import generate, probability_of_yes
from lvqa.types import Span
from lvqa.zoom.arrays import Crop
from lvqa.zoom.footage import cropped, fitted
from lvqa.zoom.scorers import calibrated, yes_bar

if TYPE_CHECKING:
    from lvqa.media import FrameCache, TimedFrame

REPLY_TOKENS = 24

T = TypeVar("T")
_Key = tuple[str, tuple[float, ...], str, int, Crop | None]


def run(course: Course[T], look: Callable[[Sequence[LookRequest]], list[LookReply | None]]) -> T:
    """Run a search to its end; `look` answers what it asks, None for what cannot be looked at."""
    try:
        asks = next(course)
        while True:
            asks = course.send(look(asks))
    except StopIteration as stop:
        result: T = stop.value
        return result


@dataclass(frozen=True, slots=True)
class Showing:
    """Frames of one video, by times in seconds, to be shown to the VLM together with a prompt.

    `tokens` is the most that its reply may have; 0 asks for the probability of yes. With a `region` that part of each
    frame is shown.
    """

    video_id: str
    times_s: tuple[float, ...]
    prompt: str
    tokens: int = 0
    region: Crop | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What came of a `Showing`: the VLM's reply, or its P(yes) in [0, 1], and the frames' own times.

    What was not shown has no times; `failed` is then a line about the file where it cannot be read, and empty where the
    budget ended. `again` says that the same was shown before, and cost nothing now.
    """

    pts_s: tuple[float, ...] = ()
    text: str = ""
    yes: float = 0.0
    failed: str = ""
    again: bool = False

    def __bool__(self) -> bool:
        return bool(self.pts_s)


@dataclass(slots=True)
class Eyes:
    """The VLM with the videos' frames and the budget; remembers what it was shown, for one question.

    Args:
        vision: looks.
        ledger: is charged each call and its frames before it is made.
        folder: what the videos' paths are relative to.
        settings: `max_side` of what is shown.
        path_of: the path of a video, by its id.
        cache: where frames are decoded and kept.
        failed: a line for each file that could not be read.
        log: what programs looked at, in order: video, time, what about, what was seen.
    """

    vision: VisionModel
    ledger: Ledger
    folder: Path
    settings: Settings
    path_of: Callable[[str], str]
    cache: FrameCache
    failed: list[str] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    _known: MutableMapping[_Key, Shown] = field(default_factory=dict)
    _parts: list[dict[_Key, Shown]] = field(default_factory=list)

    @property
    def left(self) -> int:
        """How many more frames may be looked at, one a call."""
        return min(self.ledger.frames_left, self.ledger.calls_left)

    def fresh(self) -> Eyes:
        """The same eyes with nothing yet in `failed` and `log`."""
        return replace(self, failed=[], log=[])

    def part(self, ledger: Ledger) -> Eyes:
        """Eyes for a part of the question that has a ledger of its own, and may be answered beside others.

        They remember what these do; what they see itself is known here from `gather` on: so it does not hang on which
        of two parts is quicker who pays for what both look at.
        """
        own: dict[_Key, Shown] = {}
        self._parts.append(own)
        return replace(self, ledger=ledger, failed=[], log=[], _known=ChainMap(own, self._known), _parts=[])

    def gather(self) -> None:
        """Take in what the parts saw, when none of them is at work."""
        for own in self._parts:
            for key, shown in own.items():
                self._known.setdefault(key, shown)
        self._parts.clear()

    def times_in(self, video_id: str, span: Span, n: int) -> tuple[float, ...]:
        """The centres, in seconds, of n equal parts of what a video's file holds of a span. Raises MediaError."""
        length_s = self.cache.info(locate(self.folder, self.path_of(video_id))).duration_s
        return tuple(centres(span.clamp(length_s) or span, n))

    def ask(self, showings: Sequence[Showing], errors: list[ModelError] | None = None) -> list[Shown]:
        """Show these to the model, in order; where the budget does not hold one, no other is paid for.

        Some may ask for replies and some for probabilities. Frames of one video are fetched together. Raises ModelError
        when the model fails; with `errors` that is added to them, and nothing was replied to what it was shown.
        """
        return self._show(zip(showings, self._fetch(showings), strict=True), errors)

    def ask_in_turn(self, showings: Iterable[Showing], errors: list[ModelError] | None = None) -> list[Shown]:
        """As `ask`; but each is fetched and paid for before the next one is made, which may go by what is left.

        Nothing is made behind the first that the budget does not hold.
        """
        return self._show(((one, self._fetch([one])[0]) for one in showings), errors, to_the_end=False)

    def look(self, asks: Sequence[LookRequest]) -> list[LookReply | None]:
        """What is seen, in order; None where the budget ended or the frame cannot be had. Raises ModelError."""
        shown = self.ask([self._showing(ask) for ask in asks])
        replies = [self._reply(ask, one) if one else None for ask, one in zip(asks, shown, strict=True)]
        for says in (False, True):
            for ask, one, reply in zip(asks, shown, replies, strict=True):
                if ask.says == says and reply is not None and not one.again:
                    about = {"video": self.path_of(ask.video_id), "time_s": round(reply.pts_s, 3), "about": ask.about}
                    self.log.append({**about, "seen": reply.text if says else round(reply.yes, 3)})
        return replies

    def is_cut(self, video_id: str, before_s: float, after_s: float) -> bool:
        """Whether the whole picture changes between two times; false where one of the frames cannot be had."""
        one, other = self.decode([LookRequest(video_id, before_s, ""), LookRequest(video_id, after_s, "")])
        return one is not None and other is not None and is_cut(one.image, other.image)

    def decode(self, asks: Sequence[LookRequest]) -> list[TimedFrame | None]:
        """The frames that are asked about, in order, None for what cannot be read; shows no model any."""
        fetched = self._fetch([Showing(ask.video_id, (max(0.0, ask.time_s),), "") for ask in asks])
        return [None if isinstance(one, str) else one[0] for one in fetched]

    def _showing(self, ask: LookRequest) -> Showing:
        own, times = capabilities_of(self.vision).prompts, (max(0.0, ask.time_s),)
        if ask.says:
            prompt = load("timeline_ask", own).fill(question=for_prompt(ask.about, 400))
            return Showing(ask.video_id, times, prompt, REPLY_TOKENS, ask.crop)
        prompt = load("timeline_present", own).fill(thing=for_prompt(with_article(ask.about), 200))
        return Showing(ask.video_id, times, prompt, region=ask.crop)

    def _reply(self, ask: LookRequest, shown: Shown) -> LookReply:
        if ask.says:
            return LookReply(shown.pts_s[0], text=(usable_caption(shown.text) or "").strip(".").lower())
        return LookReply(shown.pts_s[0], calibrated(shown.yes, yes_bar(self.vision)))

    def _fetch(self, showings: Sequence[Showing]) -> list[list[TimedFrame] | str]:
        """The frames of each, or a line about the file where it cannot be read; in one pass through each video."""
        found: dict[str, dict[float, TimedFrame] | str] = {}
        for video_id in sorted({one.video_id for one in showings}):
            times = sorted({time_s for one in showings if one.video_id == video_id for time_s in one.times_s})
            try:
                frames = self.cache.at(locate(self.folder, self.path_of(video_id)), times)
                found[video_id] = {frame.time_s: frame for frame in frames}
            except MediaError as error:
                found[video_id] = str(error)
                if str(error) not in self.failed:
                    self.failed.append(str(error))
        fetched: list[list[TimedFrame] | str] = []
        for one in showings:
            known = found[one.video_id]
            fetched.append(known if isinstance(known, str) else [known[time_s] for time_s in one.times_s])
        return fetched

    def _show(
        self,
        fetched: Iterable[tuple[Showing, list[TimedFrame] | str]],
        errors: list[ModelError] | None,
        *,
        to_the_end: bool = True,
    ) -> list[Shown]:
        order: list[_Key | Shown] = []
        fresh: dict[_Key, VisionRequest] = {}
        pays = True
        for one, frames in fetched:
            if isinstance(frames, str):
                order.append(Shown(failed=frames))
                continue
            key = (one.video_id, tuple(frame.pts_s for frame in frames), one.prompt, one.tokens, one.region)
            if key not in self._known and key not in fresh:
                pays = pays and self.ledger.take_vision([len(frames)]) == 1
                if not pays:
                    order.append(Shown())
                    if to_the_end:
                        continue
                    break
                images = [fitted(cropped(frame.image, one.region), self.settings.max_side) for frame in frames]
                fresh[key] = VisionRequest(images, one.prompt, max(1, one.tokens))
            order.append(key)
        try:
            self._call(fresh)
        except ModelError as error:
            if errors is None:
                raise
            errors.append(error)
        found = []
        for known in order:
            if isinstance(known, Shown):
                found.append(known)
            else:
                again = fresh.pop(known, None) is None
                found.append(replace(self._known.get(known, Shown(known[1])), again=again))
        return found

    def _call(self, requests: dict[_Key, VisionRequest]) -> None:
        """Make the calls that were paid for, and remember what comes of them."""
        judged = {key: request for key, request in requests.items() if not key[3]}
        asked = {key: request for key, request in requests.items() if key[3]}
        yes = probability_of_yes(self.vision, self.ledger, list(judged.values()))
        self._known.update({key: Shown(key[1], yes=value) for key, value in zip(judged, yes, strict=True)})
        texts = generate(self.vision, self.ledger, list(asked.values()))
        self._known.update({key: Shown(key[1], text) for key, text in zip(asked, texts, strict=True)})
