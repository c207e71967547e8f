"""Reads an export without trusting it: every hash, every line and every number is checked.

Only files that the format names are opened, and no links; lines and headers have a greatest length, so that memory does
not grow with what the folder holds. Knows nothing of the archive that it is to go into.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np

from lvqa.errors import StoreVersionError, UsageError
from lvqa.models.base import Vectors
from lvqa.store.checksums import LATER
from lvqa.store.exchange.field_checks import ACROSS, CHECKS, VECTOR_CHECKS, checked_field, flag, whole, word
from lvqa.store.exchange.format import (
    FORMAT,
    MANIFEST,
    TABLES,
    VECTOR_FIELDS,
    VECTORS,
    VERSION,
    Table,
    VectorFile,
    table_file,
    vector_files,
)

LONGEST_LINE_BYTES = 16 << 20
MOST_DIM = 1 << 16
_MOST_MODELS = 64
_BATCH = 512
_SHA256 = re.compile(r"[0-9a-f]{64}")

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Incoming:
    """An export whose manifest was read. `rows` and `sizes` are by file name."""

    folder: Path
    complete: bool
    sizes: Mapping[str, tuple[int, str, int]]
    vectors: tuple[VectorFile, ...]
    version: int = VERSION


def is_export(folder: Path) -> bool:
    """Whether a folder may be an export: it has a manifest."""
    return folder.is_dir() and os.path.lexists(folder / MANIFEST)


def open_export(folder: Path) -> Incoming:
    """Read the manifest, and check the size and hash of every file that it names.

    Raises UsageError for anything that is not as the format says, StoreVersionError for one of a newer lvqa.
    """
    try:
        _refuse_links(folder)
        manifest = _manifest(folder)
        incoming = _understood(folder, manifest)
        for name, (size, digest, _) in incoming.sizes.items():
            _check_hash(folder, name, size, digest)
    except OSError as error:
        what = error.strerror or str(error)
        raise UsageError(f"the export {folder} cannot be read ({what}); nothing was imported") from error
    return incoming


def read_table(incoming: Incoming, table: Table) -> Iterator[tuple[int, Row]]:
    """The rows of a table with the numbers of their lines, as the database will have them but for references.

    Raises UsageError that names file and line.
    """
    return _lines(incoming, table_file(table), CHECKS[table], ACROSS.get(table))


def read_vectors(incoming: Incoming, file: VectorFile) -> Iterator[tuple[list[tuple[int, Row]], Vectors]]:
    """What rows belong to, with the numbers of their lines, and float32 (n, d), some hundred at a time.

    Raises UsageError that names file and row.
    """
    names = _lines(incoming, file.of, VECTOR_CHECKS[file.kind])
    with _open(incoming.folder, file.array) as array:
        _skip_header(array, incoming, file)
        done = 0
        while done < file.rows:
            n = min(_BATCH, file.rows - done)
            raw = array.read(4 * file.dim * n)
            vectors = np.frombuffer(raw, "<f4").reshape(n, file.dim).astype(np.float32)
            bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
            if len(bad):
                _refuse(incoming, f"{file.array}, row {done + int(bad[0]) + 1}", "holds values that are not finite")
            yield [next(names) for _ in range(n)], vectors
            done += n
    next(names, None)


def _refuse(incoming: Incoming | Path, where: str, what: str) -> NoReturn:
    folder = incoming if isinstance(incoming, Path) else incoming.folder
    raise UsageError(f"{folder / where}: {what}; nothing was imported")


def _refuse_links(folder: Path) -> None:
    for place in (folder, folder / VECTORS):
        if not place.is_dir():
            continue
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.is_symlink():
                    _refuse(folder, os.path.relpath(entry.path, folder), "is a link; an export has none")


def _open(folder: Path, name: str) -> BufferedReader:
    """Open a file of the export that is neither a link nor a device, both of which could stand for anything."""
    fd = os.open(folder / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | _O_BINARY)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        _refuse(folder, name, "is no plain file")
    return os.fdopen(fd, "rb")


_O_BINARY = getattr(os, "O_BINARY", 0)


def _manifest(folder: Path) -> dict[str, Any]:
    with _open(folder, MANIFEST) as file:
        raw = file.read(LONGEST_LINE_BYTES + 1)
    if len(raw) > LONGEST_LINE_BYTES:
        _refuse(folder, MANIFEST, "is too long")
    try:
        return _object(raw)
    except ValueError as error:
        raise UsageError(f"{folder / MANIFEST}: {error}; nothing was imported") from error


def _understood(folder: Path, manifest: dict[str, Any]) -> Incoming:
    if manifest.get("format") != FORMAT:
        raise UsageError(f"{folder / MANIFEST} is not the manifest of an lvqa export; name a folder of lvqa export")
    version = manifest.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        _refuse(folder, MANIFEST, "version must be a number from 1")
    if version > VERSION:
        raise StoreVersionError(
            f"the export {folder} is of format {version}, this lvqa knows {VERSION}; update lvqa, nothing was imported"
        )
    try:
        listed = manifest["vectors"]
        if not isinstance(listed, list) or len(listed) > _MOST_MODELS:
            raise ValueError(f"vectors must be a list of {_MOST_MODELS} at most")
        vectors = tuple(_vector_file(entry) for entry in listed)
        names, models = {file.array for file in vectors}, {(file.kind, file.model) for file in vectors}
        if min(len(names), len(models)) < len(vectors):
            raise ValueError("vectors names a file or a model twice")
        wanted = [table_file(table) for table in TABLES] + [n for file in vectors for n in (file.array, file.of)]
        files = manifest["files"]
        if not isinstance(files, dict) or files.keys() != set(wanted):
            raise ValueError(f"files must be just these: {', '.join(wanted)}")
        sizes = {name: _size(name, files[name]) for name in wanted}
        complete = flag(manifest["complete"])
        for file in vectors:
            if sizes[file.array][2] != file.rows or sizes[file.of][2] != file.rows:
                raise ValueError(f"{file.array} has not {file.rows} rows")
    except KeyError as error:
        raise UsageError(f"{folder / MANIFEST}: lacks {error.args[0]}; nothing was imported") from error
    except ValueError as error:
        raise UsageError(f"{folder / MANIFEST}: {error}; nothing was imported") from error
    return Incoming(folder, bool(complete), sizes, vectors, version)


def _vector_file(entry: Any) -> VectorFile:
    if not isinstance(entry, dict) or entry.keys() != set(VectorFile.__slots__):
        raise ValueError(f"an entry of vectors needs just {', '.join(VectorFile.__slots__)}")
    if entry["kind"] not in VECTOR_FIELDS:
        raise ValueError(f"the kind of vectors must be one of {', '.join(VECTOR_FIELDS)}")
    file = VectorFile(
        entry["kind"], word(entry["model"]), whole(entry["dim"]), whole(entry["rows"]), entry["array"], entry["of"]
    )
    if not 1 <= file.dim <= MOST_DIM:
        raise ValueError(f"dim must lie between 1 and {MOST_DIM}")
    if (file.array, file.of) not in [vector_files(file.kind, number) for number in range(_MOST_MODELS)]:
        raise ValueError(f"vectors of {file.kind} lie in {' and '.join(vector_files(file.kind, 0))}, with any number")
    return file


def _size(name: str, entry: Any) -> tuple[int, str, int]:
    if not isinstance(entry, dict) or entry.keys() != {"bytes", "sha256", "rows"}:
        raise ValueError(f"{name} needs just bytes, sha256 and rows")
    if not isinstance(entry["sha256"], str) or not _SHA256.fullmatch(entry["sha256"]):
        raise ValueError(f"sha256 of {name} must be 64 hex digits")
    return whole(entry["bytes"]), entry["sha256"], whole(entry["rows"])


def _check_hash(folder: Path, name: str, size: int, wanted: str) -> None:
    with _open(folder, name) as file:
        if (found := os.fstat(file.fileno()).st_size) != size:
            _refuse(folder, name, f"has {found} bytes, the manifest says {size}; copy it again")
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != wanted:
        _refuse(folder, name, "is not what the manifest says (SHA-256); copy it again")


def _lines(
    incoming: Incoming,
    name: str,
    checks: Mapping[str, Callable[[Any], Any]],
    across: Callable[[Mapping[str, Any]], None] | None = None,
) -> Iterator[tuple[int, Row]]:
    number, wanted = 0, incoming.sizes[name][2]
    with _open(incoming.folder, name) as file:
        while line := file.readline(LONGEST_LINE_BYTES + 1):
            number += 1
            try:
                if len(line) > LONGEST_LINE_BYTES:
                    raise ValueError(f"is longer than {LONGEST_LINE_BYTES} bytes")
                if number > wanted:
                    raise ValueError(f"is one too many, the manifest says {wanted}")
                values = _object(line)
                if incoming.version < VERSION and name == table_file("videos"):
                    later, _, before = LATER["videos"]
                    values.setdefault(later, before)
                if values.keys() != checks.keys():
                    raise ValueError(f"needs just {', '.join(checks)}")
                checked = {field: checked_field(field, check, values[field]) for field, check in checks.items()}
                if across is not None:
                    across(checked)
            except ValueError as error:
                _refuse(incoming, f"{name}, line {number}", str(error))
            yield number, tuple(checked.values())
    if number < wanted:
        _refuse(incoming, name, f"has {number} lines, the manifest says {wanted}")


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode(), parse_constant=_no_constant, object_pairs_hook=_unique)
    except RecursionError:
        raise ValueError("is nested too deep") from None
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON ({error.msg})") from error
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("has a field twice")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _skip_header(array: BinaryIO, incoming: Incoming, file: VectorFile) -> None:
    try:
        version = np.lib.format.read_magic(array)
        if version != (1, 0):
            raise ValueError(f"version {version[0]}.{version[1]}")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(array, max_header_size=1000)
    except (ValueError, TypeError, SyntaxError, EOFError, RecursionError, MemoryError) as error:
        raise UsageError(
            f"{incoming.folder / file.array}: is no NumPy array ({error}); nothing was imported"
        ) from error
    left = os.fstat(array.fileno()).st_size - array.tell()
    if dtype != np.dtype("<f4") or fortran or shape != (file.rows, file.dim) or left != 4 * file.rows * file.dim:
        _refuse(incoming, file.array, f"must be float32 ({file.rows}, {file.dim}) in C order, as the manifest says")
