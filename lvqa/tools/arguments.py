"""Arguments as a tool gets them, which may come from a model or over a network.

What makes no sense is one UsageError that says what to write instead. Knows no archive.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

from lvqa.errors import UsageError
from lvqa.types import SOURCES, Source

# More than any name, question or statement has.
_MOST_CHARACTERS = 100_000


def text(value: object, what: str) -> str:
    """A text with something in it. Raises UsageError."""
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"the {what} is empty; write one" if isinstance(value, str) else f"the {what} is no text")
    if len(value) > _MOST_CHARACTERS:
        raise UsageError(f"the {what} has {len(value)} characters; write at most {_MOST_CHARACTERS}")
    return value.strip()


def texts(values: object, what: str, most: int) -> tuple[str, ...]:
    """Some texts, or one. Raises UsageError for none of them, too many, and for an empty one."""
    given = [values] if isinstance(values, str) else values
    if not isinstance(given, Sequence) or isinstance(given, bytes) or not 1 <= len(given) <= most:
        raise UsageError(f"name 1 to {most} {what}s; got {shown(values)}")
    return tuple(text(value, what) for value in given)


def integer(value: object, what: str, least: int, most: int) -> int:
    """A whole number within bounds. Raises UsageError."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise UsageError(f"{what} is a whole number from {least} to {most}; got {shown(value)}")
    return value


def numbers(values: object, what: str, most: int) -> list[float]:
    """Some numbers of at least 0. Raises UsageError."""
    given = values if isinstance(values, list | tuple) else ()
    found = [float(v) for v in given if isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e12]
    sound = isinstance(values, list | tuple) and len(found) == len(values) and 1 <= len(found) <= most
    if not sound or not all(math.isfinite(v) and v >= 0 for v in found):
        raise UsageError(f"the {what} are 1 to {most} numbers of seconds, at least 0; got {shown(values)}")
    return found


def region(value: object) -> tuple[float, float, float, float] | None:
    """A part of a frame, left, top, right and bottom as shares of its sides. Raises UsageError."""
    if value is None:
        return None
    given = value if isinstance(value, list | tuple) else ()
    if len(given) == 4 and all(isinstance(v, int | float) and not isinstance(v, bool) for v in given):
        x0, y0, x1, y1 = (float(v) if abs(v) <= 1 else 2.0 for v in given)
        if 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1:
            return x0, y0, x1, y1
    raise UsageError(f"a region is left, top, right and bottom from 0 to 1, such as [0, 0, 0.5, 1]; got {shown(value)}")


def sources(values: object) -> frozenset[Source] | None:
    """Kinds of notes; None for all. Raises UsageError."""
    if values is None or values == () or values == []:
        return None
    named = texts(values, "source", len(SOURCES))
    if unknown := [name for name in named if name not in SOURCES]:
        raise UsageError(f"there is no source {unknown[0]!r}; there are: {', '.join(SOURCES)}")
    return cast("frozenset[Source]", frozenset(named))


def shown(value: object) -> str:
    """What was given, in an error: plain characters on one line, not too many."""
    told = ascii(value)
    return told if len(told) <= 80 else told[:77] + "..."
