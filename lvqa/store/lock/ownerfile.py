"""A lock for file systems that have none: files made exclusively, whose highest number says who holds it.

Some network file systems refuse `flock`. There the holder makes `lock.owner.<n>`, one more than the highest, which the
server lets only one do, and touches it while it lives. It gives back by marking the file, never by deleting it: were
the highest number to go down, a slow process that found lock n stale could make n + 1 a second time. Taking over from a
holder that died is therefore the same step as taking a lock that was given back. Knows nothing of what is locked.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import uuid
from pathlib import Path

from lvqa.store.lock.holder import Holder

BEAT_S = 15.0
# On another host nothing tells of a death but the silence; a machine under load, or a network down for a minute, is
# not dead.
STALE_S = 300.0
_FREE = "{}"
_log = logging.getLogger("lvqa.store")


class OwnerFile:
    """The lock beside `path`; `lost` once another process has taken it over."""

    def __init__(self, path: Path, *, beat_s: float = BEAT_S, stale_s: float = STALE_S) -> None:
        self._path = path
        self._beat_s = beat_s
        self._stale_s = stale_s
        self._mine: int | None = None
        self._ended: threading.Event | None = None
        self.lost = False

    def acquire(self, me: Holder) -> str | None:
        """Take the lock and keep it alive. Returns None, or who holds it. Raises OSError."""
        made = self._path.with_name(f"{self._path.name}.{uuid.uuid4().hex}.tmp")
        try:
            made.write_text(me.to_json(), encoding="utf-8")
            while True:
                held = self._highest()
                # The time of the file just made is the server's own: clocks of hosts differ.
                if (holder := self._holder(held, made.stat().st_mtime)) is not None:
                    return holder
                if self._make(held + 1, made):
                    break
        finally:
            made.unlink(missing_ok=True)
        if held and self._read(held) != _FREE:
            _log.warning("took over the lock of %s from %s, which has ended", self._path.parent, self._named(held))
        self._mine, self.lost = held + 1, False
        self._sweep(self._mine)
        self._ended = threading.Event()
        threading.Thread(target=self._beat, args=(self._mine, self._ended), daemon=True, name="lvqa-lock").start()
        return None

    def holder(self) -> str | None:
        """Who holds the lock; None for nobody. Raises OSError."""
        held = self._highest()
        if not held or self._read(held) == _FREE:
            return None
        probe = self._path.with_name(f"{self._path.name}.{uuid.uuid4().hex}.tmp")
        try:
            probe.touch()
            return self._holder(held, probe.stat().st_mtime)
        finally:
            probe.unlink(missing_ok=True)

    def release(self) -> None:
        """Give the lock back; nothing happens where it is not held any more."""
        mine = self._mine
        self.forget()
        if mine is None or self._highest() != mine:
            return
        made = self._path.with_name(f"{self._path.name}.{uuid.uuid4().hex}.tmp")
        try:
            made.write_text(_FREE, encoding="utf-8")
            made.replace(self._file(mine))
        except OSError:
            # A full disk: without the mark the lock is stale as soon as this process has ended.
            made.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                os.truncate(self._file(mine), 0)
                os.utime(self._file(mine), (0, 0))

    def forget(self) -> None:
        """Let go of the lock without giving it back, as a forked child does."""
        if self._ended is not None:
            self._ended.set()
        self._mine, self._ended = None, None

    def _sweep(self, mine: int) -> None:
        """Delete the marks of earlier holders, and what a kill left half done."""
        for number in self._numbers():
            if number < mine:
                self._file(number).unlink(missing_ok=True)
        now_s = self._file(mine).stat().st_mtime
        for made in self._path.parent.glob(f"{self._path.name}.*.tmp"):
            with contextlib.suppress(OSError):
                if now_s - made.stat().st_mtime > self._stale_s:
                    made.unlink()

    def _make(self, number: int, complete: Path) -> bool:
        target = self._file(number)
        try:
            try:
                os.link(complete, target)
            except FileExistsError:
                return False
            except OSError:
                # No links there. Empty for an instant, which nobody takes for stale.
                with target.open("x", encoding="utf-8") as file:
                    file.write(complete.read_text(encoding="utf-8"))
        except FileExistsError:
            return False
        # Whoever slept since it looked may have made a number that was used, given back and swept already.
        if self._highest() == number:
            return True
        target.unlink(missing_ok=True)
        return False

    def _holder(self, number: int, now_s: float) -> str | None:
        """Who holds the lock of that number, None where it is free or stale."""
        if not number:
            return None
        try:
            written_s = self._file(number).stat().st_mtime
        except FileNotFoundError:
            return None  # somebody has made a higher one, which `_make` finds
        text = self._read(number)
        if text == _FREE:
            return None
        holder = Holder.parse(text)
        alive = holder.alive() if holder is not None else None
        if alive is False or (alive is None and now_s - written_s > self._stale_s):
            return None
        return self._named(number)

    def _beat(self, mine: int, ended: threading.Event) -> None:
        while not ended.wait(self._beat_s):
            try:
                if self._highest() != mine:
                    self.lost = True
                    return
                os.utime(self._file(mine))
            except OSError:
                continue  # a network that is away may come back

    def _numbers(self) -> list[int]:
        start = f"{self._path.name}.owner."
        names = (path.name for path in self._path.parent.iterdir() if path.name.startswith(start))
        return [int(number) for name in names if (number := name.removeprefix(start)).isdecimal()]

    def _highest(self) -> int:
        return max(self._numbers(), default=0)

    def _file(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.owner.{number}")

    def _read(self, number: int) -> str:
        try:
            return self._file(number).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def _named(self, number: int) -> str:
        holder = Holder.parse(self._read(number))
        return holder.describe() if holder is not None else "another process"
