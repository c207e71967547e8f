"""The exact truth of a video of the world: scenes, tracks, events, signs, subtitles; to and from JSON.

Times are seconds on the frame grid and spans are half-open: a thing seen in `[start_s, end_s)` is on frame k where
`start_s <= k / FPS < end_s`. Knows nothing of how a video is made up, painted or asked about.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lvqa.eval.lab.world.scenes.draw import Thing, View
from lvqa.eval.lab.world.words import SHAPES

FPS = 4
EVENT_KINDS = ("appear", "vanish", "move", "recolour")
# How far the camera sways, in pixels.
_SWAY = 3.0


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the middle of a thing is at a time, in pixels; between two poses it goes straight and evenly."""

    time_s: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class ThingState:
    """A stretch in which a thing is seen, and its colour in it."""

    start_s: float
    end_s: float
    colour: str


@dataclass(frozen=True, slots=True)
class Track:
    """One thing of one scene through time.

    `role` is `cast` (there for the whole scene, events apart), `guest` (there for an event), `cue` (a flag near an
    event of its colour), `decoy` (a flag near none) or `sign`; `text` is what a sign says.
    """

    id: str
    role: str
    shape: str
    size: str
    poses: tuple[Pose, ...]
    states: tuple[ThingState, ...]
    text: str = ""

    @property
    def colour(self) -> str:
        """Its own colour: the one it has first, and for most of the time."""
        return self.states[0].colour

    def at(self, time_s: float) -> Thing | None:
        """The thing at a time in seconds; None where it is not to be seen."""
        for state in self.states:
            if state.start_s <= time_s < state.end_s:
                x, y = self._middle(time_s)
                return Thing(self.shape, state.colour, self.size, x, y, self.text)
        return None

    def _middle(self, time_s: float) -> tuple[float, float]:
        after = bisect_right(self.poses, time_s, key=lambda pose: pose.time_s)
        if after == 0 or after == len(self.poses):
            pose = self.poses[max(0, after - 1)]
            return pose.x, pose.y
        a, b = self.poses[after - 1], self.poses[after]
        share = (time_s - a.time_s) / (b.time_s - a.time_s)
        return a.x + share * (b.x - a.x), a.y + share * (b.y - a.y)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to one object within a scene.

    `colour` and `shape` are the object's own. `place` is where it is when it starts, `to_place` where a move ends,
    `to_colour` what a recolour turns it into. `cue` is the colour of the flag around it, if any.
    """

    id: str
    kind: str
    scene: int
    track: str
    start_s: float
    end_s: float
    colour: str
    shape: str
    place: str
    to_place: str = ""
    to_colour: str = ""
    cue: str = ""

    @property
    def target(self) -> str:
        """The object by name: `red star`."""
        return f"{self.colour} {self.shape}"

    @property
    def duration_s(self) -> float:
        """How long it lasts, in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Sign:
    """What a sign says, and where and when it stands."""

    scene: int
    text: str
    place: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """A line of speech; `event` is the id of the event it speaks of, empty for chatter."""

    start_s: float
    end_s: float
    text: str
    event: str = ""


@dataclass(frozen=True, slots=True)
class WorldScene:
    """A stretch between two cuts: its ground, its light and noise, and the tracks of all that is seen in it."""

    number: int
    start_s: float
    end_s: float
    ground: str
    ground_seed: int
    light: float
    noise: float
    sway_s: float
    tracks: tuple[Track, ...]

    def things_at(self, time_s: float) -> tuple[Thing, ...]:
        """All that is seen at a time on the frame grid, in the order of the tracks."""
        return tuple(thing for track in self.tracks if (thing := track.at(time_s)) is not None)


@dataclass(frozen=True, slots=True)
class VideoTruth:
    """All that is true of one video; `seed` decides its camera noise."""

    name: str
    duration_s: float
    seed: int
    embedded: bool
    scenes: tuple[WorldScene, ...]
    events: tuple[Event, ...]
    signs: tuple[Sign, ...]
    subtitles: tuple[SpokenLine, ...]

    @property
    def n_frames(self) -> int:
        """How many frames the video has, FPS a second."""
        return round(self.duration_s * FPS)

    def scene_at(self, time_s: float) -> WorldScene:
        """The scene at a time in seconds; raises ValueError outside the video."""
        if not 0 <= time_s < self.duration_s:
            raise ValueError(f"{self.name} lasts {self.duration_s} s, and has no frame at {time_s} s")
        time_s = on_grid(time_s)
        return self.scenes[bisect_right(self.scenes, time_s, key=lambda scene: scene.start_s) - 1]

    def things_at(self, time_s: float) -> tuple[Thing, ...]:
        """All that is on the frame shown at a time in seconds; raises ValueError outside the video."""
        return self.scene_at(time_s).things_at(on_grid(time_s))

    def objects_at(self, time_s: float) -> tuple[Thing, ...]:
        """`things_at` without flags and signs."""
        return tuple(thing for thing in self.things_at(time_s) if thing.shape in SHAPES)

    def view_at(self, time_s: float) -> View:
        """The state that the frame shown at a time is painted from; raises ValueError outside the video."""
        scene, time_s = self.scene_at(time_s), on_grid(time_s)
        turn = 2 * math.pi * (time_s - scene.start_s) / scene.sway_s
        frame = round(time_s * FPS)
        return View(
            scene.ground,
            scene.ground_seed,
            scene.things_at(time_s),
            light=scene.light + 0.03 * math.sin(0.37 * turn),
            shake=(round(_SWAY * math.sin(turn)), round(_SWAY * math.sin(0.61 * turn + scene.number))),
            noise=scene.noise,
            noise_seed=self.seed + frame,
        )

    def seen(self) -> Mapping[str, list[tuple[float, float]]]:
        """By object (`red star`), the stretches in which it is seen, in seconds, in order; those that touch are one."""
        found: dict[str, list[tuple[float, float]]] = {}
        for scene in self.scenes:
            for name, start_s, end_s in sorted(_stretches(scene), key=lambda row: row[1]):
                spans = found.setdefault(name, [])
                if spans and spans[-1][1] >= start_s:
                    start_s = spans.pop()[0]
                spans.append((start_s, end_s))
        return found

    def to_json(self) -> dict[str, Any]:
        """Plain values, for json.dump."""
        return asdict(self)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> VideoTruth:
        """The truth that `to_json` wrote; raises KeyError or TypeError for anything else."""
        return cls(
            row["name"],
            row["duration_s"],
            row["seed"],
            row["embedded"],
            tuple(_scene(scene) for scene in row["scenes"]),
            tuple(Event(**event) for event in row["events"]),
            tuple(Sign(**sign) for sign in row["signs"]),
            tuple(SpokenLine(**subtitle) for subtitle in row["subtitles"]),
        )


def on_grid(time_s: float) -> float:
    """The time of the frame that is shown at a time in seconds."""
    return math.floor(time_s * FPS + 1e-6) / FPS


def _stretches(scene: WorldScene) -> Iterator[tuple[str, float, float]]:
    for track in scene.tracks:
        if track.shape in SHAPES:
            for state in track.states:
                yield f"{state.colour} {track.shape}", state.start_s, state.end_s


def _scene(row: Mapping[str, Any]) -> WorldScene:
    return WorldScene(**{**row, "tracks": tuple(_track(track) for track in row["tracks"])})


def _track(row: Mapping[str, Any]) -> Track:
    poses = tuple(Pose(**pose) for pose in row["poses"])
    return Track(**{**row, "poses": poses, "states": tuple(ThingState(**state) for state in row["states"])})
