"""Embedding: stages from texts and from frames to unit vectors, and the sweep over notes that have none yet.

The stages know models alone; the sweep is the one place here that reads and writes the store, in its caller's thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lvqa.indexers.stages.stage_model import StageModel
from lvqa.models.base import Embedder, Frame, ImageEmbedder, Vectors
from lvqa.models.replies import encode_document, encode_frames

if TYPE_CHECKING:
    from lvqa.indexers.progress import Progress
    from lvqa.store import Store

SWEEP_BATCH = 256


@dataclass(frozen=True, slots=True)
class TextVectors:
    """Stage: texts into float32 (n, d) unit vectors."""

    role: StageModel[Embedder]

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Embed each text. Raises ModelError, also for vectors that are not finite or of the wrong number."""
        return _stacked(self.role.run(list(texts), lambda model, part: list(encode_document(model, part))))


@dataclass(frozen=True, slots=True)
class FrameVectors:
    """Stage: frames into float32 (n, d) unit vectors, in the space of the same model's queries."""

    role: StageModel[ImageEmbedder]

    def __call__(self, frames: Sequence[Frame]) -> Vectors:
        """Embed each frame. Raises ModelError, also for vectors that are not finite or of the wrong number."""
        return _stacked(self.role.run(list(frames), lambda model, part: list(encode_frames(model, part))))


def _stacked(rows: list[Vectors]) -> Vectors:
    return np.stack(rows) if rows else np.zeros((0, 0), np.float32)


def embed_missing(
    store: Store, stage: TextVectors, progress: Progress, stop: Callable[[], bool] = lambda: False
) -> int:
    """Give every note a vector of the stage's model, batch by batch, each one transaction; returns how many were made.

    When that is done, vectors of other models are dropped: nothing searches them any more. Ends between two batches
    where `stop` says so. Raises ModelError.
    """
    name = stage.role.name
    missing = store.vectors.missing(name)
    if not missing:
        return 0
    progress.start(0, len(missing), "embedding notes")
    for begin in range(0, len(missing), SWEEP_BATCH):
        notes = missing[begin : begin + SWEEP_BATCH]
        vectors = stage([note.text for note in notes])
        with store.atomic():
            store.vectors.put(name, [note.id for note in notes], vectors)
        progress.advance(len(notes))
        done = begin + len(notes)
        if done < len(missing) and stop():
            progress.finish()
            return done
    progress.finish()
    store.vectors.drop(name)
    return len(missing)
