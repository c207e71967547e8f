"""Killing one piece of work at random moments, one time after the other. Knows not what is killed, nor how."""

from __future__ import annotations

import random
from collections.abc import Callable


def killed_at(
    draw: random.Random, whole_s: float, most: int, kill: Callable[[float], bool], then: Callable[[], None]
) -> list[float]:
    """Begin the work and kill it, up to `most` times in a row.

    Args:
        draw: of the moments, uniform over the time that the undisturbed work takes.
        whole_s: that time.
        most: kills of the same work; it goes on where the kill before left it.
        kill: begins the work, kills it so many seconds later, and returns False where it had ended before that.
        then: called after each kill.

    Returns:
        The moments of the kills, in seconds after each beginning; none where the work ended before the first.
    """
    moments: list[float] = []
    while len(moments) < most:
        moment = draw.uniform(0, whole_s)
        if not kill(moment):
            break
        moments.append(moment)
        then()
    return moments
