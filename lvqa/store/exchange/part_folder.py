"""A folder that is there whole or not at all: written as `NAME.part`, synced to the disk, renamed. Knows no content.

A writer's lock lies in it while it is written: so what a killed process left is told from what another still writes.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lvqa.errors import StoreError, StoreLocked, UsageError
from lvqa.store.disk import flush
from lvqa.store.lock.writer import WriterLock

LOCK_FILE = "lock"


@contextmanager
def part_folder(out: Path, *, empty_ok: bool = False) -> Iterator[Path]:
    """Give an empty folder to fill, which is `out` once the block is left; after an exception nothing is left.

    With `empty_ok` it may take the place of an empty folder. Raises UsageError where `out` is there, StoreLocked where
    another process is writing it, StoreError where the disk will not have it.
    """
    out = Path(os.path.abspath(out.expanduser()))  # noqa: PTH100 - resolve() would follow a link that is in the way
    if not out.name:
        raise UsageError(f"{out} cannot be written to; name a folder that is not there yet")
    _require_free(out, empty_ok)
    part = out.with_name(f"{out.name}.part")
    lock = WriterLock(part / LOCK_FILE)
    try:
        _take(part, lock)
        try:
            yield part
            _sync(part)
            _require_free(out, empty_ok)
            with suppress(FileNotFoundError):
                out.rmdir()
            if os.name == "nt":
                lock.release()  # no folder with an open file is renamed there
            part.rename(out)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        finally:
            lock.release()
        # After the rename: a kill before it would leave a folder that is not known for ours.
        (out / LOCK_FILE).unlink(missing_ok=True)
        _sync_folder(out.parent)
    except OSError as error:
        raise _explain(error, out) from error


def full_disk(out: Path) -> StoreError:
    """The error for a folder that a full disk will not have."""
    return StoreError(f"the disk below {out.parent} is full and {out} was not written; free some space and try again")


def _explain(error: OSError, out: Path) -> StoreError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return full_disk(out)
    return StoreError(f"{out} cannot be written ({error.strerror or error}); name another folder")


def _require_free(out: Path, empty_ok: bool) -> None:
    if not os.path.lexists(out):
        return
    try:
        free = empty_ok and out.is_dir() and not out.is_symlink() and next(out.iterdir(), None) is None
    except OSError:
        free = False
    if not free:
        raise UsageError(f"{out} is there already and stays as it is; name a folder that is not")


def _take(part: Path, lock: WriterLock) -> None:
    """Make the folder and lock it, without what a killed process left in it."""
    part.parent.mkdir(parents=True, exist_ok=True)
    ours = not part.is_symlink() and part.is_dir() and ((part / LOCK_FILE).is_file() or not any(part.iterdir()))
    if os.path.lexists(part) and not ours:
        raise UsageError(f"{part} is in the way, and is not what lvqa left there; move it, or name another folder")
    part.mkdir(exist_ok=True)
    try:
        lock.acquire()
    except StoreLocked as error:
        raise StoreLocked(f"{part} is being written by another process; wait for it, or name another folder") from error
    for path in part.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != LOCK_FILE:
            path.unlink()


def _sync(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            _sync(path)
        elif path.name != LOCK_FILE:
            flush(path)
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    # Not every system lets a folder be opened, or synced.
    with suppress(OSError):
        flush(folder)
