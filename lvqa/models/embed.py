"""Texts into vectors through sentence-transformers: a hub id, a folder, or the MiniLM that comes as a wheel.

Knows nothing of notes or search.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lvqa.errors import ModelError, ModelNotFound
from lvqa.models.base import Vectors
from lvqa.models.hf.common import Batches, device_errors, first_line, load_pretrained, pick_device, quiet
from lvqa.models.weights import as_folder, find_weights, hub_has, minilm_folder

# What holds pickles, by name; none is ever loaded, and none is downloaded.
PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.pickle", "*.ckpt", "*.joblib")


class SentenceEmbedder:
    """An Embedder. Where the model defines prompts for queries and documents, they are used."""

    def __init__(self, name: str, model: Any, *, batch: int = 64) -> None:
        self.name = name
        self._model = model
        self._batches = Batches(batch, name)
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
        # The longest first: texts of about a length need little padding, and what does not fit is known at once.
        order = sorted(range(len(texts)), key=lambda n: -len(texts[n]))
        vectors = self._batches.run([texts[n] for n in order], lambda part: list(self._some(encode, part)))
        rows = np.empty((len(texts), self.dim), np.float32)
        rows[order] = np.stack(vectors)
        return unit_rows(self.name, rows)

    def _some(self, encode: Callable[..., Any], texts: Sequence[str]) -> Any:
        device = str(getattr(self._model, "device", "cpu"))
        with self._lock, device_errors(self.name, device):
            return encode(
                list(texts),
                batch_size=len(texts),
                show_progress_bar=False,
                convert_to_numpy=True,
                normalize_embeddings=True,
            )


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


def load_sentence_transformer(spec: str, device: str, *, trust_remote_code: bool = False) -> Any:
    """A SentenceTransformer for `st:<id or folder>`. Raises ModelNotFound, ModelError.

    A model of the hub is brought to disk first, without what would be unpickled; then its folder is looked at.
    """
    with quiet():
        from sentence_transformers import SentenceTransformer
    model = spec.partition(":")[2]
    folder = find_weights(model) or as_folder(model)
    if folder is None and hub_has(model):
        folder = _downloaded(spec, model)
    if folder is not None:
        check_modules(spec, folder, trust_remote_code=trust_remote_code)
    return load_pretrained(
        spec,
        SentenceTransformer,
        trust_remote_code=trust_remote_code,
        device=pick_device(device),
        model_kwargs={"use_safetensors": True},
    )


def _downloaded(spec: str, model: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        with quiet():
            return Path(
                snapshot_download(model, ignore_patterns=[*PICKLES, "onnx/*", "openvino/*", "*.h5", "*.msgpack"])
            )
    except (OSError, ValueError) as error:
        raise ModelNotFound(f"{spec}: {first_line(error)}; try again, or give a folder that holds it") from error


def check_modules(spec: str, folder: Path, *, trust_remote_code: bool = False) -> None:
    """Raise ModelError where sentence-transformers would unpickle weights, or import what is none of its own.

    `use_safetensors` reaches its transformer alone: a Dense layer, or a CLIP, loads a .bin where there is nothing else.
    """
    modules: list[dict[str, Any]] = []
    listed = folder / "modules.json"
    if listed.is_file():
        try:
            modules = [dict(module) for module in json.loads(listed.read_text(encoding="utf-8"))]
        except (OSError, ValueError, TypeError) as error:
            raise ModelError(f"{spec}: {listed} cannot be read ({first_line(error)}); get the model anew") from error
    for module in modules:
        kind = str(module.get("type", ""))
        if not kind.startswith("sentence_transformers.") and not trust_remote_code:
            raise ModelError(
                f"{spec} brings code of its own ({kind}), which lvqa does not run; choose another model, or, if you "
                f"trust it, add it by name: --set trust_remote_code={spec.partition(':')[2]}"
            )
    for path in [folder, *(folder / str(module.get("path", "")) for module in modules)]:
        pickled = [found for pattern in PICKLES for found in path.glob(pattern)]
        if pickled and not any(path.glob("*.safetensors")):
            raise ModelError(
                f"{spec} has its weights in {pickled[0].name}, which would be unpickled; take one with safetensors"
            )


def load(spec: str, *, device: str = "auto", trust_remote_code: bool = False) -> SentenceEmbedder:
    """Load `st:<id or folder>` or `minilm`. Raises ModelNotFound, ModelError."""
    source = f"st:{minilm_folder()}" if spec == "minilm" else spec
    return SentenceEmbedder(spec, load_sentence_transformer(source, device, trust_remote_code=trust_remote_code))
