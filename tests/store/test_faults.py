"""What SQLite and the operating system say, in our words."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest

from lvqa.errors import StoreError, StoreFull
from lvqa.store.faults import explain, explained

HERE = Path("/videos/.lvqa/archive.db")
FULL = "the disk below /videos/.lvqa is full; free some space and run the same command again: nothing is lost"
ELSEWHERE = "put the index elsewhere with --archive DIR"


def sqlite_error(name: str, text: str = "what it said") -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("SQLITE_FULL", FULL),
        ("SQLITE_IOERR_SHMSIZE", FULL),
        ("SQLITE_READONLY", f"the index {HERE} cannot be written (read-only); {ELSEWHERE}, or change the permissions"),
        (
            "SQLITE_CANTOPEN",
            f"the index {HERE} cannot be opened; check the permissions of /videos/.lvqa, or {ELSEWHERE}",
        ),
        ("SQLITE_PERM", f"the index {HERE} cannot be opened; check the permissions of /videos/.lvqa, or {ELSEWHERE}"),
        ("SQLITE_AUTH", f"the index {HERE} cannot be opened; check the permissions of /videos/.lvqa, or {ELSEWHERE}"),
        (
            "SQLITE_CORRUPT",
            f"the index {HERE} is damaged (what it said); lvqa check --repair saves what can be read of it",
        ),
        (
            "SQLITE_NOTADB",
            f"the index {HERE} is damaged (what it said); lvqa check --repair saves what can be read of it",
        ),
        ("SQLITE_BUSY", f"the index {HERE} stayed busy with another process; try again when that has finished"),
        (
            "SQLITE_IOERR_READ",
            f"reading or writing the index {HERE} failed (what it said); check the disk and its free space, "
            "then try again",
        ),
        (
            "SQLITE_MISUSE",
            f"the index {HERE} refused an operation (what it said); if it repeats, lvqa check tells what is wrong "
            "with it",
        ),
    ],
)
def test_what_sqlite_says(name: str, line: str):
    told = explain(sqlite_error(name), HERE)
    assert str(told) == line
    assert isinstance(told, StoreFull) == (line == FULL)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("database or disk is full", "the disk below /videos/.lvqa is full"),
        ("database disk image is malformed", "is damaged"),
        ("database table is locked", "stayed busy"),
        ("something else", "refused an operation"),
    ],
)
def test_errors_without_a_name_are_known_by_their_text(text: str, part: str):
    assert part in str(explain(sqlite3.OperationalError(text), HERE))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk(number: int, tmp_path: Path):
    assert str(explain(OSError(number, "no"), HERE)) == FULL
    told = explain(OSError(number, "no"), tmp_path)
    assert isinstance(told, StoreFull)
    assert f"below {tmp_path} is full" in str(told)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_what_is_not_allowed(number: int):
    told = str(explain(OSError(number, "no way"), HERE))
    assert told == f"not allowed to use {HERE} (no way); {ELSEWHERE}, or change the permissions"


def test_any_other_error_of_the_system():
    assert str(explain(OSError(errno.EIO, "I/O"), HERE)) == f"cannot use {HERE} as an index (I/O); {ELSEWHERE}"
    assert str(explain(OSError("odd"), HERE)) == f"cannot use {HERE} as an index (odd); {ELSEWHERE}"


@pytest.mark.parametrize("error", [sqlite3.OperationalError("x"), sqlite3.Warning("x"), OSError("x")])
def test_inside_explained_they_are_ours_and_keep_their_cause(error: Exception):
    with pytest.raises(StoreError) as told, explained(HERE):
        raise error
    assert told.value.__cause__ is error


def test_what_is_not_theirs_goes_through():
    with pytest.raises(KeyError), explained(HERE):
        raise KeyError
