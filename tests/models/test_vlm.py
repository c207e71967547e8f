"""The models whose processors need torchvision: the same class and calls as LLaVA in test_vision.py.

`make test-vlm` runs these in an environment of their own; where torchvision is missing, what that looks like is tested.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvqa.errors import ModelNotFound
from lvqa.models.base import Reply, VisionRequest
from lvqa.models.registry import load_vision

KINDS = ["llava", "onevision", "smolvlm", "qwen"]


@pytest.mark.vlm
class TestEveryKind:
    @pytest.fixture(params=KINDS)
    def model(self, request: pytest.FixtureRequest, loaded: Callable[..., Any]) -> Any:
        return loaded(load_vision, "hf:{}", request.param)

    def test_a_batch_says_what_single_requests_say(self, model: Any, frames: list[np.ndarray]) -> None:
        requests = [
            VisionRequest(frames[:1], "what is in the picture", 12),
            VisionRequest(frames[:3], "describe these frames in one sentence please", 5),
            VisionRequest(frames[3:], "what does the man do", 20),
        ]
        together = model.generate(requests)
        assert together == [model.generate([request])[0] for request in requests]
        assert together[::-1] == model.generate(requests[::-1])
        for request, reply in zip(requests, together, strict=True):
            assert isinstance(reply, Reply)
            assert 0 < reply.tokens_out <= request.max_tokens
            assert reply.tokens_in > len(request.frames)

    def test_every_frame_counts(self, model: Any, frames: list[np.ndarray]) -> None:
        counts = [model.generate([VisionRequest(frames[:n], "describe", 1)])[0].tokens_in for n in (2, 3)]
        assert counts[1] > counts[0]
        one, other = (VisionRequest([np.full((60, 60, 3), v, np.uint8)], "yes or no", 4) for v in (0, 255))
        assert model.yes_probability([one]) != model.yes_probability([other])

    def test_yes_probability(self, model: Any, frames: list[np.ndarray]) -> None:
        requests = [VisionRequest(frames[i : i + 2], f"is there a dog ? {i} yes or no") for i in range(3)]
        together = model.yes_probability(requests)
        assert all(0.0 <= p <= 1.0 for p in together)
        np.testing.assert_allclose(together, [model.yes_probability([r])[0] for r in requests], atol=1e-3)

    def test_it_reasons_as_well(self, model: Any) -> None:
        reply = model.as_chat().invoke([("system", "be brief"), ("human", "who opens the fridge")], max_tokens=6)
        assert 0 < reply.usage_metadata["output_tokens"] <= 6


@pytest.mark.vlm
def test_frames_are_not_cut_into_tiles(loaded: Callable[..., Any], frames: list[np.ndarray]) -> None:
    from lvqa.models.hf.vision import HfVision

    plain = loaded(load_vision, "hf:{}", "smolvlm")
    generator = plain._generator
    tiled = HfVision("hf:x", generator.model, plain._processor, "cpu", tiles=True)
    request = VisionRequest(frames[:1], "describe", 1)
    assert tiled.generate([request])[0].tokens_in > 2 * plain.generate([request])[0].tokens_in


@pytest.mark.vlm
def test_the_tiny_model_sees_as_well_through_torchvision(loaded: Callable[..., Any]) -> None:
    from lvqa.eval.lab.tiny.check import captions_of, views
    from lvqa.eval.lab.tiny.models import VISION

    assert captions_of(loaded(load_vision, VISION), views(24, 31))["caption object F1"] >= 0.92


@pytest.mark.vlm
def test_torchvision_is_here() -> None:
    # `make test-vlm` promises it: were it missing, everything above would prove nothing.
    assert importlib.util.find_spec("torchvision") is not None


@pytest.mark.real_models
@pytest.mark.skipif(importlib.util.find_spec("torchvision") is not None, reason="torchvision is here")
def test_without_torchvision_one_line_says_what_to_install(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    import json
    import shutil

    folder = shutil.copytree(tiny("llava"), tmp_path / "smolvlm")
    (folder / "config.json").write_text(json.dumps({"model_type": "smolvlm"}))
    written = json.loads((folder / "processor_config.json").read_text())
    written["processor_class"] = "SmolVLMProcessor"
    (folder / "processor_config.json").write_text(json.dumps(written))
    with pytest.raises(ModelNotFound) as caught:
        load_vision(f"hf:{folder}", device="cpu")
    assert str(caught.value).startswith(f"the processor of hf:{folder} needs ")
    assert str(caught.value).endswith("pip install 'lvqa[vlm]'")
