"""The programs of questions about what changes on a thing that stays: it is gone for a moment, it has another colour
for a moment, it moves to another place.

Gone is a short gap in its presence; another colour is a gap in which something of its kind stands where it was; moved
is being elsewhere afterwards. Each is a `Course` that comes to a `Result`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lvqa.language.words import with_article as a
from lvqa.models.base import Frame
from lvqa.temporal.change_searches import ChangePresence, gap
from lvqa.temporal.frame_questions import NOTHING, at_place, times_in, vote
from lvqa.temporal.inquiry import Inquiry
from lvqa.temporal.localize import Interval, measure
from lvqa.temporal.looks import Course, LookRequest, alongside
from lvqa.temporal.presence import Candidate
from lvqa.temporal.result import Result, nothing, product
from lvqa.temporal.rules import RULES
from lvqa.types import Span, format_time


@dataclass(frozen=True, slots=True)
class Change:
    """A change that was found: when, what it turns into (a colour, a place; empty for gone), how far to trust that."""

    interval: Interval
    to: str
    sure: float


def is_misread(interval: Interval) -> bool:
    """Whether one frame alone, between neighbours that say otherwise, is all that an interval rests on."""
    return interval.sharp and interval.looks < 2


def solve(inquiry: Inquiry) -> Course[Result]:
    """When the change happens, how long it lasts, or what the thing turns into."""
    target, change = inquiry.query.targets[0], inquiry.query.change
    best: Change | None = yield from PROGRAMS[change](inquiry, target)
    if best is None:
        return nothing(f"{a(target)} was not found to change in this way in {inquiry.where}")
    span, video = best.interval.span, best.interval.video_id
    shown = ((best.interval, f"{a(target)} {WORDS[change]}" + (f": {best.to}" if best.to else "")),)
    times = f"{format_time(span.start_s, milliseconds=True)}-{format_time(span.end_s, milliseconds=True)}"
    where = f"{times} of {inquiry.path(video)}"
    sure = product([best.interval.support, best.sure])
    if inquiry.query.op == "when":
        return Result(where, sure, span, shown)
    if inquiry.query.op == "duration":
        if span.duration_s <= RULES.measured_s:
            measured = yield from measure(
                target, best.interval, inquiry.bounds(video), inquiry.frame_s(video), gone=True
            )
            shown = ((measured.interval, shown[0][1]),)
            sure, span = product([measured.interval.support, best.sure, measured.sure]), measured.interval.span
        length_s = round(span.duration_s, 2)
        return Result(f"{length_s:g} second{'s' * (length_s != 1)}", sure, length_s, shown)
    if not best.to:
        return nothing(f"what {a(target)} turns into was not seen")
    return Result(f"{best.to} ({where})" if not inquiry.options else best.to, sure, best.to, shown)


def vanished(inquiry: Inquiry, target: str) -> Course[Change | None]:
    """A gap of a thing in which nothing stands where it was."""
    return (yield from _gaps(inquiry, target, lambda colour: not colour))


def recoloured(inquiry: Inquiry, target: str) -> Course[Change | None]:
    """A gap of a thing in which something of its kind, of another colour, stands where it was."""
    to = inquiry.query.to
    return (yield from _gaps(inquiry, target, lambda colour: bool(colour) and to in ("", colour)))


def moved(inquiry: Inquiry, target: str) -> Course[Change | None]:
    """A change of a thing's place while the rest stays."""
    question = f"where is the {target}?"
    tried = 0
    presence = ChangePresence.of(inquiry.presence)
    for video in inquiry.videos:
        shifts = presence.shifts(video, target)
        frame_s = inquiry.frame_s(video)
        for n, (before_s, after_s, alike) in enumerate(shifts):
            if tried >= inquiry.patience(1) or inquiry.eyes.left < 2:
                return None
            tried += 1
            seen = yield [
                LookRequest(video, before_s, question, says=True),
                LookRequest(video, after_s, question, says=True),
            ]
            places = [one.text if one is not None else "" for one in seen]
            if set(places) & NOTHING or places[0] == places[1]:
                continue
            low, high, last = before_s, after_s, places[1]
            while high - low > max(RULES.fine_s, frame_s):
                (one,) = yield [LookRequest(video, (low + high) / 2, question, says=True)]
                if one is None:
                    break
                if one.text == places[0]:
                    low = (low + high) / 2
                else:
                    high, last = (low + high) / 2, one.text if one.text not in NOTHING else last
            if inquiry.eyes.is_cut(video, low, high + RULES.fine_s):
                continue
            # At the end of its way it stands where it stays.
            rest = yield [LookRequest(video, high + k, question, says=True) for k in RULES.at_rest_s]
            end = vote([*rest, seen[1]])
            at_rest = end.text and end.text != places[0]
            sure = RULES.moved + RULES.moved_alike * alike if at_rest else RULES.moved_on
            middle = (low + high) / 2
            bounds = inquiry.bounds(video)
            # Where the budget ended, it may have moved at any time between the two.
            start_s, end_s = min(low, middle - RULES.move_s), max(high, middle + RULES.move_s)
            span = Span(max(bounds.start_s, start_s), min(bounds.end_s, end_s))
            return Change(Interval(video, span, RULES.trust, 3), end.text or last, sure * RULES.trust**n)
    return None


def _gaps(inquiry: Inquiry, target: str, fits: Callable[[str], bool]) -> Course[Change | None]:
    head = target.split()[-1]
    other = f"{inquiry.query.to} {head}" if inquiry.query.to else ""
    dips: list[Candidate] = []
    presence = ChangePresence.of(inquiry.presence)
    for video in inquiry.videos:
        dips += presence.dips(video, target, other)
    dips.sort(key=lambda c: (-c.score, c.video_id, c.time_s))
    queue, tries = dips, inquiry.patience(1)
    while queue and tries > 0 and inquiry.eyes.left > 0:
        batch, queue = queue[: RULES.gaps_at_once], queue[RULES.gaps_at_once :]
        tries -= len(batch)
        found: list[Change | None] = yield from alongside([_gap(inquiry, target, dip) for dip in batch])
        for one in found:
            if one is not None and fits(one.to):
                return one
    return None


def _gap(inquiry: Inquiry, target: str, dip: Candidate) -> Course[Change | None]:
    video = dip.video_id
    frame_s = inquiry.frame_s(video)
    interval = yield from gap(target, dip, inquiry.bounds(video), frame_s=frame_s)
    if interval is None or is_misread(interval):
        return None
    return (yield from meant(inquiry, target, interval))


def meant(inquiry: Inquiry, target: str, interval: Interval) -> Course[Change | None]:
    """What a gap of a thing means: None for a cut of the picture, else what stands where it was."""
    video, span = interval.video_id, interval.span
    beside_s = RULES.beside_end_s
    cuts = [inquiry.eyes.is_cut(video, t - beside_s, t + beside_s) for t in (span.start_s, span.end_s)]
    if any(cuts):
        return None
    before_s = max(0.0, span.start_s - beside_s)
    (where,) = yield [LookRequest(video, before_s, f"where is the {target}?", says=True)]
    place = f" {at_place(where.text)}" if where is not None and where.text not in NOTHING else ""
    kind = target.split()[-1]
    asked = f"what colour is the {kind}{place}?"
    seen = yield [LookRequest(video, t, asked, says=True) for t in times_in(span, 2)]
    said = vote(seen)
    if all(one is None for one in seen):
        return Change(interval, "", RULES.gone_unlooked)
    if not said.text:
        return Change(interval, "", RULES.gone_sure)
    if said.text in target.split():
        # Its own colour, where it was not seen: one of the two is misread.
        return Change(interval, "", RULES.gone_misread)
    # A model that is asked for a colour names one: whether such a thing is there it says more surely.
    checked = yield [LookRequest(video, t, f"{said.text} {kind}{place}") for t in times_in(span, 2)]
    yes = [one.yes for one in checked if one is not None]
    if yes and max(yes) < RULES.yes:
        return Change(interval, "", RULES.gone_refused)
    return Change(interval, said.text, min(said.confidence, max(yes, default=said.confidence)))


def is_cut(before: Frame, after: Frame) -> bool:
    """Whether the whole picture changes between two frames, as at a cut: a thing that comes changes a part of it."""
    return float(np.median(np.abs(_coarse(before) - _coarse(after)))) > RULES.cut


def _coarse(image: Frame) -> npt.NDArray[np.float64]:
    """The means of blocks of a frame, float64 (blocks, blocks, 3)."""
    h, w = (max(1, side // RULES.blocks) for side in image.shape[:2])
    cut = image[: h * min(RULES.blocks, image.shape[0]), : w * min(RULES.blocks, image.shape[1])]
    rows, columns = cut.shape[0] // h, cut.shape[1] // w
    return np.asarray(cut.reshape(rows, h, columns, w, 3).mean(axis=(1, 3)), np.float64)


WORDS = {"vanish": "is gone", "recolour": "has another colour", "move": "moves"}
PROGRAMS: dict[str, Callable[[Inquiry, str], Course[Change | None]]] = {
    "vanish": vanished,
    "recolour": recoloured,
    "move": moved,
}
