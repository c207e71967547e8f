"""A sign of life from every loop over packets, and a count of what was damaged. Knows no video.

One for the process: only the child that decodes (`lvqa.media.child`) listens, and it reads one video at a time.
"""

from __future__ import annotations

from collections.abc import Callable


class Pulse:
    """`on_beat` is called for every packet; what it raises ends the reading. `damaged` counts what did not decode."""

    def __init__(self) -> None:
        self.on_beat: Callable[[], None] | None = None
        self.damaged = 0

    def beat(self) -> None:
        """A packet was read."""
        if self.on_beat is not None:
            self.on_beat()


PULSE = Pulse()
