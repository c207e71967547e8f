"""The order in which rows are written: of each part of each video by number, whatever threads brought them when.

Knows what comes out of the pipeline, and nothing of how.
"""

from __future__ import annotations

from collections.abc import Iterator

from lvqa.indexers.stages.assemble import PartFailed, PartHalted, Rows
from lvqa.indexers.stages.task import Part


class RowOrder:
    """Puts the rows of each part of each video back in order, and ends a part where it cannot go on."""

    def __init__(self) -> None:
        self._next: dict[tuple[int, Part], int] = {}
        self._early: dict[tuple[int, Part], dict[int, Rows | PartFailed | PartHalted]] = {}
        self._ended: set[tuple[int, Part]] = set()

    def push(self, item: Rows | PartFailed | PartHalted) -> Iterator[Rows | PartFailed | PartHalted]:
        """Take what came out, yield what is due."""
        key = (id(item.task), item.part)
        if key in self._ended:
            return
        waiting = self._early.setdefault(key, {})
        waiting[item.seq] = item
        while key not in self._ended:
            number = self._next.get(key, 0)
            due = waiting.pop(number, None)
            if due is None:
                return
            self._next[key] = number + 1
            if not isinstance(due, Rows) or due.last:
                self._end(key)
            yield due

    def _end(self, key: tuple[int, Part]) -> None:
        self._ended.add(key)
        self._early.pop(key, None)
