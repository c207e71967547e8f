"""How much a video may take to be read, set once for the process. Knows no settings file and no codec."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

_OFF = ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one video may take.

    Attributes:
        isolate: read in a child process, which a damaged or hostile file may crash; else in this one, without limits.
        memory_mb: address space of the child, MiB.
        stall_s: longest wait for any sign of life.
    """

    isolate: bool = True
    memory_mb: int = 4096
    stall_s: float = 60.0

    def __post_init__(self) -> None:
        if self.memory_mb < 1 or not 0 < self.stall_s < float("inf"):
            raise ValueError("memory_mb and stall_s must be above zero")


def _usual() -> Limits:
    # Windows has neither these limits nor pipes that can be waited on.
    return Limits(isolate=sys.platform != "win32" and os.environ.get("LVQA_ISOLATE", "1").lower() not in _OFF)


_in_use: list[Limits] = []


def limits_in_use() -> Limits:
    """The limits that hold now."""
    return _in_use[-1] if _in_use else _usual()


def use_limits(limits: Limits | None) -> None:
    """Set the limits of whatever is opened from now on, in every thread; None for the usual ones."""
    _in_use[:] = [] if limits is None else [limits]
