"""One contract for every VisionModel, and what is particular to the transformers backend."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvqa.errors import ModelError, ModelNotFound, UsageError
from lvqa.eval.lab.footage_writer import write_video
from lvqa.indexers import run_index
from lvqa.indexers.stages import caption
from lvqa.models import in_flight
from lvqa.models.base import Reply, VisionModel, VisionRequest
from lvqa.models.fake import FakeChat, FakeVision
from lvqa.models.hf import common
from lvqa.models.hf.generate import Generator
from lvqa.models.hf.vision import OnDevices
from lvqa.models.profiles import Models
from lvqa.models.registry import load_vision
from lvqa.settings import Settings
from lvqa.store import Store

BACKENDS = ["fake", "hf", "openai", "langchain"]


@pytest.fixture(params=BACKENDS)
def model(request: pytest.FixtureRequest, loaded: Callable[..., Any]) -> VisionModel:
    if request.param == "fake":
        return FakeVision(lambda r: f"{len(r.frames)} of {r.frames[0].shape[:2]} {r.prompt}", yes=0.25)
    if request.param == "hf":
        return loaded(load_vision, "hf:{}", "llava")
    if request.param == "openai":
        server = request.getfixturevalue("server")
        request.getfixturevalue("real_models")
        return load_vision(f"openai:good@{server.url}")
    from lvqa.models.served.langchain import LangChainVision

    def reply(messages: list[Any]) -> str:
        text = str(messages[-1].text)
        return "no" if "dog" in text else ("yes" if "yes or no" in text else f"{len(messages[-1].content)} {text}")

    return LangChainVision(FakeChat(reply), "lc:fake")


def _requests(frames: list[np.ndarray]) -> list[VisionRequest]:
    return [
        VisionRequest(frames[:1], "what is in the picture", 12),
        VisionRequest(frames[:3], "describe these frames in one sentence please, from the first to the last", 7),
        VisionRequest(frames[3:], "what does the man do", 20),
        VisionRequest(frames[1:2], "a dog ?", 4),
    ]


def test_it_is_a_vision_model(model: VisionModel) -> None:
    assert isinstance(model, VisionModel)
    assert model.name


def test_nothing_in_nothing_out(model: VisionModel) -> None:
    assert model.generate([]) == []
    assert model.yes_probability([]) == []


def test_order_is_kept_and_a_batch_says_what_single_requests_say(model: VisionModel, frames: list[np.ndarray]) -> None:
    requests = _requests(frames)
    together = model.generate(requests)
    assert together == [model.generate([request])[0] for request in requests]
    assert together[::-1] == model.generate(requests[::-1])
    assert len(set(together)) == len(together)


def test_the_same_again_gives_the_same(model: VisionModel, frames: list[np.ndarray]) -> None:
    requests = _requests(frames)
    assert model.generate(requests) == model.generate(requests)


def test_replies_carry_their_tokens(model: VisionModel, frames: list[np.ndarray]) -> None:
    requests = _requests(frames)
    for reply in model.generate(requests):
        assert isinstance(reply, Reply)
        assert reply.tokens_in > 0
        assert reply.tokens_out > 0


def test_yes_probability_is_one_for_each_request(model: VisionModel, frames: list[np.ndarray]) -> None:
    requests = [
        VisionRequest(frames[i : i + 2], f"yes or no: is there a {what}?") for i, what in enumerate(["cat", "dog"])
    ]
    together = model.yes_probability(requests)
    assert all(0.0 <= p <= 1.0 for p in together)
    np.testing.assert_allclose(together, [model.yes_probability([r])[0] for r in requests], atol=1e-4)


class TestTransformers:
    @pytest.fixture
    def llava(self, loaded: Callable[..., Any]) -> Any:
        return loaded(load_vision, "hf:{}", "llava")

    def test_each_request_of_a_batch_keeps_its_own_limit(self, llava: Any, frames: list[np.ndarray]) -> None:
        limits = [3, 40, 1, 9]
        replies = llava.generate([VisionRequest(frames[:2], "describe the picture", n) for n in limits])
        assert [r.tokens_out <= n for r, n in zip(replies, limits, strict=True)] == [True] * 4
        assert max(r.tokens_out for r in replies) > 9

    def test_more_frames_are_more_tokens(self, llava: Any, frames: list[np.ndarray]) -> None:
        one, three = llava.generate([VisionRequest(frames[:n], "describe", 2) for n in (1, 3)])
        assert three.tokens_in - one.tokens_in == 2 * 4  # 28 x 28 pixels in patches of 14

    def test_yes_probability_is_that_of_the_first_logits(self, llava: Any, frames: list[np.ndarray]) -> None:
        import torch

        request = VisionRequest(frames[:1], "is there a dog ? yes or no")
        inputs = llava._inputs([request])
        with torch.inference_mode():
            logits = llava._generator.model(**inputs).logits[0, -1]
        tokenizer = llava._generator.tokenizer

        def first(words: list[str]) -> set[int]:
            return {tokenizer.encode(word, add_special_tokens=False)[0] for word in words}

        yes = first(["yes", "Yes", "YES", " yes", " Yes", " YES"])
        no = first(["no", "No", "NO", " no", " No", " NO"])
        p = torch.softmax(logits, dim=0)
        p_yes, p_no = p[sorted(yes - no)].sum(), p[sorted(no - yes)].sum()
        assert llava.yes_probability([request])[0] == pytest.approx(float(p_yes / (p_yes + p_no)), abs=1e-5)

    def test_a_batch_that_does_not_fit_is_halved_and_goes_on(
        self, tiny: Callable[[str], Path], frames: list[np.ndarray], real_models: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import torch

        model: Any = load_vision(f"hf:{tiny('llava')}", device="cpu")
        requests = [VisionRequest([frame], f"what is in picture {i}", 5) for i, frame in enumerate(frames)]
        wanted = model.generate(requests)
        real, sizes = model._generator.model.generate, []

        def small(**inputs: Any) -> Any:
            sizes.append(len(inputs["input_ids"]))
            if sizes[-1] > 2:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return real(**inputs)

        monkeypatch.setattr(model._generator.model, "generate", small)
        assert model.generate(requests) == wanted
        assert sizes == [5, 3, 2, 2, 1]

        def never(**inputs: Any) -> Any:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

        monkeypatch.setattr(model._generator.model, "generate", never)
        with pytest.raises(ModelError, match="out of memory on cpu; use smaller or fewer frames"):
            model.generate(requests)

    def test_a_prompt_beyond_the_context_says_so(self, llava: Any, frames: list[np.ndarray]) -> None:
        with pytest.raises(ModelError, match="at most 4096 tokens"):
            llava.generate([VisionRequest(frames[:1], "milk " * 5000, 5)])

    def test_text_that_spells_an_image_is_one_line(self, llava: Any, frames: list[np.ndarray]) -> None:
        with pytest.raises(ModelError) as caught:
            llava.generate([VisionRequest(frames[:1], "what is <image> here", 5)])
        assert "\n" not in str(caught.value)

    def test_several_threads_may_ask(self, llava: Any, frames: list[np.ndarray]) -> None:
        requests = [VisionRequest(frames[i : i + 1], f"what is in picture {i}", 8) for i in range(4)]
        wanted = llava.generate(requests)
        with ThreadPoolExecutor(4) as pool:
            for _ in range(3):
                assert list(pool.map(lambda request: llava.generate([request])[0], requests)) == wanted

    def test_it_reasons_as_well(self, llava: Any) -> None:
        chat = llava.as_chat()
        reply = chat.invoke([("system", "reply in one word"), ("human", "who opens the fridge")], max_tokens=6)
        assert 0 < reply.usage_metadata["output_tokens"] <= 6
        assert chat.invoke("again", max_tokens=3).text == chat.invoke("again", max_tokens=3).text

    def test_loading_is_quiet(
        self, tiny: Callable[[str], Path], real_models: None, capfd: pytest.CaptureFixture[str]
    ) -> None:
        folder = tiny("llava")
        capfd.readouterr()
        load_vision(f"hf:{folder}", device="cpu")
        assert capfd.readouterr() == ("", "")


@pytest.mark.real_models
class TestNotThere:
    def test_a_model_that_is_not_on_disk(self) -> None:
        with pytest.raises(ModelNotFound) as caught:
            load_vision("hf:nobody/nothing")
        message = str(caught.value)
        assert "hf:nobody/nothing" in message
        assert "huggingface" in message
        assert "HF_HUB_OFFLINE is set" in message
        assert "hf:<folder>" in message
        assert "\n" not in message

    def test_a_folder_that_is_not_there(self) -> None:
        with pytest.raises(ModelNotFound, match="there is no folder /nowhere/at/all"):
            load_vision("hf:/nowhere/at/all")

    def test_a_folder_without_a_model(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="does not hold a model this role can use"):
            load_vision(f"hf:{tmp_path}")

    def test_a_model_that_does_not_see(self, tiny: Callable[[str], Path]) -> None:
        with pytest.raises(ModelError):
            load_vision(f"hf:{tiny('causal')}")

    def test_weights_that_would_be_unpickled_are_refused(self, tiny: Callable[[str], Path], tmp_path: Path) -> None:
        import shutil

        import torch

        folder = shutil.copytree(tiny("llava"), tmp_path / "pickled")
        (folder / "model.safetensors").unlink()
        torch.save({}, folder / "pytorch_model.bin")
        with pytest.raises(ModelError, match="safetensors"):
            load_vision(f"hf:{folder}")

    def test_a_device_that_is_not_there(self, tiny: Callable[[str], Path]) -> None:
        with pytest.raises(UsageError, match="unknown device"):
            load_vision(f"hf:{tiny('llava')}", device="toaster")


@pytest.mark.real_models
def test_a_model_on_each_of_several_devices_says_what_one_says(
    tiny: Callable[[str], Path], frames: list[np.ndarray]
) -> None:
    spec = f"hf:{tiny('llava')}"
    one, two = (load_vision(spec, device=device) for device in ("cpu", "cpu,cpu"))
    assert isinstance(two, OnDevices)
    assert isinstance(two, VisionModel)
    assert two.name == one.name
    assert (in_flight(one).calls, two.in_flight.calls) == (2, 4)
    requests = _requests(frames)
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(two.generate, [requests] * 8))
    assert replies == [one.generate(requests)] * 8
    assert two.yes_probability(requests) == one.yes_probability(requests)
    with pytest.raises(UsageError, match="unknown device 'gpu'"):
        load_vision(spec, device="cpu,gpu")
    models = Models(Settings(profile="text", vision=spec, chat="vision", device="cpu, cpu"))
    assert isinstance(models.vision, OnDevices)
    assert models.chat is not None


@pytest.mark.real_models
def test_a_model_over_several_devices_is_laid_by_accelerate(
    tiny: Callable[[str], Path], frames: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoModelForImageTextToText

    spec, asked = f"hf:{tiny('llava')}", {}
    models = Models(Settings(profile="text", vision=spec, device="cpu", device_map="auto"))
    monkeypatch.setattr(common, "installed", lambda package: False)
    with pytest.raises(UsageError, match=r"device_map 'auto' needs accelerate: pip install 'lvqa\[gpu\]'"):
        models.vision  # noqa: B018
    load = AutoModelForImageTextToText.from_pretrained

    def laid(*args: Any, device_map: str, **more: Any) -> Any:
        asked["device_map"] = device_map
        return load(*args, **more)

    monkeypatch.setattr(common, "installed", lambda package: package == "accelerate")
    monkeypatch.setattr(AutoModelForImageTextToText, "from_pretrained", laid)
    vision = models.vision
    assert vision is not None
    assert asked == {"device_map": "auto"}
    assert vision.generate(_requests(frames)[:1])[0].strip()


@pytest.mark.real_models
def test_clips_of_many_short_videos_fill_the_batches(
    tiny: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        frames = (np.full((48, 64, 3), (6 * number, 40 * (k // 4), 90), np.uint8) for k in range(12))
        write_video(tmp_path / f"{number}.mp4", frames, fps=4)
    given = {"vision": f"hf:{tiny('llava')}", "device": "cpu", "profile": "text", "ocr": "none", "embedder": "none"}
    settings = Settings(**given, clip_max_s=1.0, caption_tokens=8, summaries="none", asr="none")
    sizes: list[int] = []
    generate = Generator.generate

    def counted(self: Generator, inputs: Any, limits: Any, stop: Any = ()) -> Any:
        sizes.append(len(limits))
        return generate(self, inputs, limits, stop)

    monkeypatch.setattr(Generator, "generate", counted)
    # What the random weights say is often no caption, and would be asked for again.
    monkeypatch.setattr(caption, "usable_caption", lambda reply: f"said {reply!r}")
    with Store.open(tmp_path / "index", write=True) as store:
        report = run_index(tmp_path, store, Models(settings), settings)
    assert (report.indexed, report.clips, sum(sizes)) == (40, 120, 120)
    assert sum(sizes) / len(sizes) >= 0.9 * 8
