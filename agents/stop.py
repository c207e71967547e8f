"""Ends an answer that is under way with what it has: at a caller's wish, or at a first Ctrl-C. Knows no run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lvqa.agents.steps import StopStep
from lvqa.stopping import Asked, Stop
from lvqa.types import Answer, Step

__all__ = ["Asked", "Stop", "until_answered", "was_stopped"]


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
    return bool(answer.steps) and isinstance(answer.steps[-1], StopStep)
