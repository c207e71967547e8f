"""One writer to an archive: a lock on a file that names its holder. Knows nothing of the database.

The operating system drops the lock when its holder ends, however it ends, so that there is no stale lock to clean up.
A file system without locks is refused: SQLite's log cannot work on one either.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lvqa.errors import StoreError, StoreLocked
from lvqa.store.faults import ELSEWHERE, explain
from lvqa.store.lock.holder import Holder

if TYPE_CHECKING:
    from filelock import FileLock

# What file systems say that have no locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 1.0


class WriterLock:
    """An exclusive lock on a file, held until `release`. Of two lock objects in one process only one can hold it.

    `doing` is what others are told that the holder does, such as `index`. A forked child does not hold its parent's
    lock, and releasing it there does nothing.
    """

    def __init__(self, path: Path, doing: str = "") -> None:
        self.path = path
        self._file = path.absolute()
        self._doing = doing
        self._lock: FileLock | None = None
        self._fd = -1

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._lock is not None and self._lock.is_locked

    def acquire(self, wait_s: float = 0.0, on_wait: Callable[[str], None] | None = None) -> None:
        """Take the lock, waiting at most so long (`inf`: for ever) for whoever holds it.

        `on_wait` is told once who that is. Raises StoreLocked, naming the holder, or StoreError where no lock file can
        be, or the file system has no locks.
        """
        deadline = time.monotonic() + wait_s
        pause_s = _FIRST_PAUSE_S
        while not self._try():
            left_s = deadline - time.monotonic()
            if left_s > 0 and on_wait is None:
                time.sleep(min(pause_s, left_s))
                pause_s = min(1.5 * pause_s, _LONGEST_PAUSE_S)
                continue
            holder = _holder(self._file)
            if left_s <= 0:
                raise StoreLocked(
                    f"{self.path.parent} is being written by {holder}; "
                    "wait until it has finished, add --wait, or end it"
                )
            if on_wait is not None:
                on_wait(holder)
                on_wait = None

    def check(self) -> None:
        """Raise StoreLocked where the lock's file was deleted or replaced: then another process may hold it as well."""
        if not self.held:
            return
        try:
            same = os.path.samestat(os.fstat(self._fd), self._file.stat())
        except FileNotFoundError:
            same = False
        except OSError as error:
            raise explain(error, self.path) from error
        if not same:
            raise StoreLocked(
                f"the lock file {self.path} was deleted while this process held it, and another may be writing now; "
                "what was written before is kept: run the same command again, and leave the file where it is"
            )

    def release(self) -> None:
        """Give the lock back; a second call does nothing."""
        if self._lock is None or not self._lock.is_locked:
            return
        with contextlib.suppress(OSError):
            os.ftruncate(self._fd, 0)
        self._lock.release()

    def _try(self) -> bool:
        """Take the lock at once, if it is free."""
        from filelock import FileLock, Timeout

        if self._lock is None:
            # For all threads, since a store may be closed by another one than opened it. The file stays: to delete it
            # would let one process lock the old and another the new one.
            self._lock = FileLock(
                self._file, thread_local=False, fallback_to_soft=False, preserve_lock_file=True, on_acquired=self._sign
            )
        if self._lock.is_locked:
            return False
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            return False
        except OSError as error:
            if error.errno in _NO_LOCKS:
                raise StoreError(
                    f"the file system of {self.path.parent} has no locks ({error.strerror}), so no index can be "
                    f"written there; {ELSEWHERE}, on a local disk"
                ) from error
            raise explain(error, self.path) from error
        return True

    def _sign(self, fd: int) -> None:
        """Write into the file who holds it now."""
        # Windows locks the first byte for reading, too: it is a blank. Line first, then the length: who reads in
        # between sees this line and the rest of an older one.
        line = f" {Holder.me(self._doing).to_json()}\n".encode()
        os.lseek(fd, 0, os.SEEK_SET)
        os.write(fd, line)
        os.ftruncate(fd, len(line))
        self._fd = fd


def _holder(path: Path) -> str:
    """Who holds the lock, from the text of its file; the one before it, for an instant after it was taken."""
    for _ in range(5):
        try:
            with path.open("rb", buffering=0) as file:
                file.seek(1)
                text = b" " + file.read(4096)
        except OSError:
            break
        # One of an older lvqa begins at the first byte.
        line = text.partition(b"\n")[0].decode(errors="replace").strip()
        holder = Holder.parse(line if line.startswith("{") else "{" + line)
        if holder is not None and holder.alive() is not False:
            return holder.describe()
        time.sleep(0.01)
    return "another process"
