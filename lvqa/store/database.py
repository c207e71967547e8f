"""Connections to one SQLite file: one a thread, one writer at a time, errors in plain words. Knows no tables.

WAL lets readers go on while the writer writes, each on the snapshot it started with. `synchronous = FULL` makes every
commit outlive a power failure; with NORMAL all since the last checkpoint could be lost, hours of a GPU's work, and an
fsync costs nothing beside a batch of it. Writing goes through sqlite-utils, which a reader does not load: where pandas
is installed, sqlite-utils imports it.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lvqa.errors import StoreError
from lvqa.store.checksums import register
from lvqa.store.commits import note_commits
from lvqa.store.faults import explain, explained

if TYPE_CHECKING:
    from sqlite_utils import Database

BUSY_TIMEOUT_S = 10.0
# Five 768-dimensional float32 vectors fill a page of 16 KiB; in the default 4 KiB each would waste a quarter.
PAGE_BYTES = 16384
# The default of 2 MiB is too small for the full-text index of ten thousand notes.
CACHE_KIB = 32 * 1024

# A shared index that another thread renews with every change would otherwise keep a reader from ever coming to its end.
_RESTARTS = 4

T = TypeVar("T")
Row = tuple[Any, ...]
Params = Sequence[Any]


class BehindError(Exception):
    """Another thread has brought an index to a newer snapshot than the one this thread reads."""


class _Local(threading.local):
    """What each thread has of its own: a connection, how deep it is inside `atomic`, whether it begins anew."""

    holder: _Holder | None = None
    depth: int = 0
    restarts: bool = False


class _Holder:
    """A thread's connection; it closes when its thread is gone.

    `frozen` is what the file looked like when it was opened as one that does not change, on a full disk.
    """

    def __init__(self, connection: sqlite3.Connection, frozen: tuple[int, ...] | None = None) -> None:
        self.connection = connection
        self.frozen = frozen
        self.pid = os.getpid()
        self.close = weakref.finalize(self, _close_in, self.pid, connection)
        self._utils: Database | None = None

    @property
    def utils(self) -> Database:
        """The same connection, as sqlite-utils writes through it."""
        if self._utils is None:
            from sqlite_utils import Database

            self._utils = Database(self.connection, execute_plugins=False)
        return self._utils


def _close_in(pid: int, connection: sqlite3.Connection) -> None:
    # Closing a connection in a forked child would drop the parent's file locks.
    if os.getpid() == pid:
        connection.close()


class Connections:
    """The connections of one Store. `write` allows `atomic`; without it every connection refuses to change rows.

    `check` is called before each transaction that writes; what it raises keeps it from beginning.
    """

    def __init__(self, path: Path, *, write: bool, check: Callable[[], None] = lambda: None) -> None:
        self.path = path
        self._check = check
        self.write_allowed = write
        self._immutable = False
        self._local = _Local()
        self._holders: weakref.WeakSet[_Holder] = weakref.WeakSet()
        self._guard = threading.Lock()
        self._writer = threading.RLock()
        self._closed = False

    @property
    def _holder(self) -> _Holder:
        holder = self._local.holder
        if self._closed:
            raise StoreError(f"the index {self.path} was closed; open it again")
        if holder is not None and holder.frozen is not None and holder.frozen != self._look():
            if holder.connection.in_transaction:
                raise StoreError(f"the index {self.path} changed while it was read from a full disk; ask again")
            holder.close()
            holder = None
        if holder is None or holder.pid != os.getpid():
            with explained(self.path):
                holder = self._opened()
            self._local.holder = holder
            self._local.depth, self._local.restarts = 0, False
            with self._guard:
                self._holders.add(holder)
        return holder

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection, opened on first use."""
        return self._holder.connection

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is inside `reading` or `atomic`, and so may see other rows than the newest."""
        return self.connection.in_transaction

    @property
    def writing(self) -> bool:
        """Whether this thread is inside `atomic`, and so may see rows that may yet be rolled back."""
        return self._local.depth > 0

    @property
    def restarts(self) -> bool:
        """Whether this thread is inside `consistent`, which begins anew after a BehindError."""
        return self._local.restarts

    def _opened(self) -> _Holder:
        frozen: tuple[int, ...] | None = None
        if not self._immutable:
            try:
                return _Holder(self._configured("mode=rw"))
            except sqlite3.OperationalError as error:
                full = error.sqlite_errorname in ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")
                if self.write_allowed or not self._may_be_immutable(full=full):
                    raise
                self._immutable = not full
                frozen = self._look() if full else None
        return _Holder(self._configured("mode=ro&immutable=1"), frozen)

    def _may_be_immutable(self, *, full: bool) -> bool:
        # On read-only media, and on a full disk, WAL cannot make its shared memory; without a log to replay the file
        # itself is complete.
        return (full or not os.access(self.path.parent, os.W_OK)) and not self._look()[-1]

    def _look(self) -> tuple[int, ...]:
        """What changes with the file, the size of its log last."""
        wal = self.path.with_name(self.path.name + "-wal")
        now = self.path.stat()
        return now.st_mtime_ns, now.st_size, wal.stat().st_size if wal.exists() else 0

    def _configured(self, options: str) -> sqlite3.Connection:
        connection = connect(self.path, options)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            if not self.write_allowed:
                connection.execute("PRAGMA query_only = ON")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection

    def rows(self, sql: str, params: Params = ()) -> list[Row]:
        """All rows of a query. Raises StoreError."""
        connection = self.connection
        with explained(self.path):
            return connection.execute(sql, params).fetchall()

    def row(self, sql: str, params: Params = ()) -> Row | None:
        """The first row of a query, or None. Raises StoreError."""
        found = self.rows(sql, params)
        return found[0] if found else None

    def value(self, sql: str, params: Params = ()) -> Any:
        """The first column of the first row, or None where there is none. Raises StoreError."""
        found = self.row(sql, params)
        return None if found is None else found[0]

    def stream(self, sql: str, params: Params = (), *, batch: int = 4096) -> Iterator[list[Row]]:
        """Rows of a query in lists of at most `batch`. Raises StoreError."""
        connection = self.connection
        with explained(self.path):
            cursor = connection.execute(sql, params)
        while True:
            with explained(self.path):
                found = cursor.fetchmany(batch)
            if not found:
                return
            yield found

    def write(self, sql: str, params: Params = ()) -> int:
        """Change rows inside `atomic`; returns how many. Raises StoreError."""
        connection = self._writing()
        with explained(self.path):
            return connection.execute(sql, params).rowcount

    def _writing(self) -> sqlite3.Connection:
        connection = self.connection
        if not self._local.depth:
            raise StoreError("the index is only written inside Store.atomic()")
        if not connection.in_transaction:
            # A full disk makes SQLite roll back by itself; writing on would commit half of what belongs together.
            raise StoreError(
                "this transaction was rolled back by an earlier error; leave Store.atomic() and start anew"
            )
        return connection

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let every query inside see the same snapshot; joins a transaction that is already open."""
        connection = self.connection
        if connection.in_transaction:
            yield
            return
        with explained(self.path):
            connection.execute("BEGIN")
        try:
            yield
        finally:
            # A store closed meanwhile has no transaction left to end.
            with suppress(sqlite3.ProgrammingError):
                connection.execute("ROLLBACK")

    def consistent(self, work: Callable[[], T], again: Callable[[], None] = lambda: None) -> T:
        """Call `work` with the same snapshot for every query inside; joins a transaction that is already open.

        Where another thread has brought a shared index past that snapshot, `again` is called, and `work` on a newer
        one; after a few such calls it is left to do without the shared ones.
        """
        if self.connection.in_transaction:
            return work()
        for _ in range(_RESTARTS):
            self._local.restarts = True
            try:
                with self.reading():
                    return work()
            except BehindError:
                again()
            finally:
                self._local.restarts = False
        with self.reading():
            return work()

    @contextmanager
    def matching(self, shared: Callable[[], T], own: Callable[[], T]) -> Iterator[T]:
        """What an index finds, on the snapshot that the block inside reads.

        `shared` searches the index of all threads, which may raise BehindError, `own` one made for this search: rows
        that may yet be rolled back, or that are gone already, must not enter what other threads search.
        """
        search, held = own if self.writing else shared, self.in_transaction
        while True:
            with self.reading():
                try:
                    found = search()
                except BehindError:
                    if self.restarts:
                        raise
                    if held:  # this snapshot stays as it is
                        search = own
                    continue
                yield found
                return

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """One transaction: all of what is written inside, or, after any exception, nothing. Nested blocks join.

        Threads that write take turns. Raises StoreError, also where the store was opened for reading.
        """
        if not self.write_allowed:
            raise StoreError(f"the index {self.path} was opened for reading; open it with write=True to change it")
        with self._writer:
            holder = self._holder
            if self._local.depth:
                self._writing()
            else:
                self._check()
            self._local.depth += 1
            commits, changes = 0, holder.connection.total_changes
            try:
                with holder.utils.atomic():
                    yield
                    connection = self._writing()
                    if self._local.depth == 1 and connection.total_changes != changes:
                        connection.execute("UPDATE commits SET n = n + 1")
                        commits = connection.execute("SELECT coalesce(max(n), 0) FROM commits").fetchone()[0]
            except (sqlite3.Error, sqlite3.Warning) as error:
                raise explain(error, self.path) from error
            finally:
                self._local.depth -= 1
            if commits:
                note_commits(self.path.parent, commits)

    def close(self) -> None:
        """Close the connections of all threads; a second call does nothing."""
        self._closed = True
        with self._guard:
            holders = list(self._holders)
        for holder in holders:
            holder.close()


def connect(path: Path, options: str) -> sqlite3.Connection:
    """Open a SQLite file with the URI options given, in autocommit mode, to be closed from any thread."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )
    register(connection)
    return connection
