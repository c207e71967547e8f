"""The run that is under way on an index, by its newest log: who, since when, how far, and whether it still lives.

Reads logs and asks the operating system for a process; opens no store.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lvqa.indexers.run_log import BEAT_S, LOGS_FOLDER
from lvqa.store.lock.holder import Holder, pid_space

# So many heartbeats late, a run is said to give no sign of life.
_LATE = 4


@dataclass(frozen=True, slots=True)
class Running:
    """A run that began and has not ended; `quiet_s` is how long ago it last wrote anything."""

    call: str
    pid: int
    host: str
    since: str
    phase: str
    videos: int
    videos_total: int
    quiet_s: float
    eta_s: float | None
    current: tuple[str, ...]
    log: str

    @property
    def silent(self) -> bool:
        """Whether it has been quiet for so long that it may hang."""
        return self.quiet_s > _LATE * BEAT_S

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "current": list(self.current), "silent": self.silent}


def find_run(index_dir: Path, now: datetime | None = None) -> Running | None:
    """The run under way by its newest log, or None: there is no log, its run has ended, or its process is gone.

    A later process that has the number of one that died is not taken for it. Of a process on another host, or in
    another container, nothing is known but how long ago it wrote (`Running.quiet_s`).
    """
    newest = max((index_dir / LOGS_FOLDER).glob("*-*.jsonl"), default=None)
    if newest is None:
        return None
    rows = list(_rows(newest))
    start = next((row for row in rows if row.get("event") == "start"), None)
    if start is None or any(row.get("event") == "end" for row in rows):
        return None
    return _running(newest, start, rows, now or datetime.now(UTC))


def _running(path: Path, start: dict[str, Any], rows: list[dict[str, Any]], now: datetime) -> Running | None:
    try:
        # Older logs name neither the space of the number nor when the process began.
        holder = Holder(
            int(start["pid"]),
            str(start["host"]),
            started=str(start.get("started", "")),
            space=str(start.get("space", pid_space())),
        )
        since = str(start["time"])
        last = datetime.fromisoformat(str(rows[-1]["time"]))
        quiet_s = max(0.0, (now - last).total_seconds())
    except (KeyError, ValueError, TypeError):
        return None
    if holder.alive() is False:
        return None
    beat: dict[str, Any] = next((row for row in reversed(rows) if row.get("event") == "heartbeat"), {})
    settled = sum(row.get("event") in ("video_done", "video_failed", "video_left") for row in rows)
    plan: dict[str, Any] = next((row for row in rows if row.get("event") == "plan"), {})
    return Running(
        str(start.get("call", "")),
        holder.pid,
        holder.host,
        since,
        str(beat.get("phase", "videos" if plan else "planning")),
        settled,
        int(plan.get("videos", 0)),
        round(quiet_s, 1),
        beat.get("eta_s"),
        tuple(map(str, beat.get("current", ()))),
        str(path),
    )


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        # The last line of a run that was killed may be torn.
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row
