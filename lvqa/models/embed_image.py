"""Frames and queries into one space: CLIP and SigLIP through transformers, or whatever sentence-transformers loads.

Knows nothing of videos or search. Queries work best as captions ("a woman opens a fridge"), not as questions.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image

from lvqa.errors import ModelError
from lvqa.models.base import Frame, ImageEmbedder, Vectors
from lvqa.models.capabilities import declared_by
from lvqa.models.embed import load_sentence_transformer, unit_rows
from lvqa.models.hf.common import Batches, device_errors, load_both, pick_device, quiet


class HfImageEmbedder:
    """A dual encoder of transformers with `get_image_features` and `get_text_features`."""

    def __init__(self, name: str, model: Any, processor: Any, device: str, *, batch: int = 32) -> None:
        if not (hasattr(model, "get_image_features") and hasattr(model, "get_text_features")):
            raise ModelError(f"{name} does not embed pictures and texts into one space; take a CLIP or SigLIP model")
        self.name = name
        self._model = model
        self._processor = processor
        self._device = device
        self._batches = Batches(batch, name)
        self._lock = threading.Lock()
        self.dim = int(self._features(["a"], self._texts).shape[1])

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """Queries into float32 (n, dim), unit norm. Raises ModelError."""
        return self._encode(list(texts), self._texts)

    def encode_frames(self, frames: Sequence[Frame]) -> Vectors:
        """Frames into float32 (n, dim), unit norm. Raises ModelError."""
        return self._encode(frames, self._images)

    def _encode(self, items: Sequence[Any], features: Callable[[Sequence[Any]], Any]) -> Vectors:
        if not len(items):
            return np.zeros((0, self.dim), np.float32)
        rows = self._batches.run(items, lambda part: list(self._features(part, features)))
        return unit_rows(self.name, np.stack(rows))

    def _features(self, items: Sequence[Any], features: Callable[[Sequence[Any]], Any]) -> Vectors:
        import torch

        with self._lock, device_errors(self.name, self._device), torch.inference_mode():
            out = features(items)
            # transformers 5 wraps the projected features, 4 returned them bare.
            out = getattr(out, "pooler_output", out)
            vectors: Vectors = out.float().cpu().numpy()
            return vectors

    def _texts(self, texts: Sequence[str]) -> Any:
        # SigLIP was trained on texts padded to its full length; CLIP does not mind.
        length = int(self._model.config.text_config.max_position_embeddings)
        inputs = self._processor(
            text=list(texts), padding="max_length", max_length=length, truncation=True, return_tensors="pt"
        )
        return self._model.get_text_features(**self._known(inputs))

    def _images(self, frames: Sequence[Frame]) -> Any:
        inputs = self._processor(images=[Image.fromarray(frame) for frame in frames], return_tensors="pt")
        return self._model.get_image_features(**self._known(inputs))

    def _known(self, inputs: Any) -> dict[str, Any]:
        moved = inputs.to(self._device)
        return {
            key: value.to(self._model.dtype) if value.is_floating_point() else value
            for key, value in moved.items()
            if key != "token_type_ids"
        }


class SentenceImageEmbedder:
    """A sentence-transformers model that takes pictures as well as texts."""

    def __init__(self, name: str, model: Any, device: str, *, batch: int = 32) -> None:
        self.name = name
        self._model = model
        self._device = device
        self._batches = Batches(batch, name)
        self._lock = threading.Lock()
        probe = self._encode([Image.new("RGB", (32, 32))])
        self.dim = int(probe.shape[1])

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """Queries into float32 (n, dim), unit norm. Raises ModelError."""
        return self._encode(list(texts)) if texts else np.zeros((0, self.dim), np.float32)

    def encode_frames(self, frames: Sequence[Frame]) -> Vectors:
        """Frames into float32 (n, dim), unit norm. Raises ModelError."""
        if not len(frames):
            return np.zeros((0, self.dim), np.float32)
        return self._encode([Image.fromarray(frame) for frame in frames])

    def _encode(self, items: list[Any]) -> Vectors:
        return unit_rows(self.name, np.stack(self._batches.run(items, self._some)))

    def _some(self, items: Sequence[Any]) -> list[Any]:
        with self._lock, device_errors(self.name, self._device), quiet():
            return list(
                self._model.encode(list(items), batch_size=len(items), show_progress_bar=False, convert_to_numpy=True)
            )


def load(spec: str, *, device: str = "auto", trust_remote_code: bool = False) -> ImageEmbedder:
    """Load `hf:<id or folder>` through transformers or `st:<id or folder>` through sentence-transformers.

    Raises ModelNotFound, ModelError.
    """
    if spec.startswith("st:"):
        device = pick_device(device)
        return SentenceImageEmbedder(
            spec, load_sentence_transformer(spec, device, trust_remote_code=trust_remote_code), device
        )
    own = declared_by(spec)
    model, processor, device = load_both(
        spec, "AutoModel", "AutoProcessor", device, dtype=own.dtype, trust_remote_code=trust_remote_code
    )
    return HfImageEmbedder(own.name or spec, model, processor, device, batch=own.batch or 32)
