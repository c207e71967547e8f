"""How probable it is that a statement about a stretch of a video is true, and what says so: frames, else notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from lvqa.errors import MediaError, ModelError
from lvqa.media.files import present
from lvqa.prompts import fence, load
from lvqa.store import Filter
from lvqa.tools.arguments import text
from lvqa.tools.eyes import Showing
from lvqa.tools.workbench import Workbench, note_dict, span_dict
from lvqa.types import Note, Span, Video, format_time

_CITED = 3


@dataclass(frozen=True, slots=True)
class Verification:
    """The probability, in [0, 1], that a claim is true of a stretch of a video (by path), and its basis.

    `looked`: the VLM's P(yes), on the frames of `times_s`. `notes`: no more than how close the `notes` come to the
    claim, which supports nothing by itself. `nothing`: there was neither; `probability` is 0 then.
    """

    claim: str
    video: str
    span: Span
    probability: float
    basis: Literal["looked", "notes", "nothing"]
    times_s: tuple[float, ...] = ()
    notes: tuple[Note, ...] = ()
    left_out: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The probability with its basis, and what was not looked at."""
        return {
            "claim": self.claim,
            "video": self.video,
            **span_dict(self.span),
            "probability": round(self.probability, 4),
            "basis": self.basis,
            "times_s": [round(t, 3) for t in self.times_s],
            "notes": [note_dict(note, self.video) for note in self.notes],
            "left_out": list(self.left_out),
        }


def verify(bench: Workbench, claim: str, video: str, span: Span | tuple[float, float] | None = None) -> Verification:
    """Put a claim to the VLM on frames of a stretch; where it cannot look, compare it with the notes of the stretch.

    Raises UsageError for bad arguments.
    """
    claim, one = text(claim, "claim"), bench.video(video)
    within, left_out = bench.span(one, span), list[str]()
    yes, times = _by_looking(bench, claim, one, within, left_out)
    if times:
        return Verification(claim, one.path, within, yes, "looked", times, left_out=tuple(left_out))
    sources = bench.filter.sources if bench.filter is not None else None
    notes = bench.store.notes.select(Filter(frozenset({one.id}), within, sources, "clip"))
    near = bench.closeness([claim], notes)[:, 0]
    ranked = sorted(zip(near, notes, strict=True), key=lambda pair: (-pair[0], pair[1].span, pair[1].id))
    cited = [(float(close), note) for close, note in ranked[:_CITED] if close > 0]
    basis: Literal["notes", "nothing"] = "notes" if cited else "nothing"
    probability = cited[0][0] if cited else 0.0
    found = tuple(note for _, note in cited)
    return Verification(claim, one.path, within, probability, basis, notes=found, left_out=tuple(left_out))


def _by_looking(
    bench: Workbench, claim: str, video: Video, span: Span, left_out: list[str]
) -> tuple[float, tuple[float, ...]]:
    """P(yes), and the times of the frames; no times where nothing was looked at, and `left_out` says why."""
    eyes = bench.eyes
    if eyes is None or not bench.models.can_be_asked("verify"):
        left_out.append("no frame: there is no model that can be asked about frames")
        return 0.0, ()
    if present(bench.folder, video.path) is None:
        left_out.append(f"no frame: {video.path} is not there to look at")
        return 0.0, ()
    n, errors = min(bench.settings.frames_per_clip, bench.ledger.frames_left), list[ModelError]()
    if n == 0:
        bench.ledger.note_no_look()
    else:
        start, end = format_time(span.start_s), format_time(span.end_s)
        prompt = load("verify").fill(frames=n, start=start, end=end, claim=fence(claim))
        try:
            (shown,) = eyes.ask([Showing(video.id, eyes.times_in(video.id, span, n), prompt)], errors)
        except MediaError as error:
            left_out.append(str(error))
            return 0.0, ()
        if shown and not errors:
            return shown.yes, shown.pts_s
        left_out += [line for line in (shown.failed, *map(str, errors)) if line]
    if bench.ledger.spent:
        left_out.append(f"no frame: budget spent: {', '.join(bench.ledger.spent)}")
    return 0.0, ()
