"""Looking at a video with a question: at all of it, at a long stretch, or closely at up to 16 seconds.

Its frames are evenly spaced, or those of the times that are named. What is seen becomes notes that live as long as the
question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from lvqa.errors import MediaError, ModelError, UsageError
from lvqa.media.files import present
from lvqa.models.capabilities import capabilities_of
from lvqa.models.replies import usable_caption
from lvqa.prompts import fence, for_prompt, load
from lvqa.store import note_id
from lvqa.tools.arguments import integer, text
from lvqa.tools.arguments import region as region_of
from lvqa.tools.eyes import REPLY_TOKENS, Showing
from lvqa.tools.rules import RULES
from lvqa.tools.workbench import Workbench, note_dict, span_dict
from lvqa.types import Note, Span, Video, format_time

Detail = Literal["overview", "skim", "focus"]
_FREE_TOKENS, _LEAST_S = 128, 1e-3
_FRAMES: dict[str, int] = {
    "overview": RULES.overview_frames,
    "skim": RULES.skim_frames,
    "focus": RULES.focus_frames,
}


@dataclass(frozen=True, slots=True)
class LookResult:
    """What was seen in a stretch of a video (by path), on so many frames, and what was not looked at.

    `notes` say what was seen (`seen`) and, of what is not focused on, captions that were made on the way.
    """

    video: str
    span: Span
    detail: Detail
    notes: tuple[Note, ...]
    frames: int = 0
    left_out: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What was seen, each with the id of its note, and what was not looked at."""
        notes = [note_dict(note, self.video) for note in self.notes]
        told = {"video": self.video, **span_dict(self.span), "detail": self.detail, "frames": self.frames}
        return {**told, "notes": notes, "left_out": list(self.left_out)}


def look(
    bench: Workbench,
    video: str,
    span: Span | tuple[float, float] | None = None,
    question: str = "What is to be seen?",
    *,
    times: Sequence[float] | None = None,
    frames: int | None = None,
    detail: Detail | None = None,
    region: tuple[float, float, float, float] | None = None,
) -> LookResult:
    """Ask the VLM about frames of a video.

    Args:
        bench: its eyes look, within its ledger's budget.
        video: a path, a file name or an id.
        span: the stretch to look at, in seconds; all of the video unless given.
        question: what is to be known.
        times: times in place of a stretch.
        frames: how many frames, in place of those of the scale.
        detail: `overview` of a whole video, `skim` of a long stretch, `focus` on up to 16 seconds; by the length of
            what is looked at unless given.
        region: the part of each frame that is shown: left, top, right, bottom, as shares of its sides.

    Raises UsageError for bad arguments.
    """
    one, question, part = bench.video(video), text(question, "question"), region_of(region)
    if times is not None and span is not None:
        raise UsageError("name a stretch or times, not both")
    named = bench.times(one, times) if times is not None else ()
    within = bench.span(one, (named[0], named[-1] + RULES.frame_s) if named else span)
    scale = _scale(within, one, detail)
    n = len(named) or (_FRAMES[scale] if frames is None else integer(frames, "frames", 1, RULES.overview_frames))
    left_out: list[str] = []
    seen, shown = _seen(bench, one, within, question, named, n, part, left_out)
    captions = bench.captions(one, within, left_out) if scale != "focus" and not named else []
    return LookResult(one.path, within, scale, (*seen, *captions), shown, tuple(left_out))


def is_not_visible(reply: str) -> bool:
    """Whether a reply is the one that the prompt `inspect` asks for when the frames show nothing to the point."""
    return reply.lower().strip(" .!\"'*`").startswith("not visible")


def _groups(times_s: Sequence[float], most: int, apart: bool) -> list[tuple[float, ...]]:
    """Times, rising, that are shown together: at most so many, and where they stand `apart` not far from each other."""
    groups: list[tuple[float, ...]] = []
    for time_s in times_s:
        last = groups[-1] if groups else ()
        if last and len(last) < most and not (apart and time_s - last[-1] > RULES.together_s):
            groups[-1] = (*last, time_s)
        else:
            groups.append((time_s,))
    return groups


def _scale(span: Span, video: Video, detail: Detail | None) -> Detail:
    if detail is None:
        return "focus" if span.duration_s <= RULES.focus_s else "overview" if _is_all(span, video) else "skim"
    if detail not in get_args(Detail):
        raise UsageError(f"the detail is one of {', '.join(get_args(Detail))}")
    if detail == "focus" and span.duration_s > RULES.focus_s:
        raise UsageError(f"a focus is at most {RULES.focus_s:g} s long; name a shorter stretch, or skim this one")
    return detail


def _is_all(span: Span, video: Video) -> bool:
    return span.start_s <= 0 and span.end_s >= video.duration_s


def _seen(
    bench: Workbench,
    video: Video,
    within: Span,
    question: str,
    named: tuple[float, ...],
    n: int,
    region: tuple[float, float, float, float] | None,
    left_out: list[str],
) -> tuple[list[Note], int]:
    """What the VLM sees on the frames that the budget holds, group by group, and how many frames those are."""
    eyes, freely = bench.eyes, bench.models.can_be_asked("inspect")
    if eyes is None or not (freely or bench.models.can_be_asked("timeline_ask")):
        left_out.append("no frame: there is no model that can be asked about frames")
        return [], 0
    if present(bench.folder, video.path) is None:
        left_out.append(f"no frame: {video.path} is not there to look at")
        return [], 0
    wanted = n
    try:
        n = min(n, eyes.ledger.frames_left)
        times = named[:n] or (eyes.times_in(video.id, within, n) if n else ())
    except MediaError as error:
        left_out.append(str(error))
        return [], 0
    most = bench.settings.frames_per_clip if freely else 1  # a small model is asked of single frames, in its own words
    prompt, groups = load("inspect"), _groups(times, most, bool(named))
    showings = [
        Showing(
            video.id,
            group,
            prompt.fill(
                frames=len(group), start=format_time(group[0]), end=format_time(group[-1]), question=fence(question)
            ),
            _FREE_TOKENS,
            region,
        )
        for group in groups
    ]
    errors: list[ModelError] = []
    if n < wanted:
        eyes.ledger.note_short(wanted)
    if not freely:
        prompt = load("timeline_ask", capabilities_of(eyes.vision).prompts)
        own = prompt.fill(question=for_prompt(question, 400))
        showings = [replace(one, prompt=own, tokens=REPLY_TOKENS) for one in showings]
    shown = eyes.ask(showings, errors)
    vision, made = eyes.vision.name, list[Note]()
    # What a group stands for reaches to where the next one begins.
    ends = [group[0] for group in groups[1:]] + ([within.end_s] if groups else [])
    for group, end_s, one in zip(groups, ends, shown, strict=True):
        words = usable_caption(one.text) if one else None
        if words and not is_not_visible(words):
            span = Span(group[0], group[-1] + RULES.frame_s if named else max(end_s, group[-1] + _LEAST_S))
            made_id = note_id(video.id, "seen", span, vision, prompt.hash, words)
            made.append(Note(made_id, video.id, None, span, words, "seen", vision, prompt.hash))
    left_out += dict.fromkeys([*(one.failed for one in shown if one.failed), *map(str, errors)])
    looked = sum(len(one.pts_s) for one in shown)
    if looked < wanted and bench.ledger.spent:
        left_out.append(f"{looked} of {wanted} frames were looked at; budget spent: {', '.join(bench.ledger.spent)}")
    return made, looked
