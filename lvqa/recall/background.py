"""What a query's cosines with an archive's vectors are anyway: the scale on which one of them stands out.

A cosine of 0.4 is a lot for one query and nothing for another, and more in an archive of one kind of footage than in a
mixed one. Against the mean and standard deviation of a fixed sample of the archive's own vectors it becomes a z-score
that does not depend on which candidates a search happened to bring. Speech, screen text and captions are different
quantities, so each source of notes has a background of its own where there are enough of them. This module knows no
texts and ranks nothing.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lvqa.models.base import Vectors
from lvqa.store import Store, VectorKind

Values = npt.NDArray[np.float64]

SAMPLE = 1024
# A source with fewer vectors in the sample is measured against all of them.
_LEAST_OF_SOURCE = 64
# Below this many vectors the spread of a query's cosines says little; it is then held to a usual one.
_LEAST = 16
_USUAL_SPREAD = 0.08
_LEAST_SPREAD = 0.02

_known: weakref.WeakKeyDictionary[Store, dict[tuple[VectorKind, str], Background]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Background:
    """A sample of the vectors of one kind and model, float32 (n, d), the source of each, and their version."""

    version: int | None
    vectors: Vectors
    sources: tuple[str, ...]

    def standardise(self, query: Vectors, cosines: Values, sources: Sequence[str]) -> Values:
        """Cosines (m,) with a query (d,) as z-scores against the background of each one's source."""
        if not len(self.vectors):
            return cosines / _USUAL_SPREAD
        usual = (self.vectors @ query).astype(np.float64)
        of = np.array(self.sources)
        overall = _scale(usual)
        result = np.empty(len(cosines))
        wanted = np.array(sources, dtype=object)
        for source in set(sources):
            mine = usual[of == source]
            mean, spread = _scale(mine) if len(mine) >= _LEAST_OF_SOURCE else overall
            rows = wanted == source
            result[rows] = (cosines[rows] - mean) / spread
        return result


def _scale(usual: Values) -> tuple[float, float]:
    n = len(usual)
    spread = float(usual.std())
    if n < _LEAST:
        # With few notes the best one itself makes most of the spread.
        spread = (n * spread + (_LEAST - n) * _USUAL_SPREAD) / _LEAST
    return float(usual.mean()), max(spread, _LEAST_SPREAD)


def background(store: Store, kind: VectorKind, model: str) -> Background:
    """The background of a store's vectors; drawn anew, always the same way, when they have changed."""
    version = store.vectors.version(model, kind)
    with _lock:
        known = _known.setdefault(store, {}).get((kind, model))
    if known is not None and known.version == version:
        return known
    sources, vectors = store.vectors.sample(model, SAMPLE, kind)
    drawn = Background(version, vectors, tuple(sources))
    with _lock:
        _known.setdefault(store, {})[kind, model] = drawn
    return drawn
