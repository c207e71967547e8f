"""Frame searchers: which few seconds to look at, given what recall found.

A searcher gets a `SearchRequest` and returns keyframes; it decodes nothing and asks no model. This module knows no
searcher but by name; rivals of `guided` register beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lvqa.types import Keyframe, Span


@dataclass(frozen=True, slots=True)
class Region:
    """A recalled stretch of a video, and how much recall thinks of it: above zero, higher is better."""

    video_id: str
    span: Span
    score: float

    def __post_init__(self) -> None:
        if not self.score > 0:
            raise ValueError(f"a region's score is above zero, got {self.score!r}")


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What a searcher has to go by.

    `durations_s` names every video that may be searched, with its length; `within` is the stretch of time allowed in
    each of them (None: all of it). `k` frames are wanted, a share `explore` of them outside the regions. `taken` were
    looked at before; none is wanted within `min_gap_s` of them or of each other. `frame_scores` are scored frames of
    the visual channel, where the index has one.
    """

    regions: Sequence[Region]
    durations_s: Mapping[str, float]
    k: int
    explore: float = 0.2
    seed: int = 0
    within: Span | None = None
    taken: Sequence[Keyframe] = ()
    min_gap_s: float = 0.5
    frame_scores: Sequence[Keyframe] = field(default_factory=tuple)


class Searcher(Protocol):
    """Chooses keyframes."""

    @property
    def name(self) -> str:
        """Its name in steps and reports."""
        ...

    def search(self, request: SearchRequest) -> list[Keyframe]:
        """At most `k` keyframes, by video and time; the same for the same request."""
        ...
