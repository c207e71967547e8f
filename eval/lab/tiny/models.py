"""`builtin:tiny`: a VLM and a dual encoder small enough to come with lvqa, for the synthetic world and nothing else.

Both load as any other model of their class does, from the folders `vlm` and `dual` beside this file. What is added here
is honesty: a prompt with a word that the VLM was never taught is answered with "unknown", not with a guess. How they
are made is told in eval/tiny.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lvqa.errors import UsageError
from lvqa.models.base import UNKNOWN, Reply, VisionRequest
from lvqa.models.embed_image import HfImageEmbedder
from lvqa.models.hf_common import load_pretrained, pick_device, quiet
from lvqa.models.hf_vision import HfVision
from lvqa.models.registry import prompt_set
from lvqa.models.weights import TINY_FOLDER as FOLDER

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["FOLDER", "SPEC", "TinyVision", "load_image_embedder", "load_vision"]

SPEC = "builtin:tiny"


class TinyVision(HfVision):
    """The tiny VLM: short questions about one frame in the words of the world; of several frames, the middle one."""

    prompt_set = prompt_set(SPEC)

    def generate(self, requests: Sequence[VisionRequest]) -> list[str]:
        """Answer each request, in order; `unknown` where the prompt has words it was not taught. Raises ModelError."""
        known = [n for n, request in enumerate(requests) if self.understands(request.prompt)]
        replies = super().generate([_middle(requests[n]) for n in known])
        answers: dict[int, str] = dict(zip(known, replies, strict=True))
        return [answers.get(n, Reply(UNKNOWN)) for n in range(len(requests))]

    def yes_probability(self, requests: Sequence[VisionRequest]) -> list[float]:
        """As of any vision model; 0 where the prompt has words it was not taught: it sees no such thing."""
        known = [n for n, request in enumerate(requests) if self.understands(request.prompt)]
        values = super().yes_probability([_middle(requests[n]) for n in known])
        answers = dict(zip(known, values, strict=True))
        return [answers.get(n, 0.0) for n in range(len(requests))]

    def as_chat(self) -> BaseChatModel:
        """It does not reason. Raises UsageError."""
        raise UsageError(f"{self.name} looks and does not reason; name another chat model, or builtin:extractive")

    def understands(self, prompt: str) -> bool:
        """Whether it knows every word of a prompt."""
        tokenizer = self._generator.tokenizer
        with self._generator.tokenizing:
            ids = tokenizer.encode(prompt, add_special_tokens=False)
        return tokenizer.unk_token_id not in ids


def _middle(request: VisionRequest) -> VisionRequest:
    return replace(request, frames=(request.frames[len(request.frames) // 2],))


def load_vision(spec: str, *, device: str = "auto") -> TinyVision:
    """Load the VLM. Raises ModelError where its files are damaged."""
    with quiet():
        from transformers import AutoModelForImageTextToText, AutoProcessor
    model, processor, device = _load("vlm", AutoModelForImageTextToText, AutoProcessor, device)
    return TinyVision(spec, model, processor, device, batch=16)


def load_image_embedder(spec: str, *, device: str = "auto") -> HfImageEmbedder:
    """Load the dual encoder. Raises ModelError where its files are damaged."""
    with quiet():
        from transformers import AutoModel, AutoProcessor
    model, processor, device = _load("dual", AutoModel, AutoProcessor, device)
    return HfImageEmbedder(spec, model, processor, device)


def _load(part: str, models: Any, processors: Any, device: str) -> tuple[Any, Any, str]:
    import torch

    device, folder = pick_device(device), FOLDER / part
    if not (folder / "model.safetensors").is_file():
        raise UsageError(f"{SPEC}: {folder} holds no weights; install lvqa again")
    processor = load_pretrained(f"hf:{folder}", processors.from_pretrained)
    # Half precision is for its size on disk: on a CPU, and so small, single precision is faster.
    model = load_pretrained(f"hf:{folder}", models.from_pretrained, dtype=torch.float32, use_safetensors=True)
    return model.to(device).eval(), processor, device
