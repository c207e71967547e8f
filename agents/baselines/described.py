"""Frames described by the VLM on demand, as notes of this question: what baselines reason on instead of looking again.

A description knows nothing of the question: it is the prompt that captions clips, on one frame. Each costs a frame
and a call. This module chooses no frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lvqa.agents.rules.numbers import LOOKING
from lvqa.agents.state import Context
from lvqa.errors import LateReply, ModelError, ReplyError
from lvqa.models.replies import usable_caption
from lvqa.phrasing import count
from lvqa.prompts import for_prompt, load
from lvqa.store import note_id
from lvqa.tools.eyes import Showing
from lvqa.tools.ledger import BudgetSpent
from lvqa.types import Keyframe, Note, Span, format_time


@dataclass(frozen=True, slots=True)
class Described:
    """What came of frames: a `seen` note of each that says something, those shown, and a line for what went wrong."""

    notes: tuple[Note, ...] = ()
    looked: tuple[Keyframe, ...] = ()
    failed: tuple[str, ...] = ()


@dataclass(slots=True)
class Surveyed:
    """What a survey came to: notes, frames shown to the VLM, what went wrong, and whether a reply was not read."""

    notes: list[Note] = field(default_factory=list)
    looked: list[Keyframe] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    unparsed: bool = False

    def add(self, found: Described) -> None:
        """Add what came of describing further frames."""
        self.notes += found.notes
        self.looked += found.looked
        self.failed += found.failed

    def fail(self, error: BudgetSpent | ModelError) -> None:
        """Take note that the chat model was not to be had, and rules said what it would have."""
        self.failed.append((error.reason if isinstance(error, BudgetSpent) else str(error)) + ", so by rule")
        self.unparsed |= isinstance(error, ReplyError)


def describe(context: Context, frames: Sequence[Keyframe]) -> Described:
    """The frames that the budget reaches, described, in their order. A refusal is no evidence: it makes no note.

    What does not come in time makes none either. Raises ModelError when the model fails.
    """
    vision, eyes = context.models.vision, context.eyes
    if vision is None or eyes is None or not frames:
        return Described()
    prompt = load("caption", context.models.own_prompts)
    showings = []
    for frame in frames:
        about: dict[str, str | int] = {
            "frames": 1,
            "video": for_prompt(context.retriever.path(frame.video_id), 120),
            "start": format_time(frame.time_s),
            "end": format_time(frame.time_s + LOOKING.frame_s),
        }
        filled = prompt.fill(**{name: value for name, value in about.items() if name in prompt.holes})
        showings.append(Showing(frame.video_id, (frame.time_s,), filled, context.settings.caption_tokens))
    errors: list[ModelError] = []
    shown = eyes.ask(showings, errors)
    for error in errors:
        if not isinstance(error, LateReply):
            raise error
    there = [(frame, one) for frame, one in zip(frames, shown, strict=True) if one]
    failed = list(dict.fromkeys([*(one.failed for one in shown if one.failed), *map(str, errors)]))
    notes = []
    for frame, one in there:
        text = usable_caption(one.text)
        if not text:
            continue
        video = context.retriever.video(frame.video_id)
        span = Span(frame.time_s, frame.time_s + LOOKING.frame_s)
        span = (span.clamp(video.duration_s) if video is not None else None) or span
        made = note_id(frame.video_id, "seen", span, vision.name, prompt.hash, text)
        notes.append(Note(made, frame.video_id, None, span, text, "seen", vision.name, prompt.hash))
    if mute := len(there) - len(notes):
        failed.append(f"{count(mute, 'frame')} of which the vision model says nothing")
    return Described(tuple(notes), tuple(frame for frame, _ in there), tuple(failed))
