"""One writer to an archive: an advisory lock on a file that names its holder. Knows nothing of the database.

The operating system drops the lock when its holder ends, however it ends, so that there is no stale lock to clean up.
Where the file system has no such locks, `lvqa.store.lock.ownerfile` does it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from lvqa.errors import StoreLocked
from lvqa.store.faults import explain
from lvqa.store.lock.holder import Holder
from lvqa.store.lock.ownerfile import OwnerFile

if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _try_lock(fd: int) -> bool:
        # Far behind the text, which others must be able to read while the lock is held.
        os.lseek(fd, 1 << 30, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True
else:
    import fcntl

    def _try_lock(fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


# What file systems say that have no locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 1.0


class WriterLock:
    """An exclusive lock on a file, held until `release`. Of two lock objects in one process only one can hold it.

    `doing` is what others are told that the holder does, such as `index`.
    """

    def __init__(self, path: Path, doing: str = "") -> None:
        self.path = path
        self._doing = doing
        self._fd: int | None = None
        self._owner = OwnerFile(path)
        self._owned = False

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._fd is not None or self._owned

    def acquire(self, wait_s: float = 0.0, on_wait: Callable[[str], None] | None = None) -> None:
        """Take the lock, waiting at most so long (`inf`: for ever) for whoever holds it.

        `on_wait` is told once who that is. Raises StoreLocked, naming the holder, or StoreError where no lock file can
        be.
        """
        deadline = time.monotonic() + wait_s
        pause_s = _FIRST_PAUSE_S
        while (holder := self._try()) is not None:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise StoreLocked(
                    f"{self.path.parent} is being written by {holder}; "
                    "wait until it has finished, add --wait, or end it"
                )
            if on_wait is not None:
                on_wait(holder)
                on_wait = None
            time.sleep(min(pause_s, left_s))
            pause_s = min(1.5 * pause_s, _LONGEST_PAUSE_S)
        _HELD.add(self)

    def check(self) -> None:
        """Raise StoreLocked where another process has taken the lock over, because this one gave no sign of life."""
        if self._owned and self._owner.lost:
            raise StoreLocked(
                f"another process took over {self.path.parent}, because this one was silent for minutes; what it wrote "
                "before is kept: run the same command again"
            )

    def release(self) -> None:
        """Give the lock back; a second call does nothing."""
        _HELD.discard(self)
        fd, self._fd = self._fd, None
        if fd is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(fd, 0)
            os.close(fd)
        if self._owned:
            self._owned = False
            self._owner.release()

    def forget(self) -> None:
        """Let go of the lock in a forked child, whose parent goes on holding it."""
        _HELD.discard(self)
        fd, self._fd, self._owned = self._fd, None, False
        self._owner.forget()
        if fd is not None:
            os.close(fd)

    def _try(self) -> str | None:
        """Take the lock at once; returns None, or who holds it."""
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
            try:
                holder = self._lock(fd)
            except BaseException:
                os.close(fd)
                raise
            if self._fd is None:
                os.close(fd)
        except OSError as error:
            raise explain(error, self.path) from error
        return holder

    def _lock(self, fd: int) -> str | None:
        me = Holder.me(self._doing)
        try:
            locked = _try_lock(fd)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            holder = self._owner.acquire(me)
            self._owned = holder is None
            return holder
        if not locked:
            return _holder(fd)
        # A host for which the same file system has no locks may hold it its own way.
        if (holder := self._owner.holder()) is not None:
            return holder
        _write(fd, me)
        self._fd = fd
        return None


def _write(fd: int, me: Holder) -> None:
    # Line first, then the length: who reads in between sees this line and the rest of an older one.
    line = f"{me.to_json()}\n".encode()
    os.lseek(fd, 0, os.SEEK_SET)
    os.write(fd, line)
    os.ftruncate(fd, len(line))


def _holder(fd: int) -> str:
    """Who holds the lock, from the text of its file; the one before it, for an instant after it was taken."""
    holder: Holder | None = None
    for _ in range(5):
        try:
            os.lseek(fd, 0, os.SEEK_SET)
            holder = Holder.parse(os.read(fd, 4096).partition(b"\n")[0].decode(errors="replace"))
        except OSError:
            break
        if holder is not None and holder.alive() is not False:
            return holder.describe()
        time.sleep(0.01)
    return "another process"


_HELD: weakref.WeakSet[WriterLock] = weakref.WeakSet()


def _forget_in_child() -> None:
    # A forked worker shares the open file, and with it the lock: it would keep the archive locked after its parent.
    for lock in list(_HELD):
        lock.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
