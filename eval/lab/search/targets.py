"""What is searched for in a world: things that appear in it once, with or without a flag of their colour around them.

Knows the truth; searches nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from lvqa.eval.lab.world.scenes.truth import VideoTruth
from lvqa.types import Span
from lvqa.zoom import Query


@dataclass(frozen=True, slots=True)
class Target:
    """A thing to be found: when it is there, its size, and the cue near it, empty where there is none."""

    name: str
    span: Span
    size: str
    cue: str

    @property
    def query(self) -> Query:
        """What a searcher is told: the target, and its cue where it has one."""
        return Query((self.name,), (self.cue,) if self.cue else (), f"When does the {self.name} appear?")


def targets_of(video: VideoTruth, shortest_s: float = 0.5) -> list[Target]:
    """All things that appear exactly once in a video, in order of time."""
    sizes = {track.id: track.size for scene in video.scenes for track in scene.tracks}
    appearing = [event for event in video.events if event.kind == "appear"]
    times = Counter(event.target for event in appearing)
    return [
        Target(
            event.target,
            Span(event.start_s, event.end_s),
            sizes.get(event.track, ""),
            f"{event.cue} flag" if event.cue else "",
        )
        for event in appearing
        if times[event.target] == 1 and event.end_s - event.start_s >= shortest_s
    ]
