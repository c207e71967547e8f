"""Speech into text through faster-whisper (CTranslate2), with its voice detector before it. Knows nothing of videos."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lvqa.errors import ModelError, ModelNotFound, UsageError
from lvqa.models.base import Utterance
from lvqa.models.choose import find_whisper, whisper_repo
from lvqa.models.hf.common import DeviceMemoryFull, first_line, is_out_of_memory, not_found
from lvqa.models.weights import hub_has
from lvqa.types import Span

Stretch = tuple[int, int]
FindSpeech = Callable[[npt.NDArray[np.float32]], Sequence[Stretch]]

_log = logging.getLogger("lvqa.models")

RATE = 16000
PAUSE_S = 1.0
# Whisper looks at so much at once; what goes on longer is cut, in the middle of a word where nobody looks.
WINDOW_S = 30.0
# Whisper's own numbers: its temperatures; the compression ratio of a text that repeats itself; the mean log-probability
# of one that is guessed; the probability of no speech from which a guessed one is silence.
TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
REPEATS, IMPROBABLE, SILENT = 2.4, -1.0, 0.6


class WhisperTranscriber:
    """A Transcriber. Decodes without its own text as context, so that one slip stays one slip.

    As Whisper (arXiv 2212.04356, section 4.5) has it, a stretch that repeats itself or is improbable is decoded again
    at rising temperatures; one that repeats itself even so, or is silence, is dropped. Draws start from one seed, so
    that the same sound always comes to the same text. `language` is a code such as "de"; found out where it is empty.
    `languages` are those it knows where these are few, empty where it finds out. `find_speech` gives the stretches in
    which somebody speaks, each shorter than WINDOW_S: as many as fit are decoded at once, so that no sentence is cut;
    without it the model itself looks for them.
    """

    def __init__(
        self,
        name: str,
        model: Any,
        *,
        beam: int = 5,
        language: str = "",
        languages: Iterable[str] = (),
        find_speech: FindSpeech | None = None,
    ) -> None:
        self.name = name
        self._find_speech = find_speech
        self.languages = frozenset(languages)
        self._model = model
        self._beam = beam
        self._language = language
        self._lock = threading.Lock()

    def transcribe(self, audio: npt.NDArray[np.float32], offset_s: float = 0.0) -> list[Utterance]:
        """Utterances in time order; silence and music give none. Raises ModelError."""
        if audio.ndim != 1:
            raise ModelError(f"{self.name} takes mono audio of shape (n,), got {audio.shape}")
        if len(audio) < RATE // 10:
            return []
        heard = self._heard(np.ascontiguousarray(audio, np.float32))
        parts = (part for segment in heard if is_speech(segment) for part in split_at_pauses(segment.words or []))
        return sorted(_utterances(parts, len(audio) / RATE, offset_s), key=lambda utterance: utterance.span)

    def _heard(self, audio: npt.NDArray[np.float32]) -> list[Any]:
        """The segments; where the beams do not fit the device, by half as many, and from then on by no more."""
        while True:
            try:
                with self._lock:
                    _start_draws()
                    if self._find_speech is None:
                        return self._decoded(audio, self._language)[0]
                    language, found = self._language, list[Any]()
                    for stretches in windows(self._find_speech(audio)):
                        sound = np.concatenate([audio[begin:end] for begin, end in stretches])
                        segments, language = self._decoded(sound, language)
                        for segment in segments:
                            segment.words = [placed(word, stretches) for word in segment.words or []]
                        found += segments
                    return found
            except (RuntimeError, ValueError, OSError, MemoryError) as error:
                if is_out_of_memory(error) and self._beam > 1:
                    fewer = self._beam // 2
                    told = {"model": self.name, "batch": self._beam, "now": fewer}
                    line = "%s: out of memory with %d beams; goes on with %d"
                    extra = {"event": "halved", "told": told}
                    _log.warning(line, self.name, self._beam, fewer, extra=extra)
                    self._beam = fewer
                    continue
                raise (DeviceMemoryFull if is_out_of_memory(error) else ModelError)(
                    f"{self.name} failed on {len(audio) / RATE:.1f} s of audio: {first_line(error)}"
                ) from error

    def _decoded(self, audio: npt.NDArray[np.float32], language: str) -> tuple[list[Any], str]:
        """The segments of a sound, and its language."""
        segments, about = self._model.transcribe(
            audio,
            language=language or None,
            beam_size=self._beam,
            temperature=TEMPERATURES,
            compression_ratio_threshold=REPEATS,
            log_prob_threshold=IMPROBABLE,
            no_speech_threshold=SILENT,
            condition_on_previous_text=False,
            vad_filter=self._find_speech is None,
            word_timestamps=True,
        )
        return list(segments), language or str(getattr(about, "language", ""))


def windows(stretches: Iterable[Stretch]) -> Iterator[list[Stretch]]:
    """Stretches of samples in groups that are decoded at once, each as long as fits."""
    group: list[Stretch] = []
    count = 0
    for begin, end in stretches:
        if group and count + end - begin > WINDOW_S * RATE:
            yield group
            group, count = [], 0
        group.append((begin, end))
        count += end - begin
    if group:
        yield group


def placed(word: Any, stretches: Sequence[Stretch]) -> Any:
    """A word with its times in the whole sound, where it was heard in one of its stretches, put one after the other."""
    middle = (word.start + word.end) / 2 * RATE
    past = 0
    for begin, end in stretches:
        if middle < past + end - begin or (begin, end) == stretches[-1]:
            shift_s = (begin - past) / RATE
            return replace(word, start=max(begin / RATE, word.start + shift_s), end=min(end / RATE, word.end + shift_s))
        past += end - begin
    return word


def _voices(audio: npt.NDArray[np.float32]) -> list[Stretch]:
    """The stretches in which the voice detector that comes with faster-whisper hears somebody."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    found = get_speech_timestamps(audio, VadOptions(max_speech_duration_s=WINDOW_S - 1))
    return [(int(stretch["start"]), int(stretch["end"])) for stretch in found]


def _start_draws() -> None:
    """Begin the draws of sampling anew; for the process, under the lock of the one who decodes."""
    try:
        import ctranslate2
    except ImportError:  # a stand-in decodes
        return
    ctranslate2.set_random_seed(0)


def is_speech(segment: Any) -> bool:
    """Whether a segment is no repetition and no silence, by what Whisper says of it."""
    silent = segment.no_speech_prob > SILENT and segment.avg_logprob < IMPROBABLE
    return not silent and bool(segment.compression_ratio <= REPEATS)


def split_at_pauses(words: Sequence[Any], pause_s: float = PAUSE_S) -> list[list[Any]]:
    """Words of a segment, parted where nobody speaks for `pause_s`: a segment may span half a minute of silence."""
    parts: list[list[Any]] = []
    for word in words:
        if parts and word.start - parts[-1][-1].end < pause_s:
            parts[-1].append(word)
        else:
            parts.append([word])
    return parts


def _utterances(parts: Iterable[list[Any]], length_s: float, offset_s: float) -> Iterator[Utterance]:
    for words in parts:
        start_s = min(max(0.0, float(words[0].start)), length_s)
        end_s = min(float(words[-1].end), length_s)
        text = " ".join("".join(str(word.word) for word in words).split())
        if text and start_s < end_s:
            yield Utterance(Span(offset_s + start_s, offset_s + end_s), text)


def load(spec: str, *, device: str = "auto", language: str = "") -> WhisperTranscriber:
    """Load `whisper:<size or folder>`; `tiny` also from the wheel that brings it.

    Raises ModelNotFound, ModelError, UsageError for a language that the model does not know.
    """
    try:
        import ctranslate2
        from faster_whisper import WhisperModel
    except ImportError as error:
        raise ModelNotFound(f"{spec} needs faster-whisper ({error}): pip install 'lvqa[asr]'") from error
    size = spec.partition(":")[2]
    folder = find_whisper(size)
    if folder is None and not hub_has(whisper_repo(size)):
        raise not_found(f"whisper:{whisper_repo(size)}")
    cuda = ctranslate2.get_cuda_device_count() > 0
    if device.startswith("cuda") and not cuda:
        raise UsageError(f"device {device!r} was asked for and there is no CUDA device; use --device cpu, or auto")
    use_cuda = cuda and device.partition(":")[0] in {"auto", "cuda"}
    index = device.partition(":")[2]
    try:
        model = WhisperModel(
            str(folder) if folder else whisper_repo(size),
            device="cuda" if use_cuda else "cpu",
            device_index=int(index) if use_cuda and index else 0,
            compute_type="float16" if use_cuda else "int8",
            local_files_only=folder is not None,
        )
    except (RuntimeError, ValueError, OSError) as error:
        where = folder or whisper_repo(size)
        raise ModelError(f"{spec}: {where} does not hold a faster-whisper model: {first_line(error)}") from error
    known = model.supported_languages
    if language and language not in known:
        told = "English alone" if list(known) == ["en"] else "other languages: " + ", ".join(sorted(known))
        raise UsageError(f"{spec} knows {told}; name a model that knows {language!r} with --asr, such as whisper:small")
    few = known if len(known) == 1 else ()
    return WhisperTranscriber(spec, model, language=language, languages=few, find_speech=_voices)
