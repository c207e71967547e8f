"""Makes up the scenes and events of videos, from a seed. Knows the truth it makes; paints and asks nothing.

Of all pairs of colour and shape, a video keeps three eighths for the casts of its scenes, a half for guests (what
appears for a moment), and shows the rest never, so that a guest is known by being there at all.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from lvqa.eval.lab.world.scenes.speech import subtitles_of
from lvqa.eval.lab.world.scenes.truth import FPS, Event, Pose, Sign, ThingState, Track, VideoTruth, WorldScene
from lvqa.eval.lab.world.words import (
    COLOURS,
    FLAG,
    GROUNDS,
    PLACES,
    SHAPES,
    SIGN,
    SIGN_DIGITS,
    SIGN_LETTERS,
    SIZES,
    centre_of,
)

NAMES = ("alder", "birch", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak", "pine", "rowan", "willow")
SHORTEST_S, LONGEST_S = 5.0, 60.0
# No event begins or ends nearer to a cut than this, nor nearer to another event of its scene than that.
MARGIN_S, GAP_S = 1.5, 3.0
_KINDS = {"appear": 0.55, "vanish": 0.15, "move": 0.15, "recolour": 0.15}
_CUED = ("appear", "vanish", "recolour")
_SWAY_X, _SWAY_Y = 13.0, 7.0

Kind = tuple[str, str]
"""A colour and a shape."""


@dataclass(frozen=True, slots=True)
class _Slot:
    """When something is to happen, and what; `target` is given where it is something that appears."""

    start_s: float
    end_s: float
    kind: str
    target: Kind | None = None


@dataclass(slots=True)
class _Actor:
    """A track in the making; what it holds can still be changed."""

    id: str
    role: str
    kind: Kind
    size: str
    place: str
    poses: list[Pose]
    states: list[ThingState]
    text: str = ""

    def done(self) -> Track:
        poses, states = tuple(sorted(self.poses, key=lambda p: p.time_s)), tuple(self.states)
        return Track(self.id, self.role, self.kind[1], self.size, poses, states, self.text)


@dataclass(slots=True)
class _Stage:
    """One scene in the making, and which of its places are taken when."""

    number: int
    start_s: float
    end_s: float
    rng: random.Random
    actors: list[_Actor] = field(default_factory=list)
    taken: list[tuple[str, float, float]] = field(default_factory=list)

    def free(self, start_s: float, end_s: float) -> list[str]:
        """The places where nothing stands from one time to another."""
        busy = {place for place, a, b in self.taken if a < end_s and start_s < b}
        return [place for place in PLACES if place not in busy]

    def put(
        self, name: str, role: str, kind: Kind, size: str, place: str, start_s: float, end_s: float, text: str = ""
    ) -> _Actor:
        """Stand something in a free place, where it drifts a little."""
        poses = [_near(self.rng, place, start_s), _near(self.rng, place, end_s)]
        actor = _Actor(
            f"s{self.number}.{name}", role, kind, size, place, poses, [ThingState(start_s, end_s, kind[0])], text
        )
        self.actors.append(actor)
        self.taken.append((place, start_s, end_s))
        return actor

    def cast(self) -> list[_Actor]:
        return [actor for actor in self.actors if actor.role == "cast"]


def make_videos(minutes: float, seed: int, n_videos: int) -> tuple[VideoTruth, ...]:
    """Videos of equal length, `minutes` in all; the same for the same arguments."""
    duration_s = max(1, round(minutes * 60 / n_videos * FPS)) / FPS
    counts = _counts(random.Random(f"world:{seed}:counts"))
    return tuple(_video(k, duration_s, random.Random(f"world:{seed}:{k}"), counts) for k in range(n_videos))


def name_of(number: int) -> str:
    """The file name of a world's video, counted from 0."""
    again, k = divmod(number, len(NAMES))
    return f"{NAMES[k]}{again + 1 if again else ''}.mp4"


def _counts(rng: random.Random) -> list[int]:
    """How often the next targets appear that do so more than once: hands of 2 to 5, each shuffled, the first last."""
    return [count for _ in range(2000) for count in rng.sample(range(2, 6), 4)]


def _video(number: int, duration_s: float, rng: random.Random, counts: list[int]) -> VideoTruth:
    spans = list(_cuts(rng, duration_s))
    slots = [_slots(rng, start_s, end_s) for start_s, end_s in spans]
    cast_pool, guest_pool = _pools(rng)
    targets = iter(_targets(rng, guest_pool, sum(slot.kind == "appear" for row in slots for slot in row), counts))
    slots = [[replace(s, target=next(targets)) if s.kind == "appear" else s for s in row] for row in slots]
    texts = [a + b for a in SIGN_LETTERS for b in SIGN_DIGITS]
    rng.shuffle(texts)
    scenes: list[WorldScene] = []
    events: list[Event] = []
    signs: list[Sign] = []
    for k, ((start_s, end_s), row) in enumerate(zip(spans, slots, strict=True)):
        stage = _Stage(k, start_s, end_s, rng)
        _fill(stage, cast_pool)
        if rng.random() < 0.36:
            text, place = texts[len(signs) % len(texts)], rng.choice(stage.free(start_s, end_s))
            stage.put("sign", "sign", ("white", SIGN), "small", place, start_s, end_s, text)
            signs.append(Sign(k, text, place, start_s, end_s))
        happened = _appear(stage, _happen(stage, row, cast_pool, len(events)))
        events += _flag(stage, happened)
        scenes.append(
            WorldScene(
                k,
                start_s,
                end_s,
                rng.choice(GROUNDS),
                rng.randrange(400),
                round(rng.uniform(0.92, 1.08), 3),
                round(rng.uniform(2.0, 4.5), 2),
                round(rng.uniform(8.0, 20.0), 2),
                tuple(actor.done() for actor in stage.actors),
            )
        )
    spoken = subtitles_of(events, duration_s, rng)
    return VideoTruth(
        name_of(number),
        duration_s,
        rng.randrange(1 << 30),
        number % 2 == 0,
        tuple(scenes),
        tuple(events),
        tuple(signs),
        spoken,
    )


def _cuts(rng: random.Random, duration_s: float) -> Iterator[tuple[float, float]]:
    start_s = 0.0
    while duration_s - start_s > LONGEST_S:
        length_s = _grid(rng, SHORTEST_S, min(LONGEST_S, duration_s - start_s - SHORTEST_S))
        yield start_s, start_s + length_s
        start_s += length_s
    yield start_s, duration_s


def _slots(rng: random.Random, start_s: float, end_s: float) -> list[_Slot]:
    """When what happens in a scene: about one event in seventeen seconds, none too near to a cut or to another."""
    lengths = [_grid(rng, 0.5, 4.0) for _ in range(int((end_s - start_s) / 16 + rng.random()))]
    room_s = end_s - start_s - 2 * MARGIN_S
    while lengths and room_s < sum(lengths) + GAP_S * (len(lengths) - 1):
        lengths.pop()
    if not lengths:
        return []
    spare_s = room_s - sum(lengths) - GAP_S * (len(lengths) - 1)
    delays = sorted(_grid(rng, 0.0, spare_s) for _ in lengths)
    made, before_s = [], 0.0
    for k, (length_s, delay_s) in enumerate(zip(lengths, delays, strict=True)):
        at_s = start_s + MARGIN_S + before_s + k * GAP_S + delay_s
        made.append(_Slot(at_s, at_s + length_s, rng.choices(list(_KINDS), list(_KINDS.values()))[0]))
        before_s += length_s
    return made


def _pools(rng: random.Random) -> tuple[list[Kind], list[Kind]]:
    """What casts and what guests of a video are made of; an eighth of all pairs is in neither."""
    cast, guests = [], []
    for shape in SHAPES:
        colours = rng.sample(list(COLOURS), len(COLOURS))
        cast += [(colour, shape) for colour in colours[:3]]
        guests += [(colour, shape) for colour in colours[3:7]]
    rng.shuffle(guests)
    return cast, guests


def _targets(rng: random.Random, guests: Sequence[Kind], n: int, counts: list[int]) -> list[Kind]:
    """What appears in a video, n times in all: a good half of it several times, as `counts` says, the rest once."""
    left = list(guests)
    extras = [left.pop(), left.pop()]
    chosen: list[Kind] = []
    room = round(0.6 * n)
    while len(left) > len(guests) // 2:
        fitting = next((k for k in reversed(range(len(counts))) if len(chosen) + counts[k] <= room), None)
        if fitting is None:
            break
        chosen += [left.pop()] * counts.pop(fitting)
    while len(chosen) < n:
        chosen.append(left.pop() if left else rng.choice(extras))
    rng.shuffle(chosen)
    return chosen


def _fill(stage: _Stage, pool: Sequence[Kind]) -> None:
    """The cast: two to five objects, each in a place of its own."""
    rng = stage.rng
    kinds = rng.sample(list(pool), rng.randint(2, 5))
    for k, (kind, place) in enumerate(zip(kinds, rng.sample(PLACES, len(kinds)), strict=True)):
        actor = stage.put(f"o{k}", "cast", kind, rng.choice(list(SIZES)), place, stage.start_s, stage.end_s)
        actor.poses.append(_near(rng, place, _grid(rng, stage.start_s + 1, stage.end_s - 1)))


def _happen(stage: _Stage, slots: Sequence[_Slot], pool: Sequence[Kind], first: int) -> list[Event]:
    """Events in order of time. What happens to the cast is done here; what appears has no place and no track yet."""
    events = []
    for k, slot in enumerate(slots):
        base = Event(f"e{first + k}", slot.kind, stage.number, "", slot.start_s, slot.end_s, "", "", "")
        if slot.target is not None:
            events.append(replace(base, colour=slot.target[0], shape=slot.target[1]))
            continue
        movers = [(actor, to) for actor in stage.cast() for to in _ways(stage, actor, slot.start_s)]
        dyes = [(actor, colour) for actor in stage.cast() for colour in _dyes(stage, actor, pool)]
        if slot.kind == "move" and movers:
            actor, extra = stage.rng.choice(movers)
        elif slot.kind == "recolour" and dyes:
            actor, extra = stage.rng.choice(dyes)
        else:
            actor, extra, base = stage.rng.choice(stage.cast()), "", replace(base, kind="vanish")
        event = replace(base, track=actor.id, colour=actor.kind[0], shape=actor.kind[1], place=actor.place)
        last = actor.states.pop()
        if event.kind == "move":
            actor.states.append(last)
            _slide(stage, actor, event.start_s, event.end_s, extra)
            event = replace(event, to_place=extra)
        else:
            actor.states.append(replace(last, end_s=event.start_s))
            if event.kind == "recolour":
                actor.states.append(ThingState(event.start_s, event.end_s, extra))
                event = replace(event, to_colour=extra)
            actor.states.append(replace(last, start_s=event.end_s))
        events.append(event)
    return events


def _ways(stage: _Stage, actor: _Actor, start_s: float) -> list[str]:
    """The free places beside, above and below an actor; a slantwise way would lead past other things."""
    row, column = divmod(PLACES.index(actor.place), 3)
    free = stage.free(start_s, stage.end_s)
    beside = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
    return [PLACES[3 * r + c] for r, c in beside if 0 <= r < 3 and 0 <= c < 3 and PLACES[3 * r + c] in free]


def _dyes(stage: _Stage, actor: _Actor, pool: Sequence[Kind]) -> list[str]:
    here = [other.kind for other in stage.cast()]
    return [colour for colour, shape in pool if shape == actor.kind[1] and (colour, shape) not in here]


def _slide(stage: _Stage, actor: _Actor, start_s: float, end_s: float, to: str) -> None:
    held = next(
        k for k, (place, _, until_s) in enumerate(stage.taken) if (place, until_s) == (actor.place, stage.end_s)
    )
    stage.taken[held] = (actor.place, stage.taken[held][1], end_s)
    stage.taken.append((to, start_s, stage.end_s))
    actor.poses = [pose for pose in actor.poses if pose.time_s < start_s]
    actor.poses += [_near(stage.rng, actor.place, start_s), _near(stage.rng, to, end_s)]
    actor.poses.append(_near(stage.rng, to, stage.end_s))
    actor.place = to


def _appear(stage: _Stage, events: Sequence[Event]) -> list[Event]:
    """Give a place and a track to what appears."""
    done = []
    for event in events:
        if event.kind == "appear":
            place = stage.rng.choice(stage.free(event.start_s, event.end_s))
            kind, size = (event.colour, event.shape), stage.rng.choice(list(SIZES))
            actor = stage.put(event.id, "guest", kind, size, place, event.start_s, event.end_s)
            event = replace(event, place=place, track=actor.id)
        done.append(event)
    return done


def _flag(stage: _Stage, events: Sequence[Event]) -> list[Event]:
    """Stand flags of their targets' colours around most events, one at a time, and rarely one around none."""
    rng = stage.rng
    cued = [event.kind in _CUED and rng.random() < 0.8 for event in events]
    done, not_before_s = [], stage.start_s
    for k, event in enumerate(events):
        if cued[k]:
            start_s = max(not_before_s, event.start_s - _grid(rng, 4.0, 8.0))
            end_s = min(stage.end_s, event.end_s + _grid(rng, 4.0, 8.0))
            later = next(
                (other for other, flagged in zip(events[k + 1 :], cued[k + 1 :], strict=True) if flagged), None
            )
            if later is not None:
                end_s = min(end_s, round((event.end_s + later.start_s) / 2 * FPS) / FPS)
                not_before_s = end_s + 0.5
            free = stage.free(start_s, end_s)
            if free:
                place = rng.choice(free)
                stage.put(f"{event.id}.cue", "cue", (event.colour, FLAG), "large", place, start_s, end_s)
                event = replace(event, cue=event.colour)
        done.append(event)
    length_s = stage.end_s - stage.start_s
    if not events and length_s > 10 and rng.random() < 0.2:
        start_s = stage.start_s + _grid(rng, 0.0, length_s - 8)
        place = rng.choice(stage.free(start_s, start_s + 8))
        stage.put("decoy", "decoy", (rng.choice(list(COLOURS)), FLAG), "large", place, start_s, start_s + 8)
    return done


def _near(rng: random.Random, place: str, time_s: float) -> Pose:
    x, y = centre_of(place)
    return Pose(time_s, round(x + rng.uniform(-_SWAY_X, _SWAY_X), 1), round(y + rng.uniform(-_SWAY_Y, _SWAY_Y), 1))


def _grid(rng: random.Random, low_s: float, high_s: float) -> float:
    """A time on the frame grid, evenly between two."""
    return rng.randint(round(low_s * FPS), max(round(low_s * FPS), int(high_s * FPS))) / FPS
