"""What is said: subtitles where they cover it, else a transcript; both cut and joined into sentences of a few seconds.

Knows subtitles, sound and a transcriber; no clips, no store.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lvqa.indexers.stages.stage_model import StageModel
from lvqa.media.values import Samples, Subtitle
from lvqa.models.base import Transcriber, Utterance
from lvqa.models.replies import as_model_errors
from lvqa.types import Span

# A sentence may run over several subtitles; what is joined stays short enough to point at.
_JOIN_GAP_S = 2.0
_JOIN_S = 8.0
_JOIN_CHARACTERS = 240
_LONG_S = 12.0
_TINY_S = 1.0
_LEAST_WIDTH = 40
# What no subtitle stands in for longer is heard: than the seconds that Whisper hears at once, or half of a short video.
_LONGEST_PAUSE_S, _LONGEST_PAUSE_SHARE = 30.0, 0.5
# A track in which fewer cues end a sentence has no full stops to join by: each cue stays as it is.
_LEAST_ENDS = 0.1
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]]*$")
_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])")


@dataclass(frozen=True, slots=True)
class Listener:
    """Stage: stretches of sound, (offset in seconds, mono float32 at 16 kHz), into the utterances of each."""

    role: StageModel[Transcriber]

    def __call__(self, sounds: Sequence[tuple[float, object]]) -> list[list[Utterance]]:
        """Transcribe each stretch. Raises ModelError."""
        with as_model_errors("the transcriber", self.role.name):
            return [self.role.model.transcribe(samples, offset_s) for offset_s, samples in sounds]  # type: ignore[arg-type]


def spoken_by(subtitles: Sequence[Subtitle], duration_s: float) -> list[Utterance]:
    """The dialogue of subtitles as sentences, language by language."""
    found: list[Utterance] = []
    dialogue = [cue for cue in subtitles if cue.kind == "dialogue"]
    for language in dict.fromkeys(cue.language for cue in dialogue):
        said = [Utterance(cue.span, cue.text) for cue in dialogue if cue.language == language]
        ends = sum(_SENTENCE_END.search(utterance.text) is not None for utterance in said)
        found += sentences(said, duration_s, join=ends >= _LEAST_ENDS * len(said))
    return found


def signs_in(subtitles: Iterable[Subtitle], duration_s: float) -> list[Utterance]:
    """Subtitles that are no dialogue, each as it is."""
    cues = [(cue.span.clamp(duration_s), _tidy(cue.text)) for cue in subtitles if cue.kind == "signs"]
    return [Utterance(span, text) for span, text in cues if span is not None and text]


def pauses(subtitles: Iterable[Subtitle], duration_s: float) -> list[Span]:
    """Where the dialogue of subtitles leaves it open what is said: all of a video without any, else its long pauses."""
    longest_s = min(_LONGEST_PAUSE_S, _LONGEST_PAUSE_SHARE * duration_s)
    found: list[Span] = []
    at_s = 0.0
    silent = True
    for cue in sorted((cue for cue in subtitles if cue.kind == "dialogue"), key=lambda cue: cue.span):
        if cue.span.start_s - at_s > longest_s:
            found.append(Span(at_s, cue.span.start_s))
        at_s = max(at_s, cue.span.end_s)
        silent = False
    if silent or duration_s - at_s > longest_s:
        found.append(Span(at_s, duration_s))
    return found


def parts_in(offset_s: float, samples: Samples, wanted: Iterable[Span], rate: int) -> list[tuple[float, Samples]]:
    """The parts of a sound that lie in stretches, which do not overlap: (offset in seconds, samples) each."""
    parts: list[tuple[float, Samples]] = []
    for span in wanted:
        begin = max(0, round((span.start_s - offset_s) * rate))
        end = min(len(samples), round((span.end_s - offset_s) * rate))
        if begin < end:
            parts.append((offset_s + begin / rate if begin else offset_s, samples[begin:end]))
    return parts


def sentences(utterances: Iterable[Utterance], duration_s: float, *, join: bool = True) -> list[Utterance]:
    """Cut long utterances, join those that make one sentence, drop empty ones and what lies after the video's end.

    Two are joined when at most 2 s apart, together at most 8 s and 240 characters, and the first either does not end
    a sentence or is shorter than a second; none without `join`. A cut shares out the time by characters.
    """
    pieces: list[Utterance] = []
    for utterance in sorted(utterances, key=lambda u: (u.span.start_s, u.span.end_s)):
        span = utterance.span.clamp(duration_s)
        text = _tidy(utterance.text)
        if span is not None and text:
            pieces += _cut(Utterance(span, text))
    joined: list[Utterance] = []
    for piece in pieces:
        if joined and piece.text == joined[-1].text and piece.span.start_s < joined[-1].span.end_s:
            joined[-1] = Utterance(joined[-1].span.hull(piece.span), piece.text)
        elif joined and join and _belong(joined[-1], piece):
            joined[-1] = Utterance(joined[-1].span.hull(piece.span), f"{joined[-1].text} {piece.text}")
        else:
            joined.append(piece)
    return joined


def _tidy(text: str) -> str:
    from lvqa.prompts import clean

    tidied = " ".join(clean(text).split())
    return tidied if any(character.isalnum() for character in tidied) else ""


def _belong(first: Utterance, second: Utterance) -> bool:
    span = first.span.hull(second.span)
    return (
        second.span.start_s - first.span.end_s <= _JOIN_GAP_S
        and span.duration_s <= _JOIN_S
        and len(first.text) + 1 + len(second.text) <= _JOIN_CHARACTERS
        and (not _SENTENCE_END.search(first.text) or first.span.duration_s < _TINY_S)
    )


def _cut(utterance: Utterance) -> list[Utterance]:
    seconds, text = utterance.span.duration_s, utterance.text
    if seconds <= _LONG_S and len(text) <= _JOIN_CHARACTERS:
        return [utterance]
    width = max(_LEAST_WIDTH, min(_JOIN_CHARACTERS, int(len(text) * _JOIN_S / seconds)))
    parts = [part for sentence in _BETWEEN_SENTENCES.split(text) if sentence for part in textwrap.wrap(sentence, width)]
    total = sum(map(len, parts))
    pieces: list[Utterance] = []
    done = 0
    for part in parts:
        start_s = utterance.span.start_s + seconds * done / total
        done += len(part)
        pieces.append(Utterance(Span(start_s, utterance.span.start_s + seconds * done / total), part))
    return pieces
