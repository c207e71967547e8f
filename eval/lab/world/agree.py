"""How far a rendered world's truth agrees with what the second reader sees on its decoded frames.

    python -m lvqa.eval.lab.world.agree FOLDER [--every 3]

Decodes with PyAV and reads with `pixels`; asks no model.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from lvqa.eval.lab.world.build import TRUTH
from lvqa.eval.lab.world.scenes.draw import Thing
from lvqa.eval.lab.world.scenes.pixels import SeenThing, ground_seen, read
from lvqa.eval.lab.world.scenes.truth import FPS, Event, VideoTruth
from lvqa.eval.lab.world.words import SHAPES, SIGN


@dataclass(frozen=True, slots=True)
class Agreement:
    """Shares in [0, 1] over `frames` frames.

    `objects` is the F1 of objects that agree in colour, shape, size and place at once; `things` counts flags and signs
    too; `counts`, `signs` and `grounds` are the shares of frames with the right number of objects, a sign where there
    is one, and the right ground; `events` of events that are seen to begin and to end on the very frame that the truth
    names (a move: to stand where it says before and after); `off_px` is the largest distance between the middles of a
    thing's box as told and as seen, in pixels.
    """

    frames: int
    objects: float
    things: float
    counts: float
    signs: float
    grounds: float
    events: float
    off_px: float


def agree(videos: Iterable[tuple[Path, VideoTruth]], every_s: float) -> Agreement:
    """Compare a frame every so many seconds, and the four frames around the start and end of each event."""
    objects, things = Counter[str](), Counter[str]()
    frames = counts = signs = grounds = 0
    events: list[bool] = []
    off_px = 0.0
    step = max(1, round(every_s * FPS))
    for path, truth in videos:
        edges = {round(at * FPS) + k for e in truth.events for at in (e.start_s, e.end_s) for k in (-1, 0)}
        wanted = set(range(0, truth.n_frames, step))
        seen: dict[int, list[SeenThing]] = {}
        with av.open(str(path)) as container:
            for k, picture in enumerate(container.decode(video=0)):
                if k not in wanted | edges:
                    continue
                frame = picture.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
                seen[k] = read(frame)
                if k in wanted:
                    told = truth.things_at(k / FPS)
                    frames += 1
                    _compare(objects, told, seen[k], SHAPES)
                    _compare(things, told, seen[k], None)
                    counts += _number(told, SHAPES) == _number(seen[k], SHAPES)
                    signs += _number(told, (SIGN,)) == _number(seen[k], (SIGN,))
                    grounds += ground_seen(frame) == truth.scene_at(k / FPS).ground
                    off_px = max(off_px, _off(told, seen[k]))
        events += [_happens(event, seen) for event in truth.events]
    return Agreement(
        frames,
        _f1(objects),
        _f1(things),
        counts / max(1, frames),
        signs / max(1, frames),
        grounds / max(1, frames),
        sum(events) / max(1, len(events)),
        off_px,
    )


def _happens(event: Event, seen: Mapping[int, Sequence[SeenThing]]) -> bool:
    """Whether an event is seen on the frames before and at its start and its end."""
    before, first, last, after = (round(at * FPS) + k for at in (event.start_s, event.end_s) for k in (-1, 0))
    own = (event.shape, event.colour)
    if event.kind == "move":
        return all(
            any(_name(thing)[:2] == own and thing.place == place for thing in seen[k])
            for k, place in ((before, event.place), (after, event.to_place))
        )
    there = [any(_name(thing)[:2] == own for thing in seen[k]) for k in (before, first, last, after)]
    return there == ([False, True, True, False] if event.kind == "appear" else [True, False, False, True])


def _name(thing: Thing | SeenThing) -> tuple[str, str, str, str]:
    return thing.shape, thing.colour, thing.size, thing.place


def _number(things: Sequence[Thing | SeenThing], shapes: Sequence[str]) -> int:
    return sum(thing.shape in shapes for thing in things)


def _compare(
    found: Counter[str], told: Sequence[Thing], seen: Sequence[SeenThing], shapes: Sequence[str] | None
) -> None:
    wanted: Callable[[Thing | SeenThing], bool] = lambda thing: shapes is None or thing.shape in shapes  # noqa: E731
    one = Counter(_name(thing) for thing in told if wanted(thing))
    other = Counter(_name(thing) for thing in seen if wanted(thing))
    found["both"] += (one & other).total()
    found["one"] += one.total() + other.total()


def _f1(found: Counter[str]) -> float:
    return 2 * found["both"] / max(1, found["one"])


def _off(told: Sequence[Thing], seen: Sequence[SeenThing]) -> float:
    """The largest distance between things told and seen under the same name; a shape's box need not be its middle."""
    by_name = {_name(thing): thing for thing in told}
    pairs = [(by_name[_name(thing)], thing) for thing in seen if _name(thing) in by_name]
    return max((max(abs(a.x - b.x), abs(a.y - b.y)) for a, b in pairs), default=0.0)


def main() -> None:
    """Print the agreement of a world on disk as JSON."""
    parser = argparse.ArgumentParser(description="How far a world's truth agrees with its pixels.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=float, default=3.0, help="seconds between compared frames")
    given = parser.parse_args()
    rows = json.loads((given.folder / TRUTH).read_text(encoding="utf-8"))["videos"]
    videos = [VideoTruth.from_json(row) for row in rows]
    found = agree(((given.folder / video.name, video) for video in videos), given.every)
    print(json.dumps({name: round(getattr(found, name), 4) for name in Agreement.__slots__}))


if __name__ == "__main__":
    main()
