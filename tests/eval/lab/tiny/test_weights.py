"""The tiny models are small, load as any models of their class do, see the world, and say when they do not know."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from real import real_models

from lvqa.errors import UsageError
from lvqa.eval.lab.tiny import lessons as ask
from lvqa.eval.lab.tiny.check import captions_of, crops, said, views
from lvqa.eval.lab.tiny.models import FOLDER, IMAGE_EMBEDDER, VISION, world_models
from lvqa.eval.lab.tiny.pictures import a_foreign
from lvqa.models.base import UNKNOWN, VisionRequest
from lvqa.models.hf.vision import HfVision
from lvqa.models.registry import load_image_embedder, load_vision

SEED = 31  # neither that of training nor that of lvqa.eval.lab.tiny.check


@pytest.fixture(scope="module")
def vision() -> HfVision:
    with real_models(allowed=True):
        model = load_vision(VISION, device="cpu")
    assert isinstance(model, HfVision)
    return model


def test_the_laboratorys_models_need_nothing_and_declare_what_they_can_be_asked() -> None:
    models = world_models()
    assert models.chat is None
    assert models.planner is not None
    assert models.specs["vision"] == VISION
    assert [models.can_be_asked(name) for name in ("caption", "timeline_ask", "inspect", "verify")] == [
        True,
        True,
        False,
        False,
    ]
    assert models.own_prompts["caption"].strip() == ask.DESCRIBE
    assert "nothing of real footage" in models.capabilities.about


def test_it_looks_and_does_not_reason(vision: HfVision) -> None:
    with pytest.raises(UsageError, match="does not reason"):
        vision.as_chat()


@pytest.fixture(scope="module")
def whole() -> list[Any]:
    return views(80, SEED)


@pytest.mark.parametrize(("part", "most_parameters", "most_bytes"), [("vlm", 4e6, 8e6), ("dual", 3e6, 8e6)])
def test_they_are_small_and_safetensors_alone(part: str, most_parameters: float, most_bytes: float) -> None:
    from safetensors import safe_open

    files = {path.name for path in (FOLDER / part).iterdir()}
    assert not [name for name in files if name.endswith((".bin", ".pt", ".pkl", ".py"))]
    weights = FOLDER / part / "model.safetensors"
    assert weights.stat().st_size <= most_bytes
    with safe_open(weights, "np") as tensors:
        n = sum(int(np.prod(tensors.get_slice(name).get_shape())) for name in tensors.keys())  # noqa: SIM118
    assert n <= most_parameters


@pytest.mark.real_models
def test_the_auto_classes_load_it_and_nothing_else_is_needed() -> None:
    from PIL import Image
    from transformers import AutoModelForImageTextToText, AutoProcessor

    processor = AutoProcessor.from_pretrained(FOLDER / "vlm")
    model = AutoModelForImageTextToText.from_pretrained(FOLDER / "vlm", dtype="float32")
    assert type(model).__name__ == "LlavaForConditionalGeneration"
    frame, picture = views(1, SEED)[0]
    content = [{"type": "image"}, {"type": "text", "text": ask.GROUND}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    inputs = processor(text=text, images=[Image.fromarray(frame)], add_special_tokens=False, return_tensors="pt")
    out = model.generate(**inputs, max_new_tokens=8)[0, inputs["input_ids"].shape[1] :]
    assert processor.decode(out, skip_special_tokens=True) == picture.ground


@pytest.mark.real_models
def test_loading_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    load_vision(VISION, device="cpu")
    load_image_embedder(IMAGE_EMBEDDER, device="cpu")
    assert capfd.readouterr() == ("", "")


def test_it_describes_frames(vision: HfVision, whole: list[Any]) -> None:
    assert captions_of(vision, whole)["caption object F1"] >= 0.92


@pytest.mark.parametrize("kind", ["colour", "place", "count", "existence"])
def test_it_answers_questions(vision: HfVision, whole: list[Any], kind: str) -> None:
    def question(picture: Any, rng: random.Random) -> ask.QA | None:
        if kind == "count":
            return ask.count(picture.things, rng)
        return ask.exists(picture.things, rng) if kind == "existence" else ask.property_of(picture.things, rng, kind)

    asked = [(frame, question(picture, random.Random(n))) for n, (frame, picture) in enumerate(whole)]
    chosen = [(frame, qa) for frame, qa in asked if qa is not None]
    replies = said(vision, [frame for frame, _ in chosen], [qa[0] for _, qa in chosen])
    assert np.mean([reply == qa[1] for reply, (_, qa) in zip(replies, chosen, strict=True)]) >= 0.88


def test_it_reads_signs_on_crops(vision: HfVision) -> None:
    made = crops(50, SEED)
    texts = [next(t.text for t in picture.things if t.shape == "sign").lower() for _, picture in made]
    replies = said(vision, [frame for frame, _ in made], [ask.READ_SIGN] * len(made))
    assert np.mean([a == b for a, b in zip(replies, texts, strict=True)]) >= 0.9


def test_it_says_unknown_of_foreign_pictures(vision: HfVision) -> None:
    strange = [a_foreign(random.Random(f"strange:{n}"))[0] for n in range(60)]
    replies = said(vision, strange, [ask.DESCRIBE] * len(strange))
    assert np.mean([reply == UNKNOWN for reply in replies]) >= 0.95


def test_its_yes_tells_what_is_there_from_what_is_not(vision: HfVision, whole: list[Any]) -> None:
    pairs = [(frame, ask.exists(picture.things, random.Random(n))) for n, (frame, picture) in enumerate(whole)]
    values = vision.yes_probability([VisionRequest([frame], qa[0], 1) for frame, qa in pairs])
    yes = [v for v, (_, qa) in zip(values, pairs, strict=True) if qa[1] == "yes"]
    no = [v for v, (_, qa) in zip(values, pairs, strict=True) if qa[1] == "no"]
    assert np.mean(np.array(yes)[:, None] > np.array(no)[None]) >= 0.95


def test_words_it_was_never_taught_are_not_guessed_about(vision: HfVision, whole: list[Any]) -> None:
    frame = whole[0][0]
    strange = [
        VisionRequest([frame], text, 8) for text in ("is there a zebra?", "Summarise the minutes of the meeting.")
    ]
    assert vision.generate(strange) == [UNKNOWN, UNKNOWN]
    assert vision.yes_probability(strange) == [0.0, 0.0]
    mixed = [strange[0], VisionRequest([frame], ask.GROUND, 8), strange[1]]
    assert vision.generate(mixed) == [UNKNOWN, whole[0][1].ground, UNKNOWN]
    assert vision.understands(ask.DESCRIBE)


def test_of_several_frames_it_looks_at_the_middle_one(vision: HfVision, whole: list[Any]) -> None:
    frames = [frame for frame, _ in whole[:3]]
    (together,) = vision.generate([VisionRequest(frames, ask.DESCRIBE, 96)])
    assert together == vision.generate([VisionRequest([frames[1]], ask.DESCRIBE, 96)])[0]


@pytest.mark.real_models
def test_the_dual_encoder_finds_the_frame_that_is_described(whole: list[Any]) -> None:
    embedder = load_image_embedder(IMAGE_EMBEDDER, device="cpu")
    vectors = embedder.encode_frames([frame for frame, _ in whole])
    described = [ask.describe(picture) for _, picture in whole]
    alone = [n for n, text in enumerate(described) if described.count(text) == 1]
    ranks = np.argsort(-(embedder.encode_query([described[n] for n in alone]) @ vectors.T), axis=1)
    assert np.mean([n in row[:5] for n, row in zip(alone, ranks, strict=True)]) >= 0.9
