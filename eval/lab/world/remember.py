"""A vision model that remembers: the same request gets the same reply without the model running again.

For measuring many questions about the same frames. What a question pays for is unchanged: the ledger is the agent's,
and knows nothing of this.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from lvqa.models.base import VisionModel, VisionRequest


class Remembering:
    """Wraps a vision model whose replies depend on the request alone."""

    def __init__(self, model: VisionModel) -> None:
        self._model = model
        self._replies: dict[bytes, str] = {}
        self._yes: dict[bytes, float] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(self._model, name)

    @property
    def name(self) -> str:
        """The model's own."""
        return self._model.name

    def generate(self, requests: Sequence[VisionRequest]) -> list[str]:
        """The model's replies, each asked for once."""
        keys = [_key(request) for request in requests]
        fresh = {key: request for key, request in zip(keys, requests, strict=True) if key not in self._replies}
        self._replies.update(zip(fresh, self._model.generate(list(fresh.values())), strict=True) if fresh else ())
        return [self._replies[key] for key in keys]

    def yes_probability(self, requests: Sequence[VisionRequest]) -> list[float]:
        """The model's probabilities, each asked for once."""
        keys = [_key(request) for request in requests]
        fresh = {key: request for key, request in zip(keys, requests, strict=True) if key not in self._yes}
        self._yes.update(zip(fresh, self._model.yes_probability(list(fresh.values())), strict=True) if fresh else ())
        return [self._yes[key] for key in keys]


def _key(request: VisionRequest) -> bytes:
    digest = hashlib.blake2b(f"{request.max_tokens}:{request.prompt}".encode(), digest_size=16)
    for frame in request.frames:
        digest.update(str(frame.shape).encode())
        digest.update(frame.tobytes())
    return digest.digest()
