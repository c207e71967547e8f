"""An answer's steps as traces again, so that what an agent looked at can be drawn like any search.

Reads the steps of the zoom node (`searches`) and of the timeline (`looks`); knows nothing of graphs or models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lvqa.agents.steps import LoggedLook, ProgramLooksStep, ZoomStep
from lvqa.types import Keyframe, Step
from lvqa.zoom.base import Round, Trace


def searches_of(
    steps: Sequence[Step], durations_s: Mapping[str, float]
) -> list[tuple[str, Trace, tuple[Keyframe, ...]]]:
    """Each search of an answer: its video's path, its trace, and the keyframes that were shown to the VLM."""
    found: list[tuple[str, Trace, tuple[Keyframe, ...]]] = []
    for step in steps:
        if isinstance(step, ZoomStep):
            for video, trace in step.searches:
                mine = tuple(replace(frame, video_id=video) for path, frame in step.keyframes if path == video)
                found.append((video, _whole(trace, video, durations_s.get(video, 0.0)), mine))
    looks = [look for step in steps if isinstance(step, ProgramLooksStep) for look in step.told]
    for video in dict.fromkeys(look.video for look in looks):
        of_video = [look for look in looks if look.video == video]
        found.append((video, _of_looks(video, of_video, durations_s.get(video, 0.0)), ()))
    return found


def _whole(trace: Trace, video: str, duration_s: float) -> Trace:
    """A search's trace over its whole video, every look as one at a whole frame."""
    rounds = [replace(one, crops=(None,) * len(one.times_s), belief=()) for one in trace.rounds]
    latest = max((t for one in rounds for t in one.times_s), default=0.0)
    return replace(trace, video_id=video, duration_s=max(duration_s, latest, 1e-3), rounds=rounds, notes={})


def _of_looks(video: str, looks: Sequence[LoggedLook], duration_s: float) -> Trace:
    """The timeline's looks as one trace, a thing each that was asked about; a reply in words counts as seen."""
    things = tuple(dict.fromkeys(look.about for look in looks))
    rounds = []
    for look in looks:
        seen = 1.0 if isinstance(look.seen, str) else look.seen
        presence = tuple(seen if thing == look.about else 0.0 for thing in things)
        rounds.append(Round("look", (look.time_s,), (None,), (presence,)))
    found: dict[str, float] = {}
    for look in looks:
        if not isinstance(look.seen, str) and look.fruitful:
            found.setdefault(look.about, look.time_s)
    latest = max((look.time_s for look in looks), default=0.0)
    return Trace("timeline", video, max(duration_s, latest, 1e-3), things, len(things), rounds, len(looks), found)
