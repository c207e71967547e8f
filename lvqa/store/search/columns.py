"""What filters need to know of rows (number, video, time, source, level), as arrays that may lie in files.

Knows neither vectors nor words; positions are those of the arrays, rising with the rows' `n`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lvqa.store.database import Connections, Row
from lvqa.store.filters import Filter, json_list
from lvqa.types import LEVELS, SOURCES

Mask = npt.NDArray[np.bool_]

_SOURCE_CODES = {name: code for code, name in enumerate(SOURCES)} | {"": 0}
_LEVEL_CODES = {name: code for code, name in enumerate(LEVELS)} | {"": 0}
_DTYPES = {"n": "<i8", "video": "<i8", "start_s": "<f8", "end_s": "<f8", "source": "i1", "level": "i1"}
# A table by video number is faster than a search, and stays small for as many videos as anybody has.
_TABLE = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Arrays of one length; frames have their time as `start_s` and `end_s`, and neither source nor level."""

    n: npt.NDArray[np.int64]
    video: npt.NDArray[np.int64]
    start_s: npt.NDArray[np.float64]
    end_s: npt.NDArray[np.float64]
    source: npt.NDArray[np.int8]
    level: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.n)

    @classmethod
    def none(cls) -> Columns:
        """Columns of no rows."""
        return cls(*(np.zeros(0, dtype) for dtype in _DTYPES.values()))

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Columns:
        """Rows (n, video, start_s, end_s, source, level) by rising n, as SQL gives them."""
        listed = list(rows)
        if not listed:
            return cls.none()
        n, video, start_s, end_s, source, level = zip(*listed, strict=True)
        return cls(
            np.array(n, np.int64),
            np.array(video, np.int64),
            np.array(start_s, np.float64),
            np.array(end_s, np.float64),
            np.array([_SOURCE_CODES[name] for name in source], np.int8),
            np.array([_LEVEL_CODES[name] for name in level], np.int8),
        )

    @classmethod
    def join(cls, parts: Iterable[Columns]) -> Columns:
        """The rows of all parts, one after the other."""
        kept = [part for part in parts if len(part)]
        if len(kept) <= 1:
            return kept[0] if kept else cls.none()
        return cls(*(np.concatenate([getattr(part, f.name) for part in kept]) for f in fields(cls)))

    def take(self, rows: Mask | npt.NDArray[np.int64]) -> Columns:
        """Some of the rows."""
        return Columns(*(getattr(self, f.name)[rows] for f in fields(self)))

    def save(self, folder: Path) -> None:
        """Write a file for each array. Raises OSError."""
        for name, dtype in _DTYPES.items():
            np.save(folder / f"{name}.npy", np.ascontiguousarray(getattr(self, name), dtype))

    @classmethod
    def load(cls, folder: Path, size: int) -> Columns:
        """Map the files that `save` wrote. Raises OSError or ValueError where they are not what they were."""
        found = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _DTYPES}
        for name, dtype in _DTYPES.items():
            if found[name].dtype != np.dtype(dtype) or found[name].shape != (size,):
                raise ValueError(f"{name}.npy holds {found[name].dtype} {found[name].shape}, not {dtype} ({size},)")
        # Arrays of the plain class: indexing an np.memmap costs several times as much.
        return cls(**{name: np.asarray(array).view(np.ndarray) for name, array in found.items()})

    def mask(self, wanted: Filter | None, videos: npt.NDArray[np.int64] | None, *, frames: bool) -> Mask | None:
        """Where the filter allows a row; None where it says nothing about any. `videos` are the wanted ones' numbers.

        `frames` rows must lie in the filter's span, notes overlap it; only notes have sources and levels.
        """
        masks: list[Mask] = []
        if wanted is None:
            return None
        if videos is not None:
            masks.append(_among(self.video, videos))
        if wanted.span is not None:
            masks.append(self.start_s < wanted.span.end_s)
            masks.append(self.start_s >= wanted.span.start_s if frames else self.end_s > wanted.span.start_s)
        if not frames and wanted.sources is not None:
            masks.append(np.isin(self.source, [_SOURCE_CODES[source] for source in wanted.sources]))
        if not frames and wanted.level is not None:
            masks.append(self.level == _LEVEL_CODES[wanted.level])
        allowed: Mask | None = np.logical_and.reduce(masks) if masks else None
        # A filter that allows all, such as that to the notes of clips where there are no others, costs nothing then.
        return None if allowed is None or allowed.all() else allowed


def _among(values: npt.NDArray[np.int64], some: npt.NDArray[np.int64]) -> Mask:
    if not len(values) or not len(some):
        return np.zeros(len(values), bool)
    largest = int(max(values.max(), some.max()))
    if largest >= _TABLE:
        return np.isin(values, some)
    table = np.zeros(largest + 1, bool)
    table[some] = True
    found: Mask = table[values]
    return found


def video_numbers(connections: Connections, wanted: Filter | None) -> npt.NDArray[np.int64] | None:
    """The numbers of the videos that a filter allows; None where it allows all."""
    if wanted is None or wanted.video_ids is None:
        return None
    rows = connections.rows(
        "SELECT n FROM videos WHERE id IN (SELECT value FROM json_each(?))", (json_list(wanted.video_ids),)
    )
    return np.array([row[0] for row in rows], np.int64)


def both(a: Mask | None, b: Mask | None) -> Mask | None:
    """The rows where both masks are true; None stands for a mask that is true everywhere."""
    if a is None or b is None:
        return b if a is None else a
    found: Any = a & b
    return np.asarray(found, bool)
