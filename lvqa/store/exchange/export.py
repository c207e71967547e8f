"""Writes an archive as the folder that `lvqa.store.exchange.format` describes. Reads one snapshot, row by row.

What it holds in memory are the ids of the videos and some thousand rows. Knows no folder of videos and no models.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO

from lvqa.errors import StoreError, UsageError
from lvqa.store.database import Connections, Row
from lvqa.store.exchange.format import (
    FIELDS,
    FORMAT,
    LOCAL_META,
    MANIFEST,
    TABLES,
    VECTOR_FIELDS,
    VECTORS,
    VERSION,
    WHOLE_META,
    ExportReport,
    VectorFile,
    table_file,
    vector_files,
)
from lvqa.store.exchange.part_folder import part_folder
from lvqa.store.faults import explained
from lvqa.store.health.check import damage
from lvqa.store.store import Store

# Rows of one video, or of none where there is no hole, in the order of the files.
_OF_VIDEO = {
    "videos": "SELECT id, path, content_hash, duration_s, width, height, fps, codec, has_audio, "
    "probe FROM videos WHERE n = ?",
    "clips": "SELECT t.id, v.id, start_s, end_s, level FROM clips t JOIN videos v ON v.n = t.video "
    "WHERE t.video = ? ORDER BY start_s, end_s, level, t.id",
    "notes": "SELECT t.id, v.id, c.id, t.start_s, t.end_s, t.level, t.text, t.source, t.model, t.prompt_hash "
    "FROM notes t JOIN videos v ON v.n = t.video LEFT JOIN clips c ON c.n = t.clip "
    "WHERE t.video = ? ORDER BY t.start_s, t.end_s, t.id",
    "jobs": "SELECT v.id, t.path, stage, key, status, progress_s, reason, spec, blank FROM jobs t "
    "JOIN videos v ON v.n = t.video WHERE t.video = ? ORDER BY stage",
}
_OF_NONE = {
    "jobs": "SELECT NULL, path, stage, key, status, progress_s, reason, spec, blank FROM jobs "
    "WHERE video IS NULL ORDER BY path, stage",
    "files": "SELECT f.path, v.id, f.size, f.mtime_ns FROM files f LEFT JOIN videos v ON v.n = f.video ORDER BY f.path",
    "meta": "SELECT key, value FROM meta ORDER BY key",
}
# CROSS JOIN: a video's notes first, in order, then the vector of each.
_VECTORS = {
    "notes": "SELECT t.id, e.vector FROM notes t CROSS JOIN embeddings e ON e.model = ? AND e.note = t.n "
    "WHERE t.video = ? ORDER BY t.start_s, t.end_s, t.id",
    "frames": "SELECT v.id, f.time_s, f.vector FROM frames f CROSS JOIN videos v ON v.n = f.video "
    "WHERE f.model = ? AND f.video = ? ORDER BY f.time_s",
}
_DIM = {
    "notes": "SELECT dim FROM embeddings WHERE model = ? LIMIT 1",
    "frames": "SELECT dim FROM frames WHERE model = ? LIMIT 1",
}
_COUNTS = {
    "notes": "SELECT count(*) FROM notes t CROSS JOIN embeddings e ON e.model = ? AND e.note = t.n WHERE t.video = ?",
    "frames": "SELECT count(*) FROM frames WHERE model = ? AND video = ?",
}


def export_archive(
    store: Store, out: Path, video_ids: Collection[str] | None = None, *, check: bool = True
) -> ExportReport:
    """Write all rows of a store, or those of some videos, as a folder; whatever else writes to the archive meanwhile.

    The folder is there whole or not at all. Raises UsageError where it is there already and not empty, or a video is
    unknown; StoreError where the disk will not have it, and, with `check`, for rows that are damaged.
    """
    connections = store.connections
    with part_folder(out, empty_ok=True) as part, connections.reading():
        if check:
            with explained(connections.path):
                wrong = damage(connections.connection)
            if wrong:
                raise _damaged(connections.path, wrong)
        return _Export(connections, part, video_ids).write(out)


def _version() -> str:
    try:
        return metadata.version("lvqa")
    except metadata.PackageNotFoundError:  # a bare checkout on the path
        return "0+uninstalled"


def _damaged(path: Path, how: str) -> StoreError:
    return StoreError(
        f"the index {path} is damaged ({how}), so nothing was exported; run lvqa check --repair on its folder of "
        "videos first"
    )


class _Export:
    """One export under way, inside `reading`."""

    def __init__(self, connections: Connections, part: Path, video_ids: Collection[str] | None) -> None:
        self._c = connections
        self._part = part
        numbers: dict[str, int] = dict(connections.rows("SELECT id, n FROM videos ORDER BY id"))
        self._complete = video_ids is None
        if video_ids is not None and (unknown := sorted(set(video_ids) - numbers.keys())):
            raise UsageError(f"there is no video {unknown[0]!r} in the index {connections.path}")
        self._videos = numbers if video_ids is None else {name: numbers[name] for name in sorted(video_ids)}
        self._files: dict[str, dict[str, Any]] = {}

    def write(self, out: Path) -> ExportReport:
        """Write all files; `out` is what the folder will be called."""
        (self._part / VECTORS).mkdir()
        for table in TABLES:
            with self._writing(table_file(table)) as sink:
                for row in self._rows(table):
                    sink.line(FIELDS[table], row)
        vectors = list(self._models())
        for file in vectors:
            self._vectors(file)
        counts: dict[str, int] = {table: self._files[table_file(table)]["rows"] for table in TABLES if table != "meta"}
        for kind, name in (("notes", "embeddings"), ("frames", "frames")):
            counts[name] = sum(file.rows for file in vectors if file.kind == kind)
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "lvqa": _version(),
            "schema": self._c.value("PRAGMA user_version"),
            "complete": self._complete,
            "counts": counts,
            "files": {name: self._files[name] for name in sorted(self._files)},
            "vectors": [{name: getattr(file, name) for name in VectorFile.__slots__} for file in vectors],
        }
        text = json.dumps(manifest, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
        (self._part / MANIFEST).write_text(text, encoding="utf-8", newline="\n")
        size = sum(file["bytes"] for file in self._files.values()) + len(text.encode())
        models = tuple(dict.fromkeys(file.model for file in vectors))
        return ExportReport(str(out), **counts, models=models, bytes=size)

    def _rows(self, table: str) -> Iterator[Row]:
        for row in self._stream(_OF_NONE[table]) if table in _OF_NONE else ():
            if table == "meta":
                if row[0] not in LOCAL_META and (self._complete or row[0] not in WHOLE_META):
                    yield row
            elif self._complete or (table == "files" and row[1] in self._videos):
                yield row
        for n in self._videos.values() if table in _OF_VIDEO else ():
            for row in self._stream(_OF_VIDEO[table], (n,)):
                yield (*row[:-2], bool(row[-2]), row[-1]) if table == "videos" else row

    def _models(self) -> Iterator[VectorFile]:
        for kind in VECTOR_FIELDS:
            number = 0
            for (model,) in self._c.rows("SELECT model FROM versions WHERE kind = ? ORDER BY model", (kind,)):
                rows = sum(self._c.value(_COUNTS[kind], (model, n)) for n in self._videos.values())
                if rows:
                    yield VectorFile(
                        kind, model, self._c.value(_DIM[kind], (model,)), rows, *vector_files(kind, number)
                    )
                    number += 1

    def _vectors(self, file: VectorFile) -> None:
        with self._writing(file.array) as numbers, self._writing(file.of) as names:
            numbers.write(npy_header(file.rows, file.dim))
            for n in self._videos.values():
                for row in self._stream(_VECTORS[file.kind], (file.model, n)):
                    if len(row[-1]) != 4 * file.dim:
                        raise _damaged(self._c.path, f"a vector of {file.model} has not {file.dim} values")
                    numbers.write(row[-1])
                    names.line(VECTOR_FIELDS[file.kind], row[:-1])
            numbers.rows = names.rows

    def _stream(self, sql: str, params: Iterable[Any] = ()) -> Iterator[Row]:
        for rows in self._c.stream(sql, tuple(params), batch=512):
            yield from rows

    @contextmanager
    def _writing(self, name: str) -> Iterator[_Sink]:
        with (self._part / name).open("xb") as file:
            sink = _Sink(file)
            yield sink
        self._files[name] = {"bytes": sink.bytes, "sha256": sink.digest.hexdigest(), "rows": sink.rows}


class _Sink:
    """A file that is written once, with its size, hash and rows so far."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.bytes = 0
        self.rows = 0

    def write(self, raw: bytes) -> None:
        """Append bytes."""
        self._file.write(raw)
        self.digest.update(raw)
        self.bytes += len(raw)

    def line(self, fields: Iterable[str], values: Iterable[object]) -> None:
        """Append a JSON object of those fields and values as a line."""
        text = json.dumps(dict(zip(fields, values, strict=True)), ensure_ascii=False, allow_nan=False)
        self.write(text.encode() + b"\n")
        self.rows += 1


def npy_header(rows: int, dim: int) -> bytes:
    """The head of a NumPy file, version 1.0, of float32 (rows, dim); the same whatever NumPy wrote it."""
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {dim}), }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode("ascii")
