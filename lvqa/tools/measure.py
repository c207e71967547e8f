"""Counting, ordering and measuring events over time: by looking where a model and the files are there, else from notes.

By looking, the events are a query of `lvqa.temporal` whose program says where to look. From notes, those that come
close to an event are its rows, and `lvqa.temporal.operators` computes on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from lvqa.errors import UsageError
from lvqa.media.files import present
from lvqa.store import Filter
from lvqa.temporal import (
    COMPUTED,
    Inquiry,
    Operator,
    Presence,
    Result,
    Side,
    TemporalQuery,
    compute,
    distinct,
    read_event,
    solve,
)
from lvqa.tools.arguments import texts
from lvqa.tools.eyes import Eyes, run
from lvqa.tools.rules import RULES
from lvqa.tools.search import without_captions
from lvqa.tools.workbench import Workbench
from lvqa.types import Computation, EventRow, Note, Scope, Span, Video

_LEAST: dict[str, int] = {"before_after": 2, "order": 2, "overlap": 2}


@dataclass(frozen=True, slots=True)
class Measurement:
    """What an operator over time made of events, in words and rows; None where it could not be told.

    `basis` says whether frames were looked at, or notes read. `confidence` is in [0, 1].
    """

    operator: Operator
    events: tuple[str, ...]
    basis: Literal["looked", "notes"]
    found: Computation | None
    confidence: float = 0.0
    frames: int = 0
    left_out: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The answer with its rows, and what was not looked at."""
        rows = self.found.rows if self.found is not None else ()
        return {
            "operator": self.operator,
            "events": list(self.events),
            "basis": self.basis,
            "text": self.found.text if self.found is not None else "",
            "rows": [{**row.to_dict(), "notes": list(row.notes)} for row in rows],
            "confidence": round(self.confidence, 4),
            "frames": self.frames,
            "left_out": list(self.left_out),
        }


def measure(bench: Workbench, operator: Operator, events: Sequence[str], scope: Scope | None = None) -> Measurement:
    """What an operator makes of events, each written as a caption would put it.

    `count` and `duration` take one event, `before_after` and `overlap` two, `first`, `last` and `order` all. Raises
    UsageError for bad arguments, ModelError.
    """
    if operator not in get_args(Operator):
        raise UsageError(f"the operator is one of {', '.join(get_args(Operator))}")
    named = texts(events, "event", RULES.events)
    least = _LEAST.get(operator, 1)
    if len(named) < least:
        raise UsageError(f"{operator} takes {least} events; got {len(named)}")
    if operator in ("count", "duration", "before_after", "overlap"):
        named = named[:least]
    inside = bench.narrowed(scope)
    there = [video for video in inside.videos if present(bench.folder, video.path) is not None]
    away = [f"{video.path} is not there to look at" for video in inside.videos if video not in there]
    if inside.eyes is not None and there and inside.models.can_be_asked("timeline_present"):
        return _by_looking(inside, inside.eyes.fresh(), operator, named, there, away)
    return _from_notes(inside, operator, named)


def _by_looking(
    bench: Workbench,
    eyes: Eyes,
    operator: Operator,
    events: tuple[str, ...],
    videos: Sequence[Video],
    left_out: list[str],
) -> Measurement:
    before, paths = bench.ledger.cost.frames, {video.id: video.path for video in videos}
    presence = Presence(bench.store, bench.models.image_embedder, bench.filter)
    at = bench.filter.span if bench.filter is not None else None
    query = _query(operator, events, at)
    result = run(solve(Inquiry(query, (), presence, eyes, tuple(paths))), eyes.look)
    found = (
        Computation(operator, result.text, tuple(_rows(result, dict(zip(query.targets, events, strict=True)), paths)))
        if result.found
        else None
    )
    left_out += [result.why] if result.why else []
    left_out += eyes.failed
    if bench.ledger.spent:
        left_out.append(f"budget spent: {', '.join(bench.ledger.spent)}")
    looked = bench.ledger.cost.frames - before
    return Measurement(operator, events, "looked", found, result.confidence if found else 0.0, looked, tuple(left_out))


def _query(operator: Operator, events: tuple[str, ...], at: Span | None) -> TemporalQuery:
    read = [read_event(event) for event in events]
    side: Side = "last" if operator == "last" else "first" if operator == "first" else ""
    things = tuple(event.thing for event in read)
    return TemporalQuery(COMPUTED[operator], things, at=at, change=read[0].change, to=read[0].to, side=side)


def _rows(result: Result, events: dict[str, str], paths: dict[str, str]) -> list[EventRow]:
    found = []
    for interval, words in result.shown:
        event = next((event for thing, event in events.items() if thing in words), words)
        found.append(EventRow(event, paths[interval.video_id], interval.span, min(1.0, interval.support)))
    return found


def _from_notes(bench: Workbench, operator: Operator, events: tuple[str, ...]) -> Measurement:
    filter = bench.filter or Filter(level="clip")
    notes: dict[str, Note] = {}
    for event in events:
        hits = bench.retriever.search(event, RULES.notes, filter)
        notes |= {hit.note.id: hit.note for hit in hits if hit.note.source != "summary"}
    rows = told_by_notes(bench, events, list(notes.values()))
    found = compute(operator, [distinct(row) for row in rows])
    sure = min((row.sure for row in found.rows), default=0.0) if found is not None else 0.0
    left_out = ["no frame: there is no model that can be asked about frames, or no file", *without_captions(bench)]
    return Measurement(operator, events, "notes", found, sure, 0, tuple(left_out))


def told_by_notes(bench: Workbench, events: Sequence[str], notes: Sequence[Note]) -> list[list[EventRow]]:
    """The rows of each event: the notes that come close to it, summaries apart, each a row. Raises ModelError."""
    near, rows = bench.closeness(list(events), notes), list[list[EventRow]]()
    for n, event in enumerate(events):
        bar = max(RULES.event, RULES.event_share * float(near[:, n].max(initial=0.0)))
        rows.append(
            [
                EventRow(event, bench.retriever.path(note.video_id), note.span, float(near[k, n]), (note.id,))
                for k, note in enumerate(notes)
                if near[k, n] >= bar and note.source != "summary"
            ]
        )
    return rows
