"""What is said in a video of the world: a line about some events, and chatter that names nothing to be seen."""

from __future__ import annotations

import random
from collections.abc import Sequence

from lvqa.eval.lab.world.scenes.truth import FPS, Event, SpokenLine
from lvqa.eval.lab.world.words import at_place

SAID_OF = 0.3
_ABOUT = {
    "appear": ("Look, {a} {at}!", "There is {a} {at} now.", "Oh, {a}! It came up {at}."),
    "vanish": ("Where did {the} go?", "{The} is gone for a moment."),
    "move": ("{The} is on its way to the {to}.", "{The} moves, it goes to the {to}."),
    "recolour": ("{The} has turned {other}!", "Did you see? {The} is {other} now."),
}
_CHATTER = (
    "It is quiet here today.",
    "I could sit here for hours.",
    "Let us wait a little longer.",
    "Did you bring the coffee?",
    "The wind has dropped.",
    "Keep watching, something may happen.",
    "My feet are getting cold.",
    "What time is it now?",
    "We should come back tomorrow.",
    "Nobody else is here.",
)
_LENGTH_S = 2.5


def with_article(name: str) -> str:
    """`a red star`, `an orange ring`."""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def subtitles_of(events: Sequence[Event], duration_s: float, rng: random.Random) -> tuple[SpokenLine, ...]:
    """Lines in order of time, none over another: one soon after the start of some events, chatter in between."""
    said: list[SpokenLine] = []
    for event in events:
        if rng.random() < SAID_OF:
            start_s = event.start_s + rng.randint(0, FPS) / FPS
            if not said or start_s >= said[-1].end_s:
                said.append(SpokenLine(start_s, min(start_s + _LENGTH_S, duration_s), _about(event, rng), event.id))
    at_s = rng.uniform(2, 30)
    while at_s + _LENGTH_S < duration_s:
        start_s = round(at_s * FPS) / FPS
        line = SpokenLine(start_s, start_s + _LENGTH_S, rng.choice(_CHATTER))
        if all(line.end_s <= other.start_s or other.end_s <= start_s for other in said):
            said.append(line)
        at_s += rng.uniform(8, 40)
    return tuple(sorted(said, key=lambda line: line.start_s))


def _about(event: Event, rng: random.Random) -> str:
    return rng.choice(_ABOUT[event.kind]).format(
        a=with_article(event.target),
        the=f"the {event.target}",
        The=f"The {event.target}",
        at=at_place(event.place),
        to=event.to_place,
        other=event.to_colour,
    )
