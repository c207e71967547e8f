"""The values of a search in one video, and the two interfaces: who chooses frames, and who says what they show.

A search costs the frames that are looked at on the way, each crop being one. What comes back without having been looked
at costs whoever looks at it then. This module knows no searcher, no model and no file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np

from lvqa.types import Keyframe, format_time
from lvqa.zoom.arrays import Crop, Mask, Scores, Values
from lvqa.zoom.footage import Footage, Frames

CUE_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for: targets, of which each is to be found, and cues, which tend to be near them.

    All are noun phrases or captions ("red star", "a woman opens a fridge"). A cue weighs half a target (T*, arXiv
    2504.02259). `question` is what was asked, for those who want the whole of it.
    """

    targets: tuple[str, ...]
    cues: tuple[str, ...] = ()
    question: str = ""

    def __post_init__(self) -> None:
        if not self.targets or not all(thing.strip() for thing in (*self.targets, *self.cues)):
            raise ValueError("a search needs at least one target, and no target or cue may be empty")

    @property
    def things(self) -> tuple[str, ...]:
        """Targets, then cues."""
        return (*self.targets, *self.cues)

    @property
    def weights(self) -> Scores:
        """1 for each target, a half for each cue, float32 (m,)."""
        return np.array([1.0] * len(self.targets) + [CUE_WEIGHT] * len(self.cues), np.float32)


@dataclass(frozen=True, slots=True)
class SearchBudget:
    """The most that a search may return (`k` keyframes) and look at (`frames`).

    `charge` is told of looks before they are made, as a number of frames, and says how many of them may be made; it is
    how a question's ledger hears of them. `charge_vlm` stands in its place where it is a VLM that looks. With
    `min_gap_s`, keyframes lie that far apart.
    """

    k: int = 8
    frames: int = 32
    charge: Callable[[int], int] | None = None
    min_gap_s: float = 0.0
    charge_vlm: Callable[[int], int] | None = None

    def __post_init__(self) -> None:
        if self.k < 0 or self.frames < 0 or not self.min_gap_s >= 0:
            raise ValueError(f"a search's budget cannot be negative, got {self}")


@dataclass(frozen=True, slots=True)
class Round:
    """What was looked at together, and what was believed before: `why` says what for.

    `presence` is how probable it is that each thing is on each frame, (frames, things) in [0, 1]; `belief` is a share a
    stretch of the video, of sum 1, all stretches equally long, or empty where the searcher believes nothing.
    """

    why: str
    times_s: tuple[float, ...]
    crops: tuple[Crop | None, ...]
    presence: tuple[tuple[float, ...], ...]
    belief: tuple[float, ...] = ()


@dataclass(slots=True)
class Trace:
    """What a search did, round by round; `notes` are a searcher's own facts.

    `looked` counts frames that were paid for. `found` says which targets were confirmed, and when. `stopped` says why
    the search ended. `belief` is what was believed in the end.
    """

    searcher: str
    video_id: str
    duration_s: float
    things: tuple[str, ...]
    targets: int
    rounds: list[Round] = field(default_factory=list)
    looked: int = 0
    found: dict[str, float] = field(default_factory=dict)
    stopped: str = ""
    belief: tuple[float, ...] = ()
    notes: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for steps and `--json`."""
        return {
            "searcher": self.searcher,
            "targets": list(self.things[: self.targets]),
            "cues": list(self.things[self.targets :]),
            "looked": self.looked,
            "rounds": [
                {
                    "why": one.why,
                    "times_s": [round(t, 3) for t in one.times_s],
                    "presence": [[round(p, 3) for p in row] for row in one.presence],
                }
                for one in self.rounds
            ],
            "found": {thing: round(t, 3) for thing, t in self.found.items()},
            "stopped": self.stopped,
            "belief": [round(share, 6) for share in self.belief],
            **self.notes,
        }

    def summary(self) -> str:
        """One line for people."""
        found = ", ".join(f"{thing} at {format_time(t)}" for thing, t in self.found.items())
        ended = f": {self.stopped}" if self.stopped else ""
        return f"{self.searcher}: {self.looked} frames looked at in {len(self.rounds)} rounds{ended}" + (
            f"; found {found}" if found else ""
        )


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search came to: keyframes in order of time, none twice, at most `k`; and its trace."""

    keyframes: list[Keyframe]
    trace: Trace


class Searcher(Protocol):
    """Chooses keyframes of one video."""

    @property
    def name(self) -> str:
        """Its name in `--searcher`, steps and reports."""
        ...

    def search(self, video: Footage, query: Query, budget: SearchBudget, seed: int = 0) -> SearchResult:
        """At most `budget.k` keyframes inside `video.within`, in order of time; the same for the same seed.

        Raises ModelError, and MediaError where the video cannot be decoded.
        """
        ...


class FrameScorer:
    """Says how much frames show of what is searched for. Charges and remembers nothing: `looking.Looker` does.

    What stands here is for scores that are confidences, each look paid for. `bar` is the presence, in [0, 1], from
    which a thing counts as seen; `is_vlm` says that its looks are charged as a VLM's.
    """

    bar: float = 0.5
    is_vlm: ClassVar[bool] = False

    def score_each(self, frames: Frames, phrases: Sequence[str]) -> Scores:
        """The score of each phrase on each frame, float32 (n, m), higher is better, in the scorer's own unit.

        Raises ModelError.
        """
        raise NotImplementedError

    def combine(self, scores: Scores, query: Query) -> Scores:
        """From `score_each` of the query's things to one score a frame, float32 (n,): the best thing's, by weight."""
        return np.asarray((scores * query.weights).max(axis=1), np.float32)

    def presence(self, scores: Scores, footage: Footage, phrases: Sequence[str]) -> Values:
        """How probable `score_each` makes it that each phrase is there, float64 (n, m) in [0, 1]."""
        return np.clip(scores.astype(np.float64), 0.0, 1.0)

    def covered(self, frames: Frames) -> Mask:
        """Which frames it scores without a look, bool (n,): those are free."""
        return np.zeros(len(frames), bool)
