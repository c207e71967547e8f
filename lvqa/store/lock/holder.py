"""Who holds a lock: a process of some host, since when, doing what; and whether it can still be alive.

Knows processes, not locks. What it reads was written by another process, which may be of an older lvqa, or half done.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

_MOST = 100  # characters of a name; a lock file may hold anything
_ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Holder:
    """A process. `since` is when it took the lock, in seconds since 1970, 0 where that is not known.

    `started` tells it from a later process of the same number, `space` is where that number counts: a container has
    numbers of its own.
    """

    pid: int
    host: str
    doing: str = ""
    since: float = 0.0
    started: str = ""
    space: str = ""

    @classmethod
    def me(cls, doing: str = "", now: Callable[[], float] = time.time) -> Holder:
        """This process, as the holder of a lock that it takes now."""
        return cls(os.getpid(), socket.gethostname(), doing, now(), started(os.getpid()), pid_space())

    @classmethod
    def parse(cls, text: str) -> Holder | None:
        """Read what `to_json` wrote; None for anything else."""
        try:
            given = json.loads(text)
            names = {name: _name(given.get(name, "")) for name in ("doing", "started", "space")}
            holder = cls(int(given["pid"]), _name(given["host"]), since=float(given.get("since", 0.0)), **names)
            return holder if holder.pid > 0 else None
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            return None

    def to_json(self) -> str:
        """The fields as one line of JSON, which `parse` reads."""
        return json.dumps(asdict(self))

    def alive(self) -> bool | None:
        """Whether the process still runs; None where that cannot be told from here, as on another host."""
        if sys.platform == "win32":  # pragma: no cover
            return None
        if self.host != socket.gethostname() or self.space != pid_space():
            return None
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except OSError:
            pass  # it runs, as another user
        now = started(self.pid)
        return now != _ENDED and (not self.started or not now or self.started == now)

    def describe(self, now_s: float | None = None) -> str:
        """The process, as an error message names it: `process 123 on h (lvqa index) since 12:03, 4 min ago`."""
        now_s = time.time() if now_s is None else now_s
        text = f"process {self.pid} on {self.host}"
        if self.doing:
            text += f" (lvqa {self.doing})"
        if 0 < self.since <= now_s + 1:
            form = "%H:%M" if now_s - self.since < 12 * 3600 else "%Y-%m-%d %H:%M"
            text += f" since {time.strftime(form, time.localtime(self.since))}, {_ago(now_s - self.since)} ago"
        return text


def started(pid: int) -> str:
    """A text that tells a process from a later one of the same number; empty where the system does not say.

    A process that has ended, and whose parent does not care, still has its number.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        if fields[0] in "ZX":
            return _ENDED
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        return f"{boot}:{fields[19]}"  # the 22nd field, in ticks since the boot
    except (OSError, IndexError):
        return ""


def pid_space() -> str:
    """The space in which numbers of processes are unique (a container has its own); empty where there is but one."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a name is a text, got {value!r}")
    return "".join(c if c.isprintable() else "?" for c in value[:_MOST])


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or (unit != "days" and seconds >= size):
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"
