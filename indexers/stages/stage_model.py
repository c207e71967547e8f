"""A model as a stage holds it: by the name that its rows bear, asked for as much at once as fits its memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from lvqa.models.hf.common import Batches

# So many videos in a row on which one stage's model fails mean that the model is broken, not the videos.
GIVE_UP_AFTER = 3

ModelT = TypeVar("ModelT")
S = TypeVar("S")
T = TypeVar("T")


class StageModel(Generic[ModelT]):
    """One model and its name; `spec` is what it was asked for by, told where its memory is full: its name, else."""

    def __init__(self, name: str, model: ModelT, spec: str = "") -> None:
        self.name = name
        self.model = model
        self._batches = Batches(None, spec or name)

    def run(self, items: Sequence[S], call: Callable[[ModelT, Sequence[S]], Sequence[T]]) -> list[T]:
        """`call` with the model on all items at once; where they do not fit its memory, by halves from then on."""
        return self._batches.run(items, lambda part: call(self.model, part))
