"""What there is to ask about in a video: what happens once, what comes back, what is never seen, and when all is still.

Knows no question and no answer to one.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from lvqa.eval.lab.world.scenes.draw import Thing
from lvqa.eval.lab.world.scenes.truth import FPS, Event, VideoTruth
from lvqa.eval.lab.world.words import COLOURS, SHAPES
from lvqa.eval.tasks.base import Window

OBJECTS = tuple(f"{colour} {shape}" for colour in COLOURS for shape in SHAPES)


@dataclass(frozen=True, slots=True)
class Moment:
    """A whole second in which nothing comes, goes or changes its place: the objects in it, and what is going on."""

    time_s: int
    things: tuple[Thing, ...]
    event: Event | None

    def hangs(self, thing: Thing) -> bool:
        """Whether an object is there, or as it is, only for an event."""
        if self.event is None or thing.shape != self.event.shape:
            return False
        return thing.colour == (self.event.to_colour or self.event.colour)


class Facts:
    """One video, and what happens exactly once in it, several times, or never."""

    def __init__(self, video: VideoTruth, rng: random.Random) -> None:
        self.video = video
        self.name = video.name
        self.rng = rng
        self.seen = video.seen()
        self.never = [name for name in OBJECTS if name not in self.seen]
        self._times = Counter((event.kind, event.target) for event in video.events)

    def once(self, kind: str) -> list[Event]:
        """Events whose kind and target come together only once in the video."""
        found = [event for event in self.video.events if event.kind == kind and self._times[kind, event.target] == 1]
        if kind == "vanish":
            # A thing that has another colour for a moment is also gone for a moment, to some.
            found = [event for event in found if not self._times["recolour", event.target]]
        return found

    @cached_property
    def guests(self) -> dict[str, list[Event]]:
        """What appears, by name, and each time that it does."""
        found: dict[str, list[Event]] = {}
        for event in self.video.events:
            if event.kind == "appear":
                found.setdefault(event.target, []).append(event)
        return found

    @cached_property
    def moments(self) -> list[Moment]:
        """Two moments of each scene, and all of its events."""
        times = []
        for scene in self.video.scenes:
            inside = range(math.ceil(scene.start_s + 1), math.floor(scene.end_s - 1))
            times += self.rng.sample(inside, min(2, len(inside)))
        for event in self.video.events:
            times += range(math.ceil(event.start_s), math.floor(event.end_s - 1) + 1)
        found = []
        for time_s in sorted(set(times)):
            views = [self.video.objects_at(time_s + k / FPS) for k in range(FPS)]
            states = {tuple((thing.shape, thing.colour, thing.place) for thing in view) for view in views}
            now = [event for event in self.video.events if event.start_s < time_s + 1 and time_s < event.end_s]
            if len(states) == 1 and len(now) < 2 and all(event.kind != "move" for event in now):
                found.append(Moment(time_s, views[0], now[0] if now else None))
        return found

    def window(self, event: Event) -> Window:
        """The event's own window."""
        return Window(self.name, event.start_s, event.end_s)

    def spans(self, target: str) -> tuple[Window, ...]:
        """All stretches in which an object is seen."""
        return tuple(Window(self.name, *span) for span in self.seen.get(target, ()))
