"""Captions: a stage from the frames of clips to one text each. Knows a vision model and a prompt; no file, no store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lvqa.indexers.stages.duplicates import distinct
from lvqa.indexers.stages.stage_model import StageModel
from lvqa.models.base import Frame, InFlight, VisionModel, VisionRequest
from lvqa.models.replies import encoded, in_flight, replies_of, usable_caption
from lvqa.prompts import Prompt, quoted
from lvqa.types import Span, format_time


@dataclass(frozen=True, slots=True, eq=False)
class ClipLook:
    """What the captioner gets of one clip: the video's path, the clip's span, frames in time order."""

    video: str
    span: Span
    frames: Sequence[Frame]


@dataclass(frozen=True, slots=True)
class CaptionStage:
    """Stage: clips into captions (LLoVi's dense captions), in order.

    None where the reply was empty or a refusal twice, an empty caption where the model says that it does not know.
    `about` is what the model declares about itself.
    """

    role: StageModel[VisionModel]
    prompt: Prompt
    max_tokens: int
    about: str = ""

    def __call__(self, looks: Sequence[ClipLook]) -> list[str | None]:
        """Caption each clip, in order; asked once more where the reply is unusable. Raises ModelError."""
        return self.ask(self.requests(looks))

    @property
    def in_flight(self) -> InFlight:
        """How the model is best asked."""
        return in_flight(self.role.model)

    def requests(self, looks: Sequence[ClipLook]) -> list[VisionRequest]:
        """What the model is asked about each clip; one that sends it elsewhere needs the raw frames no more."""
        return [encoded(self.role.model, self._request(look)) for look in looks]

    def ask(self, requests: list[VisionRequest]) -> list[str | None]:
        """The captions that the requests bring, in order; asked once more where unusable. Raises ModelError."""
        captions = self._ask(requests)
        again = [index for index, caption in enumerate(captions) if caption is None]
        if again:
            for index, caption in zip(again, self._ask([requests[i] for i in again]), strict=True):
                captions[index] = caption
        return captions

    def _request(self, look: ClipLook) -> VisionRequest:
        context: dict[str, str | int] = {
            "frames": len(look.frames),
            "video": quoted(look.video, 200),
            "start": format_time(look.span.start_s),
            "end": format_time(look.span.end_s),
        }
        # A model's own prompt may do without some of it.
        text = self.prompt.fill(**{hole: context[hole] for hole in self.prompt.holes & context.keys()})
        return VisionRequest(tuple(look.frames), text, self.max_tokens)

    def _ask(self, requests: list[VisionRequest]) -> list[str | None]:
        return [usable_caption(reply) for reply in self.role.run(requests, replies_of)]


def choose_frames(times_s: Sequence[float], span: Span, count: int) -> list[int]:
    """Indexes of the frames nearest to the middles of `count` equal parts of a span, in order, each at most once.

    `times_s` are the frames' times in seconds, rising; of two equally near, the earlier.
    """
    chosen: list[int] = []
    for part in range(count):
        middle_s = span.start_s + (part + 0.5) * span.duration_s / count
        nearest = min(range(len(times_s)), key=lambda i: (abs(times_s[i] - middle_s), i))
        if nearest not in chosen:
            chosen.append(nearest)
    return sorted(chosen)


def caption_frames(
    times_s: Sequence[float], frames: Sequence[Frame], span: Span, count: int, threshold: float
) -> list[Frame]:
    """At most `count` frames of a clip, evenly spaced, without those that nearly equal the one before."""
    chosen = [frames[index] for index in choose_frames(times_s, span, count)]
    return [chosen[index] for index in distinct(chosen, threshold)]
