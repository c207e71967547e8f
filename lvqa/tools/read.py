"""Reading what was noted of a stretch of a video: captions, speech, screen texts, summaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lvqa.store import Filter
from lvqa.tools.arguments import sources as sources_named
from lvqa.tools.rules import RULES
from lvqa.tools.workbench import Workbench, note_dict, span_dict
from lvqa.types import Level, Note, Source, Span


@dataclass(frozen=True, slots=True)
class ReadNotes:
    """The notes of a stretch of a video (by path), in order of time, and a line for what is not among them."""

    video: str
    span: Span
    notes: tuple[Note, ...]
    left_out: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The notes, each with its id, and what is not among them."""
        notes = [note_dict(note, self.video) for note in self.notes]
        return {"video": self.video, **span_dict(self.span), "notes": notes, "left_out": list(self.left_out)}


def read(
    bench: Workbench,
    video: str,
    span: Span | tuple[float, float] | None = None,
    sources: Sequence[Source] = (),
) -> ReadNotes:
    """The notes of a stretch of a video; all of its sources but summaries unless some are named.

    Captions that there are none of are made, where they are wanted and can be. Of too many notes, as many as may be
    told are taken evenly. Raises UsageError for bad arguments.
    """
    one, chosen = bench.video(video), sources_named(sources)
    within, allowed = bench.span(one, span), bench.filter.sources if bench.filter is not None else None
    if allowed is not None:
        chosen = allowed if chosen is None else chosen & allowed
    level: Level | None = None if chosen is not None and "summary" in chosen else "clip"
    found = bench.store.notes.select(Filter(frozenset({one.id}), within, chosen, level))
    left_out: list[str] = []
    if chosen is None or "caption" in chosen:
        known = {note.id for note in found}
        found += [note for note in bench.captions(one, within, left_out) if note.id not in known]
    found = sorted(found, key=lambda note: (note.span, note.source, note.id))
    shown = found
    if len(found) > RULES.notes:
        shown = [found[int((k + 0.5) * len(found) / RULES.notes)] for k in range(RULES.notes)]
        left_out.append(f"{len(found) - len(shown)} of {len(found)} notes; read a shorter stretch for all of them")
    return ReadNotes(one.path, within, tuple(shown), tuple(left_out))
