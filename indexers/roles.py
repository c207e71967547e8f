"""A model as a stage holds it: loaded when first called for, and left behind when the stage is pickled.

What travels to another process is the spec; the model is loaded again there. Knows the registry, no stage.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from lvqa.models.registry import Role as RoleName

ModelT = TypeVar("ModelT")

_LOADERS: dict[RoleName, str] = {
    "vision": "load_vision",
    "embedder": "load_embedder",
    "image_embedder": "load_image_embedder",
    "detector": "load_detector",
    "ocr": "load_reader",
    "asr": "load_transcriber",
}


class Role(Generic[ModelT]):
    """One model in one role, known by its spec. Two are equal when role, spec and device are."""

    def __init__(self, role: RoleName, spec: str, device: str = "auto", model: ModelT | None = None) -> None:
        if role not in _LOADERS:
            raise ValueError(f"a stage's role is one of {', '.join(_LOADERS)}, got {role!r}")
        self.role: RoleName = role
        self.spec = spec
        self.device = device
        self._model = model

    @property
    def model(self) -> ModelT:
        """The model, loaded on first use. Raises ModelNotFound, ModelError, or UsageError for an unknown spec."""
        if self._model is None:
            from lvqa.models import registry

            load: Callable[..., Any] = getattr(registry, _LOADERS[self.role])
            self._model = cast(ModelT, load(self.spec, device=self.device))
        return self._model

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_model": None}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Role) and (self.role, self.spec, self.device) == (other.role, other.spec, other.device)

    def __hash__(self) -> int:
        return hash((self.role, self.spec, self.device))

    def __repr__(self) -> str:
        return f"Role({self.role!r}, {self.spec!r}, {self.device!r})"
