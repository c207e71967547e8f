"""Vectors as the blobs that tables hold: little-endian float32. Knows the columns that both such tables have."""

from __future__ import annotations

import numpy as np

from lvqa.errors import StoreError
from lvqa.models.base import Vectors
from lvqa.store.checksums import insert
from lvqa.store.database import Connections
from lvqa.store.keys import clean_text


def put_blob(connections: Connections, table: str, where: str, key: tuple[object, ...], blob: bytes) -> None:
    """Put a vector under a key, inside `atomic`, in place of another one there; the same one stays as it is."""
    known = connections.value(f"SELECT vector FROM {table} WHERE model = ? AND {where}", key)
    if known == blob:
        return
    if known is not None:
        connections.write(f"DELETE FROM {table} WHERE model = ? AND {where}", key)
    connections.write(insert(table), (*key, len(blob) // 4, blob))


def blobs_of(connections: Connections, table: str, model: str, n: int, vectors: Vectors) -> list[bytes]:
    """The blobs of n vectors, float32 (n, d), of a model.

    Raises StoreError where they are not n, hold values that are not finite, or have another d than the model's others
    in the table.
    """
    array = np.ascontiguousarray(vectors, dtype="<f4")
    if n == 0 and array.size == 0:
        return []
    if array.ndim != 2 or len(array) != n or not array.shape[1]:
        raise StoreError(f"{n} vectors of {model} are expected as an array ({n}, d), got {array.shape}")
    if not np.isfinite(array).all():
        raise StoreError(f"a vector of {model} holds values that are not finite; the model or its input is broken")
    dim = connections.value(f"SELECT dim FROM {table} WHERE model = ? LIMIT 1", (clean_text(model),))
    if dim is not None and dim != array.shape[1]:
        raise StoreError(
            f"{model} gave vectors of {array.shape[1]} values, those in the index have {dim}; "
            "it is another model by the same name: drop the old vectors, or give it a name of its own"
        )
    return [row.tobytes() for row in array]


def matrix(blobs: list[bytes]) -> Vectors:
    """Blobs of one length as float32 (n, d)."""
    if not blobs:
        return np.zeros((0, 0), np.float32)
    return np.frombuffer(b"".join(blobs), "<f4").reshape(len(blobs), -1).astype(np.float32)
