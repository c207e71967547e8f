"""The log of one run: `<index>/logs/<UTC time>-<pid>.jsonl`, a JSON object a line, written at once, secrets struck out.

    start · plan · video_begun, batch, video_done, video_failed, video_left · warning, error · heartbeat
    · stop_asked · end

Every line has `event`, `time` (UTC) and `seconds` since the run began. A log that cannot be written never stops a run.
Beside the events it takes every warning that lvqa logs while the run goes on; who listens to logger `lvqa` otherwise
hears what they always did. Knows values and processes; opens no store.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any

from lvqa.indexers.progress import NoProgress, Progress
from lvqa.secrets import strike, strike_all, traceback_text
from lvqa.store.lock.holder import Holder

LOGS_FOLDER = "logs"
KEPT = 20
BEAT_S = 30.0
_log = logging.getLogger("lvqa.indexers")


class RunLog:
    """Writes one run's log from any thread, with a heartbeat of its own. Use it as a context manager.

    An exception that leaves the `with` is written with its traceback. `fields` of every event are plain data. What its
    `progress` is told goes on to the one that was given, and into the heartbeat.
    """

    def __init__(self, index_dir: Path, call: str, progress: Progress | None = None, *, beat_s: float = BEAT_S) -> None:
        self._call = call
        self._beat_s = beat_s
        self._lock = threading.Lock()
        self._fd: int | None = None
        self._began = time.monotonic()
        self._over = threading.Event()
        self._beat: threading.Thread | None = None
        self._handler = _Warnings(self)
        self._begun: dict[str, float] = {}
        self._ended = False
        self._stop_told = False
        self.progress = WatchedProgress(progress or NoProgress())
        self.path = index_dir / LOGS_FOLDER / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}Z-{os.getpid()}.jsonl"

    def __enter__(self) -> RunLog:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            for old in sorted(self.path.parent.glob("*-*.jsonl"))[: -(KEPT - 1)]:
                old.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
            self._fd = os.open(self.path, flags, 0o666)
        except OSError as error:
            self._give_up(error)
        logging.getLogger("lvqa").addHandler(self._handler)
        if self._fd is not None:
            self._beat = threading.Thread(target=self._beat_on, name="lvqa-heartbeat", daemon=True)
            self._beat.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._beat is not None:
            self._beat.join()
        logging.getLogger("lvqa").removeHandler(self._handler)
        if isinstance(error, KeyboardInterrupt):
            self.end("interrupted")
        elif error is not None:
            self.error(error)
            self.end("failed")
        else:
            self.end("done")
        with self._lock:
            fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def start(self, settings: Mapping[str, Any], models: Mapping[Any, str]) -> None:
        """Write who runs what with which settings; those that are at their default are left out by the caller."""
        me = Holder.me(self._call)
        self.write(
            "start",
            version=_version(),
            call=self._call,
            argv=sys.argv,
            pid=me.pid,
            host=me.host,
            started=me.started,
            space=me.space,
            python=platform.python_version(),
            platform=platform.platform(),
            settings=dict(settings),
            models=dict(models),
        )

    def write(self, event: str, **fields: Any) -> None:
        """Write one event. Never raises: a log that cannot be written is told of once, and left."""
        seconds = round(time.monotonic() - self._began, 3)
        row = {"event": event, "time": f"{datetime.now(UTC).isoformat(timespec='milliseconds')}", "seconds": seconds}
        with self._lock:
            if self._fd is None:
                return
            try:
                line = json.dumps(row | strike_all(fields), default=_plain) + "\n"
                raw = line.encode("utf-8", "backslashreplace")
                if os.write(self._fd, raw) < len(raw):
                    raise OSError("the disk is full")
                return
            except (OSError, ValueError) as error:
                failure = error
                with contextlib.suppress(OSError):
                    os.close(self._fd)
                self._fd = None
        self._give_up(failure)

    def error(self, error: BaseException, **fields: Any) -> None:
        """Write an error with its causes and tracebacks."""
        self.write("error", kind=type(error).__name__, message=str(error), traceback=traceback_text(error), **fields)

    def begin(self, video: str) -> None:
        """A video's first frame, or sound, is about to be read."""
        if video not in self._begun:
            self._begun[video] = time.monotonic()
            self.progress.current = list(self._begun)
            self.write("video_begun", video=video)

    def finish(self, video: str, event: str, reason: str = "") -> None:
        """A video is done (`video_done`), failed (`video_failed`) or left to the next run (`video_left`)."""
        began = self._begun.pop(video, None)
        self.progress.current = list(self._begun)
        took = {} if began is None else {"video_seconds": round(time.monotonic() - began, 3)}
        self.write(event, video=video, **({"reason": reason} if reason else {}), **took)

    def watching(self, stop: Callable[[], bool]) -> Callable[[], bool]:
        """The same question, whose first yes is written."""

        def asked() -> bool:
            if not stop():
                return False
            if not self._stop_told:
                self._stop_told = True
                self.write("stop_asked")
            return True

        return asked

    def end(self, outcome: str, **report: Any) -> None:
        """Write how the run ended; a second call does nothing."""
        if not self._ended:
            self._ended = True
            self.write("end", outcome=outcome, **report)

    def _beat_on(self) -> None:
        while not self._over.wait(self._beat_s):
            self.write("heartbeat", **self.progress.told(), **_memory())

    def _give_up(self, error: Exception) -> None:
        what = getattr(error, "strerror", None) or error
        _log.warning("the run's log %s cannot be written (%s); the run goes on without it", self.path, what)


class WatchedProgress:
    """Hands on to a progress what it is told, and remembers how far the run is, for the heartbeat."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._phase = "planning"
        self._videos = self._videos_total = self._clips = 0
        self._done = self._total = 0.0
        self._unit = "s"
        self._since = time.monotonic()
        self.current: list[str] = []

    def start(self, videos: int, total: float, unit: str = "s") -> None:
        """A part of the run begins."""
        self._phase = "videos" if unit == "s" else unit
        self._videos, self._videos_total, self._clips, self._done = 0, videos, 0, 0.0
        self._total, self._unit, self._since = total, unit, time.monotonic()
        self._progress.start(videos, total, unit)

    def advance(self, amount: float = 0.0, *, videos: int = 0, clips: int = 0) -> None:
        """So much more is done."""
        self._done += amount
        self._videos += videos
        self._clips += clips
        self._progress.advance(amount, videos=videos, clips=clips)

    def message(self, text: str) -> None:
        """Something people should know; the log has it as an event of its own."""
        self._progress.message(strike(text))

    def finish(self) -> None:
        """The work is over."""
        self._progress.finish()

    def told(self) -> dict[str, Any]:
        """Plain data: counts, the rate in units (seconds of footage) a second, and the time left, where it is known."""
        elapsed = time.monotonic() - self._since
        rate = self._done / elapsed if elapsed > 0 else 0.0
        left = (self._total - self._done) / rate if rate > 0 and self._total > 0 else None
        return {
            "phase": self._phase,
            "videos": self._videos,
            "videos_total": self._videos_total,
            "clips": self._clips,
            "done": round(self._done, 3),
            "total": round(self._total, 3),
            "unit": self._unit,
            "rate": round(rate, 4),
            "eta_s": None if left is None else round(max(0.0, left), 1),
            "current": self.current,
        }


class _Warnings(logging.Handler):
    """Writes what lvqa logs, from warnings up, into the run's log."""

    def __init__(self, log: RunLog) -> None:
        super().__init__(logging.WARNING)
        self._run = log
        # Python shows warnings on stderr only where no handler listens; that we listen must not silence them.
        self._alone = not logging.getLogger("lvqa").hasHandlers()

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "event", "warning" if record.levelno < logging.ERROR else "error")
        more = {"traceback": traceback_text(record.exc_info[1])} if record.exc_info and record.exc_info[1] else {}
        self._run.write(event, logger=record.name, message=record.getMessage(), **getattr(record, "told", {}), **more)
        if self._alone and logging.lastResort is not None:
            logging.lastResort.handle(logging.makeLogRecord({**record.__dict__, **_struck(record)}))


def _struck(record: logging.LogRecord) -> dict[str, Any]:
    """A record's line without secrets; its traceback stands in the log."""
    return {"msg": strike(record.getMessage()), "args": None, "exc_info": None, "exc_text": None}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, set | frozenset) else strike(str(value))


def _version() -> str:
    # Not `lvqa.__version__`: this room does not know the roof.
    try:
        return metadata.version("lvqa")
    except metadata.PackageNotFoundError:  # pragma: no cover
        return "0+uninstalled"


def _memory() -> dict[str, Any]:
    """Bytes of memory that this process holds, and of the GPU's where torch uses one already."""
    held: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        held["rss_bytes"] = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    # A half-imported torch, or a driver that fails, must not end the heartbeat.
    with contextlib.suppress(Exception):
        if cuda is not None and cuda.is_initialized():
            held["gpu_bytes"], held["gpu_reserved_bytes"] = cuda.memory_allocated(), cuda.memory_reserved()
    return held
