"""An inverted index of notes as sorted arrays: which rows hold a term, how often, and where. Knows no scores.

A row is a position, 0 to `len - 1`, in the order of the notes' `n`. Terms are FTS5's own, stemmed and folded by its
tokenizer, in the order of their bytes. Everything is a plain array, so that a large index is mapped from files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

_DTYPES = {
    "letters": "u1",
    "term_starts": "<i8",
    "row_starts": "<i8",
    "rows": "<i4",
    "counts": "<i4",
    "place_starts": "<i8",
    "places": "<i4",
    "lengths": "<i4",
}


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """Term `t` is `letters[term_starts[t]:term_starts[t + 1]]`; the other `*_starts` delimit its share alike.

    `rows` rise within a term, `counts` stand beside them; `places` are the term's positions in those rows' texts, in
    order. `lengths` are the tokens of each row's text.
    """

    letters: npt.NDArray[np.uint8]
    term_starts: Ints
    row_starts: Ints
    rows: npt.NDArray[np.int32]
    counts: npt.NDArray[np.int32]
    place_starts: Ints
    places: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.lengths)

    @classmethod
    def of(cls, terms: Sequence[str], instances: Ints, rows: Ints, places: Ints, size: int) -> Postings:
        """From the instances of all terms, term by term, each by row and place.

        `terms` are sorted by their bytes; `instances` (terms,) how many each has; `rows` and `places` one an instance.
        """
        raw = [term.encode("utf-8", "surrogatepass") for term in terms]
        term_of = np.repeat(np.arange(len(raw)), instances)
        first = np.ones(len(rows), bool)
        first[1:] = (rows[1:] != rows[:-1]) | (term_of[1:] != term_of[:-1])
        at = np.flatnonzero(first)
        return cls(
            np.frombuffer(b"".join(raw), np.uint8),
            _starts([len(term) for term in raw]),
            _starts(np.bincount(term_of[at], minlength=len(raw))),
            rows[at].astype(np.int32),
            np.diff(np.append(at, len(rows))).astype(np.int32),
            _starts(instances),
            places.astype(np.int32),
            np.bincount(rows, minlength=size).astype(np.int32),
        )

    @classmethod
    def join(cls, parts: Sequence[Postings]) -> Postings:
        """The rows of all parts, one after the other."""
        if len(parts) == 1:
            return parts[0]
        terms = sorted({part.term(t) for part in parts for t in range(len(part.term_starts) - 1)})
        number = {term: t for t, term in enumerate(terms)}
        base = np.cumsum([0, *(len(part) for part in parts)])
        maps = [np.array([number[part.term(t)] for t in range(len(part.term_starts) - 1)], np.int64) for part in parts]
        row_counts = [_spread(np.diff(part.row_starts), to, len(terms)) for part, to in zip(parts, maps, strict=True)]
        places = [_spread(np.diff(part.place_starts), to, len(terms)) for part, to in zip(parts, maps, strict=True)]
        row_starts, place_starts = _starts(np.sum(row_counts, axis=0)), _starts(np.sum(places, axis=0))
        joined = cls(
            np.frombuffer(b"".join(terms), np.uint8),
            _starts([len(term) for term in terms]),
            row_starts,
            np.empty(int(row_starts[-1]), np.int32),
            np.empty(int(row_starts[-1]), np.int32),
            place_starts,
            np.empty(int(place_starts[-1]), np.int32),
            np.concatenate([part.lengths for part in parts]),
        )
        row_free, place_free = row_starts[:-1].copy(), place_starts[:-1].copy()
        for part, to, shift, n_rows, n_places in zip(parts, maps, base[:-1], row_counts, places, strict=True):
            into = _targets(row_free[to], np.diff(part.row_starts))
            joined.rows[into] = part.rows + np.int32(shift)
            joined.counts[into] = part.counts
            joined.places[_targets(place_free[to], np.diff(part.place_starts))] = part.places
            row_free += n_rows
            place_free += n_places
        return joined

    def keep(self, mask: npt.NDArray[np.bool_]) -> Postings:
        """Without the rows where the mask is false; terms that no row holds any more stay, empty."""
        terms = len(self.term_starts) - 1
        term_of = np.repeat(np.arange(terms), np.diff(self.row_starts))
        kept = mask[self.rows]
        kept_places = np.repeat(kept, self.counts)
        place_of = np.repeat(term_of, self.counts)
        new = np.cumsum(mask) - 1
        return Postings(
            self.letters,
            self.term_starts,
            _starts(np.bincount(term_of[kept], minlength=terms)),
            new[self.rows[kept]].astype(np.int32),
            self.counts[kept],
            _starts(np.bincount(place_of[kept_places], minlength=terms)),
            self.places[kept_places],
            self.lengths[mask],
        )

    def term(self, t: int) -> bytes:
        """The bytes of a term."""
        return self.letters[self.term_starts[t] : self.term_starts[t + 1]].tobytes()

    def find(self, term: str) -> int | None:
        """The number of a term, None where no row holds it."""
        wanted = term.encode("utf-8", "surrogatepass")
        low, high = 0, len(self.term_starts) - 1
        while low < high:
            middle = (low + high) // 2
            if self.term(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self.term_starts) - 1 and self.term(low) == wanted else None

    def phrase(self, terms: Sequence[str]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """The rows that hold these terms one after the other, rising, and how often."""
        nothing = np.zeros(0, np.int32)
        numbers = [self.find(term) for term in terms]
        if not numbers or None in numbers:
            return nothing, nothing
        found = [number for number in numbers if number is not None]
        if len(found) == 1:
            part = slice(self.row_starts[found[0]], self.row_starts[found[0] + 1])
            return self.rows[part], self.counts[part]
        # From the rarest term on, as starts of the phrase: row and place in one number.
        order = sorted(range(len(found)), key=lambda i: int(self.row_starts[found[i] + 1] - self.row_starts[found[i]]))
        starts: Ints | None = None
        for i in order:
            keys = self._keys(found[i], i, starts)
            starts = keys if starts is None else starts[_contains(keys, starts)]
            if not len(starts):
                return nothing, nothing
        assert starts is not None
        rows, counts = np.unique(starts >> 32, return_counts=True)
        return rows.astype(np.int32), counts.astype(np.int32)

    def _keys(self, t: int, offset: int, near: Ints | None) -> Ints:
        """Where a phrase would start whose word number `offset` is the term, in the rows of `near` or all."""
        part = slice(self.row_starts[t], self.row_starts[t + 1])
        rows, counts = self.rows[part], self.counts[part]
        places = self.places[self.place_starts[t] : self.place_starts[t + 1]]
        if near is not None:
            # The rows of the rarer words so far are few: look only at theirs.
            wanted = np.unique(near >> 32)
            at = np.searchsorted(rows, wanted.astype(np.int32))
            at = at[(at < len(rows)) & (rows[np.minimum(at, len(rows) - 1)] == wanted)]
            ends = np.cumsum(counts)
            places = places[_targets(ends[at] - counts[at], counts[at])]
            rows, counts = rows[at], counts[at]
        row_of = np.repeat(rows.astype(np.int64), counts)
        begins = places.astype(np.int64) - offset
        kept = begins >= 0
        keys: Ints = (row_of[kept] << 32) | begins[kept]
        return keys

    def save(self, folder: Path) -> None:
        """Write a file for each array. Raises OSError."""
        for name, dtype in _DTYPES.items():
            np.save(folder / f"{name}.npy", np.ascontiguousarray(getattr(self, name), dtype))

    @classmethod
    def load(cls, folder: Path, size: int) -> Postings:
        """Map the files that `save` wrote. Raises OSError or ValueError where they are not what they were."""
        found: dict[str, Any] = {}
        for name, dtype in _DTYPES.items():
            path = folder / f"{name}.npy"
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
            if mapped.dtype != np.dtype(dtype) or mapped.ndim != 1:
                raise ValueError(f"{path.name} holds {mapped.dtype} {mapped.shape}, not {dtype}")
            found[name] = np.asarray(mapped).view(np.ndarray)
        postings = cls(**found)
        terms = len(postings.term_starts)
        if (
            len(postings) != size
            or not terms
            or terms != len(postings.row_starts)
            or terms != len(postings.place_starts)
        ):
            raise ValueError("the arrays do not belong together")
        arrays: list[tuple[Ints, npt.NDArray[Any]]] = [
            (postings.term_starts, postings.letters),
            (postings.row_starts, postings.rows),
            (postings.row_starts, postings.counts),
            (postings.place_starts, postings.places),
        ]
        if any(int(starts[-1]) != len(array) for starts, array in arrays):
            raise ValueError("the arrays do not belong together")
        return postings


assert tuple(_DTYPES) == tuple(f.name for f in fields(Postings))


def _starts(counts: Iterable[int] | Ints) -> Ints:
    listed = np.asarray(counts if isinstance(counts, np.ndarray) else list(counts), np.int64)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(listed)])


def _spread(values: Ints, to: Ints, size: int) -> Ints:
    wide = np.zeros(size, np.int64)
    wide[to] = values
    return wide


def _targets(starts: Ints, counts: npt.NDArray[Any]) -> Ints:
    """`starts[i], starts[i] + 1, ...`, as many as `counts[i]`, for every i."""
    before = np.cumsum(counts) - counts
    targets: Ints = np.arange(int(counts.sum())) + np.repeat(starts - before, counts)
    return targets


def _contains(values: Ints, wanted: Ints) -> npt.NDArray[np.bool_]:
    """Whether each of `wanted` is among `values`, which rise."""
    if not len(values):
        return np.zeros(len(wanted), bool)
    at = np.minimum(np.searchsorted(values, wanted), len(values) - 1)
    found: npt.NDArray[np.bool_] = values[at] == wanted
    return found
