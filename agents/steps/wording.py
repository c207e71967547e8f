"""Turns of phrase that several steps share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def each_after(lines: Iterable[str]) -> str:
    """Lines to go behind a summary, each after a semicolon: `; a; b`, or nothing."""
    return "".join(f"; {line}" for line in lines)


def spent_budget(spent: Sequence[str]) -> str:
    """`; budget spent: frames, seconds`, or nothing where no part of the budget ran out."""
    return f"; budget spent: {', '.join(spent)}" if spent else ""
