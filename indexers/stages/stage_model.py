"""A model as a stage holds it: loaded when first called for, left behind when the stage travels to another process.

What travels is the spec; the model is loaded again there. Knows the registry, no stage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, cast

from lvqa.models.hf.common import Batches
from lvqa.models.registry import Role

# So many videos in a row on which one stage's model fails mean that the model is broken, not the videos.
GIVE_UP_AFTER = 3

ModelT = TypeVar("ModelT")
S = TypeVar("S")
T = TypeVar("T")

_LOADERS: dict[Role, str] = {
    "vision": "load_vision",
    "embedder": "load_embedder",
    "image_embedder": "load_image_embedder",
    "detector": "load_detector",
    "ocr": "load_reader",
    "asr": "load_transcriber",
}


class StageModel(Generic[ModelT]):
    """One model in one role, loaded by its spec, known by its name. Two are equal when role, spec and device are."""

    def __init__(
        self,
        role: Role,
        spec: str,
        device: str = "auto",
        model: ModelT | None = None,
        trusted: Sequence[str] = (),
        name: str = "",
    ) -> None:
        if role not in _LOADERS:
            raise ValueError(f"a stage's role is one of {', '.join(_LOADERS)}, got {role!r}")
        self.role: Role = role
        self.spec = spec
        self.name = name or spec
        self.device = device
        self.trusted = tuple(trusted)
        self._model = model
        self._batches = Batches(None, spec)

    @property
    def model(self) -> ModelT:
        """The model, loaded on first use. Raises ModelNotFound, ModelError, or UsageError for an unknown spec."""
        if self._model is None:
            from lvqa.models import registry

            more: dict[str, Any] = {"trusted": self.trusted} if self.trusted else {}
            load: Callable[..., Any] = getattr(registry, _LOADERS[self.role])
            self._model = cast(ModelT, load(self.spec, device=self.device, **more))
        return self._model

    def run(self, items: Sequence[S], call: Callable[[ModelT, Sequence[S]], Sequence[T]]) -> list[T]:
        """`call` with the model on all items at once; where they do not fit its memory, by halves from then on."""
        return self._batches.run(items, lambda part: call(self.model, part))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_model": None, "_batches": Batches(None, self.spec)}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StageModel) and (self.role, self.spec, self.device) == (
            other.role,
            other.spec,
            other.device,
        )

    def __hash__(self) -> int:
        return hash((self.role, self.spec, self.device))

    def __repr__(self) -> str:
        return f"StageModel({self.role!r}, {self.spec!r}, {self.device!r})"
