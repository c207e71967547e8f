"""What programs over time want to know of single frames, and how they ask: values and generators that look at nothing.

A search is written as a generator (`Course`) that yields what it wants to know and is sent what was seen; `alongside`
makes one of many, so that what they ask at the same time travels in one batch. Where the budget ends, the answer to
what was asked is None. Who looks is a `Viewer` (`lvqa.tools.eyes.Eyes`). This module knows no question about time.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from lvqa.zoom.arrays import Crop


@dataclass(frozen=True, slots=True)
class LookRequest:
    """Something to be known about one frame: whether a thing is there, or with `says` what is replied to a question.

    `about` is a noun phrase without article, or the question; `crop` the part of the frame that is shown.
    """

    video_id: str
    time_s: float
    about: str
    says: bool = False
    crop: Crop | None = None


@dataclass(frozen=True, slots=True)
class LookReply:
    """What was seen on the frame with time `pts_s`: P(yes) in [0, 1], or a reply."""

    pts_s: float
    yes: float = 0.0
    text: str = ""


T = TypeVar("T")
Course = Generator[list[LookRequest], "list[LookReply | None]", T]


class Viewer(Protocol):
    """Who answers what programs ask: by looking at frames, or by reading what was written about them."""

    @property
    def left(self) -> int:
        """How many more looks there may be."""
        ...

    def look(self, asks: Sequence[LookRequest]) -> list[LookReply | None]:
        """What is seen, in order; None where the budget ended or the frame cannot be had."""
        ...

    def is_cut(self, video_id: str, before_s: float, after_s: float) -> bool:
        """Whether the whole picture changes between two times; shows no model any frame."""
        ...


def alongside(courses: Sequence[Course[T]]) -> Course[list[T]]:
    """Searches side by side as one: what they ask in the same round is asked together. Their results in order."""
    results: dict[int, T] = {}
    waiting: dict[int, list[LookRequest]] = {}

    def go_on(n: int, seen: list[LookReply | None] | None) -> None:
        waiting.pop(n, None)
        try:
            waiting[n] = next(courses[n]) if seen is None else courses[n].send(seen)
        except StopIteration as stop:
            results[n] = stop.value

    for n in range(len(courses)):
        go_on(n, None)
    while waiting:
        order = sorted(waiting)
        seen = iter((yield [ask for n in order for ask in waiting[n]]))
        for n, answers in [(n, [next(seen) for _ in waiting[n]]) for n in order]:
            go_on(n, answers)
    return [results[n] for n in range(len(courses))]
