"""Texts into vectors through sentence-transformers: a hub id, a folder, or the MiniLM that comes as a wheel.

Knows nothing of notes or search.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lvqa.errors import ModelError
from lvqa.models.base import Vectors
from lvqa.models.hf_common import first_line, load_pretrained, pick_device, quiet
from lvqa.models.weights import minilm_folder


class SentenceEmbedder:
    """An Embedder. Where the model defines prompts for queries and documents, they are used."""

    def __init__(self, name: str, model: Any, *, batch: int = 64) -> None:
        self.name = name
        self._model = model
        self._batch = batch
        self._lock = threading.Lock()
        self.dim = int(model.get_embedding_dimension())

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """Queries into float32 (n, dim), unit norm. Raises ModelError."""
        return self._encode(self._model.encode_query, texts)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """Documents into float32 (n, dim), unit norm. Raises ModelError."""
        return self._encode(self._model.encode_document, texts)

    def _encode(self, encode: Callable[..., Any], texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        try:
            with self._lock:
                vectors = encode(
                    list(texts),
                    batch_size=self._batch,
                    show_progress_bar=False,
                    convert_to_numpy=True,
                    normalize_embeddings=True,
                )
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            raise ModelError(f"{self.name} failed on {len(texts)} texts: {first_line(error)}") from error
        return unit_rows(self.name, np.asarray(vectors))


def unit_rows(name: str, vectors: np.ndarray[Any, Any]) -> Vectors:
    """Rows at unit norm in float32. Raises ModelError where a row is zero or not finite."""
    rows = vectors.astype(np.float32, copy=False)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(norms).all() or (norms == 0).any():
        raise ModelError(
            f"{name} gave a vector that is zero or not finite; its weights are damaged, or the dtype too small"
        )
    unit: Vectors = rows / norms
    return unit


def load_sentence_transformer(spec: str, device: str) -> Any:
    """A SentenceTransformer for `st:<id or folder>`. Raises ModelNotFound, ModelError."""
    with quiet():
        from sentence_transformers import SentenceTransformer
    # Without safetensors weights, a .bin would be unpickled: refuse it, as everywhere.
    return load_pretrained(
        spec, SentenceTransformer, device=pick_device(device), model_kwargs={"use_safetensors": True}
    )


def load(spec: str, *, device: str = "auto") -> SentenceEmbedder:
    """Load `st:<id or folder>` or `minilm`. Raises ModelNotFound, ModelError."""
    source = f"st:{minilm_folder()}" if spec == "minilm" else spec
    return SentenceEmbedder(spec, load_sentence_transformer(source, device))
