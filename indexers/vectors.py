"""Embedding: stages from texts and from frames to unit vectors, and the sweep over notes that have none yet.

The stages know models alone; the sweep is the one place here that reads and writes the store, in its caller's thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lvqa.errors import ModelError
from lvqa.indexers.roles import Role
from lvqa.models.base import Embedder, Frame, ImageEmbedder, Vectors

if TYPE_CHECKING:
    from lvqa.indexers.progress import Progress
    from lvqa.store import Store

SWEEP_BATCH = 256


@dataclass(frozen=True, slots=True)
class TextVectors:
    """Stage: texts into float32 (n, d) unit vectors."""

    role: Role[Embedder]

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Embed each text. Raises ModelError, also for vectors that are not finite or of the wrong number."""
        return _checked(self.role.model.encode_document(list(texts)), len(texts), self.role.spec)


@dataclass(frozen=True, slots=True)
class FrameVectors:
    """Stage: frames into float32 (n, d) unit vectors, in the space of the same model's queries."""

    role: Role[ImageEmbedder]

    def __call__(self, frames: Sequence[Frame]) -> Vectors:
        """Embed each frame. Raises ModelError, also for vectors that are not finite or of the wrong number."""
        return _checked(self.role.model.encode_frames(list(frames)), len(frames), self.role.spec)


def _checked(vectors: Vectors, n: int, spec: str) -> Vectors:
    array = np.ascontiguousarray(vectors, np.float32)
    if array.ndim != 2 or len(array) != n:
        raise ModelError(f"{spec} gave an array {array.shape} for {n} items; use another embedder")
    if not np.isfinite(array).all():
        raise ModelError(f"{spec} gave values that are not finite; use another embedder, or another device")
    return array


def embed_missing(store: Store, stage: TextVectors, progress: Progress) -> int:
    """Give every note a vector of the stage's model, batch by batch, each one transaction; returns how many were made.

    When that is done, vectors of other models are dropped: nothing searches them any more. Raises ModelError.
    """
    name = stage.role.spec
    missing = store.notes_without_vectors(name)
    if not missing:
        return 0
    progress.start(0, len(missing), "embedding notes")
    for begin in range(0, len(missing), SWEEP_BATCH):
        notes = missing[begin : begin + SWEEP_BATCH]
        vectors = stage([note.text for note in notes])
        with store.atomic():
            store.put_vectors(name, [note.id for note in notes], vectors)
        progress.advance(len(notes))
    progress.finish()
    store.drop_vectors(name)
    return len(missing)
