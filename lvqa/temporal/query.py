"""A question as a program over time: which operation, on which things, in which videos, when. A value; runs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lvqa.types import Span

Operation = Literal[
    "existence",
    "attribute",
    "place",
    "count_objects",
    "count_events",
    "when",
    "before_after",
    "first_last",
    "order",
    "duration",
    "overlap",
    "sign",
    "across",
]
Change = Literal["appear", "vanish", "move", "recolour"]
Side = Literal["", "before", "after", "first", "last"]
Both = Literal["", "which", "only", "both", "not both"]


@dataclass(frozen=True, slots=True)
class TemporalQuery:
    """A question as a program over the intervals in which things are there.

    `targets` are noun phrases without article, or happenings as a caption puts them, in the order of their mention;
    with `among`, the options name the things instead. `videos` are paths; none for all. `at` is the stretch of time
    that the question names. `aspect` is the attribute asked for (`colour`, `shape`, ...), `to` what a thing turns into
    where that is said. `asks` is put to the frames on which the target is found; where it is empty, the operation says
    what.
    """

    op: Operation
    targets: tuple[str, ...] = ()
    videos: tuple[str, ...] = ()
    at: Span | None = None
    change: Change = "appear"
    aspect: str = ""
    to: str = ""
    side: Side = ""
    both: Both = ""
    among: bool = False
    negated: bool = False
    asks: str = ""
