"""Whether a run has been asked to end before it is done: by its caller, or by a first Ctrl-C. Knows no run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from lvqa.types import Answer, Step

# The node of the step that tells of it, and an answer's last.
STOPPED = "stop"

Asked = threading.Event | Callable[[], bool] | None


class Stop:
    """Says, when called, whether a run is to end: `asked` says so, or there was a Ctrl-C."""

    def __init__(self, asked: Asked = None) -> None:
        self._asked = asked.is_set if isinstance(asked, threading.Event) else asked
        self._interrupted = False

    @classmethod
    def of(cls, asked: Asked) -> Stop:
        """The same one, where it is one already: a run and who listens to it share what they know of Ctrl-C."""
        return asked if isinstance(asked, Stop) else cls(asked)

    @property
    def interrupted(self) -> bool:
        """Whether there was a Ctrl-C."""
        return self._interrupted

    def __call__(self) -> bool:
        """Whether to end."""
        return self._interrupted or (self._asked is not None and bool(self._asked()))

    def interrupt(self) -> None:
        """Take note of a Ctrl-C. Raises KeyboardInterrupt for the second."""
        if self._interrupted:
            raise KeyboardInterrupt
        self._interrupted = True


def until_answered(
    events: Iterator[Step | Answer], stop: Stop, on_step: Callable[[Step], None] | None = None
) -> Answer:
    """The answer that ends a run; `on_step` is told of every step.

    A first Ctrl-C, wherever it arrives, asks the run for the answer that it has. Raises KeyboardInterrupt for the
    second, and where the run had not begun.
    """
    while True:
        try:
            for event in events:
                if isinstance(event, Answer):
                    return event
                if on_step is not None:
                    on_step(event)
        except KeyboardInterrupt:
            stop.interrupt()
            continue
        # What was interrupted before it had begun, or when it was over, has nothing to give.
        if stop.interrupted:
            raise KeyboardInterrupt
        raise AssertionError("the graph ended without an answer")


def was_stopped(answer: Answer) -> bool:
    """Whether an answer was given before the run was done."""
    return bool(answer.steps) and answer.steps[-1].node == STOPPED
