"""Wrong answers as plausible as the right one, drawn from the same values, and how answers are written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from lvqa.eval.lab.world.questions.facts import Facts
from lvqa.eval.lab.world.scenes.speech import with_article
from lvqa.eval.lab.world.scenes.truth import FPS, Event
from lvqa.eval.lab.world.words import SIGN_DIGITS, SIGN_LETTERS
from lvqa.eval.tasks.base import Window
from lvqa.types import format_time

# Two windows offered as options begin at least this far apart.
APART_S = 10.0


def named(names: Iterable[str]) -> tuple[str, ...]:
    """Objects with their articles."""
    return tuple(with_article(name) for name in names)


def filled(facts: Facts, wrong: Sequence[str]) -> tuple[str, ...]:
    """Four wrong objects: those given as far as they go, then what is never seen."""
    chosen = facts.rng.sample(list(wrong), min(4, len(wrong)))
    return named([*chosen, *facts.rng.sample(facts.never, 4 - len(chosen))])


def stretch(window: Event | Window) -> str:
    """A window as text, in whole seconds around it: `00:03:12-00:03:15`."""
    return f"{format_time(window.start_s)}-{format_time(math.ceil(window.end_s))}"


def other_windows(facts: Facts, taken_s: Sequence[float]) -> list[str]:
    """Five windows that are not near the taken times nor each other: of events, else made up."""
    events = facts.rng.sample(facts.video.events, len(facts.video.events))
    made: list[str] = []
    starts = list(taken_s)
    candidates: list[Window] = [facts.window(event) for event in events]
    for _ in range(200):
        start_s = facts.rng.randint(6, max(6, round((facts.video.duration_s - 6) * FPS))) / FPS
        candidates.append(Window(facts.name, start_s, start_s + facts.rng.randint(2, 16) / FPS))
    for window in candidates:
        if len(made) < 5 and all(abs(window.start_s - start_s) >= APART_S for start_s in starts):
            starts.append(window.start_s)
            made.append(stretch(window))
    return made


def lengths(duration_s: float) -> list[float]:
    """The five lengths of 0.5 to 4 s that are a multiple of 0.75 s away from one of them."""
    k = round((duration_s - 0.5) * FPS) % 3
    return [0.5 + (k + 3 * n) / FPS for n in range(5)]


def seconds(length_s: float) -> str:
    """A length as text: `2.5 seconds`."""
    return f"{length_s:g} second{'' if length_s == 1 else 's'}"


def other_texts(facts: Facts, right: str) -> tuple[str, ...]:
    """Four other texts: of the video's signs, else made up."""
    others = [sign.text for sign in facts.video.signs if sign.text != right]
    made = [a + b for a in SIGN_LETTERS for b in SIGN_DIGITS if a + b != right and a + b not in others]
    rng = facts.rng
    chosen = rng.sample(others, min(4, len(others)))
    return tuple(dict.fromkeys([*chosen, *rng.sample(made, min(4, len(made)))]))[:4]
