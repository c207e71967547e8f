"""What the programs work with: the question, the videos it is about, what may hold things, and the frames to look at.

Joins `presence`, `localize` and the budget into the two searches that programs are made of. Knows no program.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lvqa.temporal.localize import Localized, localize
from lvqa.temporal.looks import Course, Viewer
from lvqa.temporal.presence import Candidate, Coverage, Presence, apart_first
from lvqa.temporal.query import TemporalQuery
from lvqa.temporal.rules import RULES
from lvqa.types import Span


@dataclass(slots=True)
class Inquiry:
    """One question at work. `videos` are ids, in the order in which the question names them."""

    query: TemporalQuery
    options: tuple[str, ...]
    presence: Presence
    eyes: Viewer
    videos: tuple[str, ...]

    def path(self, video_id: str) -> str:
        """A video's path."""
        return self.presence.path(video_id)

    @property
    def where(self) -> str:
        """The videos in words."""
        return " and ".join(self.path(video) for video in self.videos) if len(self.videos) < 4 else "these videos"

    def frame_s(self, video_id: str) -> float:
        """The usual time between two frames of a video; 0 where it is not known."""
        video = self.presence.store.videos.get(video_id)
        return 1 / video.fps if video is not None and video.fps > 0 else 0.0

    def bounds(self, video_id: str) -> Span:
        """The part of a video that may be looked at."""
        return self.presence.within(video_id)

    def coverages(self) -> list[Coverage]:
        """How closely the index saw each video."""
        return [self.presence.coverage(video) for video in self.videos]

    def find(
        self,
        phrase: str,
        *,
        videos: Sequence[str] | None = None,
        most: int = 1,
        searches: int = 1,
        fine: bool = False,
        ends: bool = True,
    ) -> Course[Localized]:
        """Search for a thing; `searches` say how many share the budget. Without `ends`, whether it is there is all."""
        candidates: list[Candidate] = []
        for video in self.videos if videos is None else videos:
            candidates += self.presence.candidates(video, phrase, self.query.at)
        return self.look_through(phrase, apart_first(candidates), most=most, searches=searches, fine=fine, ends=ends)

    def look_through(
        self,
        phrase: str,
        candidates: Sequence[Candidate],
        *,
        most: int = 1,
        searches: int = 1,
        fine: bool = False,
        patience: int | None = None,
        ends: bool = True,
    ) -> Course[Localized]:
        """Search for a thing among candidates, best first."""
        resolution_s = RULES.fine_s if fine or self.eyes.left >= RULES.plenty * searches else RULES.coarse_s
        return localize(
            phrase,
            candidates,
            self.bounds,
            most=most,
            patience=self.patience(searches) if patience is None else patience,
            width=RULES.width if searches == 1 else 1,
            resolution_s=resolution_s if ends else math.inf,
            frame_s=self.frame_s,
        )

    def patience(self, searches: int) -> int:
        """How many refusals in a row a search may take."""
        fair = int(RULES.refusals * self.eyes.left / max(1, searches))
        return min(RULES.most_patience, max(RULES.least_patience, fair))
