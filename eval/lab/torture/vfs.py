"""Tells what SQLite writes and syncs, in order: a file layer of its own below the stdlib's SQLite, made with ctypes.

Everything goes on to the system's own layer; only writing, truncating, syncing and deleting are written down on the
way. The library is the one that `_sqlite3` is linked with, so that what is registered there holds for every connection
of this process. Knows SQLite's file interface (https://sqlite.org/c3ref/vfs.html), and no database.
"""

from __future__ import annotations

import ctypes
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p, cast
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

OpKind = Literal["write", "truncate", "sync", "delete", "mark"]
_NAME = b"lvqa-recorder"
_OK, _IOERR = 0, 10
_VFS_CALLS = (
    "open delete access full_pathname dl_open dl_error dl_sym dl_close randomness sleep current_time get_last_error "
    "current_time_64 set_call get_call next_call"
)
_FILE_CALLS = (
    "close read write truncate sync file_size lock unlock check_lock control sector_size characteristics shm_map "
    "shm_lock shm_barrier shm_unmap fetch unfetch"
)


@dataclass(frozen=True, slots=True)
class Op:
    """One thing that was done to a file; a `mark` is nothing done, `at` its number. `at` is the offset, or the size.

    A sync of no file is one of the folder: what was deleted there before stays deleted.
    """

    kind: OpKind
    file: str = ""
    at: int = 0
    data: bytes = b""


class _Vfs(Structure):
    _fields_ = [
        ("version", c_int),
        ("file_size", c_int),
        ("longest_path", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("data", c_void_p),
        *[(name, c_void_p) for name in _VFS_CALLS.split()],
    ]


class _Methods(Structure):
    _fields_ = [
        ("version", c_int),
        *[(name, c_void_p) for name in _FILE_CALLS.split()],
    ]


_OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
_DELETE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)
_CLOSE = CFUNCTYPE(c_int, c_void_p)
_WRITE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_TRUNCATE = CFUNCTYPE(c_int, c_void_p, c_int64)
_SYNC = CFUNCTYPE(c_int, c_void_p, c_int)


def unavailable() -> str:
    """Why nothing can be recorded here; empty where it can."""
    try:
        _library()
    except (OSError, AttributeError, ImportError) as error:
        return f"the SQLite of this Python cannot be reached: {error}"
    try:
        probe: list[Op] = []
        with recording(Path("/"), probe):
            connection = sqlite3.connect(f"file::memory:?vfs={_NAME.decode()}", uri=True)
            connection.close()
    except sqlite3.Error as error:
        return f"the SQLite that was reached is not the one that Python uses: {error}"
    return ""


def _library() -> Any:
    import _sqlite3

    # Symbols of a shared object are looked up in what it is linked with as well: that very SQLite.
    library = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
    library.sqlite3_vfs_find.restype = POINTER(_Vfs)
    library.sqlite3_vfs_find.argtypes = [c_char_p]
    library.sqlite3_vfs_register.argtypes = [c_void_p, c_int]
    library.sqlite3_vfs_unregister.argtypes = [c_void_p]
    return library


@contextmanager
def recording(folder: Path, ops: list[Op]) -> Iterator[None]:
    """Append to `ops` all that SQLite does to files directly in a folder, by every connection opened inside.

    They must be closed inside, too. Raises OSError or AttributeError where the library cannot be reached.
    """
    library = _library()
    layer = _Layer(library.sqlite3_vfs_find(None), folder, ops)
    library.sqlite3_vfs_register(ctypes.addressof(layer.vfs), 1)
    try:
        yield
    finally:
        library.sqlite3_vfs_register(layer.under, 1)
        library.sqlite3_vfs_unregister(ctypes.addressof(layer.vfs))
        # SQLite may still hold a file of a connection that is yet to be collected.
        _KEPT.append(layer)


_KEPT: list[object] = []


class _Layer:
    """The system's layer with a few calls exchanged."""

    def __init__(self, under: Any, folder: Path, ops: list[Op]) -> None:
        self.under = under
        self._folder = str(folder.absolute())
        self._ops = ops
        self._names: dict[int, str] = {}
        self._unsynced: set[int] = set()  # logs and journals that were not synced since they were opened
        # By the address of the system's methods: ours, theirs, and the callbacks, which must outlive every call.
        self._methods: dict[int, tuple[_Methods, list[Any]]] = {}
        system = under.contents
        self.vfs = _Vfs.from_buffer_copy(system)
        self.vfs.name = _NAME
        self.vfs.next = None
        self._open_under, self._delete_under = _OPEN(system.open), _DELETE(system.delete)
        self._callbacks = [_OPEN(self._guarded(self._open)), _DELETE(self._guarded(self._delete))]
        self.vfs.open, self.vfs.delete = (cast(call, c_void_p).value for call in self._callbacks)

    @staticmethod
    def _guarded(call: Callable[..., int]) -> Callable[..., int]:
        def guarded(*arguments: Any) -> int:
            try:
                return call(*arguments)
            except Exception:
                return _IOERR  # ctypes would print it and go on as if it were done

        return guarded

    def _name(self, address: int | None) -> str:
        """The name of a file of the folder, empty for others."""
        path = Path(ctypes.string_at(address).decode("utf-8", "surrogateescape")) if address else Path()
        return path.name if str(path.parent) == self._folder else ""

    def _open(self, _: int, name: int | None, file: int, flags: int, out: int | None) -> int:
        status: int = self._open_under(cast(self.under, c_void_p).value, name, file, flags, out)
        methods = c_void_p.from_address(file)
        if status == _OK and methods.value and (short := self._name(name)) and not short.endswith("-shm"):
            self._names[file] = short
            if not short.endswith(".db"):
                self._unsynced.add(file)
            methods.value = ctypes.addressof(self._exchanged(methods.value))
        return status

    def _delete(self, _: int, name: int, sync: int) -> int:
        status: int = self._delete_under(cast(self.under, c_void_p).value, name, sync)
        if status == _OK and (short := self._name(name)):
            self._ops.append(Op("delete", short))
            if sync:
                self._ops.append(Op("sync"))
        return status

    def _exchanged(self, address: int) -> _Methods:
        if address not in self._methods:
            system = _Methods.from_address(address)
            close, write = _CLOSE(system.close), _WRITE(system.write)
            truncate, sync = _TRUNCATE(system.truncate), _SYNC(system.sync)

            def closed(file: int) -> int:
                self._names.pop(file, None)
                self._unsynced.discard(file)
                return int(close(file))

            def written(file: int, data: int, size: int, at: int) -> int:
                status = int(write(file, data, size, at))
                if status == _OK:
                    self._ops.append(Op("write", self._names[file], at, ctypes.string_at(data, size)))
                return status

            def truncated(file: int, size: int) -> int:
                status = int(truncate(file, size))
                if status == _OK:
                    self._ops.append(Op("truncate", self._names[file], size))
                return status

            def synced(file: int, flags: int) -> int:
                status = int(sync(file, flags))
                if status == _OK:
                    self._ops.append(Op("sync", self._names[file]))
                    if file in self._unsynced:
                        # With the first sync of a log or journal, SQLite's layer for Unix syncs the folder as well.
                        self._unsynced.discard(file)
                        self._ops.append(Op("sync"))
                return status

            ours = _Methods.from_buffer_copy(system)
            kinds = ((_CLOSE, closed), (_WRITE, written), (_TRUNCATE, truncated), (_SYNC, synced))
            calls = [kind(self._guarded(call)) for kind, call in kinds]
            ours.close, ours.write, ours.truncate, ours.sync = (cast(call, c_void_p).value for call in calls)
            self._methods[address] = ours, [calls, close, write, truncate, sync]
        return self._methods[address][0]
