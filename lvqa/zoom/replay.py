"""An answer's steps as traces again, so that what an agent looked at can be drawn like any search.

Reads the steps of the zoom node (`searches`) and of the timeline (`looks`); knows nothing of graphs or models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lvqa.types import Keyframe, Step
from lvqa.zoom.base import Round, Trace

# The presence from which a look at the timeline was fruitful.
_YES = 0.5


def searches_of(
    steps: Sequence[Step], durations_s: Mapping[str, float]
) -> list[tuple[str, Trace, tuple[Keyframe, ...]]]:
    """Each search of an answer: its video's path, its trace, and the keyframes that were shown to the VLM."""
    found: list[tuple[str, Trace, tuple[Keyframe, ...]]] = []
    for step in steps:
        frames = step.data.get("keyframes", ())
        for one in step.data.get("searches", ()):
            video = str(one["video"])
            mine = tuple(Keyframe(video, f["time_s"], f["score"]) for f in frames if f["video"] == video)
            found.append((video, trace_of(one, durations_s.get(video, 0.0)), mine))
    looks = [look for step in steps for look in step.data.get("looks", ())]
    for video in dict.fromkeys(str(look["video"]) for look in looks):
        mine_ = [look for look in looks if look["video"] == video]
        found.append((video, _of_looks(video, mine_, durations_s.get(video, 0.0)), ()))
    return found


def trace_of(told: Mapping[str, Any], duration_s: float) -> Trace:
    """The trace that `Trace.to_dict` wrote, without its crops."""
    things = (*told["targets"], *told["cues"])
    rounds = [
        Round(
            one["why"],
            tuple(one["times_s"]),
            (None,) * len(one["times_s"]),
            tuple(tuple(row) for row in one["presence"]),
        )
        for one in told["rounds"]
    ]
    latest = max((t for one in rounds for t in one.times_s), default=0.0)
    return Trace(
        str(told["searcher"]),
        str(told.get("video", "")),
        max(duration_s, latest, 1e-3),
        things,
        len(told["targets"]),
        rounds,
        int(told["looked"]),
        dict(told["found"]),
        str(told["stopped"]),
        tuple(told.get("belief", ())),
    )


def _of_looks(video: str, looks: Sequence[Mapping[str, Any]], duration_s: float) -> Trace:
    """The timeline's looks as one trace, a thing each that was asked about; a reply in words counts as seen."""
    things = tuple(dict.fromkeys(str(look["about"]) for look in looks))
    rounds = []
    for look in looks:
        seen = 1.0 if isinstance(look["seen"], str) else float(look["seen"])
        presence = tuple(seen if thing == look["about"] else 0.0 for thing in things)
        rounds.append(Round("look", (float(look["time_s"]),), (None,), (presence,)))
    found: dict[str, float] = {}
    for look in looks:
        if not isinstance(look["seen"], str) and look["seen"] >= _YES:
            found.setdefault(str(look["about"]), float(look["time_s"]))
    latest = max((float(look["time_s"]) for look in looks), default=0.0)
    return Trace("timeline", video, max(duration_s, latest, 1e-3), things, len(things), rounds, len(looks), found)
