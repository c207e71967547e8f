"""A device that is full: by halves, and on; one that is too much is an error that says so."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from lvqa.errors import ModelError
from lvqa.models.detect import HfDetector
from lvqa.models.embed import SentenceEmbedder
from lvqa.models.embed_image import SentenceImageEmbedder
from lvqa.models.hf.common import Batches, DeviceMemoryFull, device_errors, is_out_of_memory
from lvqa.models.replies import boxes_of, encode_document, encode_frames, encode_query, replies_of
from lvqa.models.speech import RATE, WhisperTranscriber


class Holds:
    """Works on at most so many at once, and keeps how many it was given."""

    def __init__(self, most: int, error: Exception) -> None:
        self.most = most
        self.error = error
        self.sizes: list[int] = []

    def __call__(self, items: Sequence[Any]) -> list[Any]:
        self.sizes.append(len(items))
        if len(items) > self.most:
            raise self.error
        return list(items)


def torch_oom() -> Exception:
    import torch

    return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")


@pytest.mark.parametrize(
    "error",
    [
        DeviceMemoryFull("full"), MemoryError(), torch_oom(), RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
    ],
)  # fmt: skip
def test_halves_until_it_fits_and_stays_there(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    holds, batches = Holds(2, error), Batches(None, "a:model")
    with caplog.at_level(logging.WARNING):
        assert batches.run(range(7), holds) == list(range(7))
    assert holds.sizes == [7, 4, 2, 2, 2, 1]
    assert batches.run(range(3), holds) == [0, 1, 2]
    assert holds.sizes[-2:] == [2, 1]
    assert [record.told["now"] for record in caplog.records] == [4, 2]  # type: ignore[attr-defined]
    assert "a:model: out of memory with 7 at once; goes on with 4" in caplog.text


def test_one_that_is_too_much_is_said() -> None:
    with pytest.raises(DeviceMemoryFull):
        Batches(4).run([1], Holds(0, DeviceMemoryFull("full")))


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), ModelError("bad"), ValueError("out of memory")])
def test_other_errors_are_not_tried_by_halves(error: Exception) -> None:
    holds = Holds(0, error)
    with pytest.raises(type(error)):
        Batches(4).run([1, 2, 3], holds)
    assert holds.sizes == [3]
    assert not is_out_of_memory(error)


def test_a_call_that_leaves_one_out_is_an_error() -> None:
    with pytest.raises(ModelError, match="gave 1 replies to 2"):
        Batches(4).run([1, 2], lambda items: items[:1])


def test_what_a_backend_raises_becomes_one_of_ours() -> None:
    with pytest.raises(DeviceMemoryFull, match="out of memory on cuda"), device_errors("a:model", "cuda"):
        raise torch_oom()
    with pytest.raises(ModelError, match="a:model failed: odd"), device_errors("a:model", "cuda"):
        raise RuntimeError("odd")
    with pytest.raises(ModelError, match="a:model failed: odd"), device_errors("a:model", "cuda"):
        raise ValueError("odd")


class Sentence:
    """As sentence-transformers looks from outside."""

    device = "cuda:0"

    def __init__(self, most: int) -> None:
        self.holds = Holds(most, torch_oom())

    def get_embedding_dimension(self) -> int:
        return 3

    def encode(self, items: Any, **_: Any) -> Any:
        return np.array([[len(str(item)), 1, 1] for item in self.holds(items)], np.float32)

    encode_query = encode_document = encode


def test_text_and_picture_embedders_go_on_by_halves() -> None:
    texts = ["a", "bbb", "cc", "dddd", "e"]
    embedder = SentenceEmbedder("st:x", Sentence(2))
    vectors = embedder.encode_document(texts)
    np.testing.assert_allclose(vectors[:, 0] / vectors[:, 1], [1, 3, 2, 4, 1], rtol=1e-5)
    assert max(embedder._model.holds.sizes) == 5
    with pytest.raises(DeviceMemoryFull):
        SentenceEmbedder("st:x", Sentence(0)).encode_query(["a"])
    pictures = SentenceImageEmbedder("st:x", Sentence(1), "cuda")
    assert pictures.encode_frames([np.zeros((4, 4, 3), np.uint8)] * 3).shape == (3, 3)


def test_detectors_go_on_by_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    holds = Holds(1, DeviceMemoryFull("full"))

    class Processor:
        def post_process_grounded_object_detection(self) -> None: ...

    detector = HfDetector("hf:x", None, Processor(), "cuda")
    monkeypatch.setattr(detector, "_detect", lambda part, labels: [[] for _ in holds(part)])
    assert detector.detect([np.zeros((4, 4, 3), np.uint8)] * 3, ["a star"]) == [[], [], []]
    assert holds.sizes == [3, 2, 1, 1, 1]


class Whisper:
    """As faster-whisper looks from outside: so many beams fit."""

    def __init__(self, most: int, message: str = "CUDA failed with error out of memory") -> None:
        self.most = most
        self.message = message
        self.beams: list[int] = []

    def transcribe(self, audio: Any, beam_size: int, **_: Any) -> tuple[Any, None]:
        self.beams.append(beam_size)
        if beam_size > self.most:
            raise RuntimeError(self.message)
        return iter(()), None


def test_transcribers_go_on_with_fewer_beams() -> None:
    audio = np.zeros(RATE, np.float32)
    model = Whisper(1)
    transcriber = WhisperTranscriber("whisper:x", model)
    assert transcriber.transcribe(audio) == transcriber.transcribe(audio) == []
    assert model.beams == [5, 2, 1, 1]
    with pytest.raises(DeviceMemoryFull, match=r"1\.0 s of audio"):
        WhisperTranscriber("whisper:x", Whisper(0)).transcribe(audio)
    with pytest.raises(ModelError, match="odd"):
        WhisperTranscriber("whisper:x", Whisper(0, "odd")).transcribe(audio)


class Own:
    """A model of one's own in all roles that fails in its own way."""

    name = "mine"

    def __init__(self, error: Exception | None = None, result: Any = ()) -> None:
        self.error = error
        self.result = result

    def _do(self, *_: Any) -> Any:
        if self.error is not None:
            raise self.error
        return self.result

    encode_query = encode_document = encode_frames = detect = generate = yes_probability = _do


FRAME = np.zeros((4, 4, 3), np.uint8)
CALLS = [
    lambda own: encode_query(own, ["a"]),
    lambda own: encode_document(own, ["a"]),
    lambda own: encode_frames(own, [FRAME]),
    lambda own: boxes_of(own, [FRAME], ["a"]),
    lambda own: replies_of(own, [None]),
]


@pytest.mark.parametrize("call", CALLS)
def test_what_a_model_of_ones_own_raises_is_a_model_error_that_names_it(call: Any) -> None:
    with pytest.raises(ModelError, match=r"ZeroDivisionError: by nothing.*mine"):
        call(Own(ZeroDivisionError("by nothing")))
    with pytest.raises(DeviceMemoryFull, match="mine"):
        call(Own(torch_oom()))
    with pytest.raises(ModelError, match="mine"):
        call(Own(result=np.zeros((0, 2), np.float32)))


def test_vectors_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ModelError, match="not finite"):
        encode_query(Own(result=np.full((1, 2), np.nan, np.float32)), ["a"])  # type: ignore[arg-type]
