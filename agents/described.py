"""Frames described by the VLM on demand, as notes of this question: what baselines reason on instead of looking again.

A description knows nothing of the question: it is the prompt that captions clips, on one frame. Each costs a frame
and a call. This module chooses no frame.
"""

from __future__ import annotations

from collections.abc import Sequence

from lvqa.agents.asking import generate
from lvqa.agents.inspect_ import FRAME_S, decode
from lvqa.agents.state import Context
from lvqa.indexers.caption import usable_caption
from lvqa.models.base import VisionRequest
from lvqa.prompts import load, one_line
from lvqa.store import note_id
from lvqa.types import Keyframe, Note, Span, format_time


def describe(context: Context, frames: Sequence[Keyframe]) -> tuple[list[Note], list[str]]:
    """A `seen` note for each frame that the budget reaches, in their order; and a line for each file that fails."""
    vision = context.models.vision
    if vision is None or not frames:
        return [], []
    images, troubles = decode(context, [[frame] for frame in frames])
    there = [(frame, images[n][0]) for n, frame in enumerate(frames) if n in images]
    there = there[: context.ledger.take_vision([1] * len(there))]
    prompt = load("caption", context.models.prompt_set)
    requests = []
    for frame, image in there:
        about: dict[str, str | int] = {
            "frames": 1,
            "video": one_line(context.retriever.path(frame.video_id), 120),
            "start": format_time(frame.time_s),
            "end": format_time(frame.time_s + FRAME_S),
        }
        filled = prompt.fill(**{name: value for name, value in about.items() if name in prompt.holes})
        requests.append(VisionRequest([image], filled, context.settings.caption_tokens))
    notes = []
    for (frame, _), reply in zip(there, generate(vision, context.ledger, requests), strict=True):
        text = usable_caption(reply) or "nothing to be seen"
        video = context.store.get_video(frame.video_id)
        span = Span(frame.time_s, frame.time_s + FRAME_S)
        span = (span.clamp(video.duration_s) if video is not None else None) or span
        made = note_id(frame.video_id, "seen", span, vision.name, prompt.hash, text)
        notes.append(Note(made, frame.video_id, None, span, text, "seen", vision.name, prompt.hash))
    return notes, troubles
